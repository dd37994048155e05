"""Reads the older mail of a mailbox once, in portions, for whoever asks for it. Marks and moves nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, datetime

import msgspec
from imapclient.exceptions import IMAPClientError

from connectors.email import normalize
from connectors.email.mailbox import Mailbox, Position, cursor_name
from connectors.email.settings import Settings
from gateway.errors import DeskgateError
from gateway.model import Cursor, Delivery


class Portion(msgspec.Struct, frozen=True, kw_only=True):
    """Some mails, as inputs that close what they open; `done` and `total` count mails of the folder."""

    deliveries: list[Delivery]
    done: int
    total: int
    too_large: int = 0  #: of these mails, so many are too large: only their headers came


class Older:
    """What of a folder is older than the reading that Deskgate does by itself. Blocks; for one thread.

    Raises DeskgateError when it cannot be opened.
    """

    def __init__(
        self, account: str, settings: Settings, key: bytes, *, folder: str = "", token: str = ""
    ) -> None:
        own = settings.imap_folder
        changed = {"imap_folder": folder or own, "imap_flag": "", "imap_move_to": ""}
        self._account, self._settings, self._key = account, settings.model_copy(update=changed), key
        self._live = self._settings.imap_folder == own
        try:
            self._box = Mailbox(self._settings, threading.Event(), token)
        except (IMAPClientError, OSError) as error:
            why = f"The mailbox cannot be opened ({type(error).__name__})."
            raise DeskgateError(f"{why} `deskgate doctor email` says what to mend.") from error

    def first_position(self, now: datetime) -> Cursor | None:
        """Where the reading by itself will begin, so that no mail falls between; None for another folder."""
        if not self._live:
            return None
        newest = Position(validity=self._box.validity, uid=self._box.next_uid - 1, day=now.date())
        return Cursor(name=cursor_name(self._account, self._settings), value=newest.text())

    def portions(self, since: date, now: datetime, position: str) -> Iterator[Portion]:
        """Every mail written since then, oldest first, up to the position where the reading by itself goes on."""
        uids = self._box.written_since(since)
        known = Position.parse(position) if self._live else None
        if known is not None and known.validity == self._box.validity:
            uids = [uid for uid in uids if uid <= known.uid]
        total = len(uids)
        while uids:
            mails, uids = self._box.take(uids)
            found = [
                each
                for mail in mails
                for each in self._read(mail.raw, mail.uid, mail.arrived, now, mail.left_out)
            ]
            large = sum(bool(mail.left_out) for mail in mails)
            yield Portion(deliveries=found, done=total - len(uids), total=total, too_large=large)

    def close(self) -> None:
        self._box.close()

    def _read(
        self, raw: bytes, uid: int, arrived: datetime | None, now: datetime, left_out: str
    ) -> list[Delivery]:
        key = normalize.uid_key(self._box.validity, uid)
        if (
            not self._live
        ):  # two folders may have the same UIDVALIDITY; in the one that is read, a key is a key
            key = f"import/{self._settings.imap_folder}/{key}"
        return normalize.normalize(
            raw,
            min(arrived, now) if arrived else now,
            account=self._account,
            settings=self._settings,
            key=self._key,
            delivery_key=key,
            left_out=left_out,
            imported=True,
        )
