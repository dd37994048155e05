"""A customer in Slack lives the whole story, over HTTP and by Socket Mode; and what else customers do there."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.app import Deskgate
from gateway.clock import SystemClock
from gateway.model import Agent, Status, TicketPage, Verb
from tests import slack_standin, telegram_standin
from tests.running import free_port, running, settings_for
from tests.slack_people import Wire, Writer, words_of
from tests.slack_posts import Poster
from tests.slack_standin import APP_TOKEN, SECRET, TEAM, TOKEN, Channel, Slack
from tests.telegram_people import Person
from tests.telegram_state import TOKEN as BOT_TOKEN
from tests.test_story_telegram import act, only_page, pages, settled, until

PNG = b"\x89PNG\r\n\x1a\n a picture"
_numbers = itertools.count(1)


@dataclass(kw_only=True)
class Shop:
    """A Deskgate with one workspace: queue channel C0DESK, customers' channels C0HELP and C0ACME, Cy who asks."""

    deskgate: Deskgate
    slack: Slack
    wire: Wire
    cy: Writer

    async def settled(self) -> None:
        await settled(self.deskgate)

    async def all_sent(self) -> bool:
        waiting = "SELECT 1 FROM outbox WHERE state IN ('held', 'queued', 'sending')"
        return not await self.deskgate.store.driver.read(lambda tx: tx.all(waiting))

    async def page(self) -> TicketPage:
        return await only_page(self.deskgate)

    async def said(self) -> list[str]:
        return [entry.text for entry in (await self.page()).entries if entry.kind == "message"]

    def cards(self) -> list[dict[str, Any]]:
        return self.cy.hears("C0DESK")


@asynccontextmanager
async def workspace() -> AsyncIterator[Slack]:
    async with slack_standin.running(SystemClock()) as slack:
        slack.add_user("U0CY", "Cy Customer", locale="en-GB")
        slack.add_user("U0EXT", "Eva Extern", is_stranger=True, team_id="T0ACME")
        slack.teams["T0ACME"] = "Acme Corp"
        for channel in (Channel(id="C0HELP"), Channel(id="C0ACME", shared=True)):
            slack.channels[channel.id] = channel
        slack.add_direct("D0CY", "U0CY")
        slack.add_direct("D0ANN", "U0ANN")
        yield slack


def settings_of(
    slack: Slack, folder: Path, port: int, way: str, more: dict[str, Any] | None = None, **account: Any
) -> Any:
    link = {"app_token": APP_TOKEN} if way == "socket" else {"signing_secret": SECRET}
    given = {**link, "bot_token": TOKEN, "team_id": TEAM, "api_url": slack.api_url, **account}
    queues = {
        "general": {"title": "Customer care", "default": True, "slack_channel": "C0DESK"},
        "orders": {"title": "Orders", "slack_channel": "C0DESK"},
    }
    sections = {"connectors": {"slack": {"main": given}, **(more or {})}, "queues": queues}
    return settings_for(folder, port, **sections, desk={"canned": str(canned_replies(folder / "canned"))})


def canned_replies(folder: Path) -> Path:
    """One reply in English and Slovenian, with variables."""
    folder.mkdir(exist_ok=True)
    replies = {
        "van.md": "Hello {{ requester }}, {{ reference }} is **on the van**. {{ agent }}",
        "van.sl.md": "Zdravo, {{ requester }}: {{ reference }} je **v kombiju**. {{ agent }}",
    }
    for name, text in replies.items():
        (folder / name).write_text(f"---\ntitle: On the van\n---\n{text}\n")
    return folder


@asynccontextmanager
async def shop(folder: Path, way: str = "http", **account: Any) -> AsyncIterator[Shop]:
    async with workspace() as slack, serving(slack, folder, way, **account) as made:
        yield made


@asynccontextmanager
async def serving(slack: Slack, folder: Path, way: str, **account: Any) -> AsyncIterator[Shop]:
    port, before = free_port(), slack.links.opened
    settings = settings_of(slack, folder, port, way, **account)
    async with running(settings) as deskgate, aiohttp.ClientSession() as http:
        await deskgate.store.add_agent(Agent(id="ann", name="Ann", slack_id="T0HOME:U0ANN"), 0)
        await deskgate.store.add_agent(Agent(id="ana", name="Ana"), 0)
        poster = Poster(slack=slack, http=http, url=f"http://127.0.0.1:{port}/slack/main")
        wire = Wire(slack=slack, poster=poster if way == "http" else None)
        if way == "socket":
            await slack.links.connected(before + 1)
        await until(lambda: "auth.test" in slack.methods())
        yield Shop(deskgate=deskgate, slack=slack, wire=wire, cy=Writer(wire=wire))


