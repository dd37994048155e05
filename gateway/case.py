"""What `handle` reads before it decides (Case) and writes when it has decided (Outcome). Values only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from gateway.model import (
    Agent,
    AnyInput,
    Entry,
    Event,
    Identity,
    LedgerState,
    Leg,
    Member,
    Outgoing,
    Participant,
    SendKind,
    SendState,
    Ticket,
)

# ---------------------------------------------------------------- read


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One pending input with its place in the ledger."""

    id: int
    received_at: datetime
    attempts: int
    input: AnyInput
    released: bool = False  #: somebody looked at it in quarantine and let it in


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The right to handle one stream until the lease ends; `fence` proves it at commit."""

    stream: str
    fence: str
    rows: tuple[LedgerRow, ...]


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent the inputs of a turn, as far as we know them."""

    identity_id: int = 0  #: 0: never seen
    contact_id: int = 0
    name: str = ""
    language: str = ""
    greeted: bool = False  #: has been told that an automatic assistant writes
    agent: Agent | None = None  #: set when the identity is a member of the desk


class PendingSend(msgspec.Struct, frozen=True, kw_only=True):
    """An outgoing message that has not left yet, or that an agent may undo or retry."""

    id: int
    leg: int
    entry: int
    kind: SendKind
    state: SendState
    outgoing: Outgoing


class Folder(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket with what is needed to decide about it."""

    ticket: Ticket
    legs: tuple[Leg, ...] = ()
    participants: tuple[Participant, ...] = ()
    sends: tuple[PendingSend, ...] = ()
    unanswered: tuple[Entry, ...] = ()  #: the requester's messages since anybody last answered them
    history: int = 0  #: number of entries so far
    notes: tuple[Entry, ...] = ()  #: the newest notes, oldest first


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """An address that mail came back from: nothing automatic goes there until somebody lifts it."""

    address: str
    reason: str


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """A message of ours that a mail server gave back: its outbox row fails after all."""

    send: int
    detail: str


class EntryRef(msgspec.Struct, frozen=True, kw_only=True):
    """Where a line of a conversation stands, and who wrote it."""

    ticket: int
    author_key: str
    author: str
    text: str  #: its beginning
    first: bool  #: of its ticket


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """Lines that go to another ticket. kind: "split" (from `entry` on), "move" (that one), "merge" (all)."""

    kind: str
    source: int
    target: int
    entry: int = 0


class Corrected(msgspec.Struct, frozen=True, kw_only=True):
    """A correction that was made and can be taken back."""

    id: int
    kind: str
    source: int
    target: int


class Original(msgspec.Struct, frozen=True, kw_only=True):
    """What a masked line really says."""

    text: str
    full_text: str = ""
    subject: str = ""


class Rewrite(msgspec.Struct, frozen=True, kw_only=True):
    """A line that reads otherwise from now on."""

    entry: int
    text: str
    full_text: str


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One turn: the pending inputs of a stream and all that is known about what they touch."""

    claim: Claim
    person: Person = Person()
    keys: Mapping[str, int] = {}  #: thread key -> ticket, for every key the inputs mention
    seen: Mapping[str, Mapping[str, int]] = {}  #: message key -> version -> ticket
    folders: Mapping[int, Folder] = {}
    sends: Mapping[int, int] = {}  #: outbox id -> ticket, for reports and undo
    sent: Mapping[str, int] = {}  #: automatic messages within the budget's window, by recipient
    lines: Mapping[int, EntryRef] = {}  #: entry id -> where it stands, for those that agents name
    corrected: Mapping[int, Corrected] = {}  #: ticket -> its last correction, where one may be taken back
    returned: Mapping[str, PendingSend] = {}  #: thread key -> the message of ours that a report means
    team: tuple[
        Member, ...
    ] = ()  #: members of the desk with their load, where the decision may give work out
    originals: Mapping[
        int, Mapping[int, Original]
    ] = {}  #: ticket -> entry -> what it says, where it is unmasked
    stops: frozenset[str] = frozenset()  #: where a lead has stopped the bot
    nexts: tuple[int, ...] = ()  #: the ticket that is next in each queue, where an agent asks for one
    suppressed: frozenset[str] = frozenset()  #: those of the addresses concerned that mail came back from


# ---------------------------------------------------------------- write


class Disposition(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one ledger row. `result` goes back to whoever waits for it."""

    ledger_id: int
    state: LedgerState = LedgerState.ACCEPTED
    reason: str = ""
    ticket: int = 0
    result: str = ""  #: JSON of an ActionResult, "" when nobody waits


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """A row for the outbox. `leg` and `entry` may be local (negative) numbers of this change."""

    leg: int
    outgoing: Outgoing
    kind: SendKind
    entry: int = 0
    not_before: datetime
    held: bool = False
    automatic: bool = False  #: counts against the budget


class ThreadKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key by which a later message finds this ticket. `leg`: the one it was said on, 0 for none."""

    key: str
    leg: int = 0


class TimerSet(msgspec.Struct, frozen=True, kw_only=True):
    """Wake this ticket at `due`; None takes the timer back."""

    name: str
    due: datetime | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What one ticket becomes. `ticket.version` is the version that was read; 0 creates it."""

    ticket: Ticket
    legs: tuple[Leg, ...] = ()  #: new ones (negative id) and changed ones
    participants: tuple[Participant, ...] = ()  #: new ones
    entries: tuple[Entry, ...] = ()  #: new ones; id is a local negative number
    events: tuple[Event, ...] = ()
    sends: tuple[Send, ...] = ()
    withdraw: tuple[int, ...] = ()  #: outbox ids that must still be unsent
    requeue: tuple[int, ...] = ()  #: outbox ids to try again
    corrections: tuple[Correction, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    restore: tuple[int, ...] = ()  #: corrections to take back
    returned: tuple[Returned, ...] = ()
    suppress: tuple[Suppression, ...] = ()
    keys: tuple[ThreadKey, ...] = ()
    seen: tuple[tuple[str, str], ...] = ()  #: message key and version
    timers: tuple[TimerSet, ...] = ()


class PersonUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """What this turn taught us about a person; creates identity and contact when they are new."""

    identity: Identity
    language: str = ""
    greeted: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """All that one turn decided, ready for one short commit."""

    claim: Claim
    at: datetime
    dispositions: tuple[Disposition, ...]
    changes: tuple[Change, ...] = ()
    people: tuple[PersonUpdate, ...] = ()
    policy: str = ""  #: revision
    knowledge: str = ""  #: revision
    reply: str = ""  #: the bot's result as JSON, for replay
    budget: int = (
        0  #: automatic messages that one recipient may have had since `budget_since`; 0 checks nothing
    )
    budget_since: datetime | None = None
    events: tuple[Event, ...] = ()  #: that belong to no ticket
    seen: bytes = b""  #: the case, sealed: what a replay decides the turn by


class Committed(msgspec.Struct, frozen=True, kw_only=True):
    """How a commit went: "done", "conflict" (read and decide again) or "lost" (somebody else has the stream)."""

    state: str
    reason: str = ""
    sends: Mapping[str, Any] = {}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn was decided by, as it is kept: the case without its inputs, which the ledger has."""

    case: Case
    released: tuple[int, ...] = ()  #: inputs that had been let out of quarantine
