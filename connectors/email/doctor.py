"""What is wrong with a mailbox, its relay and its name in the world: asked by hand, each finding with its remedy.

It sends at most two mails, from the mailbox to itself, which stay there; nothing else is changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import Iterator
from datetime import datetime

import msgspec
from aiosmtplib import SMTP
from imapclient import IMAPClient
from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError

from connectors.email import mailbox
from connectors.email.compose import Composed
from connectors.email.dns_records import Nameserver, of_domain
from connectors.email.grant import Grant
from connectors.email.mime import Part, parse
from connectors.email.outgoing import Relay
from connectors.email.reply_key import reply_address
from connectors.email.settings import Auth, Security, Settings
from gateway.errors import DeskgateError, Retryable, Undeliverable
from gateway.operations.findings import Finding, error, ok, warning

_ARRIVES_WITHIN = 40.0  # seconds that a mail to oneself may take
_TOKEN = "Run `deskgate mail authorize {address}`."  # noqa: S105 - a sentence


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """What was found; `plus` is None when it could not be told whether plus addresses arrive."""

    findings: list[Finding]
    plus: bool | None = None


async def examine(
    settings: Settings,
    now: datetime,
    *,
    token: str = "",
    within: float = 0.0,
    nameserver: Nameserver | None = None,
) -> Examined:
    """Signs in, looks at the folders, sends a mail to itself, asks DNS. Raises nothing: what fails is a finding."""
    if settings.auth is Auth.XOAUTH2 and not token:
        return Examined(findings=[error("There is no token to sign in with.", _remedy_of_token(settings))])
    reading = (
        await asyncio.to_thread(_of_mailbox, settings, token) if settings.imap_host else _no_imap(settings)
    )
    sending = await _of_relay(settings, token)
    found, plus, arrived = [*reading, *sending], None, None
    usable = not any(finding.level == "error" for finding in found)
    if usable and settings.imap_host and settings.smtp_host:
        trip, plus, arrived = await _round_trip(settings, now, token, within or _ARRIVES_WITHIN)
        found += trip
    if settings.smtp_host:  # else nobody gets mail of this domain from us
        found += await of_domain(settings.domain, arrived, nameserver)
    return Examined(findings=found, plus=plus)


def _remedy_of_token(settings: Settings) -> str:
    return _TOKEN.format(address=settings.address)


# ---------------------------------------------------------------- reading


def _no_imap(settings: Settings) -> list[Finding]:
    if settings.listen:
        return [ok(f"No mailbox is read; mail is taken directly at {settings.listen}.")]
    return [warning("Nothing comes in: no mailbox is read and nothing listens.", "Set imap_host, or listen.")]


def _of_mailbox(settings: Settings, token: str) -> list[Finding]:
    """Connection, sign-in and folders, each as far as the one before allows."""
    where = f"{settings.imap_host} ({settings.imap_security})"
    try:
        client = mailbox.connect(settings)
    except (IMAPClientError, OSError) as problem:
        return [error(f"The mail server {where} cannot be reached.", _imap_remedy(problem, settings))]
    with contextlib.closing(_Closing(client)):
        try:
            mailbox.sign_in(client, settings, token)
        except (IMAPClientError, OSError) as problem:
            return [
                ok(f"The mail server {where} answers."),
                error("It does not let us sign in.", _imap_remedy(problem, settings)),
            ]
        try:
            return [
                ok(f"We can sign in to {where}."),
                *_of_folders(client, settings),
                *_of_abilities(client, settings),
            ]
        except (IMAPClientError, OSError) as problem:
            return [
                error(
                    f"The mailbox cannot be looked at ({type(problem).__name__}).", "Try again in a moment."
                )
            ]


class _Closing:
    """Leaves politely, whatever state the connection is in."""

    def __init__(self, client: IMAPClient) -> None:
        self._client = client

    def close(self) -> None:
        with contextlib.suppress(IMAPClientError, OSError):
            self._client.logout()


def _of_folders(client: IMAPClient, settings: Settings) -> Iterator[Finding]:
    names = [str(name) for _, _, name in client.list_folders()]
    if client.folder_exists(settings.imap_folder):
        state = client.folder_status(settings.imap_folder, ["MESSAGES"])
        yield ok(f"The folder {settings.imap_folder} is there, with {int(state[b'MESSAGES']):,} mails.")
    else:
        listed = ", ".join(names[:20])
        yield error(
            f"There is no folder {settings.imap_folder}.", f"Set imap_folder to one of these: {listed}."
        )
    if settings.imap_move_to and settings.imap_move_to not in names:
        yield ok(f"The folder {settings.imap_move_to} is not there yet; the start makes it.")


def _of_abilities(client: IMAPClient, settings: Settings) -> Iterator[Finding]:
    if settings.imap_idle and client.has_capability("IDLE"):
        yield ok("The server announces new mail (IDLE).")
    else:
        yield ok(f"New mail is looked for every {settings.imap_poll:g} seconds.")
    if settings.imap_move_to and not client.has_capability("MOVE"):
        yield warning(
            "The server cannot move mail; it gets a copy in the folder and stays where it is.",
            "Leave imap_move_to empty and use imap_flag instead.",
        )


def _imap_remedy(problem: Exception, settings: Settings) -> str:
    match problem:
        case LoginError() if settings.auth is Auth.XOAUTH2:
            return f"See that IMAP is on and allowed for this mailbox. Else: {_remedy_of_token(settings)}"
        case LoginError():
            return (
                "Check imap_username and imap_password. With two-step sign-in it must be an app password; some "
                "providers switch IMAP off until you allow it in the settings of the mailbox."
            )
        case CapabilityError():
            return 'It cannot do STARTTLS: set imap_security = "tls".'
        case ssl.SSLCertVerificationError():
            return "Its certificate is not to be trusted: correct imap_host, or set ca_file for your own."
        case ssl.SSLError():
            return 'It does not speak TLS there: set imap_security = "starttls", or correct imap_port.'
        case IMAPClientError():
            return "It answers, but not as a mail server does: correct imap_host and imap_port."
    return "Correct imap_host and imap_port, and see that a firewall lets us out."


# ---------------------------------------------------------------- sending


async def _of_relay(settings: Settings, token: str) -> list[Finding]:
    if not settings.smtp_host:
        return [
            warning(
                f"Nothing is sent: answers are written into {settings.outgoing_folder}.",
                "Set smtp_host once you want mail to leave.",
            )
        ]
    where = f"{settings.smtp_host} ({settings.smtp_security})"
    relay = _relay(settings, token)
    try:
        client = await relay.opened()
    except Retryable as problem:
        return [error(f"The mail relay {where} does not take our mail.", problem.reason)]
    try:
        return [*_of_greeting(client, settings, where)]
    finally:
        await relay.close()


def _of_greeting(client: SMTP, settings: Settings, where: str) -> Iterator[Finding]:
    signs_in = bool(settings.smtp_username) or settings.auth is Auth.XOAUTH2
    yield ok(f"The mail relay {where} answers{' and lets us sign in' if signs_in else ''}.")
    if settings.smtp_security is Security.NONE and client.supports_extension("starttls"):
        yield warning(
            "Mail goes to the relay readable, though it can STARTTLS.", 'Set smtp_security = "starttls".'
        )
    if not signs_in and client.supports_extension("auth"):
        yield ok("It offers to sign in (AUTH); without smtp_username we do not.")
    size = client.esmtp_extensions.get("size", "")
    if size.isdecimal() and 0 < int(size) < settings.max_mail:
        yield warning(
            f"It takes mails up to {int(size) >> 20} MB only, less than max_mail.",
            f"Set max_mail = {int(size)}, so that agents are told before they send.",
        )


def _relay(settings: Settings, token: str) -> Relay:
    if settings.auth is not Auth.XOAUTH2:
        return Relay(settings, bucket="doctor")
    given: Grant = _Given(token)  # type: ignore[assignment]  # as far as a relay asks
    return Relay(settings, bucket="doctor", grant=lambda: given)


class _Given:
    """The token at hand, as Grant hands it out."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token

    async def refused(self) -> None:
        """Nobody here renews it."""


