"""Members come by one-time links, rest, and leave their work to others. A link is nowhere until it leaves."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.errors import Refused
from gateway.membership import LINKS, Membership
from gateway.model import Agent, Assignment, Role, Status, Verb
from gateway.policy import AccountPolicy
from tests.conftest import MakeWorld
from tests.world import World, make_policy

ADMIN = Agent(id="root", name="Root", role=Role.ADMIN)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/deskgate.db"


async def made(make_world: MakeWorld, **policy: object) -> tuple[World, Membership]:
    accounts = dict(make_policy().accounts) | {"team/main": AccountPolicy(team="T1")}
    world = await make_world(mail_account="mail/main", accounts=accounts, **policy)
    world.outbox.public_url = "https://help.example"
    await world.store.add_agent(Agent(id="ana", name="Ana", email="ana@example.com", slack_id="T1:UANA"), 0)
    await world.store.add_agent(Agent(id="cat", name="Cat", email="cat@example.com", active=False), 0)
    return world, Membership(world.store, world.clock, lambda: world.policy, world.host.receive)


async def test_a_link_goes_to_mail_or_chat_works_once_and_lies_nowhere(make_world: MakeWorld) -> None:
    world, members = await made(make_world)
    await members.ask_sign_in(" Ana@Example.com ")
    assert "desk/enter" not in await world.dump()
    await world.settle()
    (mail,) = world.mail.sent
    assert mail.address.conversation == "ana@example.com"
    token = re.search(r"https://help.example/desk/enter/([\w-]+)", mail.text)
    assert token and token[1] not in await world.dump()
    waiting = await world.host.sign_in_waiting(token[1])
    assert waiting and waiting.id == "ana"
    session = await world.host.redeem_sign_in(token[1], "")
    assert session and (await world.host.agent_of_session(session)) is not None
    assert await world.host.redeem_sign_in(token[1], "") is None, "it works once"
    await members.ask_sign_in("ana")
    await world.settle()
    assert world.team.sent[-1].address.conversation == "UANA"


async def test_a_link_runs_out_and_nobody_is_flooded(make_world: MakeWorld) -> None:
    world, members = await made(make_world)
    for _ in range(LINKS + 3):
        await members.ask_sign_in("ana@example.com")
    await world.settle()
    assert len(world.mail.sent) == LINKS
    token = re.search(r"/desk/enter/([\w-]+)", world.mail.sent[-1].text)
    await world.later(minutes=31)
    assert token and await world.host.sign_in_waiting(token[1]) is None
    await members.ask_sign_in("ana@example.com")
    await world.settle()
    assert len(world.mail.sent) == LINKS + 1


@pytest.mark.parametrize(
    "who", ["", "nobody", "nobody@example.com", "cat@example.com", "cat", "ana' OR 1", "@"]
)
async def test_strangers_and_those_who_left_get_nothing(make_world: MakeWorld, who: str) -> None:
    world, members = await made(make_world)
    await members.ask_sign_in(who)
    await world.settle()
    assert world.mail.sent == [] and world.team.sent == []


async def test_who_leaves_gives_the_open_tickets_back_through_the_ledger(make_world: MakeWorld) -> None:
    world, members = await made(make_world)
    for who in ("mia", "tom", "eva"):
        await world.say("a person, please", who)
    first, second, third = await world.numbers()
    for number in (first, second, third):
        await world.act(Verb.CLAIM, number, "ana")
    await world.act(Verb.RESOLVE, third, "ana")
    session = await world.host.open_session("ana")
    said = await members.deactivate("root", "ana")
    assert "2 open tickets" in said
    await world.settle()
    tickets = [await world.ticket(number) for number in (first, second, third)]
    assert [t.assignee for t in tickets] == ["", "", "ana"] and tickets[2].status is Status.RESOLVED
    event = next(e for e in (await world.page(first)).events if e.kind == "returned")
    assert event.data == {"agent": "ana", "cause": "gone"}
    assert await world.host.agent_of_session(session) is None
    assert (await world.act(Verb.NOTE, first, "ana", text="x")).state == "refused"
    with pytest.raises(Refused, match="There is no member"):
        await members.deactivate("root", "ana")


async def test_who_is_away_is_passed_over_and_may_give_back(make_world: MakeWorld) -> None:
    queues = dict(make_policy().queues)
    queues["general"] = replace(queues["general"], assignment=Assignment.ROUND_ROBIN)
    world, members = await made(make_world, queues=queues)
    ana = await world.store.agent("ana")
    assert ana
    for who in ("mia", "tom"):
        await world.say("a person, please", who)
    until = world.clock.now() + timedelta(days=3)
    await members.set_away(ana, "ana", until, give_back=True)
    await world.settle()
    assert {(await world.ticket(number)).assignee for number in await world.numbers()} == {"ben"}
    with pytest.raises(Refused, match="a lead may for others"):
        await members.set_away(ana, "ben", until, give_back=False)
    with pytest.raises(Refused, match="Choose a time to come"):
        await members.set_away(ADMIN, "ben", world.clock.now(), give_back=False)
    assert await members.set_away(ADMIN, "ana", None, give_back=False) == "Ana is back."
    back = await world.store.agent("ana")
    assert back and not back.away(world.clock.now())
