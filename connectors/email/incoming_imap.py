"""Keeps a mailbox read by IMAP: from the moment of connecting on, by UID, and again after any trouble."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import queue
import random
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, Self, TypeVar

from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError

from connectors.email.grant import Grant
from connectors.email.mailbox import Fetched, Mailbox, Position, cursor_name
from connectors.email.settings import Auth, Settings
from gateway.connector import Host, Lease
from gateway.errors import Retryable, StoreError
from gateway.model import Cursor, Delivery

T = TypeVar("T")
#: Reads one fetched mail of a folder with this UIDVALIDITY; runs in the mailbox's thread.
Read = Callable[[int, Fetched], list[Delivery]]

_BACKOFF = (1.0, 300.0)  # seconds, first and longest
_GRACE = 3.0  # seconds that the thread gets to leave the server politely

log = logging.getLogger(__name__)


class Watcher:
    """Reads one mailbox while this replica holds its lease."""

    def __init__(
        self, account: str, settings: Settings, host: Host, read: Read, grant: Grant | None = None
    ) -> None:
        self._account, self._settings, self._host, self._read = account, settings, host, read
        self._grant = grant
        self._cursor = cursor_name(account, settings)
        self._troubles = 0

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            async with self._host.lease(f"{self._cursor}/reader") as lease:
                try:
                    await self._session(lease)
                except Exception as error:  # the reading of mail never ends for good
                    self._troubles += 1
                    self._report(error)
            await self._pause()

    def _report(self, error: Exception) -> None:
        self._host.fares(f"email/{self._account}", _said(error, self._settings))
        if isinstance(error, Retryable):  # no token now; who renews it says so loudly
            log.warning("email %s cannot sign in to its mailbox now: %s", self._account, error)
        elif not isinstance(error, IMAPClientError | OSError | StoreError):
            log.error("email %s failed to read its mailbox", self._account, exc_info=error)
        elif remedy := _remedy(error, self._settings):
            log.error("email %s cannot read its mailbox: %s", self._account, remedy)
        else:
            log.warning("email %s will connect to its mailbox again: %s", self._account, type(error).__name__)

    async def _pause(self) -> None:
        first, longest = _BACKOFF
        delay = min(longest, first * 2 ** min(self._troubles - 1, 10)) if self._troubles else 0.0
        clock = self._host.clock
        await clock.sleep_until(clock.deadline(delay * random.uniform(0.75, 1.25)))

    async def _session(self, lease: Lease) -> None:
        async with _MailThread(f"imap-{self._account}") as thread:
            mailbox = await self._opened(thread)
            position = await self._start(thread, mailbox)
            log.info("email %s reads its mailbox (IDLE: %s)", self._account, mailbox.can_idle)
            while lease.held:
                position = await self._catch_up(thread, mailbox, position, lease)
                self._troubles = 0
                self._host.fares(f"email/{self._account}")
                await thread.run(functools.partial(mailbox.wait, self._settings.imap_poll))

    async def _opened(self, thread: _MailThread) -> Mailbox:
        token = await self._grant.token() if self._grant else ""
        try:
            return await thread.open(self._settings, token)
        except LoginError:
            if self._grant:
                await self._grant.refused()
            raise

    async def _start(self, thread: _MailThread, mailbox: Mailbox) -> Position:
        """Where reading goes on; at the first connection, and after a renumbering, behind the newest mail."""
        known = Position.parse(await self._host.cursor(self._cursor))
        if known is not None and known.validity == mailbox.validity:
            return known
        newest = self._position(mailbox, mailbox.next_uid - 1)
        if known is not None:
            await self._renumbered(thread, mailbox, known)
        await self._host.receive([], self._moved(newest))
        return newest

    async def _renumbered(self, thread: _MailThread, mailbox: Mailbox, known: Position) -> None:
        """The server gave every mail a new UID: recent mails are read again, and the core tells which it has seen."""
        uids, others = await thread.run(functools.partial(mailbox.since, known.day))
        log.warning(
            "email %s: folder renumbered, %d mails read again, %d older", self._account, len(uids), others
        )
        while uids:
            deliveries, _, uids = await thread.run(functools.partial(self._deliveries, mailbox, uids))
            await self._host.receive(deliveries)

    async def _catch_up(
        self, thread: _MailThread, mailbox: Mailbox, position: Position, lease: Lease
    ) -> Position:
        """Reads until the server knows of nothing newer; returns the new position."""
        while lease.held:
            uids = await thread.run(functools.partial(mailbox.newer_than, position.uid))
            while uids and lease.held:
                deliveries, whole, rest = await thread.run(functools.partial(self._deliveries, mailbox, uids))
                position = self._position(mailbox, uids[len(uids) - len(rest) - 1])
                await self._host.receive(deliveries, self._moved(position))
                await self._mark(thread, mailbox, whole)
                uids = rest
            if not await thread.run(mailbox.news):
                break
        return position

    async def _mark(self, thread: _MailThread, mailbox: Mailbox, uids: list[int]) -> None:
        """Shows in the mailbox what was read. A server that will not have it is no reason to read no more."""
        if not self._settings.leaves_marks:
            return
        try:
            await thread.run(functools.partial(mailbox.done, uids))
        except IMAPClientError as error:
            log.warning("email %s cannot flag or move what it read: %s", self._account, type(error).__name__)

    def _deliveries(self, mailbox: Mailbox, uids: list[int]) -> tuple[list[Delivery], list[int], list[int]]:
        """What the first of these mails say, the UIDs of those that were read whole, and the UIDs left."""
        mails, rest = mailbox.take(uids)
        deliveries = [delivery for mail in mails for delivery in self._read(mailbox.validity, mail)]
        return deliveries, [mail.uid for mail in mails if not mail.left_out], rest

    def _position(self, mailbox: Mailbox, uid: int) -> Position:
        return Position(validity=mailbox.validity, uid=uid, day=self._host.clock.now().date())

    def _moved(self, position: Position) -> Cursor:
        return Cursor(name=self._cursor, value=position.text())


def _said(error: Exception, settings: Settings) -> str:
    """What is wrong, for whoever runs Deskgate."""
    passing = next((said for kind, said in _PASSING if isinstance(error, kind)), type(error).__name__)
    return str(error) if isinstance(error, Retryable) else _remedy(error, settings) or passing


#: Troubles that mostly pass by themselves, in words.
_PASSING = (
    (ConnectionRefusedError, "the server takes no connections"),
    (socket.gaierror, "the server's name is not known"),
    (TimeoutError, "the server does not answer"),
    (ConnectionError, "the connection was cut"),
)


def _remedy(error: Exception, settings: Settings) -> str:
    """What the admin must change; "" for troubles that pass."""
    match error:
        case LoginError() if settings.auth is Auth.XOAUTH2:
            return "the server refused the token, see that IMAP is switched on and allowed for this mailbox"
        case LoginError():
            return "the server refused to sign us in, check imap_username and imap_password"
        case CapabilityError():
            return 'the server cannot do STARTTLS, set imap_security = "tls"'
        case ssl.SSLCertVerificationError():
            return "the server's certificate is not to be trusted, check imap_host or set ca_file"
        case IMAPClientError() if "select failed" in str(error):
            return "the folder cannot be opened, check imap_folder"
    return ""


class _MailThread:
    """A thread for one mailbox's blocking calls. A daemon, so that a server that hangs cannot hold up the end."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._stopping = threading.Event()
        self._mailbox: Mailbox | None = None

    async def __aenter__(self) -> Self:
        self._thread.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._stopping.set()
        try:
            async with asyncio.timeout(_GRACE):
                await self.run(self._leave)
        except TimeoutError:
            if self._mailbox is not None:
                self._mailbox.abort()
        finally:
            self._jobs.put(None)

    async def open(self, settings: Settings, token: str) -> Mailbox:
        """Connects and selects the folder."""
        self._mailbox = await self.run(lambda: Mailbox(settings, self._stopping, token))
        return self._mailbox

    async def run(self, call: Callable[[], T]) -> T:
        """The result of the call, made in the thread."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def job() -> None:
            try:
                result = call()
            except Exception as error:
                _hand_over(loop, _fail, future, error)
            else:
                _hand_over(loop, _finish, future, result)

        self._jobs.put(job)
        return await future

    def _leave(self) -> None:
        if self._mailbox is not None:
            self._mailbox.close()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _hand_over(loop: asyncio.AbstractEventLoop, *call: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop ended while the server was silent
        loop.call_soon_threadsafe(*call)


def _finish(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
