"""The whole way through a real core: a mail becomes a card, the agent in Slack answers, the answer is mailed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from connectors.slack.connector import Settings
from connectors.slack.connector import Slack as SlackConnector
from gateway.errors import Undeliverable
from gateway.model import Agent, EntryKind, Status
from gateway.outbox import Outbox
from gateway.policy import QueuePolicy
from gateway.store import open_driver
from tests.fakes_slack import desk_address
from tests.slack_posts import Poster, thread_message
from tests.slack_standin import SECRET, TEAM, TOKEN, Fault, Slack, running
from tests.world import World, a_file


class Desk:
    """A world whose one queue is the stand-in's channel C0DESK."""

    def __init__(self, world: World, slack: Slack, posts: Poster) -> None:
        self.world, self.slack, self.posts = world, slack, posts

    @property
    def card(self) -> dict[str, Any]:
        return next(m for m in self.slack.messages.values() if not m.get("thread_ts"))

    @property
    def thread(self) -> list[str]:
        return [str(m["blocks"]) for m in self.slack.messages.values() if m.get("thread_ts")]

    @property
    def buttons(self) -> set[str]:
        return {element["action_id"] for element in self.card["blocks"][-1]["elements"]}

    @property
    def view(self) -> dict[str, Any]:
        (view,) = self.slack.views.values()
        return view

    async def answer(self, text: str) -> None:
        await self.posts.press(self.card["ts"], "reply")
        await self.posts.submit(self.view, {"text": text})
        await self.posts.submit(self.view)


@asynccontextmanager
async def desk(tmp_path: Path, articles: Path) -> AsyncIterator[Desk]:
    queues = {"general": QueuePolicy(name="general", title="Customer care", address=desk_address())}
    driver = open_driver(f"sqlite:///{tmp_path}/deskgate.db")
    async with (
        World(driver, articles, queues=queues, protected_queue="") as world,
        running(world.clock) as slack,
    ):
        await world.store.add_agent(Agent(id="ann", name="Ann", slack_id=f"{TEAM}:U0ANN"), 0)
        values = {"signing_secret": SECRET, "bot_token": TOKEN, "api_url": slack.api_url}
        connector = SlackConnector("main", Settings.model_validate(values), b"k" * 32)
        doors = {f"{c.name}/{c.account}": c for c in (world.chat, world.mail, connector)}
        world.outbox = Outbox(world.store, world.seal, world.clock, doors)
        app = web.Application()
        connector.attach(app, world.host)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pump = asyncio.create_task(_pump(world))
        try:
            async with aiohttp.ClientSession() as http:
                url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/main"
                yield Desk(world, slack, Poster(slack=slack, http=http, url=url))
        finally:
            pump.cancel()
            with suppress(asyncio.CancelledError):
                await pump
            await runner.cleanup()


async def _pump(world: World) -> None:
    """Handles and sends all the time, as the running program does."""
    while True:
        await world.settle()
        await asyncio.sleep(0.01)


async def until(holds: Any) -> None:
    """Waits for what the pump brings about."""
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.01)


async def until_note(d: Desk, start: str) -> None:
    """Waits until a note stands on the newest ticket."""
    async with asyncio.timeout(60):
        while not any(entry.text.startswith(start) for entry in await d.world.entries()):
            await asyncio.sleep(0.01)


async def test_a_mail_is_answered_from_slack(tmp_path: Path, articles: Path) -> None:
    async with desk(tmp_path, articles) as d:
        await d.world.take(d.world.message("I want to talk to a person <!channel>, please", door="mail"))
        await until(lambda: d.slack.messages)
        assert d.buttons == {"claim", "reply", "resolve", "more", "open"}
        assert "&lt;!channel&gt;" in str(d.card["blocks"])

        await d.posts.press(d.card["ts"], "claim")
        await until(lambda: "claim" not in d.buttons)
        (ticket,) = await d.world.numbers()
        assert (await d.world.ticket(ticket)).assignee == "ann"

        await d.posts.event(thread_message(d.slack, d.card["ts"], "a *private* thought"))
        await d.answer("Hello Mia, **all** is well.")
        d.world.clock.advance(seconds=10)
        await until(lambda: any("all" in post.text for post in d.world.mail.posts))
        await until_note(d, "a **private**")
        entries = await d.world.entries(ticket)
        notes = [entry.text for entry in entries if entry.kind is EntryKind.NOTE]
        assert notes == ["a **private** thought"]
        assert "private" not in str(d.world.mail.sent)
        await until(lambda: any("answered the requester" in said for said in d.thread))
        assert not any("private" in said for said in d.thread)  # it stands there already

        await d.posts.press(d.card["ts"], "resolve")
        await until(lambda: "reopen" in d.buttons)
        assert (await d.world.ticket(ticket)).status is Status.RESOLVED


