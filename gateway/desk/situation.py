"""When a verb can be used and what may be chosen: by the ticket, by who looks, by this installation. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from gateway.desk.asking import may_answer
from gateway.desk.by_hand import WAYS
from gateway.desk.incidents import FINDINGS
from gateway.desk.learning import proposed_text, proposed_title
from gateway.desk.recipients import file_limit, goes_to
from gateway.escalation.causes import HANDOVER
from gateway.forwarded import SENDER, undecided
from gateway.model import (
    Agent,
    AskKind,
    EntryKind,
    Leg,
    Option,
    Priority,
    Role,
    Side,
    Status,
    Ticket,
    TicketPage,
    Verb,
    reference,
)
from gateway.policy import Policy
from gateway.privacy.masking import is_masked

DONE = (Status.RESOLVED, Status.CLOSED)
_RANK = tuple(Role)


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks at which ticket, and where."""

    page: TicketPage
    agent: Agent
    policy: Policy
    team: Sequence[Agent] = ()  #: every member of the desk

    @property
    def ticket(self) -> Ticket:
        return self.page.ticket

    @property
    def leads(self) -> bool:
        return at_least(self.agent, Role.LEAD)

    @property
    def owns(self) -> bool:
        return self.ticket.assignee == self.agent.id


When = Callable[[Situation], bool]
Choices = Callable[[Situation], dict[str, object]]


def at_least(agent: Agent, role: Role) -> bool:
    """Whether this member may do what `role` may."""
    return _RANK.index(agent.role) >= _RANK.index(role)


# ---------------------------------------------------------------- when


def may_open(agent: Agent, policy: Policy) -> bool:
    """Whether a member may look at sealed originals: those of the confidential queue, and leads."""
    if at_least(agent, Role.LEAD):
        return True
    queue = policy.queues.get(policy.protected_queue)
    return queue is not None and agent.id in queue.members


def is_open(situation: Situation) -> bool:
    return situation.ticket.status not in DONE


def _always(situation: Situation) -> bool:
    return True


def _never(situation: Situation) -> bool:
    return False


def _done(situation: Situation) -> bool:
    return not is_open(situation)


def _not_closed(situation: Situation) -> bool:
    return situation.ticket.status is not Status.CLOSED


def _can_claim(situation: Situation) -> bool:
    ticket = situation.ticket
    return is_open(situation) and not situation.owns and (not ticket.assignee or situation.leads)


def _can_release(situation: Situation) -> bool:
    return is_open(situation) and (situation.owns or (bool(situation.ticket.assignee) and situation.leads))


def _can_reply(situation: Situation) -> bool:
    return _not_closed(situation) and any(leg.side is Side.REQUESTER for leg in situation.page.legs)


def _has_later_messages(situation: Situation) -> bool:
    return _not_closed(situation) and len(_messages(situation)) > 1


def _was_corrected(situation: Situation) -> bool:
    return any(event.kind == "corrected" for event in situation.page.events)


def _asked(kind: AskKind) -> When:
    """Whether something of the kind is asked of whoever looks."""
    return lambda situation: bool(_questions(situation, kind))


def _may_rest(situation: Situation) -> bool:
    return is_open(situation) and bool(situation.ticket.queue)


def _has_masked(situation: Situation) -> bool:
    return any(entry.kind is EntryKind.MESSAGE and is_masked(entry.text) for entry in situation.page.entries)