@pytest.mark.parametrize("way", ["http", "socket"])
async def test_a_customer_is_answered_by_the_bot_and_then_by_a_person(tmp_path: Path, way: str) -> None:
    async with shop(tmp_path, way) as s:
        s.slack.links.events_of_own = True
        cy = s.cy
        await cy.says("Where is my order?")
        (answer,) = await until(cy.hears)
        assert "automatic assistant of Linden & Fox" in answer["text"].replace("&amp;", "&")
        assert "help article" in words_of(answer) and "thread_ts" not in answer

        kept, _ = await cy.presses(answer, "No")
        assert kept
        notice = (await until(lambda: cy.hears()[1:]))[0]
        assert "A person will answer you here" in words_of(notice)
        (buttonless,) = await until(lambda: s.slack.responses)
        assert all(block["type"] != "actions" for block in buttonless["blocks"])

        (card,) = await until(s.cards)
        assert "Cy" in words_of(card)
        ann = Writer(wire=s.wire, user="U0ANN", direct="D0ANN")
        assert (await ann.presses(card, "Claim", "C0DESK"))[0]
        await s.settled()
        page = await s.page()
        assert page.ticket.cause == "not_helped" and page.ticket.assignee == "ann"

        canned = f"Hello Cy, {page.ticket.reference} is"
        shown = await ann.answers(card, "C0DESK", "van", s.slack.add_file("van.png", PNG))
        assert canned in shown and "van.png" in shown and "Cy, by Slack" in shown
        reply = (await until(lambda: cy.hears()[2:]))[0]
        assert "*Ann*" in words_of(reply) and f"{canned} *on the van*. Ann" in words_of(reply)
        shared = await until(lambda: [each for each in s.slack.shared if each["channel_id"] == "D0CY"])
        assert s.slack.uploads[shared[0]["files"][0]["id"]]["content"] == PNG

        await s.settled()
        card = s.slack.messages[("C0DESK", card["ts"])]
        assert (await ann.presses(card, "Resolve", "C0DESK"))[0]
        await until(lambda: cy.hears()[3:])
        await cy.says("thanks!")
        await s.settled()
        page = await s.page()
        assert page.ticket.status is Status.RESOLVED and "thanked" in [event.kind for event in page.events]
        assert (await s.deskgate.store.ledger_count()).adds_up
        assert len(cy.hears()) == 4, "nothing was said twice"


async def test_a_mention_comes_as_two_events_and_is_one_message_whose_thread_goes_on(tmp_path: Path) -> None:
    async with shop(tmp_path) as s:
        question = await s.cy.mentions("where is my order?", "C0HELP")
        (answer,) = await until(lambda: s.cy.hears("C0HELP"))
        assert answer["thread_ts"] == question["ts"]
        await s.cy.says("no", "C0HELP", question["ts"], parent_user_id="U0CY")
        await until(lambda: s.cy.hears("C0HELP")[1:])
        bob = Writer(wire=s.wire, user="U0BOB")
        await bob.says("same for me", "C0HELP", question["ts"], parent_user_id="U0CY")
        await bob.says("lunch?", "C0HELP")
        await bob.says("ask <@U0ANN> or <@U0NOBODY>, not <!channel>", "C0HELP", question["ts"])
        await bob.says("where?", "C0HELP", bob.writes("a thread of their own", "C0HELP")["ts"])
        await s.settled()
        named = "ask @Ann or @U0NOBODY, not @channel"
        assert await s.said() == ["where is my order?", "no", "same for me", named]
        assert (await s.page()).requester == "Cy", "the colleague is on the ticket, the asker stays the asker"


async def test_what_one_person_writes_within_the_window_is_one_ticket(tmp_path: Path) -> None:
    async with shop(tmp_path, support_channels=["C0ACME"]) as s:
        eva = Writer(wire=s.wire, user="U0EXT", team="T0ACME")
        await eva.says("our printer is on fire, a person please", "C0ACME")
        await eva.says("the one on the third floor", "C0ACME")
        bob = Writer(wire=s.wire, user="U0BOB")
        await bob.says("a person, please: I need toner", "C0ACME")
        ann = Writer(wire=s.wire, user="U0ANN")
        await ann.says("Maintenance tonight!", "C0ACME")
        await s.settled()
        evas, bobs = await pages(s.deskgate)
        assert [e.text for e in evas.entries if e.kind == "message"] == [
            "our printer is on fire, a person please",
            "the one on the third floor",
        ]
        assert evas.requester == "Eva (Acme Corp)" and bobs.requester == "Bob"
        card = (await until(s.cards))[0]
        assert "Eva (Acme Corp)" in words_of(card)
        assert await until(lambda: eva.hears("C0ACME"))


