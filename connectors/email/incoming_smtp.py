"""Takes mail by SMTP or LMTP in our own event loop, for our recipients only; says 250 only once it is kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from connectors.email.settings import Protocol
from gateway.errors import SettingsError, StoreError

#: Keeps one mail, with its envelope recipients. Raises StoreError when nothing was kept.
Keep = Callable[[bytes, tuple[str, ...]], Awaitable[None]]

_LINE_LIMIT = 1 << 20  # bytes; RFC 5321 says 1,000, real mail does not keep to it
_IDLE = 120.0  # seconds between two commands
_MAX_RECIPIENTS = 100
_FINISH = 5.0  # seconds that mails in hand get when we stop
_COMMANDS = {"DATA": 1000, "MAIL": 1000, "RCPT": 20_000, "*": 2000}  # in one connection

log = logging.getLogger(__name__)


class Listener:
    """One listening socket. `start` opens it, `stop` finishes what is in hand."""

    def __init__(
        self,
        keep: Keep,
        accepts: Callable[[str], bool],
        *,
        at: tuple[str, int],
        protocol: Protocol,
        hostname: str,
        max_mail: int,
        connections: int,
    ) -> None:
        self._handler = _Handler(keep, accepts)
        self._at, self._protocol, self._hostname, self._max_mail = at, protocol, hostname, max_mail
        self._gate = _Gate(connections)
        self._server: asyncio.Server | None = None

    @property
    def at(self) -> tuple[str, int]:
        """Where it listens; the real port when 0 was asked for."""
        if self._server is None:
            return self._at
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    async def start(self) -> None:
        """Raises SettingsError when the address cannot be listened on."""
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's own log names addresses
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: self._connection(loop), *self._at)
        except OSError as error:
            host, port = self._at
            raise SettingsError(
                [f"email: cannot listen on {host}:{port} ({error.strerror}). Choose another port in `listen`."]
            ) from error
        log.info("email listener ready on port %d", self.at[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._gate.drain(_FINISH)
            self._server = None

    def _connection(self, loop: asyncio.AbstractEventLoop) -> SMTP:
        kind = _OurLmtp if self._protocol is Protocol.LMTP else _OurSmtp
        return kind(
            self._handler,
            gate=self._gate,
            data_size_limit=self._max_mail,
            enable_SMTPUTF8=True,
            hostname=self._hostname,
            ident="Deskgate",
            timeout=_IDLE,
            command_call_limit=_COMMANDS,
            loop=loop,
        )


class _Handler:
    """What aiosmtpd asks us; the names of the methods are its own."""

    def __init__(self, keep: Keep, accepts: Callable[[str], bool]) -> None:
        self._keep, self._accepts = keep, accepts

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not self._accepts(address):
            return "550 5.1.1 No such mailbox here: this server takes mail for the configured support addresses only."
        if len(envelope.rcpt_tos) >= _MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients in one mail; send the others separately."
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.content or b""
        raw = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else bytes(content)
        try:
            await self._keep(raw, tuple(envelope.rcpt_tos))
        except StoreError:
            log.warning("email could not be kept, the sender is asked to try again")
            return "451 4.3.0 The message could not be stored now; try again later."
        return "250 2.0.0 OK, kept"

    async def handle_exception(self, error: Exception) -> str:
        log.error("email listener failed on a command: %s", type(error).__name__)
        return "451 4.3.0 Something went wrong here; try again later."


class _Gate:
    """Counts open connections and lets no more than `limit` in."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: set[_OurSmtp] = set()

    def enter(self, connection: _OurSmtp) -> bool:
        if len(self._open) >= self._limit:
            return False
        self._open.add(connection)
        return True

    def leave(self, connection: _OurSmtp) -> None:
        self._open.discard(connection)

    async def drain(self, seconds: float) -> None:
        """Ends idle connections at once and the others when their mail is kept, or after `seconds`."""
        async with _quiet_timeout(seconds):
            while busy := [one for one in self._open if one.busy]:
                await asyncio.wait([asyncio.ensure_future(one.finished.wait()) for one in busy])
        for connection in list(self._open):
            connection.end()
