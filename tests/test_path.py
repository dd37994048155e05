"""Stories: what people say goes in by a door, what they would see comes out. The channel is a recorder."""

from __future__ import annotations

import pytest

from gateway.errors import Retryable, Uncertain, Undeliverable
from gateway.model import (
    Address,
    Choice,
    ChoiceAction,
    EntryKind,
    Identity,
    Offer,
    Priority,
    SendState,
    Speaker,
    Status,
    Verb,
)
from gateway.privacy import Seal
from tests.world import World, a_file


async def test_a_question_is_answered_from_an_article_with_its_source(world: World) -> None:
    await world.say("Where is my order?")

    (answer,) = world.chat.posts
    assert "You can follow your parcel with the tracking link" in answer.text
    assert "/help/en/track-order" in answer.text and "revision" in answer.text
    assert "automatic assistant of Linden & Fox" in answer.text
    assert [button.choice.action for button in answer.buttons] == [
        ChoiceAction.HELPED,
        ChoiceAction.NOT_HELPED,
        ChoiceAction.HUMAN,
    ]
    ticket = await world.ticket()
    assert (ticket.status, ticket.tier, ticket.speaker) == (Status.PENDING, 0, Speaker.BOT)


async def test_the_assistant_introduces_itself_once(world: World) -> None:
    await world.say("Where is my order?")
    await world.say("how do I return an item")
    assert "automatic assistant" in world.chat.texts[0]
    assert "automatic assistant" not in world.chat.texts[1]


async def test_yes_resolves_and_no_brings_a_person(world: World) -> None:
    await world.say("Where is my order?")
    await world.press(ChoiceAction.HELPED)
    assert (await world.ticket()).status is Status.RESOLVED

    await world.say("Where is my order?", who="noa")
    await world.say("no, that did not help", who="noa")
    ticket = await world.ticket()
    assert (ticket.queue, ticket.tier, ticket.cause, ticket.speaker) == (
        "orders",
        1,
        "not_helped",
        Speaker.AGENT,
    )
    assert "team (Orders)" in world.chat.texts[-1] and ticket.reference in world.chat.texts[-1]


@pytest.mark.parametrize(
    "text", ["a person, please", "I want to talk to a human", "človeka prosim", "转人工", "轉人工"]
)
async def test_a_person_is_a_hard_rule(world: World, text: str) -> None:
    await world.say(text)
    ticket = await world.ticket()
    assert (ticket.cause, ticket.speaker) == ("wants_human", Speaker.AGENT)
    assert all(entry.kind is not EntryKind.ANSWER for entry in await world.entries())


async def test_what_the_bot_does_not_know_goes_to_people_who_see_why(world: World) -> None:
    await world.say("Do you sponsor local football clubs in the autumn?")
    ticket = await world.ticket()
    assert ticket.queue == "general"
    (card,) = world.team.cards
    assert card.card is not None and card.card.reference == ticket.reference
    assert card.card.body.startswith("Do you sponsor")
    events = (await world.page(ticket.id)).events
    escalated = next(event for event in events if event.kind == "escalated")
    assert escalated.data["rule"] == "default" and "candidates" in escalated.data


async def test_an_agent_answers_and_resolves(world: World) -> None:
    await world.say("a person, please")
    ticket = await world.ticket()
    result = await world.act(Verb.REPLY, ticket.id, text="Hello Mia, how can I help?")
    assert result.state == "done" and result.send
    assert "Hello Mia" not in world.chat.texts[-1], "it is held while it can be undone"

    await world.later(seconds=5)
    assert world.chat.texts[-1] == "Hello Mia, how can I help?"
    assert (await world.ticket()).assignee == "ana"

    await world.act(Verb.RESOLVE, ticket.id)
    assert (await world.ticket()).status is Status.RESOLVED
    assert "resolved" in world.chat.texts[-1]


async def test_a_reply_can_be_undone_until_it_leaves(world: World) -> None:
    await world.say("a person, please")
    number = (await world.ticket()).id
    result = await world.act(Verb.REPLY, number, text="Wrong window, sorry")
    undone = await world.act(Verb.UNDO, number, send=result.send)
    assert undone.state == "done"
    await world.later(seconds=10)
    assert "Wrong window, sorry" not in world.chat.texts

    late = await world.act(Verb.REPLY, number, text="The right answer")
    await world.later(seconds=10)
    assert (await world.act(Verb.UNDO, number, send=late.send)).state == "refused"


async def test_a_note_never_reaches_the_requester(world: World) -> None:
    await world.say("a person, please")
    number = (await world.ticket()).id
    await world.act(Verb.NOTE, number, text="This customer is a spy")
    await world.later(minutes=1)
    assert not any("spy" in text for text in world.chat.texts)
    assert any("spy" in text for text in world.team.texts)


