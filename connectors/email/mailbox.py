"""One IMAP folder as seen from one thread: what is new, the mails themselves, waiting for more. Blocks."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from datetime import date, datetime, timedelta
from typing import Any, Self

import msgspec
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from connectors.email.settings import Auth, Security, Settings

_TIMEOUT = 30.0  # seconds for any answer of the server
_IDLE_LIMIT = (
    240.0  # seconds of one IDLE; far below RFC 2177's 29 minutes, since routers forget quiet connections
)
_IDLE_SLICE = 1.0  # seconds between two looks at whether we are to stop
_BATCH = 20  # mails in one commit
_BATCH_BYTES = 8 * 1024 * 1024
_SENT_SLACK = timedelta(days=3)


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """How far a folder has been read. A UID means something only within its UIDVALIDITY (RFC 9051 section 2.3.1.1)."""

    validity: int
    uid: int  #: the last one read
    day: date  #: when that was

    def text(self) -> str:
        return f"{self.validity}:{self.uid}:{self.day.isoformat()}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for "" (never read). Raises ValueError for what is no position."""
        if not text:
            return None
        validity, uid, day = text.split(":")
        return cls(validity=int(validity), uid=int(uid), day=date.fromisoformat(day))


def cursor_name(account: str, settings: Settings) -> str:
    """The name under which the position in an account's folder is kept."""
    return f"email/{account}/{settings.imap_folder}"


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """One mail as the server gave it. `left_out` says why `raw` is not the whole of it."""

    uid: int
    raw: bytes
    arrived: datetime | None
    left_out: str = ""


class Mailbox:
    """An open folder. Opening and every method raise IMAPClientError or OSError; only `abort` is for other threads."""

    def __init__(self, settings: Settings, stopping: threading.Event, token: str = "") -> None:
        self._settings, self._stopping = settings, stopping
        self._client = connect(settings)
        try:
            sign_in(self._client, settings, token)
            selected = self._client.select_folder(settings.imap_folder, readonly=not settings.leaves_marks)
            self._make_folder()
        except BaseException:
            _drop(self._client)
            raise
        self.validity = int(selected[b"UIDVALIDITY"])
        self.next_uid = int(selected.get(b"UIDNEXT", 0)) or max(self._client.search(["ALL"]), default=0) + 1
        self.can_idle: bool = settings.imap_idle and self._client.has_capability("IDLE")

    def newer_than(self, uid: int) -> list[int]:
        """UIDs after `uid`, ascending."""
        found = self._client.search(["UID", f"{uid + 1}:*"])
        return sorted(one for one in found if one > uid)  # "n:*" always names the last mail too

    def since(self, day: date) -> tuple[list[int], int]:
        """UIDs of the mails that arrived, and were written, since about that day; and how many others there are."""
        arrived = self._client.search(["SINCE", day - timedelta(days=1)])
        written = set(self._client.search(["SENTSINCE", day - _SENT_SLACK]))
        recent = sorted(uid for uid in arrived if uid in written)
        return recent, len(self._client.search(["ALL"])) - len(recent)

    def written_since(self, day: date) -> list[int]:
        """UIDs of the mails that were written on that day or later; without a date, of those that arrived then."""
        written = set(self._client.search(["SENTSINCE", day]))
        dated = set(self._client.search(["HEADER", "Date", ""]))
        return sorted(written | set(self._client.search(["SINCE", day])) - dated)

    def take(self, uids: list[int]) -> tuple[list[Fetched], list[int]]:
        """The first of these mails, as many as fit one commit, and the UIDs left for the next.

        Mails deleted meanwhile are passed over, unread marks stay as they are, and of a mail over the limit
        only the headers are fetched.
        """
        sizes = self._sizes(uids[:_BATCH])
        group = _fitting(uids[:_BATCH], sizes)
        large = [uid for uid in group if sizes.get(uid, 0) > self._settings.max_mail]
        mails = self._fetch([uid for uid in group if uid in sizes and uid not in large], "BODY[]", "")
        for uid in large:
            mails += self._fetch([uid], "BODY[HEADER]", _too_large(sizes[uid], self._settings.max_mail))
        return sorted(mails, key=lambda mail: mail.uid), uids[len(group) :]

    def done(self, uids: list[int]) -> None:
        """Flags and moves mails that are kept, as the settings say; what is gone meanwhile is passed over.

        A server without MOVE (RFC 6851) gets copies, and the mails stay: nothing is deleted.
        """
        if uids and self._settings.imap_flag:
            self._client.add_flags(uids, [self._settings.imap_flag.encode()], silent=True)
        if uids and self._settings.imap_move_to:
            put = self._client.move if self._client.has_capability("MOVE") else self._client.copy
            put(uids, self._settings.imap_move_to)

    def _make_folder(self) -> None:
        folder = self._settings.imap_move_to
        if folder and not self._client.folder_exists(folder):
            self._client.create_folder(folder)

    def news(self) -> bool:
        """Whether the server has spoken of new mail since this was last asked."""
        _, data = self._client._imap.response(
            "EXISTS"
        )  # IMAPClient itself forgets what came beside an answer
        return any(count is not None for count in data)

    def wait(self, seconds: float) -> None:
        """Returns when the server announces something, after `seconds` where it cannot, or when we are to stop."""
        if self.can_idle:
            self._idle()
        else:
            self._stopping.wait(seconds)

    def close(self) -> None:
        with contextlib.suppress(IMAPClientError, OSError):
            self._client.logout()

    def abort(self) -> None:
        """Makes whatever the thread waits for fail at once."""
        with contextlib.suppress(OSError):
            self._client.socket().shutdown(socket.SHUT_RDWR)

    def _idle(self) -> None:
        self._client.idle()
        waited = 0.0
        while waited < _IDLE_LIMIT and not self._stopping.is_set():
            if self._read_ahead() or self._client.idle_check(timeout=_IDLE_SLICE):
                break
            waited += _IDLE_SLICE
        self._client.idle_done()

    def _read_ahead(self) -> bool:
        """Whether the server has spoken already, together with its last answer.

        A mail that comes just before IDLE is announced in the same packet as "+ idling": it then lies in our buffer,
        and the socket, which idle_check asks, stays quiet until the next mail.
        """
        stream = self._client.socket()
        stream.setblocking(False)
        try:
            return bool(self._client._imap.file.peek(1))
        except OSError:  # nothing there; TLS says so with an error
            return False
        finally:
            stream.settimeout(_TIMEOUT)

    def _sizes(self, uids: list[int]) -> dict[int, int]:
        found = self._client.fetch(uids, ["RFC822.SIZE"])
        return {uid: int(item[b"RFC822.SIZE"]) for uid, item in found.items() if b"RFC822.SIZE" in item}

    def _fetch(self, uids: list[int], section: str, left_out: str) -> list[Fetched]:
        found = self._client.fetch(uids, [section.replace("BODY", "BODY.PEEK"), "INTERNALDATE"])
        return [_fetched(uid, item, section.encode(), left_out) for uid, item in found.items()]


