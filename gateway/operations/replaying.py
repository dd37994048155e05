"""Replay: decides every recorded turn again, with its recorded time, reading and bot's result, into a new database.

The tickets that come out are compared with those that are there. Nothing of it is ever sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import msgspec

from bot.answer import Bot
from bot.reply import Question, Reply
from gateway.case import Case, Claim, LedgerRow, Seen
from gateway.clock import from_ms
from gateway.decision import decide
from gateway.operations.former import Former
from gateway.policy import Policy
from gateway.privacy import CannotOpen, Seal
from gateway.privacy.sealing import unsealed, unsealed_case
from gateway.store.rebuilding import Rebuild, rebuilding
from gateway.store.recorded import Recorded

FENCE = "replay"
#: Differences that are named; the others are counted.
SHOWN = 20

Progress = Callable[[int], None]


class Replayed(msgspec.Struct, kw_only=True):
    """What became of the turns, and whether the tickets are the same."""

    turns: int = 0
    written: int = 0
    unrecorded: int = 0  #: of a version that did not keep what a turn had read
    sealed: int = 0  #: erased, or sealed with a key that is not here
    masked: int = 0  #: decided by masked copies, since the originals were dropped
    failed: Counter[str] = msgspec.field(default_factory=Counter)  #: why a turn could not be written again
    otherwise: int = 0  #: decided under other settings or rules than those of now
    tickets: int = 0
    different: list[tuple[int, str]] = []  #: ticket and what differs
    incomplete: set[int] = set()  #: tickets of turns that could not be replayed
    held_back: int = 0  #: messages that had not left, marked so that they never do

    @property
    def same(self) -> bool:
        return not self.different and not self.failed


class _Again:
    """The bot of a recorded turn: what it said then, in order; articles are those of now."""

    def __init__(self, bot: Bot, recorded: Recorded) -> None:
        self._bot = bot
        replies = msgspec.json.decode(recorded.reply, type=list[Reply]) if recorded.reply else []
        self._replies: Iterator[Reply] = iter(replies)
        self.revision, self.library = recorded.knowledge, bot.library
        self.today = from_ms(recorded.at).date()

    def reply(self, question: Question) -> Reply:
        return next(self._replies, None) or self._bot.reply(question)


def replay(
    database: str,
    file: Path,
    seal: Seal,
    policy: Policy,
    bot: Bot,
    progress: Progress,
    former: Former | None = None,
) -> Replayed:
    """Rebuilds the tickets into the new database `file`, each turn by the rules and words of its time.

    Raises StoreError.
    """
    with rebuilding(database, file) as rebuild:
        rebuild.copy_the_rest()
        result = Replayed()
        for turn in rebuild.turns():
            result.turns += 1
            then, same = (
                former.policy(policy, turn.policy) if former else (policy, turn.policy == policy.revision)
            )
            result.otherwise += not same
            _again(rebuild, turn, seal, then, bot, result)
            if result.turns % 100 == 0:
                progress(result.turns)
        result.held_back = rebuild.finish()
        found = list(rebuild.differences())
        result.different = [pair for pair in found if pair[0] not in result.incomplete]
        result.tickets = rebuild.tickets()
        progress(result.turns)
    return result


def _again(rebuild: Rebuild, turn: Recorded, seal: Seal, policy: Policy, bot: Bot, result: Replayed) -> None:
    if not turn.seen:
        result.unrecorded += 1
        result.incomplete.update(rebuild.touched(turn))
        return
    try:
        seen = unsealed_case(turn.seen, seal)
        case = _case(turn, seen, seal)
    except (CannotOpen, msgspec.DecodeError):
        result.sealed += 1
        result.incomplete.update(rebuild.touched(turn))
        return
    result.masked += any(getattr(row.input, "masked", ()) for row in case.claim.rows)
    at_that_time = msgspec.structs.replace(policy, revision=turn.policy)
    outcome = decide(case, from_ms(turn.at), at_that_time, cast(Bot, _Again(bot, turn)))
    # The budget was checked when it was written first; what was taken back since must not count again.
    outcome = msgspec.structs.replace(outcome, budget=0, seen=turn.seen)
    committed = rebuild.write(turn, outcome, case)
    if committed.state == "done":
        result.written += 1
    elif result.incomplete.intersection(case.folders):
        result.incomplete.update(change.ticket.id for change in outcome.changes)
    else:
        result.failed[committed.reason] += 1


def recorded_case(turn: Recorded, seal: Seal) -> Case:
    """What a turn was decided by. Raises CannotOpen, msgspec.DecodeError."""
    return _case(turn, unsealed_case(turn.seen, seal), seal)


def _case(turn: Recorded, seen: Seen, seal: Seal) -> Case:
    rows = tuple(
        LedgerRow(
            id=number,
            received_at=from_ms(received_at),
            attempts=0,
            input=unsealed(sealed, seal),
            released=number in seen.released,
        )
        for number, received_at, sealed in sorted(turn.rows)
    )
    return msgspec.structs.replace(seen.case, claim=Claim(stream=turn.stream, fence=FENCE, rows=rows))