async def test_an_answer_can_be_taken_back_while_it_is_held(tmp_path: Path, articles: Path) -> None:
    async with desk(tmp_path, articles) as d:
        await d.world.take(d.world.message("A person, please", door="mail"))
        await until(lambda: d.slack.messages)
        await d.answer("Wrong words")
        await until(lambda: d.slack.whispers)
        await d.posts.press_in_whisper(d.slack.whispers[0], "undo")
        await until(lambda: d.slack.responses)
        assert "taken back" in d.slack.responses[0]["text"]
        d.world.clock.advance(minutes=1)
        await asyncio.sleep(0.1)
        assert "Wrong words" not in str(d.world.mail.sent)


async def test_a_follow_up_comes_into_the_thread(tmp_path: Path, articles: Path) -> None:
    async with desk(tmp_path, articles) as d:
        first = d.world.message("A person, please", door="mail")
        await d.world.take(first)
        await until(lambda: d.slack.messages)
        again = d.world.message("And where is my second parcel?", door="mail")
        await d.world.take(msgspec.structs.replace(again, refers_to=(first.message_key,)))
        await until(lambda: any("second parcel" in said for said in d.thread))
        assert len(await d.world.numbers()) == 1


async def test_slack_limiting_a_channel_delays_and_loses_nothing(tmp_path: Path, articles: Path) -> None:
    async with desk(tmp_path, articles) as d:
        d.slack.fail("chat.postMessage", Fault(status=429, after="30"), Fault(status=500))
        await d.world.take(d.world.message("A person, please", door="mail"))
        await until(lambda: "chat.postMessage" in d.slack.methods())
        assert not d.slack.messages
        d.world.clock.advance(seconds=29)
        await asyncio.sleep(0.2)
        assert d.slack.methods().count("chat.postMessage") == 1
        d.world.clock.advance(seconds=2)
        await until(lambda: d.slack.methods().count("chat.postMessage") == 2)
        await until(lambda: d.world.clock.advance(seconds=1) or d.slack.messages)
        assert len(d.slack.messages) == 1


async def test_a_stranger_in_the_workspace_is_refused_by_the_core(tmp_path: Path, articles: Path) -> None:
    async with desk(tmp_path, articles) as d:
        await d.world.take(d.world.message("A person, please", door="mail"))
        await until(lambda: d.slack.messages)
        await d.posts.press(d.card["ts"], "claim", user="U0BOB")
        await d.posts.event(thread_message(d.slack, d.card["ts"], "me too", user="U0BOB"))
        await until(lambda: len(d.slack.whispers) == 2)
        assert all("not a member of this desk" in whisper["text"] for whisper in d.slack.whispers)
        assert all(entry.kind is not EntryKind.NOTE for entry in await d.world.entries())


async def test_who_writes_several_notes_in_a_row_is_asked_once_about_the_last(
    tmp_path: Path, articles: Path
) -> None:
    async with desk(tmp_path, articles) as d:
        await d.world.take(d.world.message("I want to talk to a person, please", door="mail"))
        await until(lambda: d.slack.messages)
        await d.posts.press(d.card["ts"], "claim")
        await until(lambda: "claim" not in d.buttons)
        for line in ("Looking.", "Asked the depot.", "It left today."):
            await d.posts.event(thread_message(d.slack, d.card["ts"], line))
        await until(lambda: d.slack.whispers)
        await until_note(d, "It left today.")
        await d.posts.press_in_whisper(d.slack.whispers[0], "offer_send")
        await until(lambda: d.slack.views)
        assert "It left today." in str(*d.slack.views.values())
        assert len(d.slack.whispers) == 1