async def test_edits_and_deletions_are_versions(tmp_path: Path) -> None:
    async with shop(tmp_path) as s:
        said = await s.cy.says("a person, please: order 12")
        await s.cy.edits(said, "a person, please: order 21")
        await s.cy.deletes(said)
        await s.settled()
        page = await s.page()
        assert await s.said() == ["a person, please: order 12", "a person, please: order 21"]
        assert "deleted" in [event.kind for event in page.events]
        thread = await until(lambda: s.cy.hears("C0DESK")[2:])
        assert "took a message back" in words_of(thread[-1])
        other = await s.cy.says("nothing of ours", "C0HELP")
        await s.cy.edits(other, "still nothing of ours")
        await s.cy.deletes(other)
        await s.settled()
        rows = await s.deskgate.store.driver.read(
            lambda tx: tx.all("SELECT 1 FROM ledger WHERE kind = 'edit'")
        )
        assert len(rows) == 1, "what is said elsewhere is not kept"


async def test_files_come_in_with_the_message(tmp_path: Path) -> None:
    async with shop(tmp_path) as s:
        s.slack.stored_files["a.png"] = PNG
        url = s.slack.api_url.replace("/api/", "/files/a.png")
        s.slack.files["F1"] = {"id": "F1", "name": "a.png", "mimetype": "image/png", "url_private": url}
        listed = {"id": "F1", "file_access": "check_file_info"}
        await s.cy.says("a person, please", subtype="file_share", files=[listed])
        await s.settled()
        (file,) = (await s.page()).entries[0].attachments
        assert file.filename == "a.png" and await s.deskgate.host.file(file.sha256) == PNG


async def test_nothing_typed_in_a_queues_channel_becomes_a_ticket(tmp_path: Path) -> None:
    async with shop(tmp_path) as s:
        await s.cy.mentions("where is my order?", "C0DESK")
        await s.cy.says("hello", "C0DESK")
        await s.settled()
        assert await pages(s.deskgate) == []


@pytest.mark.parametrize("way", ["http", "socket"])
async def test_an_agent_is_asked_for_whom(tmp_path: Path, way: str) -> None:
    async with shop(tmp_path, way) as s:
        ann = Writer(wire=s.wire, user="U0ANN", direct="D0ANN")
        await ann.says("the coffee machine is broken")
        (question,) = await until(ann.hears)
        assert "for yourself or for a customer" in words_of(question)
        await s.settled()
        assert await pages(s.deskgate) == []

        assert (await ann.presses(question, "For a customer"))[0]
        (view,) = s.slack.views.values()
        _, answer = await ann.submits(view, {"customer": "", "contact": "nonsense"})
        assert "neither an e-mail address" in answer["errors"]["contact"]
        _, answer = await ann.submits(view, {"customer": "Mr Tall"})
        assert answer["response_action"] == "update"
        await s.settled()
        page = await s.page()
        assert page.requester == "Mr Tall" and page.ticket.queue == "general"
        assert await s.said() == ["the coffee machine is broken"]

        await ann.says("my chair is broken, a person please")
        second = (await until(lambda: [m for m in ann.hears() if "yourself" in words_of(m)][1:]))[0]
        assert (await ann.presses(second, "For myself"))[0]
        await s.settled()
        own = (await pages(s.deskgate))[-1]
        assert own.requester == "Ann" and own.ticket.subject.startswith("my chair")
        await ann.says("it is the blue one")
        await s.settled()
        said = [entry.text for entry in (await pages(s.deskgate))[-1].entries]
        assert "it is the blue one" in said, "no question again"


async def test_an_agent_in_the_customers_thread_silences_the_bot(tmp_path: Path) -> None:
    async with shop(tmp_path) as s:
        question = await s.cy.mentions("where is my order?", "C0HELP")
        await until(lambda: s.cy.hears("C0HELP"))
        ann = Writer(wire=s.wire, user="U0ANN")
        await ann.says("I have it here on my desk", "C0HELP", question["ts"])
        await s.cy.says("how do I return an item?", "C0HELP", question["ts"])
        await s.settled()
        page = await s.page()
        assert page.ticket.assignee == "ann" and page.ticket.speaker == "agent"
        notes = [entry.text for entry in page.entries if entry.kind == "note"]
        assert any("I have it here on my desk" in note for note in notes)
        assert len(s.cy.hears("C0HELP")) == 1, "the bot says no more"


