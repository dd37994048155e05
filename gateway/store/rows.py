"""Between rows and values: every column list of the schema and how it becomes a struct, in one place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from gateway.clock import from_ms
from gateway.model import (
    Address,
    Agent,
    Attachment,
    BotState,
    Button,
    Entry,
    EntryKind,
    Event,
    Leg,
    Priority,
    Role,
    SendState,
    Side,
    Speaker,
    Status,
    Ticket,
    Watch,
    Work,
)
from gateway.store.tx import Row

TICKET = (
    "id, version, status, tier, queue, priority, speaker, subject, language, assignee, tags, cause, protected, "
    "created_at, updated_at, bot, work, incident, watch"
)
LEG = "id, side, connector, account, conversation, thread, current, link, cc, public"
ENTRY = "id, kind, at, author, author_key, text, full_text, attachments, buttons, message_key, version, ledger, reason"
EVENT = "id, ticket, kind, at, data"
#: The people on a ticket, the one who opened it first.
PEOPLE = """SELECT kind, value, name, role FROM participants WHERE ticket = ?
    ORDER BY CASE WHEN kind || ':' || value = (SELECT author_key FROM entries WHERE ticket = ? AND kind = 'message'
                                               ORDER BY id LIMIT 1) THEN 0 ELSE 1 END, kind, value"""
AGENT = "id, name, role, email, slack_id, active, languages, skills, away_until"

_encoder = msgspec.json.Encoder()


def prefixed(columns: str, table: str) -> str:
    """The column list with every name qualified by its table."""
    return ", ".join(f"{table}.{column.strip()}" for column in columns.split(","))


def dump(value: Any) -> str:
    """JSON text of structs, lists and plain values."""
    return _encoder.encode(value).decode()


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def load(text: str | bytes, kind: Any) -> Any:
    """The value of `dump`. Raises msgspec.ValidationError when the text is of another shape."""
    return _decoder(kind).decode(text)


def ticket(row: Row) -> Ticket:
    return Ticket(
        id=row[0],
        version=row[1],
        status=Status(row[2]),
        tier=row[3],
        queue=row[4],
        priority=Priority(row[5]),
        speaker=Speaker(row[6]),
        subject=row[7],
        language=row[8],
        assignee=row[9],
        tags=tuple(json.loads(row[10])),
        cause=row[11],
        protected=bool(row[12]),
        created_at=from_ms(row[13]),
        updated_at=from_ms(row[14]),
        bot=load(row[15], BotState),
        work=Work() if row[16] == "{}" else load(row[16], Work),
        incident=row[17],
        watch=Watch() if row[18] == "{}" else load(row[18], Watch),
    )


def _cc(text: str) -> tuple[str, ...]:
    return () if text == "[]" else tuple(json.loads(text))


def leg(row: Row) -> Leg:
    address = Address(connector=row[2], account=row[3], conversation=row[4], thread=row[5])
    return Leg(
        id=row[0],
        side=Side(row[1]),
        address=address,
        current=bool(row[6]),
        link=row[7],
        cc=_cc(row[8]),
        public=bool(row[9]),
    )


def entry(row: Row, state: str | None = None, send: int = 0, detail: str = "") -> Entry:
    return Entry(
        id=row[0],
        kind=EntryKind(row[1]),
        at=from_ms(row[2]),
        author=row[3],
        author_key=row[4],
        text=row[5],
        full_text=row[6],
        attachments=load(row[7], tuple[Attachment, ...]),
        buttons=load(row[8], tuple[Button, ...]),
        message_key=row[9],
        version=row[10],
        ledger_id=row[11],
        reason=row[12] or detail,
        state=SendState(state) if state else None,
        send=send,
    )


def event(row: Row) -> Event:
    data: Mapping[str, Any] = json.loads(row[4])
    return Event(id=row[0], ticket=row[1], kind=row[2], at=from_ms(row[3]), data=data)


def agent(row: Sequence[Any]) -> Agent:
    return Agent(
        id=row[0],
        name=row[1],
        role=Role(row[2]),
        email=row[3],
        slack_id=row[4],
        active=bool(row[5]),
        languages=tuple(json.loads(row[6])),
        skills=tuple(json.loads(row[7])),
        away_until=from_ms(row[8]) if row[8] else None,
    )
