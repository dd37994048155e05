"""What config.toml and the environment say about one Telegram bot."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from gateway.text.hosts import is_loopback

#: The largest file that getFile hands to a bot (core.telegram.org/bots/api#getfile).
GET_FILE_LIMIT = 20_000_000


class Mode(StrEnum):
    """How updates reach us; Telegram allows one of the two at a time."""

    POLLING = "polling"
    WEBHOOK = "webhook"


class Settings(BaseModel):
    """One bot, as BotFather made it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bot_token: SecretStr = Field(
        description="Token that BotFather gave, such as 123456789:AA…. From the environment; no default."
    )
    mode: Mode = Field(
        Mode.POLLING,
        description='"polling": we ask Telegram, no public address is needed. "webhook": Telegram calls '
        'site.public_url, which must be https. Default "polling".',
    )
    groups: bool = Field(
        True, description="Whether the bot answers in groups when mentioned or replied to. Default true."
    )
    poll_seconds: int = Field(
        50, ge=0, le=50, description="Seconds that one question for news may wait at Telegram. Default 50."
    )
    max_connections: int = Field(
        20, ge=1, le=100, description="Webhook calls that Telegram may make at the same time. Default 20."
    )
    file_limit: int = Field(
        GET_FILE_LIMIT,
        ge=0,
        le=GET_FILE_LIMIT,
        description="Largest file, in bytes, that is fetched from Telegram; larger ones are only named. "
        "Default 20000000, the most that Telegram hands to a bot.",
    )
    api_url: str = Field(
        "https://api.telegram.org",
        description="Where the Bot API is: a proxy or a test server stands elsewhere. "
        'Default "https://api.telegram.org".',
    )
    queue: str = Field("", description='Default queue of this account. Default "": none.')
    language: str = Field("", description='Language of this account. Default "": as detected.')

    @field_validator("bot_token")
    @classmethod
    def _a_token(cls, value: SecretStr) -> SecretStr:
        number, _, secret = value.get_secret_value().partition(":")
        plain = secret.replace("-", "").replace("_", "")
        if not (number.isascii() and number.isdigit() and plain.isascii() and plain.isalnum()):
            raise ValueError("bot_token is no token of BotFather; it looks like 123456789:AA…")
        return value

    @field_validator("api_url")
    @classmethod
    def _usable_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError('api_url is no web address; write one such as "https://api.telegram.org"')
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("api_url would carry the token in clear; use https://")
        return value.rstrip("/")

    @property
    def bot_id(self) -> int:
        """The bot's own user id, which its token begins with."""
        return int(self.bot_token.get_secret_value().partition(":")[0])

    def loopback(self) -> bool:
        """True when this account talks to a server on this machine only."""
        return is_loopback(urlsplit(self.api_url).hostname or "")