async def test_what_was_typed_in_the_agents_thread_is_a_note(world: World) -> None:
    await world.say("a person, please")
    number = (await world.ticket()).id
    thread = Address(connector="team", account="main", conversation="C-GENERAL", thread="thread-1")
    result = await world.act(Verb.NOTE, 0, address=thread, text="She called twice")
    assert result.ticket == number
    notes = [entry.text for entry in await world.entries(number) if entry.kind is EntryKind.NOTE]
    assert notes == ["She called twice"]


async def test_once_an_agent_has_the_floor_the_bot_is_silent(world: World) -> None:
    await world.say("Where is my order?")
    number = (await world.ticket()).id
    await world.act(Verb.REPLY, number, text="I am on it.")
    await world.later(seconds=5)
    before = len(world.chat.posts)
    await world.say("how do I return an item")
    assert len(world.chat.posts) == before
    assert "how do I return an item" in world.team.texts[-1]


async def test_an_answer_that_has_not_left_is_withdrawn_when_the_person_writes_more(world: World) -> None:
    await world.take(world.message("Where is my order?"))
    await world.intake.handle_ready()  # decided, but nothing is sent yet
    await world.say("I mean: how do I return an item I bought?")
    assert len(world.chat.posts) == 1
    states = [entry.state for entry in await world.entries() if entry.kind is EntryKind.ANSWER]
    assert SendState.WITHDRAWN in states


async def test_an_answer_in_the_outbox_is_not_sent_once_a_person_has_the_ticket(world: World) -> None:
    await world.take(world.message("Where is my order?"))
    await world.intake.handle_ready()
    number = (await world.ticket()).id
    await world.act(Verb.CLAIM, number)
    assert not any("tracking link" in text for text in world.chat.texts)


async def test_the_same_delivery_many_times_is_one_ticket(world: World) -> None:
    message = world.message("Where is my order?")
    receipts = [(await world.take(message))[0] for _ in range(5)]
    await world.settle()
    assert len({receipt.ledger_id for receipt in receipts}) == 1
    assert [receipt.duplicate for receipt in receipts] == [False, True, True, True, True]
    assert len(await world.numbers()) == 1 and len(world.chat.posts) == 1
    count = await world.store.ledger_count()
    assert count.adds_up and count.duplicates == 4


async def test_a_reply_by_mail_finds_its_ticket_by_the_id_we_sent(world: World) -> None:
    await world.say("Where is my order?", door="mail", subject="My order")
    sent = world.mail.posts[-1]
    await world.say(
        "a person, please",
        door="mail",
        subject="Re: My order",
        refers_to=(f"mid:ours-{sent.id}@example.com",),
    )
    assert len(await world.numbers()) == 1
    assert (await world.ticket()).speaker is Speaker.AGENT


async def test_a_stranger_with_the_right_reference_gets_a_ticket_of_their_own(world: World) -> None:
    await world.say("Where is my order?", door="mail", subject="My order")
    ref = f"ref:{world.policy.reply_key((await world.ticket()).id)}"
    await world.say("Show me her order", who="eve", door="mail", subject="Re: My order", refers_to=(ref,))
    first, second = await world.numbers()
    threaded = next(e for e in (await world.page(second)).events if e.kind == "threaded")
    assert threaded.data["decision"] == "related" and threaded.data["ticket"] == first


async def test_another_subject_in_an_old_thread_is_a_new_ticket(world: World) -> None:
    first = await world.say("Where is my order?", door="mail", subject="My order")
    await world.say(
        "How do I return an item?", door="mail", subject="A return", refers_to=(first.message_key,)
    )
    assert len(await world.numbers()) == 2


async def test_the_same_mail_to_two_mailboxes_is_one_ticket(world: World) -> None:
    mail = world.message("Where is my order?", door="mail", subject="My order")
    import msgspec

    copy = msgspec.structs.replace(mail, account="other", delivery_key="x1")
    await world.take(mail, copy)
    await world.settle()
    assert len(await world.numbers()) == 1
    assert "copy" in await world.events()


@pytest.mark.parametrize("automatic", ["auto-submitted", "list", "out-of-office"])
async def test_machines_are_never_answered(world: World, automatic: str) -> None:
    await world.say("Where is my order?", door="mail", subject="Out of office", automatic=automatic)
    assert world.mail.sent == []
    assert (await world.ticket()).queue == "general"


async def test_a_hard_budget_of_automatic_messages(make_world) -> None:  # type: ignore[no-untyped-def]
    world = await make_world(budget=3, max_answers=20)
    for n in range(8):
        await world.say(f"Where is my order? I ask again, number {n}", door="mail", subject=f"Order {n}")
    assert len(world.mail.posts) == 3