# ---------------------------------------------------------------- there and back


async def _round_trip(
    settings: Settings, now: datetime, token: str, within: float
) -> tuple[list[Finding], bool | None, Part | None]:
    """Mails itself at a plus address, and at its plain one when that does not arrive; the mail that did arrive."""
    key = f"doctor{secrets.token_hex(4)}"
    keyed = reply_address(settings.address, key if settings.plus_addressing else "")
    problem, arrived = await _mailed(settings, now, token, within, keyed)
    if arrived is not None and not settings.plus_addressing:
        return [ok(f"A mail to {settings.address} itself went out and came back.")], None, arrived
    if arrived is not None:
        what = f"A mail to {_shown(keyed, key)} went out and came back: replies find their ticket."
        return [ok(what)], True, arrived
    plain_problem, arrived = await _mailed(settings, now, token, within, settings.address)
    if arrived is None:
        seconds = f"{within:g} seconds"
        return (
            [
                error(
                    plain_problem or f"A mail to {settings.address} itself did not arrive within {seconds}.",
                    "Look into its spam folder, and see that imap_folder is where new mail arrives.",
                )
            ],
            None,
            None,
        )
    why = problem or f"it did not arrive within {within:g} seconds"
    return (
        [
            warning(
                f"Mail to {_shown(keyed, key)} does not reach the mailbox: {why}",
                "Answers leave without the key from now on, and headers find the ticket. Set plus_addressing = false, "
                "or let your provider deliver plus addresses and run doctor again.",
            )
        ],
        False,
        arrived,
    )


