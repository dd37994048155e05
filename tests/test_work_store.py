"""What people's work asks of the store, over each kind of database."""

from __future__ import annotations

from datetime import timedelta

from gateway.incident_watch import IncidentWatch
from gateway.membership import Membership
from gateway.model import Agent, Identity, Verb
from gateway.views import TicketFilter
from tests.conftest import MakeWorld


async def test_a_day_of_work_over_each_database(make_world: MakeWorld) -> None:
    world = await make_world(mail_account="mail/main")
    for who in ("mia", "tom", "eva"):
        await world.say("A person please, the checkout shows an error when I pay", who)
    first, second, third = await world.numbers()
    watch = IncidentWatch(world.store, world.seal, world.clock, least=3, window=timedelta(hours=1))
    assert await watch.look() == 1
    await world.settle()
    (line,) = await world.host.incident_lines()
    assert [each.id for each in line.proposed] == [second, third]
    await world.act(Verb.INCIDENT, first, "lea", also=(second, third))
    (line,) = await world.host.incident_lines()
    assert [each.id for each in line.members] == [second, third]
    assert (await world.act(Verb.NEXT, 0, "ben")).ticket == first
    await world.act(Verb.CONSULT, first, "ben", colleague="ana", text="50 % of them?")
    asked = TicketFilter(asked=("agent:ana", "queue:orders"))
    assert [each.id for each in await world.host.ticket_lines(asked)] == [first]
    done = await world.act(Verb.REPLY, first, "ben", text="Mended.", everyone=True)
    assert done.detail.startswith("3 of 3 done.")

    members = Membership(world.store, world.clock, lambda: world.policy, world.host.receive)
    await world.store.add_agent(Agent(id="ben", name="Ben", email="ben@example.com", skills=("refund",)), 0)
    await members.ask_sign_in("ben@example.com")
    await world.later(seconds=5)
    assert [post.sign_in for post in world.mail.sent] == ["ben"]
    assert {member.agent.id: member.load for member in await world.store.team()}["ben"] == 3
    await members.deactivate("root", "ben")
    await world.settle()
    assert {(await world.ticket(number)).assignee for number in (first, second, third)} == {""}

    lead = Identity(kind="agent", value="lea", verified=True)
    await world.host.stop_bot(lead, "all", "100 % wrong")
    assert [stop.why for stop in await world.host.bot_stops()] == ["100 % wrong"]
    await world.say("My card 4111 1111 1111 1111 was charged", "jan")
    masked = (await world.ticket()).id
    await world.act(Verb.NOT_SENSITIVE, masked, "lea", queue="orders")
    assert "4111" in (await world.entries(masked))[0].text
