"""Screening: each check by itself, and the order in which they speak."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.model import Address, Attachment, Bounce, Choice, ChoiceAction, Identity, Message, Offer
from gateway.triage.screening import CHECKS, Verdict, screen
from tests.world import World, make_policy

POLICY = make_policy(blocked=frozenset({"spam@example.net", "@bad.example", "u99"}))
MAIL = Address(connector="mail", account="main", conversation="mia@example.org")
OFFER = Offer(identity=Identity(kind="email", value="mia@example.org"), address=MAIL)
BOUNCE = Bounce(permanent=("noa@example.org",))


def message(sender: str = "mia@example.org", kind: str = "email", **fields: Any) -> Message:
    given: dict[str, Any] = {
        "connector": "mail",
        "account": "main",
        "delivery_key": "d1",
        "at": datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
        "address": MAIL,
        "sender": Identity(kind=kind, value=sender),
        "text": "Where is my order?",
    }
    return Message(**{**given, **fields})


def test_an_ordinary_message_passes() -> None:
    assert screen(message(), POLICY) is None


@pytest.mark.parametrize(
    ("said", "check", "verdict"),
    [
        (message(automatic="own"), "own", Verdict.IGNORE),
        (message("support@example.com"), "own", Verdict.IGNORE),
        (message("spam@example.net"), "blocked", Verdict.QUARANTINE),
        (message("anybody@bad.example"), "blocked", Verdict.QUARANTINE),
        (message("u99", "chat"), "blocked", Verdict.QUARANTINE),
        (message(bounce=BOUNCE), "bounce", Verdict.BOUNCE),
        (message(bounce=Bounce()), "bounce", Verdict.BOUNCE),
        (message(attachments=(Attachment(filename="invoice.pdf.EXE"),)), "dangerous", Verdict.QUARANTINE),
        (message(attachments=(Attachment(filename="photos.zip"),)), "dangerous", Verdict.QUARANTINE),
        (
            message(
                attachments=(Attachment(filename="invoice.pdf", content_type="application/x-msdownload"),)
            ),
            "dangerous",
            Verdict.QUARANTINE,
        ),
        (message(automatic="auto-submitted"), "automatic", Verdict.QUIET),
        (message(automatic="list"), "automatic", Verdict.QUIET),
        (message(text="", unreadable="an unknown charset"), "unreadable", Verdict.QUIET),
        (message(text=" \n", unreadable="an unknown charset"), "unreadable", Verdict.QUIET),
        (message(text=""), "empty", Verdict.IGNORE),
        (message(text=" \n\t", subject="  "), "empty", Verdict.IGNORE),
    ],
)
def test_each_check_speaks_with_its_name_and_reason(said: Message, check: str, verdict: Verdict) -> None:
    found = screen(said, POLICY)
    assert found is not None
    assert (found.check, found.verdict) == (check, verdict)
    assert found.reason


@pytest.mark.parametrize(
    "said",
    [
        message("support@example.com", "chat"),  # one who calls themselves so in a chat is not our mailbox
        message("mia@notbad.example"),
        message("mia@sub.bad.example"),
        message(text="Some of it", unreadable="an unknown charset"),  # what was read is worth an answer
        message(text="", subject="Where is my order?"),
        message(text="", attachments=(Attachment(filename="a.png"),)),
        message(text="", choice=Choice(action=ChoiceAction.HELPED)),
        message(text="", offer=OFFER),
    ],
)
def test_what_is_no_business_of_screening(said: Message) -> None:
    assert screen(said, POLICY) is None


@pytest.mark.parametrize(
    ("said", "first"),
    [
        (message("support@example.com", automatic="auto-submitted", text=""), "own"),
        (message("spam@example.net", bounce=BOUNCE, automatic="list"), "blocked"),
        (message(bounce=BOUNCE, automatic="auto-submitted", text=""), "bounce"),
        (message(automatic="list", unreadable="a part", text=""), "automatic"),
        (message(unreadable="a part", text=""), "unreadable"),
    ],
)
def test_the_first_check_that_speaks_decides(said: Message, first: str) -> None:
    found = screen(said, POLICY)
    assert found is not None and found.check == first


ZIP = (Attachment(filename="photos.zip"),)


@pytest.mark.parametrize(
    ("said", "how", "passes"),
    [
        (message(attachments=ZIP), {"known": True}, True),
        (message(attachments=ZIP, vouched="fail"), {"known": True}, False),
        (message(attachments=ZIP, vouched="pass"), {}, False),
        (message(attachments=ZIP), {"released": True}, True),
        (message("spam@example.net", attachments=ZIP), {"released": True}, True),
        (message("u1", "chat", attachments=ZIP), {}, True),
        (message(attachments=(Attachment(filename="a.docx"), Attachment(filename="exe.txt"))), {}, True),
    ],
)
def test_who_may_send_archives(said: Message, how: dict[str, bool], passes: bool) -> None:
    assert (screen(said, POLICY, **how) is None) is passes


def test_the_order_is_the_policy() -> None:
    names = [check.__name__ for check in CHECKS]
    assert names == ["own", "blocked", "bounce", "dangerous", "automatic", "unreadable", "empty"]


# ---------------------------------------------------------------- what a quiet message does to a ticket


@pytest.fixture
def database(tmp_path: Path) -> str:
    """One kind is enough here: what is decided is the same over any."""
    return f"sqlite:///{tmp_path}/deskgate.db"


async def answered(world: World) -> tuple[str, ...]:
    """A ticket that the bot has answered by mail; the keys that an answer to it carries."""
    await world.say("Where is my order?", door="mail", subject="My order")
    return (f"ref:{world.policy.reply_key((await world.ticket()).id)}",)


async def test_what_cannot_be_read_goes_to_people(world: World) -> None:
    await world.say("", door="mail", subject="Help", unreadable="an encrypted part")
    ticket = await world.ticket()
    assert (ticket.queue, ticket.cause) == ("general", "unreadable")
    assert world.mail.sent == []


async def test_an_out_of_office_mail_gets_no_answer_and_changes_nothing(world: World) -> None:
    keys = await answered(world)
    await world.say("I am away", door="mail", refers_to=keys, automatic="out-of-office")
    assert len(world.mail.posts) == 1
    assert (await world.ticket()).queue == ""


async def test_what_cannot_be_read_goes_to_people_while_the_bot_has_the_ticket(world: World) -> None:
    keys = await answered(world)
    await world.say("", door="mail", refers_to=keys, unreadable="an encrypted part")
    assert (await world.ticket()).queue == "general"


async def test_an_out_of_office_mail_in_the_same_turn_hides_no_question(world: World) -> None:
    keys = await answered(world)
    await world.take(
        world.message("how do I return an item", door="mail", refers_to=keys),
        world.message("I am away", door="mail", refers_to=keys, automatic="out-of-office"),
    )
    await world.settle()
    assert len(world.mail.posts) == 2