async def test_a_note_meant_for_the_customer_reaches_them_by_way_of_the_preview(
    tmp_path: Path, articles: Path
) -> None:
    async with desk(tmp_path, articles) as d:
        await d.world.take(d.world.message("I want to talk to a person, please", door="mail"))
        await until(lambda: d.slack.messages)
        await d.posts.press(d.card["ts"], "claim")
        await until(lambda: "claim" not in d.buttons)
        await d.posts.event(thread_message(d.slack, d.card["ts"], "It left *today*."))
        await until(lambda: d.slack.whispers)
        assert "private" in str(d.slack.whispers[0]["blocks"])
        await until_note(d, "It left")
        await d.posts.press_in_whisper(d.slack.whispers[0], "offer_send")
        await until(lambda: d.slack.views)
        assert "It left **today**." in str(d.view) and "It left" not in str(d.world.mail.sent)
        await d.posts.submit(d.view)
        d.world.clock.advance(seconds=10)
        await until(lambda: any("today" in post.text for post in d.world.mail.posts))


async def test_files_come_with_the_card_but_stay_on_the_desk_where_something_is_protected(
    tmp_path: Path, articles: Path
) -> None:
    async with desk(tmp_path, articles) as d:
        photo = a_file("crack.png")
        await d.world.take(d.world.message("A person, please", door="mail", attachments=(photo,)))
        await until(lambda: d.slack.shared)
        assert d.slack.shared[0]["thread_ts"] == d.card["ts"]
        d.slack.shared.clear()
        first = d.world.message(
            "A person, please. My card is 4111 1111 1111 1111", "eve", "mail", attachments=(photo,)
        )
        await d.world.take(first)
        await until(lambda: len([m for m in d.slack.messages.values() if "thread_ts" not in m]) == 2)
        card = [m for m in d.slack.messages.values() if "thread_ts" not in m][-1]
        assert "1 file, on the desk" in str(card["blocks"]) and "4111" not in str(card["blocks"])
        again = d.world.message(
            "And here", "eve", "mail", attachments=(photo,), refers_to=(first.message_key,)
        )
        await d.world.take(again)
        await until(lambda: any("1 file, on the desk" in said for said in d.thread))
        assert "/desk/ticket/" in str(d.thread) and d.slack.shared == []


async def test_an_answer_that_did_not_arrive_is_shown_on_the_card_and_sent_again(
    tmp_path: Path, articles: Path
) -> None:
    async with desk(tmp_path, articles) as d:
        await d.world.take(d.world.message("A person, please", door="mail"))
        await until(lambda: d.slack.messages)
        full = Undeliverable("refused", "550 mailbox full")
        d.world.mail.fails = lambda outgoing: full if "Hello Mia" in getattr(outgoing, "text", "") else None
        await d.answer("Hello Mia")
        d.world.clock.advance(seconds=10)
        await until(lambda: "550 mailbox full" in str(d.card["blocks"]))
        d.world.mail.fails = lambda outgoing: None
        await d.posts.press(d.card["ts"], "retry")
        await until(lambda: any("Hello Mia" in post.text for post in d.world.mail.posts))
        await until(lambda: "550 mailbox full" not in str(d.card["blocks"]))


async def test_the_home_and_the_command_read_the_real_desk(tmp_path: Path, articles: Path) -> None:
    async with desk(tmp_path, articles) as d:
        await d.world.take(d.world.message("A person, please: the kettle leaks", door="mail"))
        await until(lambda: d.slack.messages)
        status, body = await d.posts.command("/deskgate", "next")
        assert status == 200 and "kettle leaks" in body
        await until(lambda: "claim" not in d.buttons)
        opened = {
            "type": "app_home_opened",
            "user": "U0ANN",
            "channel": "D1",
            "event_ts": "1.1",
            "tab": "home",
        }
        await d.posts.event(opened)
        await until(lambda: d.slack.homes)
        assert "kettle leaks" in str(d.slack.homes["U0ANN"]["blocks"])
        _, body = await d.posts.command("/deskgate", "search kettle owner:ann")
        assert "kettle leaks" in body
        _, body = await d.posts.command("/deskgate", "team")
        assert "for leads" in body
        _, body = await d.posts.command("/deskgate", "mine", user="U0BOB")
        assert "not a member of this desk" in body


async def test_a_broken_link_is_shouted_while_the_cards_wait(tmp_path: Path, articles: Path) -> None:
    async with desk(tmp_path, articles) as d:
        d.slack.fail("chat.postMessage", Fault(error="token_revoked"))
        await d.world.take(d.world.message("A person, please", door="mail"))
        await until(lambda: d.world.outbox.health.troubles)
        ((part, trouble),) = d.world.outbox.health.troubles.items()
        assert part == "slack/main sends" and "Install the app again" in trouble.reason
        d.world.clock.advance(seconds=61)
        await until(lambda: d.slack.messages)
        await until(lambda: not d.world.outbox.health.troubles)
