"""A service that limits us or fails for a while: what waits goes out as told, once, and holds nobody else up."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.telegram import polling
from gateway import outbox
from gateway.app import Deskgate
from gateway.model import Verb
from tests.slack_people import Writer, words_of
from tests.slack_standin import Fault as SlackFault
from tests.slack_standin import Slack
from tests.telegram_people import Person
from tests.telegram_state import Fault, Telegram
from tests.test_story_slack import shop as slack_shop
from tests.test_story_telegram import act, pages, settled, shop, until

WAIT = 2  #: seconds that the service asks for
PATIENCE = 60
LIMIT = Fault(status=429, description="Too Many Requests: retry later", parameters={"retry_after": WAIT})
TROUBLES = (
    Fault(status=500, description="Internal Server Error"),
    Fault(status=502, body="<html>Bad Gateway</html>"),
    Fault(status=503, description="Service Unavailable"),
)


def tries(service: Telegram | Slack, method: str, **given: str) -> list[float]:
    """When this was called so, in seconds."""
    every = zip(service.calls, service.moments, strict=True)
    return [
        at
        for (name, arguments), at in every
        if name == method and all(str(arguments.get(key)) == value for key, value in given.items())
    ]


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody says how long to wait, the next try comes soon."""
    monkeypatch.setattr(outbox, "BACKOFF", (0.2,))
    monkeypatch.setattr(polling, "_BACKOFF", (0.2, 1.0))


async def all_sent(deskgate: Deskgate) -> bool:
    waiting = "SELECT 1 FROM outbox WHERE state NOT IN ('accepted', 'withdrawn')"
    return not await deskgate.store.driver.read(lambda tx: tx.all(waiting))


# ---------------------------------------------------------------- Telegram


async def test_telegrams_limit_holds_back_one_chat_as_long_as_told(tmp_path: Path) -> None:
    async with shop(tmp_path, "polling") as (deskgate, telegram):
        mia, tom = Person(telegram=telegram), Person(telegram=telegram, id=77, name="Tom")
        telegram.fail("sendMessage", *[replace(LIMIT, chat=mia.id)] * 2)
        mia.says("a person, please")
        tom.says("a person, please")
        await until(lambda: telegram.sent(tom.id), PATIENCE)
        await until(lambda: telegram.sent(mia.id), PATIENCE)
        first, second, third = tries(telegram, "sendMessage", chat_id=str(mia.id))
        assert second - first >= WAIT and third - second >= WAIT
        await until(lambda: all_sent(deskgate), PATIENCE)
        assert len(telegram.sent(mia.id)) == len(telegram.sent(tom.id)) == 1
        assert (await deskgate.store.ledger_count()).adds_up


async def test_what_telegram_could_not_do_is_done_later_and_once(tmp_path: Path) -> None:
    async with shop(tmp_path, "webhook") as (deskgate, telegram):
        mia = Person(telegram=telegram)
        telegram.fail("sendMessage", *TROUBLES)
        mia.says("a person, please")
        await until(lambda: telegram.sent(mia.id), PATIENCE)
        (page,) = await pages(deskgate)
        telegram.fail("sendMessage", TROUBLES[0])
        await act(deskgate, Verb.REPLY, page.ticket.id, text="Here I am.")
        await until(lambda: telegram.sent(mia.id)[1:], PATIENCE)
        await until(lambda: all_sent(deskgate), PATIENCE)
        assert len(tries(telegram, "sendMessage")) == len(TROUBLES) + 1 + 2
        assert [message["text"] for message in telegram.sent(mia.id)][1] == "Ana:\nHere I am."
        assert len(telegram.sent(mia.id)) == 2


@pytest.mark.parametrize(("faults", "gap"), [((LIMIT,), WAIT), (TROUBLES, 0)], ids=["limit", "trouble"])
async def test_asking_for_updates_waits_as_told_and_loses_none(
    tmp_path: Path, faults: tuple[Fault, ...], gap: float
) -> None:
    async with shop(tmp_path, "polling") as (deskgate, telegram):
        mia = Person(telegram=telegram)
        await until(lambda: telegram.asking, PATIENCE)
        telegram.fail("getUpdates", *faults)
        before = len(tries(telegram, "getUpdates"))
        mia.says("a person, please")
        mia.says("it is about my parcel")
        await until(lambda: len(tries(telegram, "getUpdates")) > before + len(faults), PATIENCE)
        await until(lambda: telegram.sent(mia.id), PATIENCE)
        await settled(deskgate)
        (page,) = await pages(deskgate)
        said = [entry.text for entry in page.entries if entry.author == "Mia"]
        assert said == ["a person, please", "it is about my parcel"]
        asked = tries(telegram, "getUpdates")
        assert max(later - before for before, later in itertools.pairwise(asked)) >= gap
        assert (await deskgate.store.ledger_count()).adds_up


# ---------------------------------------------------------------- Slack


async def test_slacks_limit_holds_back_one_channel_as_long_as_told(tmp_path: Path) -> None:
    async with slack_shop(tmp_path) as s:
        s.slack.add_direct("D0BOB", "U0BOB")
        bob = Writer(wire=s.wire, user="U0BOB", direct="D0BOB")
        limit = SlackFault(status=429, error="ratelimited", after=str(WAIT), channel="D0CY")
        s.slack.fail("chat.postMessage", limit)
        await s.cy.says("a person, please")
        await bob.says("a person, please")
        await until(lambda: bob.hears(), PATIENCE)
        await until(lambda: s.cy.hears(), PATIENCE)
        first, second = tries(s.slack, "chat.postMessage", channel="D0CY")
        assert second - first >= WAIT
        await until(lambda: all_sent(s.deskgate), PATIENCE)
        assert len(s.cy.hears()) == len(bob.hears()) == 1 and len(s.cards()) == 2


async def test_what_slack_could_not_do_is_done_later_and_once(tmp_path: Path) -> None:
    async with slack_shop(tmp_path) as s:
        page = SlackFault(status=500, body="<html>", content_type="text/html", channel="D0CY")
        s.slack.fail("chat.postMessage", page, SlackFault(error="internal_error", channel="D0CY"))
        await s.cy.says("a person, please")
        await until(lambda: s.cy.hears(), PATIENCE)
        await until(lambda: all_sent(s.deskgate), PATIENCE)
        assert len(tries(s.slack, "chat.postMessage", channel="D0CY")) == 3
        assert len(s.cy.hears()) == 1 and "A person will answer you here" in words_of(s.cy.hears()[0])


async def test_a_channel_that_takes_a_message_a_second_gets_every_one_in_order(tmp_path: Path) -> None:
    """We send faster than Slack allows, so Slack itself says no; nothing overtakes what waits."""
    async with slack_shop(tmp_path, speed=100) as s:
        await s.cy.says("a person, please")
        await until(lambda: s.cy.hears(), PATIENCE)
        page = await s.page()
        s.slack.limits["chat.postMessage"] = 1.0
        answers = [f"This is answer number {number}." for number in range(1, 5)]
        for answer in answers:
            await act(s.deskgate, Verb.REPLY, page.ticket.id, text=answer)
        await until(lambda: len(s.cy.hears()) == len(answers) + 1, PATIENCE)
        await until(lambda: all_sent(s.deskgate), PATIENCE)
        heard = [words_of(message) for message in s.cy.hears()[1:]]
        assert all(answer in said for answer, said in zip(answers, heard, strict=True))
        assert len(tries(s.slack, "chat.postMessage", channel="D0CY")) > len(answers) + 1, "some were refused"
