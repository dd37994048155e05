"""What config.toml says about alarms and figures: who hears of trouble, by a way other than the channels."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from gateway.settings.section import Section


class AlarmSettings(Section):
    mail_to: tuple[str, ...] = Field((), description="Addresses that hear of an alarm and of its end.")
    mail_from: str = Field("", description="Sender of these mails; the first of mail_to when empty.")
    smtp_host: str = Field(
        "", description="Relay for them: another one than that of the answers, whose failure must be told."
    )
    smtp_port: int = Field(0, ge=0, le=65535, description="Its port; 0 means 587, 465 or 25 by security.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the way to it is protected."
    )
    smtp_username: str = Field("", description="User name there; empty signs in nowhere.")
    smtp_password: SecretStr = Field(SecretStr(""), description="Password there.")
    url: SecretStr = Field(
        SecretStr(""), description='Gets a POST of {"text": …}, as chat programs take it; may hold a token.'
    )
    command: tuple[str, ...] = Field((), description="Program and arguments that get the alarms on stdin.")
    after_minutes: float = Field(
        5, gt=0, description="How long a connection must be lost, or inputs wait, before that is an alarm."
    )
    unsent_minutes: float = Field(30, gt=0, description="How long messages may wait to be sent.")
    silent_hours: float = Field(
        0, ge=0, description="An alarm when an account brought nothing for so long; 0: never."
    )

    promises: Literal["never", "breach", "warning"] = Field(
        "breach",
        description="Broken promises are alarms, too: one a queue, and one for each urgent ticket; or already the "
        "warnings before.",
    )

    @field_validator("url")
    @classmethod
    def _web(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not value.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("must begin with https:// or http://")
        return value

    @model_validator(mode="after")
    def _relay(self) -> Self:
        if bool(self.mail_to) != bool(self.smtp_host):
            raise ValueError("mail_to and smtp_host belong together: give both or neither")
        return self

    @property
    def ways(self) -> tuple[str, ...]:
        """Which ways out are named."""
        named = {"mail": self.mail_to, "url": self.url.get_secret_value(), "command": self.command}
        return tuple(name for name, value in named.items() if value)


class MetricsSettings(Section):
    token: SecretStr = Field(
        SecretStr(""),
        description="Who sends it as a bearer token may read /metrics from elsewhere; this machine may always.",
    )