async def test_a_blocked_sender_is_quarantined(world: World) -> None:
    message = world.message("buy now", door="mail", sender=Identity(kind="email", value="spam@example.net"))
    await world.take(message)
    await world.settle()
    assert await world.numbers() == []
    assert (await world.store.ledger_count()).quarantined == 1


async def test_a_card_number_is_masked_everywhere_and_goes_to_the_protected_queue(world: World) -> None:
    await world.say("My card 4111 1111 1111 1111 was charged twice")
    ticket = await world.ticket()
    assert (ticket.queue, ticket.protected) == ("protected", True)
    assert "4111" not in await world.dump()
    assert "[card]" in (await world.entries())[0].text
    refused = await world.act(Verb.CLAIM, ticket.id, agent="ben")
    assert refused.state == "refused"
    assert (await world.act(Verb.CLAIM, ticket.id, agent="lea")).state == "done"


async def test_a_visitor_who_left_gets_the_answer_by_mail(world: World) -> None:
    await world.say("a person, please")
    offer = Offer(
        identity=Identity(kind="email", value="mia@example.org"),
        address=Address(connector="mail", account="main", conversation="mia@example.org"),
        link="/chat?resume=abc",
    )
    await world.say("", offer=offer, message_key="")
    number = (await world.ticket()).id
    world.chat.fails = lambda outgoing: Undeliverable("gone", "The visitor has left the chat.")
    await world.act(Verb.REPLY, number, text="Here is your answer")
    await world.later(seconds=5)
    (mail,) = world.mail.posts
    assert "Here is your answer" in mail.text and "http://127.0.0.1:8080/chat?resume=abc" in mail.text
    assert mail.address.conversation == "mia@example.org"

    await world.say("Thank you, one more thing", door="mail", refers_to=(f"ref:{mail.reply_key}",))
    assert await world.numbers() == [number]


async def test_a_visitor_who_left_without_an_address_is_shown_as_unreached(world: World) -> None:
    await world.say("a person, please")
    number = (await world.ticket()).id
    world.chat.fails = lambda outgoing: Undeliverable("gone", "The visitor has left the chat.")
    await world.act(Verb.REPLY, number, text="Here is your answer")
    await world.later(seconds=5)
    assert "unreached" in await world.events(number)
    reply = next(entry for entry in await world.entries(number) if entry.kind is EntryKind.REPLY)
    assert reply.state is SendState.FAILED and "left the chat" in reply.reason


async def test_a_service_that_asks_to_wait_is_waited_for(world: World) -> None:
    failures = [Retryable("busy", after=30, bucket="chat/main")]
    world.chat.fails = lambda outgoing: failures.pop() if failures else None
    await world.say("Where is my order?")
    await world.say("Where is my order?", who="noa")
    assert world.chat.posts == [], "the whole account waits"
    await world.later(seconds=31)
    assert len(world.chat.posts) == 2


async def test_an_undeliverable_message_is_given_up_in_the_open(world: World) -> None:
    world.chat.fails = lambda outgoing: Retryable("connection refused")
    await world.say("Where is my order?")
    for _ in range(30):
        await world.later(hours=1)
    answer = next(entry for entry in await world.entries() if entry.kind is EntryKind.ANSWER)
    assert answer.state is SendState.FAILED
    assert [line.what for line in await world.store.dead_lines()] == ["send"]


async def test_an_agents_reply_whose_fate_is_unknown_is_never_sent_twice_by_itself(world: World) -> None:
    await world.say("a person, please")
    number = (await world.ticket()).id
    world.chat.fails = lambda outgoing: Uncertain("no answer")
    await world.act(Verb.REPLY, number, text="Once only")
    await world.later(seconds=5)
    world.chat.fails = lambda outgoing: None
    await world.later(hours=1)
    assert "Once only" not in world.chat.texts
    reply = next(entry for entry in await world.entries(number) if entry.kind is EntryKind.REPLY)
    assert reply.state is SendState.UNCERTAIN
    assert (await world.act(Verb.RETRY, number, send=reply.send)).state == "done"
    assert "Once only" in world.chat.texts


async def test_files_are_kept_and_can_be_opened(world: World) -> None:
    await world.say("See the photo", attachments=(a_file(),))
    (entry, *_) = await world.entries()
    assert entry.attachments[0].sha256 and entry.attachments[0].content == b""
    assert await world.host.file(entry.attachments[0].sha256) == b"\x89PNG bytes"


