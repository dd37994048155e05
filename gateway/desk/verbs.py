"""Every verb of the desk described once: its title, its fields, who may use it, and when it can be used.

`usable` is what surfaces show (browser, Slack); `gateway/desk/act.py` asks the same table who may. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

import msgspec

from gateway.desk.situation import CHOICES, CHOICES_OF, WHEN, Situation, at_least, is_open
from gateway.model import (
    Agent,
    Field,
    FieldKind,
    Group,
    Role,
    Ticket,
    TicketPage,
    Verb,
    VerbForm,
)
from gateway.policy import Policy


def usable(situation: Situation) -> tuple[VerbForm, ...]:
    """The verbs that this agent may use on this ticket now, with their choices, in the order of their groups."""
    groups = tuple(Group)
    found = [
        _completed(form, situation)
        for form in FORMS.values()
        if at_least(situation.agent, form.role) and WHEN.get(form.verb, is_open)(situation)
    ]
    found = [form for form in found if not _without_choice(form)]
    return tuple(sorted(found, key=lambda form: groups.index(form.group)))


def without_ticket(
    agent: Agent, policy: Policy, team: Sequence[Agent], now: datetime
) -> tuple[VerbForm, ...]:
    """The verbs that this agent may use without a ticket, or on a selection, with their choices."""
    ticket = Ticket(id=0, created_at=now, updated_at=now)
    page = TicketPage(ticket=ticket, requester="", entries=(), events=(), legs=(), participants=())
    situation = Situation(page=page, agent=agent, policy=policy, team=team)
    fit = [form for form in FORMS.values() if form.bulk or form.verb in (Verb.NEW, Verb.NEXT)]
    completed = [_completed(form, situation) for form in fit if at_least(agent, form.role)]
    return tuple(form for form in completed if not _without_choice(form))


def _completed(form: VerbForm, situation: Situation) -> VerbForm:
    """The form with the choices of its fields, and what stands in them at first."""
    fields = tuple(_with_choices(form.verb, field, situation) for field in form.fields)
    return msgspec.structs.replace(form, fields=fields)


def _with_choices(verb: Verb, field: Field, situation: Situation) -> Field:
    choices = CHOICES_OF.get((verb, field.name)) or CHOICES.get(field.name)
    return msgspec.structs.replace(field, **choices(situation)) if choices else field


def _without_choice(form: VerbForm) -> bool:
    """A required choice of nothing: the only queue of a small desk has nowhere to pass a ticket on to."""
    return any(f.required and f.kind is FieldKind.CHOICE and not f.options for f in form.fields)


# ---------------------------------------------------------------- the table

_text = partial(Field, name="text", kind=FieldKind.TEXT)
_FILES = Field(name="attachments", kind=FieldKind.FILES, label="Files")
_QUEUE = Field(name="queue", kind=FieldKind.CHOICE, label="Queue", required=True)
_CAUSE = Field(name="cause", kind=FieldKind.CHOICE, label="Why", required=True)
_ENTRY = Field(name="entry", kind=FieldKind.CHOICE, label="Message", required=True)
_OTHER = Field(name="other", kind=FieldKind.TICKET, label="Other ticket", required=True, hint="DG-42")
_ANY_QUEUE = Field(name="queue", kind=FieldKind.CHOICE, label="Queue")
_COLLEAGUE = Field(name="colleague", kind=FieldKind.CHOICE, label="Colleague")
_ASKED = Field(name="value", kind=FieldKind.CHOICE, label="Question")
_UNTIL = Field(name="until", kind=FieldKind.TIME, label="Until")
_REMARK = _text(label="Note", hint="Only agents see it.")
_NOTE = _text(
    label="Note for them", required=True, hint="What was tried, what is missing. Only agents see it."
)


def _table(forms: Iterable[VerbForm]) -> Mapping[Verb, VerbForm]:
    return {form.verb: form for form in forms}


#: Every verb, in the order in which they are shown within their group.
FORMS: Mapping[Verb, VerbForm] = _table(
    (
        VerbForm(
            verb=Verb.REPLY, bulk=True, title="Reply", group=Group.ANSWER, preview=True,
            explain="Goes to the requester, after a preview.",
            fields=(_text(label="Your answer", required=True, hint="The requester will read this."), _FILES),
        ),
        VerbForm(
            verb=Verb.SEND_SUGGESTION,
            title="Send the suggestion",
            group=Group.ANSWER,
            explain="What the assistant would have answered goes to the requester as it is.",
        ),
        VerbForm(
            verb=Verb.NOTE, bulk=True, title="Note", group=Group.ANSWER, explain="Only agents see it.",
            fields=(_text(label="Note", required=True, hint="Only agents see it."), _FILES),
        ),
        VerbForm(verb=Verb.CLAIM, bulk=True, title="Claim", group=Group.OWN, explain="It is yours from now on."),
        VerbForm(verb=Verb.RELEASE, bulk=True, title="Release", group=Group.OWN, explain="Back to its queue."),
        VerbForm(
            verb=Verb.RESOLVE, bulk=True, title="Resolve", group=Group.OWN,
            explain="The matter is done; the requester is told, and may still answer.",
            fields=(_text(label="Last word to the requester", hint="Left empty, they get our usual line."),),
        ),
        VerbForm(verb=Verb.REOPEN, title="Reopen", group=Group.OWN, explain="It is not done after all."),
        VerbForm(
            verb=Verb.ESCALATE, bulk=True, title="Escalate", group=Group.HAND_OVER,
            explain="To those who know more or may decide more; the requester stays informed.",
            fields=(_QUEUE, _CAUSE, _NOTE),
        ),
        VerbForm(
            verb=Verb.NEXT,
            title="Take the next one",
            group=Group.OWN,
            explain="The ticket that should be worked on next is yours.",
        ),
        VerbForm(
            verb=Verb.ADVISE,
            title="Give your opinion",
            group=Group.ASK,
            explain="You were asked; your answer becomes a note.",
            fields=(_ASKED, _text(label="Your opinion", required=True, hint="Only agents see it.")),
        ),
        VerbForm(
            verb=Verb.APPROVE,
            title="Approve",
            group=Group.ASK,
            explain="Your yes is recorded.",
            fields=(_ASKED, _REMARK),
        ),
        VerbForm(
            verb=Verb.DECLINE,
            title="Decline",
            group=Group.ASK,
            explain="Your no is recorded, with the reason.",
            fields=(_ASKED, _text(label="Reason", required=True, hint="Only agents see it.")),
        ),
        VerbForm(
            verb=Verb.CONSULT,
            title="Ask for an opinion",
            group=Group.ASK,
            explain="A colleague or a queue is asked; the ticket stays where it is.",
            fields=(_COLLEAGUE, _ANY_QUEUE, _text(label="What do you want to know?", required=True)),
        ),
        VerbForm(
            verb=Verb.ASK_APPROVAL,
            title="Ask for approval",
            group=Group.ASK,
            explain="Somebody who may decide it says yes or no; it is recorded.",
            fields=(_COLLEAGUE, _ANY_QUEUE, _text(label="What should be approved?", required=True)),
        ),
        VerbForm(
            verb=Verb.TRANSFER,
            bulk=True,
            title="Pass on",
            group=Group.HAND_OVER,
            explain="To another queue or a colleague, with a note.",
            fields=(_ANY_QUEUE, _COLLEAGUE, _CAUSE, _NOTE),
        ),
        VerbForm(
            verb=Verb.ASSIGN,
            bulk=True,
            title="Assign",
            group=Group.HAND_OVER,
            role=Role.LEAD,
            explain="Gives it to somebody, whoever has it now.",
            fields=(msgspec.structs.replace(_COLLEAGUE, required=True), _REMARK),
        ),
        VerbForm(
            verb=Verb.SNOOZE,
            bulk=True,
            title="Snooze",
            group=Group.LATER,
            explain="Out of sight until then; a word of the requester wakes it earlier.",
            fields=(msgspec.structs.replace(_UNTIL, required=True), _REMARK),
        ),
        VerbForm(
            verb=Verb.HOLD,
            bulk=True,
            title="On hold",
            group=Group.LATER,
            explain="It waits for somebody who is neither us nor the requester.",
            fields=(_UNTIL, _text(label="What does it wait for?", hint="Only agents see it.")),
        ),
        VerbForm(
            verb=Verb.PENDING,
            bulk=True,
            title="Pending",
            group=Group.LATER,
            explain="It waits for the requester.",
            fields=(_REMARK,),
        ),
        VerbForm(
            verb=Verb.PRIORITY, bulk=True, title="Priority", group=Group.SORT,
            fields=(Field(name="priority", kind=FieldKind.CHOICE, label="Priority", required=True),),
        ),
        VerbForm(
            verb=Verb.TAG, title="Tags", group=Group.SORT,
            fields=(
                Field(name="tags", kind=FieldKind.TAGS, label="Tags", hint="With commas between.", max_length=900),
            ),
        ),
        VerbForm(
            verb=Verb.INCIDENT,
            title="Make an incident",
            group=Group.INCIDENT,
            role=Role.LEAD,
            bulk=True,
            explain="These tickets are one problem: linked, more urgent, answered together.",
            fields=(
                Field(name="also", kind=FieldKind.LINE, label="Tickets", required=True, hint="DG-3, DG-5"),
                _text(label="What is wrong?", hint="Only agents see it."),
            ),
        ),
        VerbForm(
            verb=Verb.APART,
            title="They only look alike",
            group=Group.INCIDENT,
            role=Role.LEAD,
            explain="What was proposed is no incident.",
        ),
        VerbForm(
            verb=Verb.JOIN_INCIDENT,
            title="Join an incident",
            group=Group.INCIDENT,
            explain="This is about the same as an incident that is known.",
            fields=(_OTHER,),
        ),
        VerbForm(
            verb=Verb.LEAVE_INCIDENT,
            title="Leave the incident",
            group=Group.INCIDENT,
            explain="This is about something else after all.",
        ),
        VerbForm(
            verb=Verb.REPRODUCED,
            title="Tried it out",
            group=Group.INCIDENT,
            explain="Does it happen to everybody, or to this person? It goes on to those whom that concerns.",
            fields=(
                Field(name="value", kind=FieldKind.CHOICE, label="What did you find?", required=True),
                _text(label="What did you try?", required=True, hint="Only agents see it."),
            ),
        ),
        VerbForm(
            verb=Verb.NEW,
            title="New ticket",
            group=Group.OWN,
            explain="For somebody who called, came by or wrote to you.",
            fields=(
                Field(name="requester", kind=FieldKind.LINE, label="Name", max_length=100),
                Field(
                    name="contact",
                    kind=FieldKind.LINE,
                    label="E-mail or telephone",
                    hint="With an e-mail address they get the reference.",
                    max_length=200,
                ),
                Field(name="value", kind=FieldKind.CHOICE, label="How did they reach you?", required=True),
                Field(name="subject", kind=FieldKind.LINE, label="Subject", max_length=120),
                _text(label="What do they want?", required=True, hint="In their words."),
                _ANY_QUEUE,
            ),
        ),
        VerbForm(
            verb=Verb.NOT_SENSITIVE,
            title="Not sensitive",
            group=Group.SORT,
            explain="What was masked was no secret: it becomes readable for everybody here, and goes where it belongs.",
            fields=(_ANY_QUEUE, _text(label="Why", hint="Only agents see it.")),
        ),
        VerbForm(
            verb=Verb.SHOW_ORIGINAL,
            title="Show the original",
            group=Group.LINE,
            explain="What was masked, on the record: that you looked stays on the ticket.",
        ),
        VerbForm(
            verb=Verb.LINK_ARTICLE,
            title="An article answers this",
            group=Group.LEARN,
            explain="Counted for the article, and for what the assistant missed.",
            fields=(
                Field(
                    name="value",
                    kind=FieldKind.LINE,
                    label="Article",
                    required=True,
                    hint="Its name or address, such as refund-time.",
                    max_length=200,
                ),
            ),
        ),
        VerbForm(
            verb=Verb.DRAFT_ARTICLE,
            title="Draft an article",
            group=Group.LEARN,
            explain="For the authors, among the drafts; nothing is published by it.",
            fields=(
                Field(name="subject", kind=FieldKind.LINE, label="Title", required=True, max_length=200),
                _text(label="Answer", required=True, hint="In general words, without names and numbers."),
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
        VerbForm(
            verb=Verb.REQUESTER, title="Choose the requester", group=Group.OWN,
            explain="A colleague forwarded it: answers go to whoever wrote it, or to the colleague.",
            fields=(Field(name="value", kind=FieldKind.CHOICE, label="Requester", required=True),),
        ),
        VerbForm(verb=Verb.UNDO, title="Undo", group=Group.LINE, explain="It has not left yet: take it back."),
        VerbForm(verb=Verb.RETRY, title="Send again", group=Group.LINE),
    )
)  # fmt: skip
