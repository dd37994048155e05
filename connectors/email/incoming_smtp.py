"""Takes mail by SMTP or LMTP in our own event loop, for our recipients only; says 250 only once it is kept."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from typing_extensions import override

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
                [
                    f"email: cannot listen on {host}:{port} ({error.strerror}). Choose another port in `listen`."
                ]
            ) from error
        log.info("email listener ready on port %d", self.at[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._handler.finish(_FINISH)
            self._gate.close()
            await asyncio.sleep(0)  # lets the closed connections end their tasks
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
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def finish(self, seconds: float) -> None:
        """Waits until the mails in hand are kept and answered, no longer than `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

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
        self._busy += 1
        self._idle.clear()
        try:
            await self._keep(raw, tuple(envelope.rcpt_tos))
        except StoreError:
            log.warning("email could not be kept, the sender is asked to try again")
            return "451 4.3.0 The message could not be stored now; try again later."
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()
        return "250 2.0.0 OK, kept"

    async def handle_exception(self, error: Exception) -> str:
        log.error("email listener failed on a command: %s", type(error).__name__)
        return "451 4.3.0 Something went wrong here; try again later."


class _Gate:
    """The open connections; lets no more than `limit` in."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: set[asyncio.Transport] = set()

    def enter(self, transport: asyncio.Transport) -> bool:
        if len(self._open) >= self._limit:
            return False
        self._open.add(transport)
        return True

    def leave(self, transport: asyncio.Transport) -> None:
        self._open.discard(transport)

    def close(self) -> None:
        for transport in list(self._open):
            transport.close()


class _Limits(SMTP):
    """aiosmtpd's protocol behind the gate, patient with long lines."""

    line_length_limit = _LINE_LIMIT

    def __init__(self, handler: _Handler, *, gate: _Gate, **options: Any) -> None:
        super().__init__(handler, **options)
        self._gate = gate
        self._inside: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)  # what create_server makes
        if self._gate.enter(stream):
            self._inside = stream
            super().connection_made(stream)
        else:
            stream.write(b"421 4.3.2 Too many connections, try again later\r\n")
            stream.close()

    @override
    def connection_lost(self, error: Exception | None) -> None:
        if self._inside is not None:
            self._gate.leave(self._inside)
            super().connection_lost(error)

    @override
    def eof_received(self) -> bool | None:
        return super().eof_received() if self._inside is not None else False

    @override
    def data_received(self, data: bytes) -> None:
        if self._inside is not None:
            super().data_received(data)


class _OurSmtp(_Limits):
    pass


class _OurLmtp(_Limits, LMTP):
    """LMTP answers DATA once for each recipient (RFC 2033 section 4.2), which aiosmtpd leaves to us."""

    _answers = 1

    @override
    async def smtp_DATA(self, arg: str) -> None:
        self._answers = max(1, len(self.envelope.rcpt_tos) if self.envelope else 1)
        try:
            await super().smtp_DATA(arg)
        finally:
            self._answers = 1

    @override
    async def push(self, status: Any) -> None:
        single = not isinstance(status, str) or status.startswith(("354", "503", "501"))
        await super().push(status if single else "\r\n".join([status] * self._answers))
