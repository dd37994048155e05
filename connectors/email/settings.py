"""What config.toml says of one mail account, checked and explained field by field."""

from __future__ import annotations

import re
import ssl
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from gateway.text.hosts import is_loopback


class Security(StrEnum):
    """How a connection is kept from being read."""

    TLS = "tls"  # encrypted from the first byte
    STARTTLS = "starttls"  # encrypted before anything is said; refused when the server cannot
    NONE = "none"


class Auth(StrEnum):
    """How the mail servers learn that it is us."""

    PASSWORD = "password"  # noqa: S105 - the word, not one
    XOAUTH2 = "xoauth2"  # a token that the provider gives (Microsoft 365, Google)


class Provider(StrEnum):
    """Who gives the tokens of `auth = "xoauth2"`."""

    MICROSOFT = "microsoft"
    GOOGLE = "google"
    OTHER = "other"


class GrantKind(StrEnum):
    """How the provider is persuaded (RFC 6749 sections 4.1 and 4.4, RFC 8628)."""

    CLIENT_CREDENTIALS = "client_credentials"  # the program signs in for itself; an admin allowed it once
    DEVICE_CODE = "device_code"  # somebody types a code into a browser on any machine
    CONSENT = "consent"  # somebody allows it in a browser and comes back with a code


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
    auth: Auth = Field(
        Auth.PASSWORD,
        description='"password", or "xoauth2" for Microsoft 365 and Google accounts that take no passwords; then run '
        '`deskgate mail authorize ADDRESS` once. Default "password".',
    )
    oauth_provider: Provider = Field(
        Provider.MICROSOFT,
        description='With xoauth2: "microsoft", "google" or "other". Default "microsoft".',
    )
    oauth_grant: GrantKind | None = Field(
        None,
        description='How the token is got: "client_credentials", "device_code" or "consent". Default: '
        "client_credentials for Microsoft where a client secret is given, else device_code; consent for Google.",
    )
    oauth_tenant: str = Field(
        "organizations", description="Microsoft: the tenant's id or domain. Default organizations."
    )
    oauth_client_id: str = Field("", description="Id of the application you registered there. Default empty.")
    oauth_client_secret: SecretStr = Field(
        SecretStr(""), description="Its secret, where the provider gives one. Default empty."
    )
    oauth_secret_ends: date | None = Field(
        None,
        description='Day on which that secret ends, such as "2027-05-31": Deskgate warns 30 days before. Default none.',
    )
    oauth_token_url: str = Field(
        "", description="Where tokens are given; needed for other providers. Default: the provider's."
    )
    oauth_sign_in_url: str = Field(
        "",
        description="Where a device code is asked for, or where consent is given; needed for other providers. "
        "Default: the provider's.",
    )
    oauth_scope: str = Field(
        "", description="What is asked for; needed for other providers. Default: mail at the provider."
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
    def grant(self) -> GrantKind:
        """The way to a token that the settings name or mean."""
        if self.oauth_grant is not None:
            return self.oauth_grant
        if self.oauth_provider is not Provider.MICROSOFT:
            return GrantKind.CONSENT
        secret = self.oauth_client_secret.get_secret_value()
        return GrantKind.CLIENT_CREDENTIALS if secret else GrantKind.DEVICE_CODE

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

    @field_validator("oauth_token_url", "oauth_sign_in_url", mode="after")
    @classmethod
    def _kept_from_being_read(cls, value: str) -> str:
        host = urlsplit(value).hostname or ""
        if value and not (
            value.startswith("https://") or (value.startswith("http://") and is_loopback(host))
        ):
            raise ValueError("write an address that begins with https://")
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
    def _no_secret_in_clear(self) -> Self:
        token = self.auth is Auth.XOAUTH2
        _refuse_clear("imap", self.imap_host, self.imap_security, token or _given(self.imap_password))
        _refuse_clear("smtp", self.smtp_host, self.smtp_security, token or _given(self.smtp_password))
        return self

    @model_validator(mode="after")
    def _can_ask_for_tokens(self) -> Self:
        if self.auth is not Auth.XOAUTH2:
            return self
        if not self.oauth_client_id:
            raise ValueError("xoauth2 needs oauth_client_id, the id of the application you registered")
        if self.oauth_provider is Provider.GOOGLE and self.grant is not GrantKind.CONSENT:
            raise ValueError('Google gives tokens for mail by oauth_grant = "consent" only')
        if self.grant is GrantKind.CLIENT_CREDENTIALS and not _given(self.oauth_client_secret):
            raise ValueError("client_credentials needs oauth_client_secret")
        asked = self.oauth_sign_in_url or self.grant is GrantKind.CLIENT_CREDENTIALS
        if self.oauth_provider is Provider.OTHER and not (
            asked and self.oauth_token_url and self.oauth_scope
        ):
            raise ValueError(
                "another provider needs oauth_token_url, oauth_scope and, except for client_credentials, "
                "oauth_sign_in_url"
            )
        return self


def _mailbox(value: str) -> str:
    value = value.strip().lower()
    local, at, domain = value.rpartition("@")
    if not (local and at and domain) or any(c.isspace() or c in '<>,;"' for c in value):
        raise ValueError("write one plain mail address, such as support@example.com")
    return value


def _given(secret: SecretStr) -> bool:
    return bool(secret.get_secret_value())


def _refuse_clear(prefix: str, host: str, security: Security, signs_in: bool) -> None:
    if host and security is Security.NONE and signs_in and not is_loopback(host):
        raise ValueError(
            f'{prefix}_security = "none" would send the password readable to {host}: use "tls" or "starttls"'
        )
