"""How satisfied the requester is: asked once a resolution, on the agent's last message; the answer reopens nothing."""

from __future__ import annotations

import re
import unicodedata

from gateway.context import Context
from gateway.draft import Draft
from gateway.escalation.hand_off import tell_agents
from gateway.model import Button, Choice, ChoiceAction, EntryKind, Message, Status
from gateway.voice import speak, word

MARKS = ("1", "2", "3", "4", "5")
#: Up to this mark the agents are told; it is not their customers' best day.
LOW = 2
_MARK = re.compile(r"\s*([1-5])\s*(?:/\s*5)?\s*[.!。！]?\s*")


def closing(draft: Draft, context: Context) -> tuple[list[str], tuple[Button, ...]]:
    """What ends a resolution: that it is resolved, and the question, where it is asked; and its buttons."""
    said = [word(draft, context, "resolved", reference=draft.ticket.reference)]
    if not context.policy.csat or draft.ticket.bot.machine:
        return said, ()
    number = draft.ticket.id
    buttons = tuple(
        context.policy.button(mark, Choice(action=ChoiceAction.RATE, value=mark, ticket=number))
        for mark in MARKS
    )
    return [*said, word(draft, context, "csat")], buttons


def asked(draft: Draft, buttons: tuple[Button, ...]) -> None:
    """The question goes out: a mark that is typed or pressed from now on is its answer."""
    if buttons:
        draft.set_watch(csat_open=True)
        draft.event("csat_asked")


def settle(draft: Draft) -> None:
    """The end of a turn: a ticket that is open again asks nothing."""
    if draft.ticket.watch.csat_open and draft.ticket.status not in (Status.RESOLVED, Status.CLOSED):
        draft.set_watch(csat_open=False)


def answered(draft: Draft, context: Context, message: Message) -> bool:
    """Takes a pressed or typed mark as the answer to our question; False for everything else."""
    mark = _mark(message)
    if not mark or draft.ticket.status not in (Status.RESOLVED, Status.CLOSED):
        return False
    pressed = message.choice is not None
    if not draft.ticket.watch.csat_open and not pressed:
        return False
    first = draft.ticket.watch.csat_open
    draft.set_watch(csat_open=False)
    draft.event("rated", mark=mark, agent=draft.ticket.assignee, queue=draft.ticket.queue, changed=not first)
    if mark <= LOW:
        tell_agents(draft, f"The requester is not satisfied: {mark} of 5.")
    if first and context.now - message.at <= context.policy.max_age:
        speak(draft, context, [word(draft, context, "csat_thanks")], EntryKind.NOTICE)
    return True


def _mark(message: Message) -> int:
    choice = message.choice
    if choice is not None:
        return int(choice.value) if choice.action is ChoiceAction.RATE and choice.value in MARKS else 0
    found = _MARK.fullmatch(unicodedata.normalize("NFKC", message.text))
    return int(found[1]) if found else 0
