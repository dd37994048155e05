"""What config.toml may say about one web chat account."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Settings(BaseModel):
    """One web chat account."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    queue: str = Field("", description="Queue that a ticket of this chat goes to when no rule names one.")
    language: str = Field(
        "", description="Language of the page (en, sl, zh-Hans, zh-Hant, de, es); empty: the browser's."
    )
    title: str = Field("", description="Heading of the chat; empty: the company's name.")
    email_account: str = Field(
        "",
        description="Account of the email channel that mails an answer to a visitor who left; empty: never asked.",
    )
    allowed_origins: tuple[str, ...] = Field(
        (), description="Origins of the sites that may embed the chat, such as https://shop.example.com."
    )
    ack_seconds: float = Field(
        4.0, gt=0, le=30, description="Seconds to wait for the visitor's browser to show an answer."
    )
    max_file_bytes: int = Field(
        5 * 1024 * 1024,
        ge=0,
        le=50 * 1024 * 1024,
        description="Bytes of one attached file; 0: files are not taken.",
    )
    messages_per_minute: int = Field(20, ge=1, description="Messages that one visitor may send in a minute.")
    address_per_minute: int = Field(
        120, ge=1, description="Messages that may come from one source address in a minute."
    )
    sessions_per_minute: int = Field(
        20, ge=1, description="Chats that one source address may begin in a minute."
    )
    proxies: int = Field(
        0,
        ge=0,
        le=8,
        description="Reverse proxies of ours in front whose X-Forwarded-For entries are believed.",
    )
    visitor_days: int = Field(180, ge=1, description="Days for which a browser keeps its chat.")
    resume_days: int = Field(
        30, ge=1, description="Days for which the link in a mail leads back to the chat."
    )

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
                raise ValueError(
                    f"{origin!r} is no origin; write scheme and host only: https://shop.example.com"
                )
        return tuple(origin.lower() for origin in value)
