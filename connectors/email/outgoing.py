"""Hands composed mail to a relay over one kept connection, or to a folder of .eml files."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import ssl
from collections.abc import Callable
from pathlib import Path

import aiosmtplib
from aiosmtplib import SMTP

from connectors.email.compose import Composed, one_line
from connectors.email.grant import Grant
from connectors.email.settings import Auth, Security, Settings
from gateway.errors import DeskgateError, Retryable, Uncertain, Undeliverable

_CONFIG_WAIT = 300.0  # seconds before a relay that our settings do not fit is asked again
_NO_SUCH_ADDRESS = re.compile(r"#?5\.1\.[0-6]\b")  # RFC 3463 section 3.2: bad destination, not bad sender
_SIGN_IN_CODES = frozenset({530, 534, 535, 538})  # RFC 4954: the account is wrong, not the mail

log = logging.getLogger(__name__)


class Folder:
    """Writes each mail as one file; the same mail again replaces it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, mail: Composed) -> None:
        """Raises Retryable when the file cannot be written."""
        try:
            await asyncio.to_thread(self._write, mail)
        except OSError as error:
            raise Retryable(f"The folder for outgoing mail cannot be written: {error.strerror}.") from error

    async def close(self) -> None:
        """Nothing is kept open."""

    def _write(self, mail: Composed) -> None:
        self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = self._path / f"{mail.message_id.partition('@')[0]}.eml"
        draft = target.with_suffix(".part")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(mail.raw)
        draft.replace(target)


