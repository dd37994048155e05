"""What config.toml says of one mail account, checked and explained field by field."""

from __future__ import annotations

import re
import ssl
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from gateway.text.hosts import is_loopback


class Security(StrEnum):
    """How a connection is kept from being read."""

    TLS = "tls"  # encrypted from the first byte
    STARTTLS = "starttls"  # encrypted before anything is said; refused when the server cannot
    NONE = "none"


class Protocol(StrEnum):
    """What the listener speaks; LMTP is for a mail server on the same machine."""

    SMTP = "smtp"
    LMTP = "lmtp"


_PORTS_IN = {Security.TLS: 993, Security.STARTTLS: 143, Security.NONE: 143}
_PORTS_OUT = {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}


class Settings(BaseModel):
    """One mail account. Passwords come from the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = Field(description="The address that customers write to. Required.")
    name: str = Field("", description="Name shown beside it; the company's name when empty. Default empty.")
    aliases: tuple[str, ...] = Field(
        (), description="Other addresses that arrive in this mailbox. Default none."
    )
    queue: str = Field(
        "", description="Queue of tickets that come in here; empty lets the rules decide. Default empty."
    )
    language: str = Field(
        "", description="Language to assume when a mail's own cannot be told. Default empty."
    )
    trusted_forms: tuple[str, ...] = Field(
        (),
        description="Senders that write for others, such as the contact form of your site: the address in Reply-To is "
        "the person. For all other mail Reply-To is not believed. Default none.",
    )
    authserv: str = Field(
        "",
        description="Name by which your mail host signs Authentication-Results, such as mx.example.com. A sender that "
        "it calls forged (DMARC fail) joins no ticket. Default empty: nobody is believed.",
    )
    plus_addressing: bool = Field(
        True,
        description="Answer from support+key@…, so that a reply finds its ticket even when its headers were lost. "
        "Switch it off when the mailbox does not take plus addresses. Default true.",
    )
    signature: str = Field(
        "", description="Markdown below every mail of this account, after a line of two dashes. Default none."
    )
    quote: bool = Field(False, description="Put the mail that is answered below an answer. Default false.")
    max_mail: int = Field(
        25 * 1024 * 1024,
        ge=64 * 1024,
        description="Largest mail taken or sent, in bytes. Default 26214400 (25 MB).",
    )

    listen: str = Field(
        "",
        description='Take mail by SMTP here, as "host:port"; port 0 picks one. Default empty: no listener.',
    )
    listen_protocol: Protocol = Field(Protocol.SMTP, description='"smtp" or "lmtp". Default "smtp".')
    listen_connections: int = Field(
        20, ge=1, description="Connections taken at once; more are asked to come back. Default 20."
    )

    imap_host: str = Field("", description="Fetch mail from this IMAP server. Default empty: none.")
    imap_port: int = Field(
        0, ge=0, le=65535, description="Its port; 0 means 993 for tls and 143 otherwise. Default 0."
    )
    imap_security: Security = Field(Security.TLS, description='"tls", "starttls" or "none". Default "tls".')
    imap_username: str = Field("", description="User name there; the address when empty. Default empty.")
    imap_password: SecretStr = Field(
        SecretStr(""), description="Password there, or an app password. Default empty."
    )
    imap_folder: str = Field("INBOX", min_length=1, description="Folder to read. Default INBOX.")
    imap_flag: str = Field(
        "",
        description='Flag that a mail gets once it is kept here, such as "\\Seen" or "Deskgate". Default none.',
    )
    imap_move_to: str = Field(
        "",
        description="Folder that a mail is moved to once it is kept here; made when it is missing. "
        "Nothing is ever deleted. Default none: mail stays where it is.",
    )
    imap_idle: bool = Field(
        True,
        description="Let the server announce new mail (IDLE) where it can. Default true; false only polls.",
    )
    imap_poll: float = Field(
        60.0, gt=0, description="Seconds between two looks where the server cannot announce. Default 60."
    )

    outgoing_folder: Path = Field(
        Path("var/outgoing-mail"),
        description="Without smtp_host, mail is written here as .eml files and not sent. Default var/outgoing-mail.",
    )
    smtp_host: str = Field(
        "", description="Send through this relay. Default empty: write to outgoing_folder."
    )
    smtp_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Its port; 0 means 587 for starttls, 465 for tls, 25 for none. Default 0.",
    )
    smtp_security: Security = Field(
        Security.STARTTLS,
        description='"starttls", "tls" or "none". Nothing is sent when the relay cannot do it. Default "starttls".',
    )
    smtp_username: str = Field("", description="User name there; empty signs in nowhere. Default empty.")
    smtp_password: SecretStr = Field(
        SecretStr(""), description="Password there, or an app password. Default empty."
    )
    smtp_timeout: float = Field(
        20.0,
        gt=0,
        le=20,
        description="Seconds the relay has to take a mail's addresses, and again its content. Default 20, at most 20: "
        "the outbox waits no longer for both.",
    )

    ca_file: str = Field(
        "",
        description="File with the certificates to trust (PEM), for a company's own. Default empty: the system's.",
    )

    @property
    def leaves_marks(self) -> bool:
        """Whether the mailbox shows which mail was read."""
        return bool(self.imap_flag or self.imap_move_to)

    def loopback(self) -> bool:
        """Whether mail of this account comes from and goes to this machine only."""
        hosts = [self.listen_at[0] if self.listen else "", self.imap_host, self.smtp_host]
        return all(not host or is_loopback(host) for host in hosts)

    @property
    def listen_at(self) -> tuple[str, int]:
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def imap_at(self) -> tuple[str, int]:
        return self.imap_host, self.imap_port or _PORTS_IN[self.imap_security]

    @property
    def smtp_at(self) -> tuple[str, int]:
        return self.smtp_host, self.smtp_port or _PORTS_OUT[self.smtp_security]

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    @property
    def ours(self) -> tuple[str, ...]:
        """Every address of this account, without plus forms."""
        return (self.address, *self.aliases)

    def tls_context(self) -> ssl.SSLContext:
        """A client's context that verifies names and certificates. Raises OSError for an unreadable ca_file."""
        return ssl.create_default_context(cafile=self.ca_file or None)

    @field_validator("address", "aliases", "trusted_forms", mode="after")
    @classmethod
    def _lower_addresses(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        return _mailbox(value) if isinstance(value, str) else tuple(_mailbox(one) for one in value)

    @field_validator("listen", mode="after")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if value and not (host and port.isdecimal() and int(port) < 65536):
            raise ValueError('write host and port, such as "127.0.0.1:2525"')
        return value

    @field_validator("imap_flag", mode="after")
    @classmethod
    def _a_flag(cls, value: str) -> str:
        """A keyword or system flag (RFC 9051 section 2.3.2); the one that deletes is refused."""
        if value and not re.fullmatch(r"\\?[A-Za-z0-9$_.-]{1,40}", value):
            raise ValueError('write one IMAP flag, such as "\\\\Seen" or "Deskgate"')
        if value.lower() in ("\\deleted", "\\recent"):
            raise ValueError("this flag is not for us to set: mail is never deleted")
        return value

    @field_validator("ca_file", mode="after")
    @classmethod
    def _readable(cls, value: str) -> str:
        if value and not Path(value).is_file():
            raise ValueError(f"there is no file {value}")
        return value

    @model_validator(mode="after")
    def _no_password_in_clear(self) -> Self:
        _refuse_clear("imap", self.imap_host, self.imap_security, self.imap_password)
        _refuse_clear("smtp", self.smtp_host, self.smtp_security, self.smtp_password)
        return self


def _mailbox(value: str) -> str:
    value = value.strip().lower()
    local, at, domain = value.rpartition("@")
    if not (local and at and domain) or any(c.isspace() or c in '<>,;"' for c in value):
        raise ValueError("write one plain mail address, such as support@example.com")
    return value


def _refuse_clear(prefix: str, host: str, security: Security, password: SecretStr) -> None:
    if host and security is Security.NONE and password.get_secret_value() and not is_loopback(host):
        raise ValueError(
            f'{prefix}_security = "none" would send the password readable to {host}: use "tls" or "starttls"'
        )
