"""The table of verbs: complete, readable by every surface, and in step with what the desk lets do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.desk.act import VERBS
from gateway.desk.situation import CHOICES, CHOICES_OF
from gateway.desk.verbs import FORMS
from gateway.escalation.causes import HANDOVER
from gateway.model import AgentAction, FieldKind, Group, Identity, Priority, TicketView, Verb, filled
from tests.world import World


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/deskgate.db"


def test_the_table_holds_every_verb_and_only_fields_that_an_action_has() -> None:
    assert set(FORMS) == {*VERBS, Verb.NEW} == set(Verb)
    names = {field.name for form in FORMS.values() for field in form.fields}
    assert names <= set(AgentAction.__struct_fields__)
    assert all(form.title for form in FORMS.values())
    fixed = {"attachments", "text", "other", "until", "also", "requester", "contact", "subject"}
    chosen = {
        (form.verb, f.name) for form in FORMS.values() for f in form.fields if f.kind is FieldKind.CHOICE
    }
    assert {name for verb, name in chosen if (verb, name) not in CHOICES_OF} <= set(CHOICES)
    assert names - set(CHOICES) <= fixed | {"value"}


async def offered(world: World, agent: str, ticket: int = 1) -> dict[Verb, object]:
    identity = Identity(kind="agent", value=agent, verified=True)
    page = await world.host.ticket(TicketView(actor=identity, ticket=ticket))
    return {form.verb: form for form in page.verbs}


async def test_what_is_offered_depends_on_ticket_and_reader(world: World) -> None:
    await world.say("a person, please")
    assert {Verb.CLAIM, Verb.REPLY, Verb.ESCALATE} <= set(await offered(world, "ana"))
    assert Verb.REOPEN not in await offered(world, "ana")
    await world.act(Verb.CLAIM, 1, "ana")
    assert Verb.CLAIM not in await offered(world, "ben")
    assert Verb.RELEASE not in await offered(world, "ben")
    assert {Verb.CLAIM, Verb.RELEASE} <= set(await offered(world, "lea"))
    await world.act(Verb.RESOLVE, 1, "ana")
    assert Verb.REOPEN in await offered(world, "ana")
    assert Verb.ESCALATE not in await offered(world, "ana")


async def test_choices_are_those_of_this_desk(world: World) -> None:
    await world.say("a person, please")
    form = FORMS[Verb.ESCALATE]
    page = await world.host.ticket(TicketView(actor=Identity(kind="agent", value="ana"), ticket=1))
    form = next(f for f in page.verbs if f.verb is Verb.ESCALATE)
    queue, cause = form.field("queue"), form.field("cause")
    assert queue and cause
    assert "orders" in [o.value for o in queue.options] and page.ticket.queue not in [
        o.value for o in queue.options
    ]
    assert [o.value for o in cause.options] == list(HANDOVER)
    groups = [list(Group).index(form.group) for form in page.verbs]
    assert groups == sorted(groups)


def test_filled_reads_each_kind_of_field_and_says_what_is_wrong() -> None:
    values, problems = filled(FORMS[Verb.TAG], {"tags": " VIP, vip,,late "})
    assert (values, problems) == ({"tags": ("vip", "late")}, {})
    values, problems = filled(FORMS[Verb.PRIORITY], {"priority": "high"})
    assert values == {"priority": Priority.HIGH}
    _, problems = filled(FORMS[Verb.ESCALATE], {"queue": "x", "cause": ""})
    assert set(problems) == {"cause", "text"}
    values, problems = filled(FORMS[Verb.MERGE], {"other": "dg-42"})
    assert values == {"other": 42}
    assert filled(FORMS[Verb.MERGE], {"other": "soon"})[1] == {
        "other": "Write a ticket's reference, such as DG-42."
    }


def test_a_time_needs_its_zone() -> None:
    from gateway.model import Field, VerbForm

    form = VerbForm(verb=Verb.NOTE, title="", fields=(Field(name="until", kind=FieldKind.TIME, label=""),))
    assert filled(form, {"until": "2027-03-01T09:00+00:00"})[0]["until"] == datetime(
        2027, 3, 1, 9, tzinfo=UTC
    )
    assert "zone" in filled(form, {"until": "2027-03-01T09:00"})[1]["until"]
    assert "day and a time" in filled(form, {"until": "tomorrow"})[1]["until"]
