"""The agents' desk: lists, a ticket with everything known of it, and every verb as one proposal."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import FormData
from msgspec.structs import replace

from gateway.model import (
    BotState,
    Button,
    CannedReply,
    Choice,
    ChoiceAction,
    EntryKind,
    Priority,
    SendState,
    Speaker,
    Status,
    Verb,
    Work,
)
from gateway.views import DeadLine
from gateway.web.explain import explain
from tests.fakes_site import Browser, open_site
from tests.fakes_web import ADMIN, AGENT, FakeHost

ACT = "/desk/ticket/42/act"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    desk = FakeHost()
    desk.open(
        "Parcel is missing",
        number=42,
        queue="orders",
        status=Status.NEW,
        speaker=Speaker.AGENT,
        priority=Priority.HIGH,
    )
    desk.entry(42, EntryKind.MESSAGE, "Where is my parcel?")
    desk.open("Wrong colour", "Jan", "email", number=43, queue="returns", assignee="ben", status=Status.OPEN)
    desk.open("Opening hours", number=44, status=Status.PENDING)
    desk.open("Old invoice", number=45, queue="orders", status=Status.RESOLVED)
    async with open_site(desk) as made:
        made.enter(ADMIN)
        yield made


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


# ---------------------------------------------------------------- lists


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("", ["DG-42", "DG-43"], ["DG-44", "DG-45"]),
        ("?queue=orders", ["DG-42"], ["DG-43", "DG-44", "DG-45"]),
        ("?queue=", ["DG-44"], ["DG-42"]),
        ("?view=done", ["DG-45"], ["DG-42"]),
        ("?view=all&q=colour", ["DG-43"], ["DG-42"]),
        ("?view=mine", [], ["DG-42", "DG-43"]),
        ("?view=nonsense&before=x", ["DG-42"], []),
    ],
)
async def test_a_list_shows_what_its_view_queue_and_search_leave(
    browser: Browser, query: str, shown: list[str], hidden: list[str]
) -> None:
    text = await browser.text(f"/desk{query}")
    listed = text.partition('id="list"')[2]
    assert all(reference in listed for reference in shown) and not any(r in listed for r in hidden)


async def test_queues_show_how_many_wait_and_for_how_long(browser: Browser) -> None:
    assert "Orders 1 without owner, oldest 30 min 1" in plain(await browser.text("/desk"))


async def test_first_steps_and_words_are_one_click_away(browser: Browser) -> None:
    assert "/desk/glossary" in await browser.text("/desk")
    shown = await browser.text("/desk/glossary")
    assert "Claim it" in shown and "Waits for the requester." in shown


async def test_an_empty_list_says_what_would_be_here(browser: Browser) -> None:
    assert "Tickets that you claim appear here." in await browser.text("/desk?view=mine")


# ---------------------------------------------------------------- one ticket


async def test_a_ticket_shows_its_whole_conversation_with_notes_visibly_private(browser: Browser) -> None:
    browser.desk.entry(42, EntryKind.NOTE, "Carrier was called.", "Ben Ito")
    text = plain(await browser.text("/desk/ticket/42"))
    assert "Where is my parcel?" in text and "Ben Ito Private note" in text and "Carrier was called." in text


async def test_it_says_why_it_is_here_with_scores_threshold_rule_and_article(browser: Browser) -> None:
    sources = [{"article": "parcel-marked-delivered", "revision": "abc", "section": "First"}]
    scores = [["parcel-marked-delivered", 0.91], ["track-order", 0.4]]
    browser.desk.event(42, "answered", confidence=0.91, threshold=0.7, candidates=scores, sources=sources)
    browser.desk.event(
        42, "escalated", cause="not_helped", queue="orders", rule="article's queue", tried=["protected"]
    )
    text = plain(await browser.text("/desk/ticket/42"))
    for words in (
        "The answer did not help.",
        "parcel-marked-delivered",
        "91 %",
        "It answers from 70 % on.",
        "article&#39;s queue",
        "revision abc",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        (SendState.QUEUED, "", "Waiting to be sent"),
        (SendState.ACCEPTED, "", "Sent"),
        (SendState.DELIVERED, "", "Delivered"),
        (SendState.FAILED, "no such user", "Not delivered: no such user"),
        (SendState.FAILED, "gone", "Not delivered: the visitor has left the chat"),
        (SendState.UNCERTAIN, "", "May or may not have arrived"),
        (SendState.WITHDRAWN, "", "Taken back, not sent"),
    ],
)
async def test_delivery_is_told_honestly(browser: Browser, state: SendState, reason: str, words: str) -> None:
    browser.desk.entry(42, EntryKind.REPLY, "Hello", "Ana", send=9, state=state, reason=reason)
    text = await browser.text("/desk/ticket/42")
    assert words in plain(text)
    assert ("Send again" in text) == (state in (SendState.FAILED, SendState.UNCERTAIN))


async def test_a_chat_without_an_address_says_so_and_so_does_one_that_was_left(browser: Browser) -> None:
    assert "No e-mail address yet" in await browser.text("/desk/ticket/42")
    browser.desk.entry(42, EntryKind.REPLY, "Hello", "Ana", send=9, state=SendState.FAILED, reason="gone")
    assert "The visitor has left the chat" in await browser.text("/desk/ticket/42")
    assert "No e-mail address" not in await browser.text("/desk/ticket/43")


async def test_long_mails_are_folded_and_offers_are_listed(browser: Browser) -> None:
    button = Button(label="A person, please", choice=Choice(action=ChoiceAction.HUMAN))
    browser.desk.entry(43, EntryKind.MESSAGE, "Short", full_text="Short\n\n> and the rest", buttons=(button,))
    text = await browser.text("/desk/ticket/43")
    assert "<summary>Whole message" in text and "A person, please" in text


@pytest.mark.parametrize("number", ["999", "0", "abc"])
async def test_a_ticket_that_is_not_there(browser: Browser, number: str) -> None:
    assert (await browser.get(f"/desk/ticket/{number}")).status == 404


def test_an_unknown_event_is_still_readable() -> None:
    desk = FakeHost()
    desk.open(number=1)
    desk.event(1, "sla_warned", left="2 h", empty="", share=0.5)
    (line,) = explain(desk.pages[1].events)
    assert (line.title, line.facts) == ("Sla warned", (("Left", "2 h"), ("Share", "0.5")))


def test_a_thread_decision_says_why() -> None:
    desk = FakeHost()
    desk.open(number=1)
    desk.event(1, "threaded", decision="new", ticket=0, why="It refers to no ticket that we know.", input=7)
    (line,) = explain(desk.pages[1].events)
    assert line.text == "It refers to no ticket that we know." and line.facts == (("Decision", "new"),)


# ---------------------------------------------------------------- verbs


async def do(browser: Browser, verb: str, **fields: str) -> Any:
    form = await browser.form("/desk/ticket/42")
    return await browser.post(ACT, form | {"verb": verb, **fields}, allow_redirects=False)


@pytest.mark.parametrize(
    ("verb", "fields", "seen"),
    [
        ("claim", {}, {}),
        ("release", {}, {}),
        ("resolve", {}, {}),
        ("reopen", {}, {}),
        ("note", {"text": " Carrier\r\nwas called. "}, {"text": "Carrier\nwas called."}),
        (
            "escalate",
            {"queue": "returns", "text": "Please look.", "cause": "expertise"},
            {"queue": "returns", "text": "Please look.", "cause": "expertise"},
        ),
        ("consult", {"colleague": "ben", "text": "Is it so?"}, {"colleague": "ben", "text": "Is it so?"}),
        (
            "snooze",
            {"until": "2030-01-02T09:00", "until_zone": "-330"},
            {"until": datetime(2030, 1, 2, 14, 30, tzinfo=UTC)},
        ),
        ("tag", {"tags": "Delivery, lost,, lost"}, {"tags": ("delivery", "lost")}),
        ("priority", {"priority": "urgent"}, {"priority": Priority.URGENT}),
        ("undo", {"send": "9"}, {"send": 9}),
        ("retry", {"send": "9"}, {"send": 9}),
        ("split", {"entry": "5"}, {"entry": 5}),
        ("move", {"entry": "5", "other": "dg-77"}, {"entry": 5, "other": 77}),
        ("merge", {"other": "DG-77"}, {"other": 77}),
        ("restore", {}, {}),
    ],
)
async def test_each_verb_is_one_proposal_in_the_agents_name(
    browser: Browser, verb: str, fields: dict[str, str], seen: dict[str, Any]
) -> None:
    answer = await do(browser, verb, **fields)
    assert (answer.status, answer.headers["Location"]) == (303, "/desk/ticket/42#end")
    (action,) = browser.desk.actions
    assert (action.verb, action.ticket, action.connector, action.account) == (
        Verb(verb),
        42,
        "desk",
        "browser",
    )
    assert (action.actor.kind, action.actor.value, action.actor.verified) == ("agent", "ana", True)
    assert all(getattr(action, name) == value for name, value in seen.items())


async def test_the_composer_stands_on_note(browser: Browser) -> None:
    text = await browser.text("/desk/ticket/42")
    assert re.search(r'value="note" checked', text) and not re.search(r'value="reply" checked', text)


async def test_a_reply_is_shown_first_and_leaves_with_the_second_press(browser: Browser) -> None:
    preview = await do(browser, "reply", text="It comes **tomorrow**.")
    text = await preview.text()
    assert browser.desk.actions == []
    assert "<strong>tomorrow</strong>" in text and "This goes to the visitor in the web chat" in text
    await do(browser, "reply", text="It comes **tomorrow**.", confirmed="yes")
    (action,) = browser.desk.actions
    assert (action.verb, action.text, action.seen_version) == (Verb.REPLY, "It comes **tomorrow**.", 0)
    page = await browser.text("/desk/ticket/42")
    assert "Not sent yet, can be undone" in page and ">Undo<" in page


async def test_keep_editing_brings_the_text_back(browser: Browser) -> None:
    text = await (await do(browser, "edit", text="Half a sen")).text()
    assert "Half a sen</textarea>" in text and 'value="reply" checked' in text


async def test_a_reply_may_carry_files(browser: Browser) -> None:
    form = await browser.form("/desk/ticket/42")
    data = FormData({**form, "verb": "reply", "text": "See here", "confirmed": "yes"}, quote_fields=False)
    data.add_field("files", b"abc", filename="a/b/label.pdf", content_type="application/pdf")
    await browser.post(ACT, data)
    (file,) = browser.desk.actions[0].attachments
    assert (file.filename, file.content, file.size) == ("a b label.pdf", b"abc", 3)


async def test_pressing_twice_is_one_action_and_another_text_is_another(browser: Browser) -> None:
    form = await browser.form("/desk/ticket/42")
    for text in ("same", "same", "other"):
        await browser.post(ACT, form | {"verb": "note", "text": text})
    keys = [action.delivery_key for action in browser.desk.actions]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("verb", ["note", "reply"])
async def test_an_empty_text_is_asked_for(browser: Browser, verb: str) -> None:
    answer = await do(browser, verb, text="  ")
    assert answer.status == 422 and "Write something first." in await answer.text()
    assert browser.desk.actions == []


async def test_a_form_that_lacks_something_opens_again_with_what_was_typed(browser: Browser) -> None:
    answer = await do(browser, "transfer", queue="returns", text="Please look.")
    text = await answer.text()
    assert answer.status == 422 and browser.desk.actions == []
    assert "Choose one." in text and ">Please look.</textarea>" in text
    assert '<option value="returns" selected>' in text


async def test_a_canned_reply_goes_into_the_composer(browser: Browser) -> None:
    browser.desk.replies = (CannedReply(name="hello", title="Say hello", language="sl", text="Zdravo Mara"),)
    assert ">Say hello</a>" in await browser.text("/desk/ticket/42")
    text = await browser.text("/desk/ticket/42?canned=hello")
    assert ">Zdravo Mara</textarea>" in text and 'value="reply" checked' in text


async def test_the_next_one_is_a_press_away(browser: Browser) -> None:
    form = await browser.form("/desk")
    answer = await browser.post("/desk/next", form | {"verb": "next"}, allow_redirects=False)
    assert (answer.status, answer.headers.get("Location")) == (303, "/desk/ticket/42"), await answer.text()
    assert (browser.desk.actions[0].verb, browser.desk.actions[0].ticket) == (Verb.NEXT, 0)


async def test_a_refusal_is_a_friendly_line_and_keeps_what_was_typed(browser: Browser) -> None:
    browser.desk.refusal = "Ben Ito is sending an answer at this moment."
    answer = await do(browser, "note", text="My note")
    text = await answer.text()
    assert answer.status == 409 and browser.desk.refusal in text and "My note</textarea>" in text


@pytest.mark.parametrize(("verb", "status"), [("delete", 400), ("", 400)])
async def test_an_unknown_verb_is_refused(browser: Browser, verb: str, status: int) -> None:
    assert (await do(browser, verb)).status == status


async def test_a_form_without_its_own_number_is_refused(browser: Browser) -> None:
    assert (await do(browser, "claim", once="")).status == 400


async def test_who_has_it_is_said_before_somebody_else_answers(browser: Browser) -> None:
    assert "Ben Ito has this ticket." in await browser.text("/desk/ticket/43")


# ---------------------------------------------------------------- many at once, and none yet


async def test_a_selection_is_shown_with_its_form_and_done_with_the_second_press(browser: Browser) -> None:
    form = await browser.form("/desk")
    chosen = FormData({**form, "verb": "reply"})
    for number in ("42", "43"):
        chosen.add_field("tickets", number)
    text = await (await browser.post("/desk/bulk", chosen)).text()
    assert "This goes to 2 people" in text and browser.desk.actions == []
    sure = FormData({**form, "verb": "reply", "confirmed": "yes", "text": "We are on it."})
    for number in ("42", "43"):
        sure.add_field("tickets", number)
    await browser.post("/desk/bulk", sure)
    (action,) = browser.desk.actions
    assert (action.verb, action.ticket, action.also, action.text) == (Verb.REPLY, 42, (43,), "We are on it.")


async def test_an_incident_can_be_confirmed_and_answered_for_all(browser: Browser) -> None:
    assert "No incident" in await browser.text("/desk/incidents")
    page = browser.desk.pages[42]
    browser.desk.pages[42] = replace(page, ticket=replace(page.ticket, work=Work(alike=(43,))))
    assert "2 people may have one problem" in await browser.text("/desk/incidents")
    form = await browser.form("/desk/incidents")
    sure = FormData({**form, "verb": "incident", "confirmed": "yes"})
    for number in ("42", "43"):
        sure.add_field("tickets", number)
    await browser.post("/desk/bulk", sure)
    assert (browser.desk.actions[0].verb, browser.desk.actions[0].also) == (Verb.INCIDENT, (43,))
    for number in (42, 43):
        page = browser.desk.pages[number]
        browser.desk.pages[number] = replace(page, ticket=replace(page.ticket, incident=42, work=Work()))
    assert "To all 2 people of the incident" in await browser.text("/desk/ticket/42")
    preview = await (await do(browser, "reply", text="Mended.", everyone="yes")).text()
    assert "It goes to all 2 people of the incident" in preview
    await do(browser, "reply", text="Mended.", everyone="yes", confirmed="yes")
    assert browser.desk.actions[-1].everyone is True


async def test_a_ticket_by_hand(browser: Browser) -> None:
    form = await browser.form("/desk/new")
    missing = await browser.post("/desk/new", form | {"verb": "new", "requester": "Mia", "value": "phone"})
    assert missing.status == 422 and "Write something first." in await missing.text()
    full = form | {"verb": "new", "requester": "Mia", "value": "phone", "text": "A lost parcel"}
    answer = await browser.post("/desk/new", full, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/desk/ticket/42")
    (action,) = browser.desk.actions
    assert (action.verb, action.requester, action.text) == (Verb.NEW, "Mia", "A lost parcel")


# ---------------------------------------------------------------- people


@pytest.mark.parametrize("who", ["ana@example.com", "nobody@example.com"])
async def test_the_page_says_the_same_to_members_and_strangers(browser: Browser, who: str) -> None:
    browser.client.session.cookie_jar.clear()
    form = await browser.form("/desk")
    answer = await browser.post("/desk/sign-in", {"csrf": form["csrf"], "who": who})
    assert answer.status == 200 and "If you are a member of this desk" in await answer.text()
    await asyncio.sleep(0)
    assert browser.desk.members.asked == [who]


async def test_asking_for_links_is_limited(browser: Browser) -> None:
    browser.client.session.cookie_jar.clear()
    form = await browser.form("/desk/sign-in")
    answers = [await browser.post("/desk/sign-in", {"csrf": form["csrf"], "who": "x"}) for _ in range(14)]
    assert (answers[0].status, answers[-1].status) == (200, 429)


async def test_the_team_shows_who_is_away_and_one_says_so_oneself(browser: Browser) -> None:
    browser.enter(AGENT)
    form = await browser.form("/desk/team")
    away = form | {"verb": "away", "until": "2035-01-02T09:00", "until_zone": "60"}
    assert (await browser.post("/desk/team", away, allow_redirects=False)).status == 303
    assert "away until" in await browser.text("/desk/team")
    assert browser.desk.team["ben"].away_until == datetime(2035, 1, 2, 8, tzinfo=UTC)
    other = await browser.post("/desk/team", away | {"agent": "ana"})
    assert other.status == 409 and "a lead may for others" in await other.text()
    gone = await browser.post("/desk/team", form | {"verb": "deactivate", "agent": "ana"})
    assert gone.status == 409 and "ana" in browser.desk.team
    await browser.post("/desk/team", form | {"verb": "back"})
    assert browser.desk.team["ben"].away_until is None


# ---------------------------------------------------------------- the assistant


async def test_a_lead_stops_the_assistant_and_lets_it_speak_again(browser: Browser) -> None:
    form = await browser.form("/desk/bot")
    text = await browser.text("/desk/bot")
    assert "It is not stopped anywhere." in text and "Stop the assistant" in text
    press = form | {"verb": "stop", "scope": "all", "why": "It misleads"}
    assert (await browser.post("/desk/bot", press, allow_redirects=False)).status == 303
    text = await browser.text("/desk/bot")
    assert "Stopped everywhere" in text and "It misleads" in text
    await browser.post("/desk/bot", form | {"verb": "start", "scope": "all"})
    assert "It is not stopped anywhere." in await browser.text("/desk/bot")
    browser.enter(AGENT)
    assert "Stop the assistant" not in await browser.text("/desk/bot")


async def test_a_suggestion_can_be_sent_or_edited(browser: Browser) -> None:
    page = browser.desk.pages[42]
    bot = BotState(suggestion="It comes **tomorrow**.", sources=("delivery-times",))
    browser.desk.pages[42] = replace(page, ticket=replace(page.ticket, bot=bot))
    text = await browser.text("/desk/ticket/42")
    assert "The assistant suggests" in text and 'value="send_suggestion"' in text
    assert ">It comes **tomorrow**.</textarea>" in await browser.text("/desk/ticket/42?edit=suggestion")


# ---------------------------------------------------------------- health


async def test_health_shows_dead_letters_and_article_problems(browser: Browser) -> None:
    browser.desk.dead.append(
        DeadLine(
            id=1,
            what="send",
            connector="email",
            account="support",
            reason="550 no such user",
            at=browser.desk.clock.now(),
            ticket=42,
        )
    )
    browser.desk.article_problems.append("kb_articles/x.md: The title is missing. Add one.")
    text = await browser.text("/desk/health")
    assert "550 no such user" in text and 'href="/desk/ticket/42"' in text and "The title is missing." in text


async def test_health_without_trouble_says_so(browser: Browser) -> None:
    assert "Everything that came in was handled" in await browser.text("/desk/health")


# ---------------------------------------------------------------- live


async def test_an_open_page_is_told_when_its_ticket_changes(browser: Browser) -> None:
    headers = {"Origin": browser.desk.public_url}
    async with browser.client.ws_connect("/desk/live?ticket=42", headers=headers) as socket:
        await browser.desk.heard("ticket/42")
        browser.desk.entry(43, EntryKind.MESSAGE, "elsewhere")
        browser.desk.entry(42, EntryKind.MESSAGE, "here")
        assert await socket.receive_json() == {"changed": "ticket/42"}


async def test_an_open_list_is_told_when_any_ticket_changes(browser: Browser) -> None:
    async with browser.client.ws_connect("/desk/live", headers={"Origin": browser.desk.public_url}) as socket:
        await browser.desk.heard("tickets")
        browser.desk.entry(43, EntryKind.MESSAGE, "new")
        assert await socket.receive_json() == {"changed": "tickets"}


async def test_typing_is_seen_on_both_sides(browser: Browser) -> None:
    key = browser.desk.pages[42].legs[0].address.key
    async with browser.client.ws_connect(
        "/desk/live?ticket=42", headers={"Origin": browser.desk.public_url}
    ) as socket:
        await browser.desk.heard(f"typing/requester/{key}")
        browser.desk.publish(f"typing/requester/{key}")
        assert await socket.receive_json() == {"typing": True}
        await socket.send_str('{"typing":true}')
        await socket.send_str("anything else")
        await browser.desk.told(f"typing/agent/{key}")
    assert browser.desk.published.count(f"typing/agent/{key}") == 1


@pytest.mark.parametrize("origin", ["https://evil.example", ""])
async def test_another_site_cannot_listen(browser: Browser, origin: str) -> None:
    headers = {"Origin": origin, "Upgrade": "websocket", "Connection": "Upgrade"}
    assert (await browser.get("/desk/live", headers=headers)).status == 403


async def test_a_protected_ticket_cannot_be_listened_to(browser: Browser) -> None:
    browser.desk.closed_queues = ("orders",)
    browser.enter(AGENT)
    headers = {"Origin": browser.desk.public_url, "Upgrade": "websocket", "Connection": "Upgrade"}
    assert (await browser.get("/desk/live?ticket=42", headers=headers)).status == 403
