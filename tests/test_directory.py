"""What connectors may ask: whose a place is, while its messages are still being handled too."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.connector import Whose
from gateway.errors import StoreError
from gateway.model import Address, Deletion, Edit, Identity, Side, Verb
from gateway.store import Driver
from tests.world import TEAM, World


async def test_a_place_and_a_message_lead_to_their_ticket(driver: Driver, articles: Path) -> None:
    async with World(driver, articles) as world:
        said = await world.say("a person, please")
        directory = world.host.directory
        number = (await world.ticket()).id
        mine = Whose(ticket=number, side=Side.REQUESTER)
        assert await directory.whose(f"at:{said.address.key}", said.address) == mine
        assert await directory.whose(said.message_key, said.address) == mine
        assert await directory.whose("at:nowhere", said.address) == Whose()
        assert await directory.asker_of(number) == "chat:mia"
        assert await directory.asker_of(99) == ""


async def test_what_is_still_being_handled_is_waited_for(driver: Driver, articles: Path) -> None:
    async with World(driver, articles) as world:
        said = world.message("a person, please")
        await world.take(said)
        with pytest.raises(StoreError):
            await world.host.directory.whose(f"at:{said.address.key}", said.address)
        elsewhere = Address(connector="chat", account="main", conversation="mi")
        assert await world.host.directory.whose("at:x", elsewhere) == Whose()


async def test_open_places_are_those_of_tickets_that_go_on(driver: Driver, articles: Path) -> None:
    async with World(driver, articles) as world:
        await world.say("a person, please", "mia")
        await world.later(seconds=1)
        await world.say("a person, please", "tom")
        places = await world.host.directory.open_places("chat", "main")
        assert [place.conversation for place in places] == ["tom", "mia"]
        cards = await world.host.directory.open_places("team", "main")
        assert {card.conversation for card in cards} == {TEAM.conversation}
        found = await world.host.directory.whose(f"at:{cards[0].key}", cards[0])
        assert found.side is Side.AGENT
        for queue in world.host.directory.queues:
            assert queue.address.connector == "team"


async def test_the_agent_behind_an_identity(driver: Driver, articles: Path) -> None:
    async with World(driver, articles) as world:
        found = await world.host.directory.agent_of(Identity(kind="slack", value="T1:UANA"))
        assert found is not None and found.id == "ana"
        assert await world.host.directory.agent_of(Identity(kind="slack", value="T1:UMIA")) is None


async def test_a_message_is_found_by_the_other_names_it_has(driver: Driver, articles: Path) -> None:
    async with World(driver, articles) as world:
        thread = [
            Address(connector="team", account="main", conversation="C1", thread=f"{n}.0") for n in (1, 2)
        ]
        first = {"address": thread[0], "known_as": ("near:C1/mia/1",)}
        await world.say("my printer is broken, a person please", door="team", **first)
        await world.say("it is on fire now", door="team", address=thread[1], refers_to=("near:C1/mia/1",))
        assert len(await world.numbers()) == 1
        assert [e.text for e in await world.entries() if e.kind == "message"][-1] == "it is on fire now"


async def test_an_edit_in_the_turn_of_its_message_is_kept(driver: Driver, articles: Path) -> None:
    async with World(driver, articles) as world:
        said = world.message("a person, please: order 12")
        shared = {"connector": "chat", "account": "main", "address": said.address, "sender": said.sender}
        changed = {**shared, "at": world.clock.now(), "message_key": said.message_key}
        edit = Edit(**changed, delivery_key="e1", version="2", text="a person, please: order 21")
        await world.take(said, edit, Edit(**{**changed, "delivery_key": "e2"}, version="2", text=edit.text))
        await world.settle()
        assert [e.text for e in await world.entries() if e.kind == "message"] == [said.text, edit.text]
        await world.take(Deletion(**changed, delivery_key="e3"))
        await world.settle()
        assert "deleted" in await world.events()
        assert "took a message back" in world.team.posts[-1].text
        await world.act(Verb.CLAIM, (await world.ticket()).id)
