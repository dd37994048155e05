"""What config.toml says of the REST API, checked and explained field by field."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """One API. Keys are made by `deskgate api-keys add`; none stands in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_body: int = Field(
        10_000_000,
        ge=10_000,
        le=100_000_000,
        description="Bytes of one request, files included. Default 10000000.",
    )
    max_file_bytes: int = Field(
        5_000_000,
        ge=0,
        le=50_000_000,
        description="Bytes of one file; larger ones are refused. Default 5000000.",
    )
    per_minute: int = Field(
        600,
        ge=1,
        le=100_000,
        description="Requests of one key in a minute, half of them at once. Default 600.",
    )
    guesses: int = Field(
        20,
        ge=1,
        le=10_000,
        description="Wrong keys from one address in a minute, before it has to wait. Default 20.",
    )
    queue: str = Field(
        "", description='Queue of tickets that nothing else claims. Default "": the default queue.'
    )
    language: str = Field("", description='Language to begin with. Default "": as detected.')