async def test_thanks_does_not_reopen_but_a_real_answer_does(world: World) -> None:
    await world.say("a person, please")
    number = (await world.ticket()).id
    await world.act(Verb.RESOLVE, number)
    await world.say("thanks!")
    assert (await world.ticket(number)).status is Status.RESOLVED
    await world.say("It is still broken")
    ticket = await world.ticket(number)
    assert (ticket.status, ticket.speaker) == (Status.OPEN, Speaker.AGENT)


async def test_a_resolved_ticket_closes_by_itself_and_a_later_message_is_new(world: World) -> None:
    await world.say("a person, please")
    number = (await world.ticket()).id
    await world.act(Verb.RESOLVE, number)
    await world.later(days=8)
    assert (await world.ticket(number)).status is Status.CLOSED
    await world.say("Hello again, where is my order?")
    assert len(await world.numbers()) == 2


async def test_the_verbs_of_the_desk(world: World) -> None:
    await world.say("a person, please")
    number = (await world.ticket()).id
    assert (await world.act(Verb.CLAIM, number)).state == "done"
    assert "ana has this ticket" in (await world.act(Verb.CLAIM, number, agent="ben")).detail
    assert (
        await world.act(Verb.TAG, number, tags=("Parcel", "parcel", "lost"))
    ).detail == "Tags: parcel, lost"
    assert (await world.act(Verb.PRIORITY, number, priority=Priority.URGENT)).state == "done"
    assert (await world.act(Verb.ESCALATE, number, queue="technical")).state == "refused"
    moved = await world.act(Verb.ESCALATE, number, queue="technical", text="Needs the logs")
    assert moved.state == "done"
    ticket = await world.ticket(number)
    assert (ticket.queue, ticket.tier, ticket.assignee, ticket.priority) == (
        "technical",
        2,
        "",
        Priority.URGENT,
    )
    assert world.team.cards[-1].card.why.startswith("Moved to")


async def test_strangers_may_do_nothing_at_the_desk(world: World) -> None:
    await world.say("a person, please")
    number = (await world.ticket()).id
    result = await world.act(Verb.RESOLVE, number, agent="mallory")
    assert result.state == "refused" and "not a member" in result.detail
    assert (await world.act(Verb.CLAIM, 999_999)).detail == "There is no such ticket."


async def test_two_agents_answering_at_once_are_told(world: World) -> None:
    await world.say("a person, please")
    number = (await world.ticket()).id
    await world.act(Verb.REPLY, number, text="My answer")
    second = await world.act(Verb.REPLY, number, agent="ben", text="My answer, too")
    assert second.state == "refused" and "Ana is sending" in second.detail


async def test_an_old_message_gets_no_automatic_answer(world: World) -> None:
    message = world.message("Where is my order?", door="mail", subject="My order")
    world.clock.advance(hours=13)
    await world.take(message)
    await world.settle()
    assert world.mail.sent == []
    assert (await world.ticket()).cause == "late"


async def test_an_album_is_one_turn(world: World) -> None:
    for name in ("a.png", "b.png"):
        await world.take(world.message("", attachments=(a_file(name, name.encode()),), media_group="g1"))
    await world.settle()
    assert await world.numbers() == [], "it waits for the rest"
    await world.later(seconds=2)
    assert len(await world.numbers()) == 1
    assert (await world.ticket()).cause == "files"
    assert len(world.chat.posts) == 1


async def test_a_choice_of_article_is_quoted(world: World) -> None:
    await world.say("Where is my order?")
    await world.press(ChoiceAction.ARTICLE, "return-item")
    assert "Print the return label" in world.chat.texts[-1]
    chosen = Choice(action=ChoiceAction.ARTICLE, value="return-item")
    assert chosen.value == (await world.ticket()).bot.article


async def test_a_greeting_is_no_title(world: World) -> None:
    await world.say("hello")
    await world.say("Where is my order?")
    assert (await world.ticket()).subject == "Where is my order?"


async def test_half_a_character_is_kept_as_the_replacement_character(world: World) -> None:
    await world.say("Where is my order? \ud83d")
    assert (await world.entries())[0].text == "Where is my order? \ufffd"


async def test_an_input_that_no_key_opens_waits_for_its_key(world: World) -> None:
    await world.take(world.message("Where is my order?"))
    world.intake._seal = Seal(b"x" * 32)
    for _ in range(9):
        await world.settle()
        assert (await world.store.ledger_count()).pending == 1
        world.clock.advance(hours=1)
    world.intake._seal = world.seal
    await world.settle()
    assert len(world.chat.posts) == 1


async def test_an_input_whose_key_never_comes_is_dead_after_a_day(world: World) -> None:
    await world.take(world.message("Where is my order?"))
    world.intake._seal = Seal(b"x" * 32)
    await world.settle()
    await world.later(hours=25)
    count = await world.store.ledger_count()
    assert (count.pending, count.dead) == (0, 1) and count.adds_up
