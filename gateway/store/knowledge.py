"""Reads about articles: what they answered, who was given them, and what nobody could answer. Nothing here writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from gateway.clock import from_ms
from gateway.model import BotState, EntryKind, Event, Identity
from gateway.store import rows
from gateway.store.tx import Row, Tx, marks

#: Rows of one page; a caller asks again after the last one's id.
PAGE = 1000


class Unanswered(msgspec.Struct, frozen=True, kw_only=True):
    """A hand-off with what was asked, masked as it is stored."""

    id: int  #: of the event
    ticket: int
    at: datetime
    cause: str
    asked: str  #: "" when nothing readable is kept
    language: str
    protected: bool  #: the ticket holds a private matter
    open: tuple[str, ...] = ()  #: the parts of the message that no article answered
    nearest: str = ""  #: the article that came nearest, "" when none did


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, with who got it and how far it came."""

    id: int  #: of the event
    ticket: int
    at: datetime
    sources: tuple[tuple[str, str, str], ...]  #: article, revision, section
    channel: str
    state: str  #: of the newest message that carried it, "" when none was made
    requester: Identity | None


def events_of(tx: Tx, kinds: Sequence[str], since: int, after: int, limit: int = PAGE) -> list[Event]:
    """Events of these kinds from `since` (milliseconds) on, in the order in which they happened."""
    found = tx.all(
        f"SELECT {rows.EVENT} FROM events WHERE id > ? AND at >= ? AND kind IN ({marks(len(kinds))}) "
        "ORDER BY id LIMIT ?",
        (after, since, *kinds, limit),
    )
    return [rows.event(row) for row in found]


def unanswered(tx: Tx, since: int, after: int, limit: int = PAGE) -> list[Unanswered]:
    """Every hand-off from `since` on, in order; which causes count is the reader's choice."""
    found = tx.all(
        """SELECT e.id, e.ticket, e.at, e.data, t.bot, t.language, t.protected,
                  (SELECT m.text FROM entries m WHERE m.ticket = e.ticket AND m.kind = ? AND m.at <= e.at
                   ORDER BY m.id DESC LIMIT 1)
           FROM events e JOIN tickets t ON t.id = e.ticket
           WHERE e.id > ? AND e.at >= ? AND e.kind = 'escalated' ORDER BY e.id LIMIT ?""",
        (EntryKind.MESSAGE, after, since, limit),
    )
    return [_unanswered(row) for row in found]


def _unanswered(row: Row) -> Unanswered:
    data: dict[str, Any] = json.loads(row[3])
    bot: BotState = rows.load(row[4], BotState)
    candidates = data.get("candidates") or [[bot.article]]
    return Unanswered(
        id=row[0],
        ticket=row[1],
        at=from_ms(row[2]),
        cause=str(data.get("cause", "")),
        asked=bot.asked or row[7] or "",
        language=row[5],
        protected=bool(row[6]),
        open=tuple(data.get("open", ())),
        nearest=str(candidates[0][0]),
    )


def given(tx: Tx, article: str, since: int, after: int, limit: int = PAGE) -> list[Given]:
    """Answers from `article` (its file name without .md) from `since` on, in order."""
    name = json.dumps(article, ensure_ascii=False)
    like = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    found = tx.all(
        """SELECT e.id, e.ticket, e.at, e.data, o.connector, o.state FROM events e
           LEFT JOIN outbox o ON o.id = (SELECT MAX(x.id) FROM outbox x JOIN entries n ON n.id = x.entry
               WHERE x.ticket = e.ticket AND n.ticket = e.ticket AND n.at = e.at AND n.kind IN ('answer', 'notice'))
           WHERE e.id > ? AND e.at >= ? AND e.kind = 'answered' AND e.data LIKE ? ESCAPE '\\'
           ORDER BY e.id LIMIT ?""",
        (after, since, f'%"article":{like}%', limit),
    )
    return [_given(tx, row) for row in found]


def _given(tx: Tx, row: Row) -> Given:
    person = tx.one(
        "SELECT kind, value, name FROM participants WHERE ticket = ? AND role = 'requester' ORDER BY kind LIMIT 1",
        (row[1],),
    )
    sources = json.loads(row[3]).get("sources", ())
    return Given(
        id=row[0],
        ticket=row[1],
        at=from_ms(row[2]),
        sources=tuple((s["article"], s["revision"], s.get("section", "")) for s in sources),
        channel=row[4] or "",
        state=row[5] or "",
        requester=Identity(kind=person[0], value=person[1], name=person[2]) if person else None,
    )
