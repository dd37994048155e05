"""What config.toml and the environment say about one Slack workspace."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator

from gateway.text.hosts import is_loopback

Secret = Annotated[SecretStr, Field(min_length=1)]


class Settings(BaseModel):
    """One workspace that the app of docs/slack.md is installed in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    signing_secret: Secret = Field(
        description="Signing secret of the app (Basic Information); proves that a request is Slack's. "
        "From the environment; no default."
    )
    bot_token: Secret = Field(
        description="Bot User OAuth Token of the app (OAuth & Permissions), starts with xoxb-. "
        "From the environment; no default."
    )
    team_id: Annotated[str, StringConstraints(pattern=r"^([TE][A-Z0-9]+)?$")] = Field(
        default="",
        description="Id of the workspace, T…; members of any other are outsiders. "
        'Default "": the workspace that the token belongs to.',
    )
    api_url: str = Field(
        default="https://slack.com/api/",
        description="Where Slack's Web API is: a proxy or a test server stands elsewhere. "
        'Default "https://slack.com/api/".',
    )
    file_limit: int = Field(
        default=5_000_000,
        ge=0,
        le=100_000_000,
        description="Largest file, in bytes, that is fetched from a thread; larger ones are only named. "
        "Default 5000000.",
    )
    queue: str = Field(default="", description='Default queue of this account. Default "": none.')
    language: str = Field(default="", description='Language of this account. Default "": as detected.')

    @field_validator("api_url")
    @classmethod
    def _usable_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError('api_url is no web address; write one such as "https://slack.com/api/"')
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("api_url would carry the token in clear; use https://")
        return value.rstrip("/") + "/"

    def loopback(self) -> bool:
        """True when this account talks to a server on this machine only."""
        return is_loopback(urlsplit(self.api_url).hostname or "")
