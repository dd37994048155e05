"""A ticket for somebody who called or came: the same triage, the same ticket, and a word where there is an address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.model import Status, Verb
from tests.conftest import MakeWorld
from tests.world import World


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/deskgate.db"


async def test_a_caller_with_an_address_gets_the_reference_and_can_answer(make_world: MakeWorld) -> None:
    world = await make_world(mail_account="mail/main")
    done = await world.act(
        Verb.NEW, 0, "ana", requester="Mia Kovač", contact="mia@example.org", value="phone",
        text="Her parcel has not come, she wants it by Friday.", subject="Late parcel",
    )  # fmt: skip
    assert (done.state, done.ticket) == ("done", (await world.ticket()).id)
    ticket = await world.ticket(done.ticket)
    assert (ticket.subject, ticket.assignee, ticket.status, ticket.queue) == (
        "Late parcel", "ana", Status.OPEN, "general",
    )  # fmt: skip
    assert world.mail.sent[-1].address.conversation == "mia@example.org"
    assert ticket.reference in world.mail.sent[-1].text
    (entry, *_) = await world.entries(ticket.id)
    assert (entry.author, entry.reason) == ("Mia Kovač", "by phone, written down by Ana")
    key = f"ref:{world.policy.reply_key(ticket.id)}"
    await world.say("And it is a present!", "mia", "mail", refers_to=(key,))
    assert (await world.entries(ticket.id))[-1].text == "And it is a present!"


async def test_without_an_address_the_agent_tells_the_reference(world: World) -> None:
    done = await world.act(
        Verb.NEW, 0, "ana", requester="A man", contact="+386 40 111 222", text="Lost a parcel"
    )
    assert "There is no address" in done.detail
    assert (await world.page(done.ticket)).participants[0].identity.value == "+38640111222"
    assert (await world.act(Verb.REPLY, done.ticket, text="Hello")).state == "refused"


async def test_the_same_triage_decides(world: World) -> None:
    done = await world.act(
        Verb.NEW, 0, "lea", requester="Mia", text="Her card 4111 1111 1111 1111 was charged twice"
    )
    ticket = await world.ticket(done.ticket)
    assert (ticket.protected, ticket.queue) == (True, "protected")
    assert "4111" not in await world.dump()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"text": "Hello"}, "Say who it is"),
        ({"requester": "Mia"}, "Write down what they want."),
        ({"requester": "Mia", "text": "x", "contact": "yes"}, "neither an e-mail address nor a telephone"),
        ({"requester": "Mia", "text": "x", "queue": "fax"}, "There is no queue 'fax'."),
    ],
)
async def test_what_is_missing_is_said(world: World, fields: dict[str, Any], problem: str) -> None:
    done = await world.act(Verb.NEW, 0, "ana", **fields)
    assert (done.state, problem in done.detail) == ("refused", True), done.detail
    assert await world.numbers() == []