def connect(settings: Settings) -> IMAPClient:
    """A connection as secure as the settings want it, not signed in. Raises IMAPClientError, OSError."""
    host, port = settings.imap_at
    context = None if settings.imap_security is Security.NONE else settings.tls_context()
    tls = settings.imap_security is Security.TLS
    client = IMAPClient(host, port, ssl=tls, ssl_context=context if tls else None, timeout=_TIMEOUT)
    client.normalise_times = False  # aware times, not this machine's local ones
    if settings.imap_security is Security.STARTTLS:
        try:
            client.starttls(context)
        except BaseException:
            _drop(client)
            raise
    return client


def sign_in(client: IMAPClient, settings: Settings, token: str) -> None:
    """With the password, or with a token (XOAUTH2). Raises LoginError when the server will not have it."""
    user = settings.imap_username or settings.address
    if settings.auth is Auth.PASSWORD:
        client.login(user, settings.imap_password.get_secret_value())
        return
    # The first answer is the token; a second challenge tells what is wrong with it and wants an empty answer.
    answers = iter((f"user={user}\1auth=Bearer {token}\1\1".encode(),))
    client.sasl_login("XOAUTH2", lambda _challenge: next(answers, b""))


def found_within(client: IMAPClient, folders: list[str], message_id: str, seconds: float) -> bytes:
    """The mail with this Message-ID as soon as it is in one of the folders, b"" when it does not come in time."""
    ends = time.monotonic() + seconds
    while True:
        for folder in folders:
            if not client.folder_exists(folder):
                continue
            client.select_folder(folder, readonly=True)
            if uids := client.search(["HEADER", "Message-ID", message_id]):
                return bytes(client.fetch(uids[:1], ["BODY.PEEK[]"])[uids[0]][b"BODY[]"])
        if time.monotonic() >= ends:
            return b""
        time.sleep(0.5)


def _drop(client: IMAPClient) -> None:
    with contextlib.suppress(OSError):  # it may be closed already, and that is not what went wrong
        client.shutdown()


def _fitting(uids: list[int], sizes: dict[int, int]) -> list[int]:
    """The first UIDs whose mails fit one commit; at least one."""
    total, count = 0, 0
    for uid in uids:
        total += sizes.get(uid, 0)
        if count and total > _BATCH_BYTES:
            break
        count += 1
    return uids[:count]


def _fetched(uid: int, item: dict[bytes, Any], section: bytes, left_out: str) -> Fetched:
    raw = item.get(section)
    if raw is None:
        raw, left_out = b"", "The mail server would not hand this mail over; it is still in the mailbox."
    return Fetched(uid=uid, raw=bytes(raw), arrived=item.get(b"INTERNALDATE"), left_out=left_out)


def _too_large(size: int, limit: int) -> str:
    return f"The mail has {size >> 20} MB, more than the {limit >> 20} MB taken; it is still in the mailbox."