#: Verbs that are not offered on every open ticket.
WHEN: Mapping[Verb, When] = {
    Verb.CLAIM: _can_claim,
    Verb.RELEASE: _can_release,
    Verb.REPLY: _can_reply,
    Verb.SEND_SUGGESTION: lambda situation: bool(situation.ticket.bot.suggestion) and _can_reply(situation),
    Verb.UNDO: _never,
    Verb.RETRY: _never,
    Verb.NOTE: _always,
    Verb.REOPEN: _done,
    Verb.TAG: _always,
    Verb.SPLIT: _has_later_messages,
    Verb.MOVE: _not_closed,
    Verb.MERGE: _not_closed,
    Verb.RESTORE: _was_corrected,
    Verb.REQUESTER: lambda situation: undecided(situation.page.participants) is not None,
    Verb.ADVISE: _asked(AskKind.OPINION),
    Verb.APPROVE: _asked(AskKind.APPROVAL),
    Verb.DECLINE: _asked(AskKind.APPROVAL),
    Verb.NEXT: _never,
    Verb.NEW: _never,
    Verb.NOT_SENSITIVE: lambda situation: (
        (_has_masked(situation) or situation.ticket.protected) and may_open(situation.agent, situation.policy)
    ),
    Verb.SHOW_ORIGINAL: _never,
    Verb.LINK_ARTICLE: _done,
    Verb.DRAFT_ARTICLE: _done,
    Verb.INCIDENT: lambda situation: is_open(situation) and bool(situation.ticket.queue),
    Verb.APART: lambda situation: bool(situation.ticket.work.alike),
    Verb.JOIN_INCIDENT: lambda situation: is_open(situation) and not situation.ticket.incident,
    Verb.LEAVE_INCIDENT: lambda situation: situation.ticket.incident not in (0, situation.ticket.id),
    Verb.REPRODUCED: lambda situation: is_open(situation) and bool(situation.ticket.queue),
    Verb.SNOOZE: _may_rest,
    Verb.HOLD: _may_rest,
    Verb.PENDING: _may_rest,
}


# ---------------------------------------------------------------- choices


def _queues(situation: Situation) -> dict[str, object]:
    others = (q for q in situation.policy.queues.values() if q.name != situation.ticket.queue)
    return {"options": tuple(Option(value=q.name, label=q.title) for q in others)}


def _agents(situation: Situation) -> dict[str, object]:
    """Everybody but the owner who may see the ticket."""
    ticket, policy = situation.ticket, situation.policy
    return _people(
        a for a in situation.team if a.id != ticket.assignee and policy.may_see(ticket.queue, a.id, a.role)
    )


def _people(team: Iterable[Agent]) -> dict[str, object]:
    active = (agent for agent in team if agent.active)
    return {"options": tuple(Option(value=agent.id, label=agent.name or agent.id) for agent in active)}


def _colleagues(situation: Situation) -> dict[str, object]:
    """Everybody but oneself; where it is confidential, who may see it."""
    ticket, policy, me = situation.ticket, situation.policy, situation.agent.id
    return _people(
        a
        for a in situation.team
        if a.id != me and (not ticket.protected or policy.may_see(ticket.queue, a.id, a.role))
    )


def _authorities(situation: Situation) -> dict[str, object]:
    """Who may approve: leads and admins other than oneself."""
    me = situation.agent.id
    return _people(a for a in situation.team if a.id != me and at_least(a, Role.LEAD))


def _every_queue(situation: Situation) -> dict[str, object]:
    """All queues, or the confidential ones where the ticket is."""
    fit = [q for q in situation.policy.queues.values() if q.protected or not situation.ticket.protected]
    return {"options": tuple(Option(value=q.name, label=q.title) for q in fit)}


def _questions(situation: Situation, kind: AskKind) -> list[Option]:
    """What is asked of whoever looks."""
    asks = situation.ticket.work.open_asks
    fit = [ask for ask in asks if ask.kind is kind and may_answer(ask, situation.agent, situation.policy)]
    return [Option(value=str(ask.id), label=_start(ask.text)) for ask in fit]


def _suggestion(situation: Situation) -> dict[str, object]:
    """What the assistant would have said, to be edited; and to whom it goes."""
    told = {"hint": goes_to(_way(situation))} if situation.page.legs else {}
    return {"value": situation.ticket.bot.suggestion, **told}