class Relay:
    """One SMTP server that carries our mail on. Sends one mail at a time over one connection."""

    def __init__(self, settings: Settings, *, bucket: str, grant: Callable[[], Grant] | None = None) -> None:
        self._settings, self._bucket, self._grant = settings, bucket, grant
        self._tls = None if settings.smtp_security is Security.NONE else settings.tls_context()
        self._client: SMTP | None = None
        self._turn = asyncio.Lock()

    async def send(self, mail: Composed) -> None:
        """Returns once the relay has taken it, within twice smtp_timeout.

        Raises Retryable, Undeliverable, or Uncertain when the relay may have it.
        """
        deadline = asyncio.get_running_loop().time() + self._settings.smtp_timeout
        try:
            async with asyncio.timeout_at(deadline):
                await self._turn.acquire()
        except TimeoutError as error:
            raise Retryable("The mail relay is slow with the mails before this one.") from error
        try:
            await self._transfer(mail, deadline)
        except Undeliverable:
            await self._reset()
            raise
        except BaseException:
            self._drop()  # an unfinished dialogue is never continued
            raise
        finally:
            self._turn.release()

    async def opened(self) -> SMTP:
        """The connection, signed in. Raises Retryable, whose reason says what does not fit."""
        return await self._connected()

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is None or not client.is_connected:
            return
        transport = client.transport
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=2)
        await _aborted(transport)

    async def _transfer(self, mail: Composed, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                client = await self._envelope(mail)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._explain(error) from error
        await self._content(client, mail.raw)

    async def _envelope(self, mail: Composed) -> SMTP:
        """A connection on which sender and recipient were taken; a kept one that has died is replaced once."""
        kept = self._client is not None and self._client.is_connected
        client = await self._connected()
        try:
            await self._address(client, mail)
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPResponseException) as error:
            if not kept or getattr(error, "code", 421) != 421:
                raise
            self._drop()
            client = await self._connected()
            await self._address(client, mail)
        return client

    async def _address(self, client: SMTP, mail: Composed) -> None:
        if mail.utf8 and not client.supports_extension("smtputf8"):
            raise Undeliverable(
                "address-not-supported", "The relay cannot carry addresses in this script (SMTPUTF8)."
            )
        options = [f"SIZE={len(mail.raw)}"] if client.supports_extension("size") else []
        options += ["SMTPUTF8", "BODY=8BITMIME"] if mail.utf8 else []
        encoding = "utf-8" if mail.utf8 else "ascii"
        await client.mail(mail.sender, options=options, encoding=encoding)
        await client.rcpt(mail.recipient, encoding=encoding)
        for address in mail.copies:
            try:
                await client.rcpt(address, encoding=encoding)
            except aiosmtplib.SMTPRecipientRefused as error:
                log.warning("email relay refuses the address of a copy: %s", error.code)
        answer = await client.execute_command(b"DATA")
        if answer.code != 354:
            raise aiosmtplib.SMTPDataError(answer.code, answer.message)

    async def _content(self, client: SMTP, raw: bytes) -> None:
        """From the first byte on, silence means that the relay may have the mail (RFC 5321 section 4.5.3.2.6)."""
        protocol = client.protocol
        if protocol is None:
            raise Retryable("The mail relay closed the connection.", bucket=self._bucket)
        try:
            protocol.write(stuffed(raw))
            answer = await protocol.read_response(timeout=self._settings.smtp_timeout)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Uncertain("The mail relay fell silent after it was given the mail.") from error
        if answer.code != 250:
            raise self._explain(aiosmtplib.SMTPDataError(answer.code, answer.message))

    async def _connected(self) -> SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        self._client = self._new_client()
        try:
            await self._client.connect()
            await _greet(self._client)
            await self._sign_in(self._client)
        except (aiosmtplib.SMTPException, OSError) as error:
            transport = self._client.transport
            self._drop()
            await _aborted(transport)
            raise self._unusable(error) from error
        return self._client

    async def _sign_in(self, client: SMTP) -> None:
        """With the token or the password; where neither is given, not at all."""
        settings = self._settings
        if self._grant:
            if "xoauth2" not in client.server_auth_methods:
                raise aiosmtplib.SMTPException("It cannot be signed in to with a token (XOAUTH2).")
            try:
                await client.auth_xoauth2(
                    settings.smtp_username or settings.address, await self._grant().token()
                )
            except aiosmtplib.SMTPAuthenticationError:
                await self._grant().refused()
                raise
        elif settings.smtp_username:
            await client.login(settings.smtp_username, settings.smtp_password.get_secret_value())

    def _new_client(self) -> SMTP:
        settings = self._settings
        host, port = settings.smtp_at
        return SMTP(
            hostname=host,
            port=port,
            local_hostname=settings.domain if settings.domain.isascii() else "localhost",
            timeout=settings.smtp_timeout,
            use_tls=settings.smtp_security is Security.TLS,
            start_tls=settings.smtp_security is Security.STARTTLS,
            tls_context=self._tls,
        )

    async def _reset(self) -> None:
        """Clears a refused envelope, so that the connection carries the next mail."""
        try:
            if self._client is not None:
                await self._client.rset(timeout=5)
        except (aiosmtplib.SMTPException, OSError):
            self._drop()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    def _unusable(self, error: Exception) -> Retryable:
        """Why there is no connection: never the mail's fault."""
        if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
            return self._misfit(error.__cause__ or error)
        match error:
            case aiosmtplib.SMTPConnectResponseError():
                said = f"The mail relay turned us away: {error.code} {one_line(error.message)[:300]}"
                return Retryable(said, bucket=self._bucket)
            case OSError():  # aiosmtplib's errors for an unreachable, closed or silent server are OSErrors too
                return Retryable("The mail relay cannot be reached or does not answer.", bucket=self._bucket)
            case _:
                return self._misfit(error)

    def _explain(self, error: Exception) -> DeskgateError:
        """What is to be done about an error in the dialogue about one mail."""
        match error:
            case aiosmtplib.SMTPResponseException():
                return self._answer(error.code, error.message)
            case _:
                return Retryable(
                    "The mail relay fell silent before it was given the mail.", bucket=self._bucket
                )

    def _answer(self, code: int, text: str) -> DeskgateError:
        said = f"The mail relay said: {code} {one_line(text)[:300]}"
        if code in _SIGN_IN_CODES:
            return self._misfit(said)
        if code == 421:
            return Retryable(said, bucket=self._bucket)
        if code == 552 and "5.2.2" not in text:
            return Undeliverable("too-big", said)
        if code in (550, 551, 553) and _NO_SUCH_ADDRESS.match(text.strip()):
            return Undeliverable("no-such-address", said)
        return Undeliverable("refused", said) if 500 <= code < 600 else Retryable(said)

    def _misfit(self, error: object) -> Retryable:
        """The settings do not fit the relay: nothing is wrong with the mail, so it waits for the admin."""
        wanted = self._settings.smtp_security.value
        token = self._settings.auth is Auth.XOAUTH2
        mend = "or see that this mailbox may send by SMTP" if token else "smtp_username or smtp_password"
        reason = (
            f"The mail relay does not accept our settings (smtp_security = {wanted!r}): {one_line(str(error))[:300]} "
            f"Mend smtp_security, {mend}; mail waits until then."
        )
        log.error("email relay does not fit the settings: %s", type(error).__name__)
        return Retryable(reason, after=_CONFIG_WAIT, bucket=self._bucket)


async def _aborted(transport: asyncio.BaseTransport | None) -> None:
    """Closes the socket now: TLS would wait for the peer's goodbye."""
    if transport is not None:
        transport.abort()  # type: ignore[attr-defined]  # a stream's
        await asyncio.sleep(0.01)  # lets the loop do it


async def _greet(client: SMTP) -> None:
    """EHLO, or HELO for the oldest servers, so that it is known what the relay can do."""
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except aiosmtplib.SMTPHeloError:
            await client.helo()


def stuffed(raw: bytes) -> bytes:
    """Content as DATA wants it: dots doubled at line starts, ended by a lone dot (RFC 5321 section 4.5.2)."""
    body = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
    dotted = body.replace(b"\r\n.", b"\r\n..")
    return (b"." + dotted if dotted.startswith(b".") else dotted) + b".\r\n"