def _shown(keyed: str, key: str) -> str:
    return keyed.replace(key, "key")


async def _mailed(
    settings: Settings, now: datetime, token: str, within: float, to: str
) -> tuple[str, Part | None]:
    """Why a mail to this address did not leave ("" when it did), and the mail as it arrived."""
    mail = _test_mail(settings, now, to)
    relay = _relay(settings, token)
    try:
        await relay.send(mail)
    except (Undeliverable, DeskgateError) as problem:
        return str(problem), None
    finally:
        await relay.close()
    raw = await asyncio.to_thread(_await_mail, settings, token, mail.message_id, within)
    return "", parse(raw) if raw else None


def _test_mail(settings: Settings, now: datetime, to: str) -> Composed:
    """A mail that a running Deskgate knows for its own and passes over: it comes from ourselves."""
    identifier = f"doctor-{secrets.token_hex(8)}@{settings.domain}"
    head = {
        "Message-ID": f"<{identifier}>",
        "From": settings.address,
        "To": to,
        "Subject": "Deskgate tests this mailbox",
        "Date": now.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
    }
    lines = [*(f"{name}: {value}" for name, value in head.items()), "", "You can delete this mail.", ""]
    return Composed(
        message_id=identifier,
        sender=settings.address,
        recipient=to,
        copies=(),
        utf8=not to.isascii(),
        raw="\r\n".join(lines).encode(),
    )


def _await_mail(settings: Settings, token: str, message_id: str, within: float) -> bytes:
    """The mail once it is in the folder, or in the one that a running Deskgate moves to; b"" when it never comes."""
    folders = [settings.imap_folder, *([settings.imap_move_to] if settings.imap_move_to else [])]
    try:
        client = mailbox.connect(settings)
        with contextlib.closing(_Closing(client)):
            mailbox.sign_in(client, settings, token)
            return mailbox.found_within(client, folders, message_id, within)
    except (IMAPClientError, OSError):
        return b""
