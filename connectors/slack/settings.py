"""What config.toml and the environment say about one Slack workspace."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from gateway.text.hosts import is_loopback

Secret = Annotated[SecretStr, Field(min_length=1)]
Command = Annotated[str, StringConstraints(pattern=r"^(/[a-z0-9_-]{1,31})?$")]
ChannelId = Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{2,}$")]


class Settings(BaseModel):
    """One workspace that the app of docs/slack.md is installed in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    app_token: Secret | None = Field(
        default=None,
        description="App-level token with the scope connections:write (Basic Information), starts with xapp-. With "
        "it Deskgate calls Slack (Socket Mode) and needs no public address. From the environment; this or "
        "signing_secret is needed.",
    )
    signing_secret: Secret | None = Field(
        default=None,
        description="Signing secret of the app (Basic Information); proves that a request over HTTP is Slack's. "
        "From the environment; this or app_token is needed.",
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
    support_channels: tuple[ChannelId, ...] = Field(
        default=(),
        description="Ids of channels, C…, where every message is a customer's, also without naming the app. "
        "Default: none; elsewhere the app hears what names it.",
    )
    together_minutes: float = Field(
        default=10,
        ge=0,
        le=1440,
        description="What one person writes into a channel within this time is one ticket. Default 10.",
    )
    command: Command = Field(
        default="/deskgate",
        description='Slash command of the agents. Default "/deskgate"; "" for none.',
    )
    customer_command: Command = Field(
        default="",
        description="Slash command by which anybody asks a question; may be the agents' too. "
        'Default "": none.',
    )
    api_url: str = Field(
        default="https://slack.com/api/",
        description="Where Slack's Web API is: a proxy or a test server stands elsewhere. "
        'Default "https://slack.com/api/".',
    )
    file_limit: int = Field(
        default=20_000_000,
        ge=0,
        le=100_000_000,
        description="Largest file, in bytes, that is fetched from a message; larger ones are only named. "
        "Default 20000000.",
    )
    speed: float = Field(
        default=1.0,
        gt=0,
        le=1000,
        description="Multiple of Slack's documented limits at which messages leave: more only where Slack granted "
        "more, or towards a test server. Default 1.",
    )
    queue: str = Field(default="", description='Default queue of this account. Default "": none.')
    language: str = Field(default="", description='Language of this account. Default "": as detected.')

    @field_validator("support_channels", mode="before")
    @classmethod
    def _with_commas(cls, value: object) -> object:
        """A list in an environment variable is written with commas."""
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("api_url")
    @classmethod
    def _usable_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError('api_url is no web address; write one such as "https://slack.com/api/"')
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("api_url would carry the token in clear; use https://")
        return value.rstrip("/") + "/"

    @field_validator("app_token")
    @classmethod
    def _an_app_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith("xapp-"):
            raise ValueError("app_token is no app-level token; it begins with xapp- (docs/slack.md, step 2)")
        return value

    @model_validator(mode="after")
    def _some_way_in(self) -> Self:
        if self.app_token is None and self.signing_secret is None:
            raise ValueError(
                "Slack can reach Deskgate by no way: set app_token (Socket Mode, no public address needed) or "
                "signing_secret (HTTP) in the environment; docs/slack.md, step 2"
            )
        return self

    def loopback(self) -> bool:
        """True when this account talks to a server on this machine only."""
        return is_loopback(urlsplit(self.api_url).hostname or "")
