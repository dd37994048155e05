"""What config.toml says of one Mastodon account, checked and explained field by field."""

from __future__ import annotations

from enum import StrEnum
from importlib.util import find_spec
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from gateway.text.hosts import is_loopback


class Shown(StrEnum):
    """Who sees the first line that answers a public mention."""

    PUBLIC = "public"  # everybody, also in timelines
    UNLISTED = "unlisted"  # everybody, but in no timeline


class Settings(BaseModel):
    """One account on one server. The access token comes from the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    server: str = Field(description='Address of the server, such as "https://mastodon.social". Required.')
    access_token: SecretStr = Field(
        min_length=1,
        description="Token of an application of the account, with read, write:statuses and write:media. From the "
        "environment.",
    )
    first_line: Shown = Field(
        Shown.UNLISTED,
        description='Who sees the line that answers a public mention before we go on in private: "unlisted" or '
        '"public". Default "unlisted".',
    )
    max_characters: int = Field(
        500,
        ge=200,
        le=100_000,
        description="Longest post that the server takes. Default 500, as Mastodon has it.",
    )
    poll_seconds: float = Field(
        15,
        gt=0,
        le=600,
        description="Seconds between two looks for news; 300 calls in 5 minutes are allowed.",
    )
    queue: str = Field("", description='Default queue of this account. Default "": none.')
    language: str = Field("", description='Language of this account. Default "": as detected.')

    @field_validator("server")
    @classmethod
    def _usable(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError('server is no web address; write one such as "https://mastodon.social"')
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("server would get the token in clear; use https://")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _installed(self) -> Self:
        if find_spec("mastodon") is None:
            raise ValueError("Mastodon needs its library; run: pip install 'deskgate[mastodon]'")
        return self

    def loopback(self) -> bool:
        """Whether the server is on this machine."""
        return is_loopback(urlsplit(self.server).hostname or "")
