"""Which broken promises somebody must hear of beside the channels: one alarm a queue, one for each urgent ticket. Pure.

Quiet hours are kept: what broke at night is an alarm once the queue's people were told of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.model import Priority, Promise, Step, Watch
from gateway.store.owed import Owed

#: How the names of these alarms end.
OVERDUE, SOON = " overdue", " due soon"
ENDINGS = (OVERDUE, SOON)


def alarms(found: Sequence[Owed], titles: Mapping[str, str], told_of: str, now: datetime) -> dict[str, str]:
    """Name -> text of every alarm that holds now. `told_of`: "never", "breach" or "warning"."""
    if told_of == "never":
        return {}
    broken = [each for each in found if _broken(each.watch)]
    urgent = [each for each in broken if each.priority is Priority.URGENT]
    raised = {
        f"{each.reference}{OVERDUE}": f"{each.reference} is urgent and overdue{_since(each, now)}."
        for each in urgent
    }
    raised |= _by_queue([each for each in broken if each not in urgent], titles, OVERDUE, now)
    if told_of == "warning":
        raised |= _by_queue([each for each in found if _warned(each.watch, now)], titles, SOON, now)
    return raised


def _by_queue(found: Sequence[Owed], titles: Mapping[str, str], ending: str, now: datetime) -> dict[str, str]:
    by_queue: dict[str, list[Owed]] = {}
    for each in found:
        by_queue.setdefault(each.queue, []).append(each)
    return {
        f"{queue}{ending}": _text(titles.get(queue, queue), of, ending, now) for queue, of in by_queue.items()
    }


def _text(title: str, of: Sequence[Owed], ending: str, now: datetime) -> str:
    first = min(of, key=lambda each: each.watch.due_at or now)
    count = "1 ticket" if len(of) == 1 else f"{len(of)} tickets"
    verb = "is" if len(of) == 1 else "are"
    which = first.reference if len(of) == 1 else f"{first.reference} first"
    return f"{count} of {title} {verb}{ending}: {which}{_since(first, now)}."


def _since(each: Owed, now: datetime) -> str:
    at = each.watch.due_at
    if at is None:
        return ""
    return f", since {at:%Y-%m-%d %H:%M} UTC" if at <= now else f", at {at:%Y-%m-%d %H:%M} UTC"


def _broken(watch: Watch) -> bool:
    """A promise was broken, is still owed, and its people were told."""
    return any(_runs(watch, each) and each not in watch.alarms for each in watch.breached)


def _warned(watch: Watch, now: datetime) -> bool:
    running = [each for each in watch.warned if _runs(watch, each) and each not in watch.breached]
    return bool(running) and not _broken(watch) and watch.due_at is not None and watch.due_at > now


def _runs(watch: Watch, promise: Promise) -> bool:
    marks = watch.marks.get(promise, ())
    return bool(marks) and marks[-1].step in (Step.START, Step.RESUME)
