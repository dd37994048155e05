"""Mail that came back: the very reply is marked, its address is suppressed, people are warned, and it can be lifted."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli import main
from gateway.errors import Undeliverable
from gateway.model import Address, Bounce, EntryKind, Identity, SendState, Verb
from gateway.reports_in import suppresses, why_returned
from gateway.store import Store, open_driver, suppression
from tests.world import World

DAEMON = Identity(kind="email", value="mailer-daemon@relay.example")
MIA = "mia@example.org"


async def asked_and_answered(world: World) -> tuple[int, str]:
    """Mia writes, Ana answers: the ticket, and the key of Ana's mail."""
    await world.say("Do you sponsor football clubs in autumn?", door="mail")
    number = (await world.ticket()).id
    await world.act(Verb.REPLY, number, text="We do not, I am afraid.")
    await world.later(seconds=5)
    return number, f"mid:ours-{world.mail.posts[-1].id}@example.com"


async def report(
    world: World, key: str, *addresses: str, status: str = "5.1.1", temporary: bool = False
) -> None:
    """A mail server's report about the mail with this key."""
    bounce = Bounce(
        permanent=() if temporary else addresses,
        temporary=addresses if temporary else (),
        original_key=key,
        status=status,
    )
    at = Address(connector="mail", account="main", conversation=DAEMON.value)
    await world.say(
        "Undelivered", "daemon", "mail", sender=DAEMON, address=at, bounce=bounce, automatic="bounce"
    )


async def test_the_very_reply_that_came_back_is_marked_with_the_reason(world: World) -> None:
    number, key = await asked_and_answered(world)
    await report(world, key, MIA)
    _first, *_, reply = await world.entries(number)
    assert reply.kind is EntryKind.REPLY
    assert (reply.state, reply.reason) == (SendState.FAILED, "the address does not exist (5.1.1).")
    assert {e.state for e in await world.entries(number) if e.kind is EntryKind.NOTICE} == {
        SendState.ACCEPTED
    }
    assert any("came back" in text for text in world.team.texts)
    assert (await world.page(number)).suppressed == (MIA,)


async def test_a_suppressed_address_gets_nothing_automatic_until_it_is_lifted(world: World) -> None:
    _number, key = await asked_and_answered(world)
    await report(world, key, MIA)
    before = len(world.mail.posts)
    await world.say("Where is my order?", door="mail")
    assert len(world.mail.posts) == before
    assert (await world.ticket()).queue, "people have it"
    assert await world.store.driver.write(lambda tx: suppression.lift(tx, "Mia@Example.org"))
    await world.say("how do I return an item", door="mail")
    assert len(world.mail.posts) == before + 1


async def test_an_agent_may_write_and_is_warned(world: World) -> None:
    number, key = await asked_and_answered(world)
    await report(world, key, MIA)
    result = await world.act(Verb.REPLY, number, text="Is this address right?")
    assert result.state == "done" and "came back before" in result.detail
    await world.later(seconds=5)
    assert world.mail.texts[-1].startswith("Is this address right?")


async def test_a_reply_that_came_back_can_be_sent_again(world: World) -> None:
    number, key = await asked_and_answered(world)
    await report(world, key, MIA)
    (reply,) = (e for e in await world.entries(number) if e.kind is EntryKind.REPLY)
    before = len(world.mail.posts)
    assert (await world.act(Verb.RETRY, number, send=reply.send)).state == "done"
    assert len(world.mail.posts) == before + 1


async def test_a_delay_marks_nothing(world: World) -> None:
    number, key = await asked_and_answered(world)
    await report(world, key, MIA, status="4.4.1", temporary=True)
    assert "delayed" in await world.events(number)
    assert (await world.page(number)).suppressed == ()
    assert all(e.state is not SendState.FAILED for e in await world.entries(number))


async def test_nobody_can_have_a_strangers_address_suppressed(world: World) -> None:
    _number, key = await asked_and_answered(world)
    await report(world, key, "noa@example.org")
    assert await world.store.driver.read(suppression.lines) == []


@pytest.mark.parametrize("status", ["5.2.2", "5.7.1", "5.6.0"])
async def test_a_full_mailbox_or_a_refused_text_fails_the_reply_but_not_the_address(
    world: World, status: str
) -> None:
    number, key = await asked_and_answered(world)
    await report(world, key, MIA, status=status)
    assert [e.state for e in await world.entries(number)][-1] is SendState.FAILED
    assert (await world.page(number)).suppressed == ()


