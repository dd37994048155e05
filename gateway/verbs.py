"""Every verb of the desk described once: its title, its fields, who may use it, and when it can be used.

`usable` is what surfaces show (browser, Slack); `gateway/desk.py` asks the same table who may. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import msgspec

from gateway.causes import HANDOVER
from gateway.model import (
    Agent,
    EntryKind,
    Field,
    FieldKind,
    Group,
    Option,
    Priority,
    Role,
    Side,
    Status,
    Ticket,
    TicketPage,
    Verb,
    VerbForm,
)
from gateway.policy import Policy

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


def at_least(agent: Agent, role: Role) -> bool:
    """Whether this member may do what `role` may."""
    return _RANK.index(agent.role) >= _RANK.index(role)


def usable(situation: Situation) -> tuple[VerbForm, ...]:
    """The verbs that this agent may use on this ticket now, with their choices, in the order of their groups."""
    groups = tuple(Group)
    found = [
        _completed(form, situation)
        for form in FORMS.values()
        if at_least(situation.agent, form.role) and _WHEN.get(form.verb, _open)(situation)
    ]
    found = [form for form in found if not _without_choice(form)]
    return tuple(sorted(found, key=lambda form: groups.index(form.group)))


def _completed(form: VerbForm, situation: Situation) -> VerbForm:
    """The form with the choices of its fields, and what stands in them at first."""
    fields = tuple(
        msgspec.structs.replace(field, **CHOICES[field.name](situation)) if field.name in CHOICES else field
        for field in form.fields
    )
    return msgspec.structs.replace(form, fields=fields)


def _without_choice(form: VerbForm) -> bool:
    """A required choice of nothing: the only queue of a small desk has nowhere to pass a ticket on to."""
    return any(f.required and f.kind is FieldKind.CHOICE and not f.options for f in form.fields)


# ---------------------------------------------------------------- when


def _open(situation: Situation) -> bool:
    return situation.ticket.status not in DONE


def _always(situation: Situation) -> bool:
    return True


def _never(situation: Situation) -> bool:
    return False


def _done(situation: Situation) -> bool:
    return not _open(situation)


def _not_closed(situation: Situation) -> bool:
    return situation.ticket.status is not Status.CLOSED


def _can_claim(situation: Situation) -> bool:
    ticket = situation.ticket
    return _open(situation) and not situation.owns and (not ticket.assignee or situation.leads)


def _can_release(situation: Situation) -> bool:
    return _open(situation) and (situation.owns or (bool(situation.ticket.assignee) and situation.leads))


def _can_reply(situation: Situation) -> bool:
    return _not_closed(situation) and any(leg.side is Side.REQUESTER for leg in situation.page.legs)


def _has_later_messages(situation: Situation) -> bool:
    return _not_closed(situation) and len(_messages(situation)) > 1


def _was_corrected(situation: Situation) -> bool:
    return any(event.kind == "corrected" for event in situation.page.events)


_WHEN: Mapping[Verb, When] = {
    Verb.CLAIM: _can_claim,
    Verb.RELEASE: _can_release,
    Verb.REPLY: _can_reply,
    Verb.UNDO: _never,
    Verb.RETRY: _never,
    Verb.NOTE: _always,
    Verb.REOPEN: _done,
    Verb.TAG: _always,
    Verb.SPLIT: _has_later_messages,
    Verb.MOVE: _not_closed,
    Verb.MERGE: _not_closed,
    Verb.RESTORE: _was_corrected,
}


# ---------------------------------------------------------------- choices


def _queues(situation: Situation) -> dict[str, object]:
    others = (q for q in situation.policy.queues.values() if q.name != situation.ticket.queue)
    return {"options": tuple(Option(value=q.name, label=q.title) for q in others)}


def _agents(situation: Situation) -> dict[str, object]:
    """Everybody else who may see the ticket."""
    ticket, policy = situation.ticket, situation.policy
    fit = [
        a for a in situation.team
        if a.active and a.id != ticket.assignee and policy.may_see(ticket.queue, a.id, a.role)
    ]  # fmt: skip
    return {"options": tuple(Option(value=agent.id, label=agent.name or agent.id) for agent in fit)}


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
CHOICES: Mapping[str, Callable[[Situation], dict[str, object]]] = {
    "queue": _queues,
    "agent": _agents,
    "cause": _causes,
    "priority": _priorities,
    "tags": _tags,
    "entry": _entries,
}


# ---------------------------------------------------------------- the table

_text = partial(Field, name="text", kind=FieldKind.TEXT)
_FILES = Field(name="attachments", kind=FieldKind.FILES, label="Files")
_QUEUE = Field(name="queue", kind=FieldKind.CHOICE, label="Queue", required=True)
_CAUSE = Field(name="cause", kind=FieldKind.CHOICE, label="Why", required=True)
_ENTRY = Field(name="entry", kind=FieldKind.CHOICE, label="Message", required=True)
_OTHER = Field(name="other", kind=FieldKind.TICKET, label="Other ticket", required=True, hint="DG-42")
_NOTE = _text(
    label="Note for them", required=True, hint="What was tried, what is missing. Only agents see it."
)


def _table(forms: Iterable[VerbForm]) -> Mapping[Verb, VerbForm]:
    return {form.verb: form for form in forms}


#: Every verb, in the order in which they are shown within their group.
FORMS: Mapping[Verb, VerbForm] = _table(
    (
        VerbForm(
            verb=Verb.REPLY, title="Reply", group=Group.ANSWER, preview=True,
            explain="Goes to the requester, after a preview.",
            fields=(_text(label="Your answer", required=True, hint="The requester will read this."), _FILES),
        ),
        VerbForm(
            verb=Verb.NOTE, title="Note", group=Group.ANSWER, explain="Only agents see it.",
            fields=(_text(label="Note", required=True, hint="Only agents see it."), _FILES),
        ),
        VerbForm(verb=Verb.CLAIM, title="Claim", group=Group.OWN, explain="It is yours from now on."),
        VerbForm(verb=Verb.RELEASE, title="Release", group=Group.OWN, explain="Back to its queue."),
        VerbForm(
            verb=Verb.RESOLVE, title="Resolve", group=Group.OWN,
            explain="The matter is done; the requester is told, and may still answer.",
            fields=(_text(label="Last word to the requester", hint="Left empty, they get our usual line."),),
        ),
        VerbForm(verb=Verb.REOPEN, title="Reopen", group=Group.OWN, explain="It is not done after all."),
        VerbForm(
            verb=Verb.ESCALATE, title="Escalate", group=Group.HAND_OVER,
            explain="To those who know more or may decide more; the requester stays informed.",
            fields=(_QUEUE, _CAUSE, _NOTE),
        ),
        VerbForm(
            verb=Verb.PRIORITY, title="Priority", group=Group.SORT,
            fields=(Field(name="priority", kind=FieldKind.CHOICE, label="Priority", required=True),),
        ),
        VerbForm(
            verb=Verb.TAG, title="Tags", group=Group.SORT,
            fields=(
                Field(name="tags", kind=FieldKind.TAGS, label="Tags", hint="With commas between.", max_length=900),
            ),
        ),
        VerbForm(
            verb=Verb.SPLIT, title="Split off", group=Group.MEND,
            explain="This message and what came after it become a ticket of their own.", fields=(_ENTRY,),
        ),
        VerbForm(
            verb=Verb.MOVE, title="Move a message", group=Group.MEND,
            explain="This message belongs to another ticket.", fields=(_ENTRY, _OTHER),
        ),
        VerbForm(
            verb=Verb.MERGE, title="Merge", group=Group.MEND,
            explain="All of it belongs to another ticket.", fields=(_OTHER,),
        ),
        VerbForm(
            verb=Verb.RESTORE, title="Take back", group=Group.MEND,
            explain="Takes back the last split, move or merge.",
        ),
        VerbForm(verb=Verb.UNDO, title="Undo", group=Group.LINE, explain="It has not left yet: take it back."),
        VerbForm(verb=Verb.RETRY, title="Send again", group=Group.LINE),
    )
)  # fmt: skip
