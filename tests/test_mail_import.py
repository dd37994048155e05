"""Older mail: closed tickets that agents find, nothing said to anybody, and the same however often it is run."""

from __future__ import annotations

from datetime import timedelta

from gateway.model import Bounce, Status, Verb
from tests.world import World, a_file


async def test_older_mail_is_kept_on_closed_tickets_and_nothing_is_said(world: World) -> None:
    long_ago = world.clock.now() - timedelta(days=400)
    first = await world.say("Where is my order?", door="mail", subject="Order", at=long_ago, imported=True)
    await world.say(
        "It came, thanks. How do I return an item?",
        door="mail",
        subject="Re: Order",
        at=long_ago + timedelta(days=2),
        refers_to=(first.message_key,),
        imported=True,
    )
    (number,) = await world.numbers()
    page = await world.page(number)
    assert (page.ticket.status, page.ticket.created_at) == (Status.CLOSED, long_ago)
    assert len(page.entries) == 2
    assert {event.kind for event in page.events} >= {"imported", "threaded"} and page.ticket.queue
    assert "opened" not in await world.events(number)
    assert (world.mail.posts, world.team.posts) == ([], [])


async def test_an_answer_to_older_mail_opens_a_ticket_beside_it(world: World) -> None:
    first = await world.say("Where is my order?", door="mail", subject="Order", imported=True)
    await world.say("And now?", door="mail", subject="Re: Order", refers_to=(first.message_key,))
    old, new = await world.numbers()
    assert (await world.ticket(new)).status is not Status.CLOSED
    assert any(event.data.get("ticket") == old for event in (await world.page(new)).events)


async def test_older_mail_of_a_live_ticket_does_not_disturb_it(world: World) -> None:
    live = await world.say("A person, please", door="mail", subject="Order")
    (number,) = await world.numbers()
    before = len(world.team.posts)
    await world.say("Older", door="mail", subject="Order", refers_to=(live.message_key,), imported=True)
    assert len(await world.entries(number)) == 2 and len(world.team.posts) == before
    assert (await world.ticket()).status is Status.CLOSED


async def test_the_same_mail_again_adds_nothing(world: World) -> None:
    first = await world.say("Where is my order?", door="mail", subject="Order", imported=True)
    await world.say(
        "Where is my order?", door="mail", subject="Order", message_key=first.message_key, imported=True
    )
    assert len(await world.numbers()) == 1 and len(await world.entries()) == 1


async def test_an_old_report_suppresses_nobody(world: World) -> None:
    bounce = Bounce(permanent=("mia@example.org",), status="5.1.1")
    await world.say("Undelivered", door="mail", bounce=bounce, automatic="bounce", imported=True)
    assert await world.numbers() == [] and await world.host.suppressed_lines() == []


async def test_old_archives_of_strangers_wait_in_quarantine_and_stay_quiet_when_let_in(world: World) -> None:
    from gateway.store import ledger

    await world.say("My photos", door="mail", attachments=(a_file("photos.zip"),), imported=True)
    ((number, *_),) = await world.store.driver.read(ledger.quarantined)
    await world.store.driver.write(lambda tx: ledger.release_quarantined(tx, number))
    await world.settle()
    assert (await world.ticket()).status is Status.CLOSED and world.mail.posts == []


async def test_card_numbers_in_older_mail_go_to_the_protected_queue(world: World) -> None:
    await world.say("My card is 4111 1111 1111 1111", door="mail", subject="Card", imported=True)
    ticket = await world.ticket()
    assert (ticket.queue, ticket.status) == ("protected", Status.CLOSED)


async def test_an_agent_can_reopen_it(world: World) -> None:
    await world.say("Where is my order?", door="mail", subject="Order", imported=True)
    (number,) = await world.numbers()
    assert (await world.act(Verb.REOPEN, number)).state == "done"
    assert (await world.act(Verb.REPLY, number, text="It is on its way.")).state == "done"