async def test_a_report_that_names_no_mail_is_found_by_the_address_it_came_to(world: World) -> None:
    number, _ = await asked_and_answered(world)
    at = Address(connector="mail", account="main", conversation=DAEMON.value)
    await world.say(
        "Undelivered",
        "daemon",
        "mail",
        sender=DAEMON,
        address=at,
        bounce=Bounce(permanent=(MIA,)),
        automatic="bounce",
        refers_to=(f"ref:{world.policy.reply_key(number)}",),
    )
    assert "bounced" in await world.events(number)
    assert (await world.page(number)).suppressed == (MIA,)


async def test_an_address_that_the_relay_refuses_at_once_is_suppressed_too(world: World) -> None:
    world.mail.fails = lambda outgoing: Undeliverable(
        "no-such-address", "The mail relay said: 550 5.1.1 unknown"
    )
    await world.say("Where is my order?", door="mail")
    (line,) = await world.store.driver.read(suppression.lines)
    assert (line.address, line.reason) == (MIA, "The mail relay said: 550 5.1.1 unknown")


@pytest.mark.parametrize(
    ("status", "words", "suppressed"),
    [
        ("5.1.1", "does not exist", True),
        ("5.1.10", "does not exist", True),
        ("5.1.8", "our own address", False),
        ("5.2.1", "does not take mail", True),
        ("5.2.2", "full", False),
        ("5.3.4", "larger", False),
        ("5.7.26", "rules", False),
        ("", "does not take mail", True),
    ],
)
def test_what_a_status_code_means(status: str, words: str, suppressed: bool) -> None:
    assert words in why_returned(status)
    assert suppresses(status) is suppressed


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'[store]\ndatabase = "sqlite:///{tmp_path}/d.db"\nkey_file = "{tmp_path}/key"\n'
        '[queues.general]\ntitle = "Care"\ndefault = true\n'
    )
    _fill(f"sqlite:///{tmp_path}/d.db")
    assert main(["mail", "suppressed", "--config", str(config)]) == 0
    assert "mia@example.org" in capsys.readouterr().out
    assert main(["mail", "suppressed", "--config", str(config), "--lift", "mia@example.org"]) == 0
    assert main(["mail", "suppressed", "--config", str(config), "--lift", "mia@example.org"]) == 1


def _fill(database: str) -> None:
    import asyncio

    async def work() -> None:
        store = Store(open_driver(database))
        await store.open()
        await store.driver.write(
            lambda tx: tx.run("INSERT INTO suppressed VALUES ('mia@example.org', 'gone', 1, 0)")
        )
        await store.close()

    asyncio.run(work())


@pytest.mark.parametrize("named", [(MIA,), ()], ids=["named", "left out by the provider"])
async def test_whoever_called_our_mail_unwanted_gets_nothing_automatic(
    world: World, named: tuple[str, ...]
) -> None:
    number, key = await asked_and_answered(world)
    bounce = Bounce(permanent=named, original_key=key, complaint=True)
    await world.say("Spam", "daemon", "mail", sender=DAEMON, bounce=bounce, automatic="feedback")
    assert [entry.state for entry in await world.entries(number)][-1] == SendState.ACCEPTED, "it did arrive"
    assert "complained" in await world.events(number)
    assert [line.address for line in await world.host.suppressed_lines()] == [MIA]
    said = len(world.mail.posts)
    await world.say("Where is my order?", door="mail", subject="Another")
    assert len(world.mail.posts) == said


async def test_a_complaint_about_a_stranger_suppresses_nobody(world: World) -> None:
    _, key = await asked_and_answered(world)
    bounce = Bounce(permanent=("noa@example.org",), original_key=key, complaint=True)
    await world.say("Spam", "daemon", "mail", sender=DAEMON, bounce=bounce, automatic="feedback")
    assert await world.host.suppressed_lines() == []


async def test_a_complaint_about_an_unknown_mail_is_for_people(world: World) -> None:
    bounce = Bounce(original_key="mid:unknown@example.com", complaint=True)
    await world.say("Spam", "daemon", "mail", sender=DAEMON, bounce=bounce, automatic="feedback")
    ticket = await world.ticket()
    assert ticket.queue and world.mail.posts == []