async def test_a_public_matter_goes_on_in_private_for_the_asker_alone(tmp_path: Path) -> None:
    async with shop(tmp_path) as s:
        question = await s.cy.mentions("a person, please", "C0HELP")
        (notice,) = await until(lambda: s.cy.hears("C0HELP", question["ts"]))
        bob = Writer(wire=s.wire, user="U0BOB")
        await bob.presses(notice, "Continue in private", "C0HELP")
        whisper = (await until(lambda: s.slack.whispers))[0]
        assert "for the person who asked" in whisper["text"] and whisper["user"] == "U0BOB"
        await s.cy.presses(notice, "Continue in private", "C0HELP")
        (here,) = await until(s.cy.hears)
        assert "nobody else reads along" in here["text"]
        page = await s.page()
        await act(s.deskgate, Verb.REPLY, page.ticket.id, text="Your refund of 12 EUR is on its way.")
        reply = (await until(lambda: s.cy.hears()[1:]))[0]
        assert "refund" in words_of(reply) and "refund" not in str(s.cy.hears("C0HELP"))
        await s.cy.says("when will it arrive?")
        await s.settled()
        assert "when will it arrive?" in await s.said()


@pytest.mark.parametrize("way", ["http", "socket"])
async def test_commands_and_the_shortcut_open_tickets(tmp_path: Path, way: str) -> None:
    async with shop(tmp_path, way, customer_command="/help-desk") as s:
        kept, told = await s.cy.types("/help-desk", "")
        assert kept and "Write your question" in told["text"]
        kept, told = await s.cy.types("/help-desk", "a person, please: my invoice is missing")
        assert kept and "direct message" in told["text"]
        assert await until(s.cy.hears)
        _, told = await s.cy.types("/deskgate", "")
        assert "not a member of this desk" in told["text"]
        ann = Writer(wire=s.wire, user="U0ANN", direct="D0ANN")
        _, told = await ann.types("/deskgate", "")
        assert told["response_type"] == "ephemeral" and "not a member" not in str(told)

        bob = Writer(wire=s.wire, user="U0BOB")
        said = await bob.says("the lift is stuck", "C0HELP")
        await s.cy.shortcut("open_ticket", said)
        await until(lambda: "Only agents" in str(s.slack.responses))
        await ann.shortcut("open_ticket", said)
        await ann.shortcut("open_ticket", said)
        await s.settled()
        first, second = await pages(s.deskgate)
        assert first.ticket.subject.startswith("a person, please: my invoice")
        assert second.requester == "Bob" and second.ticket.subject == "the lift is stuck"
        assert await until(lambda: bob.hears("C0HELP", said["ts"]))


async def test_a_colleague_who_is_asked_answers_below_the_question(tmp_path: Path) -> None:
    """The first word is the opinion, later ones are notes; nothing of it is a request or reaches the customer."""
    async with shop(tmp_path, team_id="") as s:  # the only workspace need not be named
        s.slack.add_user("U0BEN", "Ben Expert")
        s.slack.add_direct("D0BEN", "U0BEN")
        await s.deskgate.store.add_agent(Agent(id="ben", name="Ben", slack_id="T0HOME:U0BEN"), 0)
        ben = Writer(wire=s.wire, user="U0BEN", direct="D0BEN")
        await s.cy.says("a person, please: does the warranty cover scratches?")
        (card,) = await until(s.cards)
        await until(s.cy.hears)
        number = (await s.page()).ticket.id
        await act(s.deskgate, Verb.CONSULT, number, colleague="ben", text="Does it?")
        (asked,) = await until(ben.hears)
        assert "asks for an opinion" in words_of(asked) and "Does it?" in words_of(asked)
        await until(s.all_sent)  # only then it is known which ticket's question stands there

        await ben.says("Only on the lid.", thread=asked["ts"])
        await s.settled()
        page = await s.page()
        assert [(e.author, e.text) for e in page.entries if e.kind == "note"][-1] == (
            "Ben",
            "*answered:* Only on the lid.",
        )
        assert page.ticket.work.open_asks == () and page.ticket.assignee == ""
        assert await until(lambda: [m for m in s.cy.hears("C0DESK", card["ts"]) if "lid" in words_of(m)])
        told = await until(lambda: ben.hears()[1:])
        assert [m["text"] for m in told] == [f"It is on {page.ticket.reference} now, for colleagues only."]

        await ben.says("And on the handle.", thread=asked["ts"])
        await s.settled()
        notes = [e.text for e in (await s.page()).entries if e.kind == "note"]
        assert notes[-1] == "And on the handle." and len(await pages(s.deskgate)) == 1
        assert len(s.cy.hears()) == 1 and "yourself" not in str(ben.hears())