def _requesters(situation: Situation) -> dict[str, object]:
    """Whoever wrote the mail that was forwarded, or the colleague who forwarded it."""
    proposed = undecided(situation.page.participants)
    if proposed is None:
        return {"options": ()}
    who = proposed.identity
    label = f"{who.name} ({who.value})" if who.name else who.value
    return {
        "options": (
            Option(value=who.value, label=f"{label}, who wrote it"),
            Option(value=SENDER, label="The colleague who forwarded it"),
        )
    }


def _way(situation: Situation) -> Leg | None:
    """Where an answer to the requester goes now."""
    return next((leg for leg in situation.page.legs if leg.side is Side.REQUESTER and leg.current), None)


def _plain_queues(situation: Situation) -> dict[str, object]:
    fit = [queue for queue in situation.policy.queues.values() if not queue.protected]
    return {"options": tuple(Option(value=q.name, label=q.title) for q in fit)}


def _alike(situation: Situation) -> dict[str, object]:
    """The tickets that are proposed as one incident with this one."""
    return {"value": ", ".join(reference(number) for number in situation.ticket.work.alike)}


def _answerable(kind: AskKind) -> Choices:
    def options(situation: Situation) -> dict[str, object]:
        found = _questions(situation, kind)
        return {"options": tuple(found), "value": found[-1].value if found else ""}

    return options


def _causes(situation: Situation) -> dict[str, object]:
    return {"options": tuple(Option(value=code, label=text) for code, text in HANDOVER.items())}


def _priorities(situation: Situation) -> dict[str, object]:
    options = tuple(Option(value=p.value, label=p.value.capitalize()) for p in Priority)
    return {"options": options, "value": situation.ticket.priority.value}


def _tags(situation: Situation) -> dict[str, object]:
    return {"value": ", ".join(situation.ticket.tags)}


def _messages(situation: Situation) -> list[Option]:
    lines = (entry for entry in situation.page.entries if entry.kind is EntryKind.MESSAGE)
    return [Option(value=str(e.id), label=f"{e.author}: {_start(e.text)}") for e in lines]


def _entries(situation: Situation) -> dict[str, object]:
    return {"options": tuple(_messages(situation))}


def _start(text: str, length: int = 60) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


#: By a field's name: what depends on the ticket and on who looks.
CHOICES: Mapping[str, Choices] = {
    "queue": _queues,
    "colleague": _agents,
    "cause": _causes,
    "priority": _priorities,
    "tags": _tags,
    "entry": _entries,
}

#: The same where a verb has its own.
CHOICES_OF: Mapping[tuple[Verb, str], Choices] = {
    (Verb.CONSULT, "colleague"): _colleagues,
    (Verb.CONSULT, "queue"): _every_queue,
    (Verb.ASK_APPROVAL, "colleague"): _authorities,
    (Verb.ASK_APPROVAL, "queue"): _every_queue,
    (Verb.ADVISE, "value"): _answerable(AskKind.OPINION),
    (Verb.APPROVE, "value"): _answerable(AskKind.APPROVAL),
    (Verb.DECLINE, "value"): _answerable(AskKind.APPROVAL),
    (Verb.TRANSFER, "queue"): _every_queue,
    (Verb.REPLY, "text"): _suggestion,
    (Verb.REQUESTER, "value"): _requesters,
    (Verb.REPLY, "attachments"): lambda situation: {"hint": file_limit(_way(situation), situation.policy)},
    (Verb.NOT_SENSITIVE, "queue"): _plain_queues,
    (Verb.LINK_ARTICLE, "value"): lambda situation: {"value": situation.ticket.bot.article},
    (Verb.DRAFT_ARTICLE, "subject"): lambda situation: {"value": proposed_title(situation.page)},
    (Verb.DRAFT_ARTICLE, "text"): lambda situation: {"value": proposed_text(situation.page)},
    (Verb.INCIDENT, "also"): _alike,
    (Verb.REPRODUCED, "value"): lambda situation: {"options": FINDINGS},
    (Verb.NEW, "value"): lambda situation: {"options": WAYS, "value": "phone"},
    (Verb.NEW, "queue"): _every_queue,
}
