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
from gateway.model import ActionResult, Agent, AgentAction, Attachment, Identity, Status, TicketPage, Verb
from tests import telegram_standin
from tests.running import free_port, running, settings_for
from tests.telegram_people import Person, group, mention, migrate
from tests.telegram_state import TOKEN, Telegram

PNG = b"\x89PNG\r\n\x1a\n a picture"
_numbers = itertools.count(1)


async def until(look: Any, seconds: float = 20.0) -> Any:
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
        assert "automatic assistant of Linden & Fox" in answer["text"] and "tracking" in answer["text"]
        assert any(entity["type"] == "a" for entity in answer["entities"])
        assert "sendChatAction" in telegram.methods()

        query = mia.presses(answer, "No")
        notice = (await until(lambda: telegram.sent(mia.id)[1:]))[0]
        assert "A person will answer you here" in notice["text"]
        await until(lambda: telegram.pressed[query] is not None)
        await until(lambda: telegram.messages[mia.id, answer["message_id"]]["reply_markup"] == {"inline_keyboard": []})
        page = await only_page(deskgate)
        assert page.ticket.cause == "not_helped" and page.requester == "Mia"

        await act(deskgate, Verb.CLAIM, page.ticket.id)
        picture = Attachment(filename="van.png", content_type="image/png", content=PNG, size=len(PNG))
        await act(deskgate, Verb.REPLY, page.ticket.id, text="It is **on the van**, Mia.", attachments=(picture,))
        reply = (await until(lambda: telegram.sent(mia.id)[2:]))[0]
        assert reply["caption"] == "It is on the van, Mia." and reply["stored"] == PNG
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