async def test_an_opinion_is_no_word_on_a_request_of_ones_own(tmp_path: Path) -> None:
    """Whoever is asked may have an open ticket in the same conversation; the thread says which one is meant."""
    async with shop(tmp_path) as s:
        s.slack.add_user("U0BEN", "Ben Expert")
        s.slack.add_direct("D0BEN", "U0BEN")
        ben = Writer(wire=s.wire, user="U0BEN", direct="D0BEN")
        await ben.says("a person, please: my chair is broken")
        await until(ben.hears)
        await s.deskgate.store.add_agent(Agent(id="ben", name="Ben", slack_id="T0HOME:U0BEN"), 0)
        await s.cy.says("a person, please: does the warranty cover scratches?")
        await until(s.cy.hears)
        own, other = await pages(s.deskgate)
        await act(s.deskgate, Verb.CONSULT, other.ticket.id, colleague="ben", text="Does it?")
        asked = (await until(lambda: [m for m in ben.hears() if "asks for an opinion" in words_of(m)]))[0]
        await until(s.all_sent)

        await ben.says("Only on the lid.", thread=asked["ts"])
        await s.settled()
        before, after = own, (await pages(s.deskgate))
        assert len(after[0].entries) == len(before.entries)
        assert [e.text for e in after[1].entries if e.kind == "note"][-1] == "*answered:* Only on the lid."


@pytest.mark.parametrize("way", ["http", "socket"])
@pytest.mark.parametrize("mode", ["webhook", "polling"])
async def test_a_customer_in_telegram_and_an_agent_in_slack(tmp_path: Path, mode: str, way: str) -> None:
    """Question, article, "not helped"; claimed, a canned reply with a file, resolved; "thanks" reopens nothing."""
    async with workspace() as slack, telegram_standin.running(SystemClock()) as telegram:
        port = free_port()
        bot = {"bot_token": BOT_TOKEN, "api_url": telegram.api_url, "mode": mode, "poll_seconds": 1}
        settings = settings_of(slack, tmp_path, port, way, more={"telegram": {"main": bot}})
        async with running(settings) as deskgate, aiohttp.ClientSession() as http:
            await deskgate.store.add_agent(Agent(id="ann", name="Ann", slack_id="T0HOME:U0ANN"), 0)
            poster = Poster(slack=slack, http=http, url=f"http://127.0.0.1:{port}/slack/main")
            wire = Wire(slack=slack, poster=poster if way == "http" else None)
            ann, mia = Writer(wire=wire, user="U0ANN", direct="D0ANN"), Person(telegram=telegram)
            if way == "socket":
                await slack.links.connected()
            await until(lambda: "setMyCommands" in telegram.methods())

            mia.says("Where is my order?")
            (answer,) = await until(lambda: telegram.sent(mia.id))
            mia.presses(answer, "No")
            await until(lambda: telegram.sent(mia.id)[1:])
            (card,) = await until(lambda: ann.hears("C0DESK"))
            assert (await ann.presses(card, "Claim", "C0DESK"))[0]
            await settled(deskgate)

            page = await only_page(deskgate)
            shown = await ann.answers(card, "C0DESK", "van", slack.add_file("van.png", PNG))
            assert f"Hello Mia, {page.ticket.reference} is" in shown and "van.png" in shown
            reply = (await until(lambda: telegram.sent(mia.id)[2:]))[0]
            assert reply["caption"] == f"Ann:\nHello Mia, {page.ticket.reference} is on the van. Ann"
            assert reply["caption_entities"][0]["type"] == "b" and reply["stored"] == PNG

            card = slack.messages[("C0DESK", card["ts"])]
            assert (await ann.presses(card, "Resolve", "C0DESK"))[0]
            await until(lambda: telegram.sent(mia.id)[3:])
            mia.says("thanks!")
            await until(lambda: not telegram.updates)
            await settled(deskgate)
            page = await only_page(deskgate)
            assert page.ticket.status is Status.RESOLVED and "thanked" in [
                event.kind for event in page.events
            ]
            assert (await deskgate.store.ledger_count()).adds_up
