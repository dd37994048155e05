"""What a turn must read, from what its inputs mention."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.case import Claim
from gateway.clock import to_ms
from gateway.model import (
    AdminChange,
    AgentAction,
    AnyInput,
    Assignment,
    Deletion,
    DeliveryReport,
    Edit,
    Identity,
    Message,
    TimerDue,
    Verb,
)
from gateway.policy import Policy
from gateway.store.cases import CaseQuery
from gateway.threads import conversation_keys


def query_for(claim: Claim, policy: Policy, now: datetime) -> CaseQuery:
    """The keys, people, tickets and sends that the inputs of this claim name."""
    inputs = [row.input for row in claim.rows]
    people = [who for each in inputs if (who := _person(each))]
    messages = [each for each in inputs if isinstance(each, Message)]
    actions = [each for each in inputs if isinstance(each, AgentAction)]
    return CaseQuery(
        identity=people[-1] if people else None,
        recipients=tuple({message.address.recipient for message in messages}),
        since=to_ms(now - policy.budget_window),
        keys=tuple(dict.fromkeys(key for each in inputs for key in _keys(each, policy))),
        message_keys=tuple(
            dict.fromkeys(key for each in inputs if (key := getattr(each, "message_key", "")))
        ),
        tickets=tuple({number for each in inputs for number in _tickets(each) if number}),
        unmasked=tuple({each.ticket for each in actions if each.verb is Verb.NOT_SENSITIVE and each.ticket}),
        owned_by=tuple(
            str(each.detail.get("agent", ""))
            for each in inputs
            if isinstance(each, AdminChange) and each.what == "agent_left"
        ),
        incidents=tuple({n for each in actions if each.everyone for n in (each.ticket,) if n}),
        sends=(),
        entries=tuple({each.entry for each in actions if each.entry}),
        restored=tuple({each.ticket for each in actions if each.verb is Verb.RESTORE}),
        returned=tuple(dict.fromkeys(key for each in messages for key in _returned(each))),
        team=bool(actions) or _gives_out(policy),
        next_of=_nexts(actions, policy),
    )


def _tickets(value: AnyInput) -> tuple[int, ...]:
    match value:
        case AgentAction():
            return (value.ticket, value.other, *value.also)
        case AdminChange(what="incident_seen"):
            return tuple(n for n in value.detail.get("tickets", ()) if isinstance(n, int))
        case _:
            return (getattr(value, "ticket", 0),)


def _gives_out(policy: Policy) -> bool:
    return any(queue.assignment is Assignment.ROUND_ROBIN for queue in policy.queues.values())


def _nexts(actions: Sequence[AgentAction], policy: Policy) -> tuple[str, ...]:
    """The queues whose next ticket matters: one is asked for, or one is claimed where they go in order."""
    if any(action.verb is Verb.NEXT for action in actions):
        return tuple(policy.queues)
    if any(action.verb is Verb.CLAIM for action in actions):
        return tuple(
            name for name, queue in policy.queues.items() if queue.assignment is Assignment.FIRST_COME
        )
    return ()


def _person(value: AnyInput) -> Identity | None:
    match value:
        case Message() | Edit() | Deletion():
            return value.sender
        case AgentAction():
            return value.actor
        case DeliveryReport() | TimerDue() | AdminChange():
            return None


def _returned(message: Message) -> tuple[str, ...]:
    """The key of the mail that a report is about, when it says so."""
    return (message.bounce.original_key,) if message.bounce and message.bounce.original_key else ()


def _keys(value: AnyInput, policy: Policy) -> tuple[str, ...]:
    match value:
        case Message():
            return (*value.refers_to[:100], *conversation_keys(value, policy), *_returned(value))
        case AgentAction() if value.address is not None:
            return (f"at:{value.address.key}",)
        case _:
            return ()
