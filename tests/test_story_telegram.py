"""The whole story in Telegram, by webhook and by polling: bot, article, a person, a file, resolved, thanks."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.app import Deskgate
from gateway.clock import SystemClock
from gateway.model import (
    ActionResult,
    Agent,
    AgentAction,
    Attachment,
    Identity,
    SendState,
    Status,
    TicketPage,
    Verb,
)
from tests import telegram_standin
from tests.running import free_port, running, settings_for
from tests.telegram_people import Person, group, mention, migrate
from tests.telegram_state import TOKEN, Telegram

PNG = b"\x89PNG\r\n\x1a\n a picture"
_numbers = itertools.count(1)


async def until(look: Any, seconds: float = 60.0) -> Any:
    """Looks again and again until there is something, at most this long."""
    async with asyncio.timeout(seconds):
        while True:
            found = look()
            found = await found if asyncio.iscoroutine(found) else found
            if found:
                return found
            await asyncio.sleep(0.02)


@asynccontextmanager
async def shop(folder: Path, mode: str, **fields: Any) -> AsyncIterator[tuple[Deskgate, Telegram]]:
    """A Deskgate with one bot; Ana is an agent."""
    async with telegram_standin.running(SystemClock()) as telegram:
        account = {"bot_token": TOKEN, "api_url": telegram.api_url, "mode": mode, "poll_seconds": 1, **fields}
        settings = settings_for(folder, free_port(), connectors={"telegram": {"main": account}})
        async with running(settings) as deskgate:
            await deskgate.store.add_agent(Agent(id="ana", name="Ana"), 0)
            await until(lambda: "setMyCommands" in telegram.methods())
            yield deskgate, telegram


async def act(deskgate: Deskgate, verb: Verb, ticket: int, **fields: Any) -> ActionResult:
    """What Ana does on the desk."""
    action = AgentAction(
        connector="desk",
        account="browser",
        delivery_key=f"a{next(_numbers)}",
        at=deskgate.clock.now(),
        actor=Identity(kind="agent", value="ana", name="Ana", verified=True),
        verb=verb,
        ticket=ticket,
        **fields,
    )
    result = await deskgate.host.act(action)
    assert result.state == "done", result.detail
    return result


async def pages(deskgate: Deskgate) -> list[TicketPage]:
    """Every ticket, oldest first."""
    rows = await deskgate.store.driver.read(lambda tx: tx.all("SELECT id FROM tickets ORDER BY id"))
    found = [await deskgate.store.ticket_page(row[0]) for row in rows]
    return [page for page in found if page is not None]


async def only_page(deskgate: Deskgate) -> TicketPage:
    (page,) = await pages(deskgate)
    return page


async def settled(deskgate: Deskgate) -> None:
    async def quiet() -> bool:
        return not (await deskgate.store.ledger_count()).pending

    await until(quiet)


@pytest.mark.parametrize("mode", ["webhook", "polling"])
async def test_a_customer_is_answered_by_the_bot_and_then_by_a_person(tmp_path: Path, mode: str) -> None:
    async with shop(tmp_path, mode) as (deskgate, telegram):
        mia = Person(telegram=telegram)
        mia.says("Where is my order?")
        (answer,) = await until(lambda: telegram.sent(mia.id))
        assert (
            "automatic assistant of Linden & Fox" in answer["text"] and "Where is my order?" in answer["text"]
        )
        assert any(entity["type"] == "a" for entity in answer["entities"])
        assert "sendChatAction" in telegram.methods()

        query = mia.presses(answer, "No")
        notice = (await until(lambda: telegram.sent(mia.id)[1:]))[0]
        assert "A person will answer you here" in notice["text"]
        await until(lambda: telegram.pressed[query] is not None)
        await until(
            lambda: telegram.messages[mia.id, answer["message_id"]]["reply_markup"] == {"inline_keyboard": []}
        )
        page = await only_page(deskgate)
        assert page.ticket.cause == "not_helped" and page.requester == "Mia"

        await act(deskgate, Verb.CLAIM, page.ticket.id)
        picture = Attachment(filename="van.png", content_type="image/png", content=PNG, size=len(PNG))
        await act(
            deskgate, Verb.REPLY, page.ticket.id, text="It is **on the van**, Mia.", attachments=(picture,)
        )
        reply = (await until(lambda: telegram.sent(mia.id)[2:]))[0]
        assert reply["caption"] == "Ana:\nIt is on the van, Mia." and reply["stored"] == PNG
        assert reply["caption_entities"][0]["type"] == "b"

        await act(deskgate, Verb.RESOLVE, page.ticket.id)
        await until(lambda: telegram.sent(mia.id)[3:])
        mia.says("thanks!")
        await until(lambda: not telegram.updates)
        await settled(deskgate)
        page = await only_page(deskgate)
        assert page.ticket.status is Status.RESOLVED and "thanked" in [event.kind for event in page.events]
        assert (await deskgate.store.ledger_count()).adds_up
        assert len(telegram.sent(mia.id)) == 4, "nothing was said twice"


async def test_in_a_group_only_what_speaks_to_the_bot_becomes_a_ticket(tmp_path: Path) -> None:
    async with shop(tmp_path, "polling") as (deskgate, telegram):
        shoppers = group(telegram)
        mia, tom = Person(telegram=telegram), Person(telegram=telegram, id=77, name="Tom")
        tom.says("Nice weather today", shoppers)
        mia.says(f"{mention()} where is my order?", shoppers)
        (answer,) = await until(lambda: telegram.sent(shoppers.id))
        assert answer["reply_to_message"]["from"]["id"] == mia.id
        page = await only_page(deskgate)
        assert page.ticket.subject == "where is my order?"

        query = tom.presses(answer, "No")
        await until(lambda: telegram.pressed[query])
        assert "for the person who asked" in str(telegram.pressed[query])
        tom.says(f"{mention()} how do I return an item?", shoppers)
        await until(lambda: len(telegram.sent(shoppers.id)) == 2)
        mia.says("no", shoppers, reply_to_message=answer)
        await until(lambda: len(telegram.sent(shoppers.id)) == 3)
        mine, his = await pages(deskgate)
        assert mine.ticket.cause == "not_helped" and his.ticket.cause == ""
        assert {page.requester for page in (mine, his)} == {"Mia", "Tom"}


async def test_a_group_that_becomes_a_supergroup_keeps_its_tickets(tmp_path: Path) -> None:
    async with shop(tmp_path, "webhook") as (deskgate, telegram):
        shoppers = group(telegram)
        mia = Person(telegram=telegram)
        mia.says(f"{mention()} a person, please", shoppers)
        await until(lambda: telegram.sent(shoppers.id))
        page = await only_page(deskgate)
        larger = migrate(telegram, shoppers, -1_001_234_567_890)
        await until(lambda: not telegram.updates)
        await act(deskgate, Verb.REPLY, page.ticket.id, text="Here I am.")
        (reply,) = await until(lambda: telegram.sent(larger.id))
        mia.says("great, and my parcel?", larger, reply_to_message=reply)
        mia.says(f"{mention()} it is number 12", larger)
        await until(lambda: not telegram.updates)
        await settled(deskgate)
        said = [entry.text for entry in (await only_page(deskgate)).entries]
        assert "great, and my parcel?" in said and "it is number 12" in said


async def test_a_send_into_a_group_that_moved_unheard_follows_it(tmp_path: Path) -> None:
    async with shop(tmp_path, "polling") as (deskgate, telegram):
        shoppers = group(telegram)
        Person(telegram=telegram).says(f"{mention()} a person, please", shoppers)
        await until(lambda: telegram.sent(shoppers.id))
        larger = group(telegram, -1_009_876_543_210, "supergroup")
        shoppers.moved_to = larger.id
        await act(deskgate, Verb.REPLY, (await only_page(deskgate)).ticket.id, text="Here I am.")
        (reply,) = await until(lambda: telegram.sent(larger.id))
        assert reply["text"] == "Ana:\nHere I am."


async def test_a_matter_of_a_group_goes_on_in_private_by_the_link(tmp_path: Path) -> None:
    async with shop(tmp_path, "polling") as (deskgate, telegram):
        shoppers = group(telegram)
        mia, tom = Person(telegram=telegram), Person(telegram=telegram, id=77, name="Tom")
        mia.says(f"{mention()} a person, please", shoppers)
        (notice,) = await until(lambda: telegram.sent(shoppers.id))
        (button,) = notice["reply_markup"]["inline_keyboard"][-1]
        assert button["text"] == "Continue in private"
        link, _, word = button["url"].partition("?start=")
        assert link == "https://t.me/fox_desk_bot" and len(word) <= 64

        tom.says(f"/start {word}")
        await until(lambda: telegram.sent(tom.id))
        mia.says(f"/start {word}")
        await until(lambda: not telegram.updates)
        await settled(deskgate)
        mine, his = await pages(deskgate)
        assert (mine.requester, his.requester) == ("Mia", "Tom")
        await act(deskgate, Verb.REPLY, mine.ticket.id, text="Your refund of 12 EUR is on its way.")
        (reply,) = await until(lambda: telegram.sent(mia.id))
        assert "refund" in reply["text"] and "refund" not in str(telegram.sent(shoppers.id))

        async def accepted() -> bool:
            return (await pages(deskgate))[0].entries[-1].state is SendState.ACCEPTED

        await until(accepted)
        mia.says("when will it arrive?")
        await until(lambda: not telegram.updates)
        await settled(deskgate)
        mine, _ = await pages(deskgate)
        assert [e.text for e in mine.entries][-1] == "when will it arrive?", (
            "the chat goes on with this ticket"
        )


async def test_a_private_matter_in_a_group_is_answered_in_private_alone(tmp_path: Path) -> None:
    async with shop(tmp_path, "polling") as (deskgate, telegram):
        shoppers, mia = group(telegram), Person(telegram=telegram)
        mia.says(f"{mention()} my account SI56191000000123438 was charged twice", shoppers)
        (notice,) = await until(lambda: telegram.sent(shoppers.id))
        assert "Others can read along here" in notice["text"] and "SI56" not in notice["text"]
        page = await only_page(deskgate)
        with pytest.raises(AssertionError, match="private matter"):
            await act(deskgate, Verb.REPLY, page.ticket.id, text="Your refund of 12 EUR is on its way.")
        word = notice["reply_markup"]["inline_keyboard"][-1][0]["url"].partition("?start=")[2]
        mia.says(f"/start {word}")
        await until(lambda: not telegram.updates)
        await settled(deskgate)
        await act(deskgate, Verb.REPLY, page.ticket.id, text="Your refund of 12 EUR is on its way.")
        await until(lambda: [each for each in telegram.sent(mia.id) if "refund" in each["text"]])
        assert "refund" not in str(telegram.sent(shoppers.id))


async def test_an_album_is_one_turn_and_a_file_too_large_is_named(tmp_path: Path) -> None:
    async with shop(tmp_path, "webhook") as (deskgate, telegram):
        mia = Person(telegram=telegram)
        mia.sends("photo", PNG, media_group_id="g1", caption="The box is broken, a person please")
        mia.sends("photo", PNG + b"2", media_group_id="g1")
        mia.sends("document", b"film", media_group_id="g1", size=30_000_000, file_name="film.mov")
        await until(lambda: telegram.sent(mia.id))
        await settled(deskgate)
        page = await only_page(deskgate)
        files = [file for entry in page.entries for file in entry.attachments]
        assert [bool(file.sha256) for file in files] == [True, True, False]
        assert "20 MB" in files[2].skipped and files[2].filename == "film.mov"
        assert len(telegram.sent(mia.id)) == 1, "one turn, one answer"
        assert await deskgate.host.file(files[0].sha256) == PNG


async def test_a_blocked_bot_is_told_to_the_desk(tmp_path: Path) -> None:
    async with shop(tmp_path, "polling") as (deskgate, telegram):
        mia = Person(telegram=telegram)
        mia.says("/human my parcel is broken")
        await until(lambda: telegram.sent(mia.id))
        page = await only_page(deskgate)
        assert page.ticket.cause == "wants_human" and page.ticket.subject == "my parcel is broken"
        telegram.chats[mia.id].blocked = True
        await act(deskgate, Verb.REPLY, page.ticket.id, text="Hello")

        async def failed() -> bool:
            return "unreached" in [event.kind for event in (await only_page(deskgate)).events]

        await until(failed)
        (event,) = [event for event in (await only_page(deskgate)).events if event.kind == "unreached"]
        assert event.data["reason"] == "blocked"


async def test_what_was_missed_while_we_were_away_is_fetched(tmp_path: Path) -> None:
    async with telegram_standin.running(SystemClock()) as telegram:
        mia = Person(telegram=telegram)
        account = {"bot_token": TOKEN, "api_url": telegram.api_url, "poll_seconds": 0}
        sections = {"connectors": {"telegram": {"main": account}}}
        async with running(settings_for(tmp_path, free_port(), **sections)) as deskgate:
            mia.says("Where is my order?")
            await until(lambda: telegram.sent(mia.id))
        mia.says("a person, please")
        async with running(settings_for(tmp_path, free_port(), **sections)) as deskgate:
            await until(lambda: len(telegram.sent(mia.id)) == 2)
            page = await only_page(deskgate)
            assert page.ticket.cause == "wants_human"
            count = await deskgate.store.ledger_count()
            assert count.adds_up and count.duplicates <= 1


async def test_an_edit_is_a_version(tmp_path: Path) -> None:
    async with shop(tmp_path, "webhook") as (deskgate, telegram):
        mia = Person(telegram=telegram)
        message = mia.says("a person, please: order 12")
        await until(lambda: telegram.sent(mia.id))
        mia.edits(message, "a person, please: order 21")
        await until(lambda: not telegram.updates)
        await settled(deskgate)
        said = [entry.text for entry in (await only_page(deskgate)).entries if entry.author == "Mia"]
        assert said == ["a person, please: order 12", "a person, please: order 21"]
