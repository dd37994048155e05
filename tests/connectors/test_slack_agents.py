"""The agents' home, command, practice ticket and the offer to send a note to the customer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from connectors.slack import practice
from connectors.slack.acting import Core
from connectors.slack.commands import Commands
from connectors.slack.guidance import glossary_blocks
from connectors.slack.home import home_view
from connectors.slack.interactions import Interactions
from connectors.slack.more import HEADINGS
from connectors.slack.offers import Noted
from connectors.slack.people import People, Person, Standing
from connectors.slack.settings import Settings
from connectors.slack.webapi import WebApi
from gateway.glossary import GLOSSARY
from gateway.model import (
    ActionResult,
    Agent,
    Attachment,
    Entry,
    EntryKind,
    Group,
    Replace,
    Role,
    SendState,
    Verb,
)
from gateway.overviews import (
    Background,
    BackgroundOf,
    Found,
    MemberLine,
    Mine,
    MyDesk,
    PastLine,
    Search,
    Team,
    TeamDesk,
)
from gateway.views import QueueLine, TicketLine
from tests.connectors.test_slack_card import anything
from tests.fakes_slack import ANN, CARD, FakeHost, Room, card_post, desk_address, room
from tests.slack_limits import check_home, check_message, check_modal, is_harmless, texts
from tests.slack_posts import message_action, view_submission
from tests.slack_standin import SECRET, TEAM, TOKEN

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WHO = Person(user="U0ANN", team=TEAM, name="Ann", standing=Standing.MEMBER)


def line(number: int = 42, subject: str = "Where is my parcel?", **fields: Any) -> TicketLine:
    given: dict[str, Any] = {
        "id": number, "reference": f"DG-{number}", "subject": subject, "requester": "Cy Customer",
        "channel": "email", "status": "open", "queue": "orders", "tier": 1, "priority": "high",
        "assignee": "Ann", "tags": (), "cause": "", "speaker": "agent", "language": "en",
        "created_at": NOW - timedelta(hours=3), "updated_at": NOW, "excerpt": "Where",
    }  # fmt: skip
    return TicketLine(**{**given, **fields})


QUEUES = (
    QueueLine(name="orders", title="Orders", tier=1, open=7, unassigned=2, oldest=NOW - timedelta(days=3)),
)
MINE = Mine(agent=ANN, mine=(line(),), more=3, queues=QUEUES)
TEAM_NOW = Team(
    agent=ANN,
    members=(MemberLine(agent=ANN, open=5, pending=1, oldest=NOW - timedelta(hours=5)),),
    queues=QUEUES,
    waiting=9,
    unassigned=2,
    oldest=(line(7), line(8)),
    breaching=(line(7),),
)


# ---------------------------------------------------------------- home


@settings(max_examples=15, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(anything, st.integers(0, 40), st.booleans())
def test_the_home_is_within_the_limits_whatever_it_shows(said: str, many: int, newcomer: bool) -> None:
    agent = Agent(id=said[:50] or "x", name=said)
    lines = tuple(line(n, said, requester=said, excerpt=said, assignee=said) for n in range(1, 11))
    queues = tuple(QueueLine(name="q", title=said, tier=1, open=1, unassigned=1) for _ in range(many))
    members = tuple(MemberLine(agent=agent, open=n) for n in range(many))
    mine = Mine(agent=agent, mine=lines, more=5, queues=queues, newcomer=newcomer)
    team = Team(agent=agent, members=members, oldest=lines[:6], breaching=lines[:6], waiting=3)
    view = home_view(mine, team, NOW, "https://desk.example/desk")
    check_home(view)
    assert all(is_harmless(text) for text in texts(view))


async def test_the_home_is_published_for_whoever_presses_refresh() -> None:
    async with room() as r:
        r.host.answers[MyDesk] = MINE
        await r.posts.press_in_view(
            {"id": "V1", "type": "home", "blocks": home_view(MINE, None, NOW, "https://d.example")["blocks"]},
            "home_refresh",
        )
        await r.settled()
        shown = str(r.slack.homes["U0ANN"]["blocks"])
    assert "DG-42" in shown and "Orders*: 7 open, 2 without owner, oldest 3 days" in shown
    assert "The team" not in shown and "New here" not in shown


async def test_a_lead_sees_the_team_and_reassigns_from_there() -> None:
    async with room() as r:
        lead = msgspec.structs.replace(ANN, role=Role.LEAD)
        r.host.agent = lead
        r.host.answers = {
            MyDesk: msgspec.structs.replace(MINE, agent=lead, newcomer=True),
            TeamDesk: TEAM_NOW,
        }
        view = {
            "id": "V1",
            "type": "home",
            "blocks": home_view(MINE, TEAM_NOW, NOW, "https://d.example")["blocks"],
        }
        await r.posts.press_in_view(view, "home_refresh")
        await r.settled()
        shown = str(r.slack.homes["U0ANN"]["blocks"])
        assert "9 wait for us · 2 without owner" in shown and "*Ann*: 5 open, 1 wait for others" in shown
        assert "New here?" in shown
        await r.posts.press_in_view(view, "assign")
        (form,) = r.slack.views.values()
        assert form["title"]["text"].startswith("Assign")
        await r.posts.submit(form, {"colleague": "ben"})
        (action,) = r.host.acts.values()
        assert (action.verb, action.ticket, action.colleague) == (Verb.ASSIGN, 7, "ben")


async def test_a_stranger_finds_where_to_ask() -> None:
    async with room() as r:
        view = {
            "id": "V1",
            "type": "home",
            "blocks": home_view(MINE, None, NOW, "https://d.example")["blocks"],
        }
        await r.posts.press_in_view(view, "home_refresh")
        await r.settled()
        assert "belongs to a support desk" in str(r.slack.homes["U0ANN"]["blocks"])


async def test_help_glossary_and_practice_open_from_the_home() -> None:
    async with room() as r:
        view = {
            "id": "V1",
            "type": "home",
            "blocks": home_view(MINE, None, NOW, "https://d.example")["blocks"],
        }
        for action in ("home_help", "home_glossary", "home_practice"):
            await r.posts.press_in_view(view, action)
        await r.settled()
        assert [v["title"]["text"] for v in r.slack.views.values()] == ["Help", "Glossary"]
        assert any("DG-0" in str(m["blocks"]) for m in r.slack.messages.values())


async def test_opening_the_home_publishes_it_and_the_messages_tab_does_not() -> None:
    async with room() as r:
        r.host.answers[MyDesk] = MINE
        opened = {"type": "app_home_opened", "user": "U0ANN", "channel": "D0ANN", "event_ts": "1.1"}
        assert (await r.posts.event({**opened, "tab": "messages"}))[0] == 200
        await r.settled()
        assert r.slack.homes == {}
        assert (await r.posts.event({**opened, "tab": "home"}))[0] == 200
        await r.settled()
        assert "DG-42" in str(r.slack.homes["U0ANN"]["blocks"])


# ---------------------------------------------------------------- the command


async def said(host: FakeHost, text: str, who: Person = WHO) -> str:
    commands = Commands(
        Core("main", host, People("main", TEAM, None, host.clock)), host.clock, host.public_url
    )  # type: ignore[arg-type]
    answer = await commands.answer(text, who)
    check_message(answer["blocks"])
    assert answer["response_type"] == "ephemeral" and all(is_harmless(t) for t in texts(answer["blocks"]))
    return str(answer["blocks"])


async def test_the_command_comes_by_slack_and_tells_strangers_where_to_ask() -> None:
    async with room() as r:
        r.host.answers = {MyDesk: MINE}
        status, body = await r.posts.command("/deskgate", "mine")
        assert status == 200 and "DG-42" in body
        r.host.answers = {}
        status, body = await r.posts.command("/deskgate", "mine")
        assert status == 200 and "write to the app directly" in body


async def test_the_command_searches_shows_and_helps() -> None:
    host = FakeHost()
    host.answers = {Search: Found(lines=(line(),), more=True), MyDesk: MINE, TeamDesk: TEAM_NOW}
    assert "DG-42" in await said(host, "search kettle is:open")
    assert "There are more" in await said(host, "search kettle")
    assert "What shall I look for" in await said(host, "search")
    assert "My tickets" in await said(host, "mine") and "The team" in await said(host, "team")
    for word in ("", "help", "HELP"):
        assert "private note" in await said(host, word)
    assert "Did you mean `/deskgate search`" in await said(host, "serach x")
    assert "owner:nobody" in await said(host, "find nothing-there")
    assert "A member of the desk" in await said(host, "glossary agent")
    assert "DG-0" in await said(host, "practice")


@pytest.mark.parametrize("text", ["ticket DG-42", "ticket 42", "DG-42", "dg-42", "42"])
async def test_the_command_shows_a_ticket_with_its_buttons(text: str) -> None:
    host = FakeHost()
    host.entries = (
        Entry(
            id=1, kind=EntryKind.MESSAGE, at=NOW, author="Cy", text="Where <!channel> is it?" + " x" * 3000
        ),
        Entry(id=2, kind=EntryKind.NOTE, at=NOW, author="Ben", text="look at the van"),
    )
    shown = await said(host, text)
    assert "Cy Customer, by e-mail" in shown and "private note" in shown and "'action_id': 'claim'" in shown
    assert "&lt;!channel&gt;" in shown and "the rest is on the desk" in shown


@pytest.mark.parametrize(
    "text", ["ticket", "ticket x", "ticket ٤٢", "ticket " + "9" * 40, "glossary zzz", "x" * 300]
)
async def test_what_the_command_does_not_understand_is_said(text: str) -> None:
    await said(FakeHost(), text)


async def test_the_command_answers_members_only_and_through_a_lost_database() -> None:
    host = FakeHost()
    guest = msgspec.structs.replace(WHO, standing=Standing.GUEST)
    host.answers = {MyDesk: MINE}
    assert "Guests" in await said(host, "mine", guest)
    assert "nothing to see" in await said(host, "search x")
    host.down = True
    assert "database did not answer" in await said(host, "mine")


@settings(max_examples=30, deadline=None)
@given(anything)
def test_the_glossary_is_within_the_limits(word: str) -> None:
    blocks = glossary_blocks(word)
    check_message(blocks)
    assert all(is_harmless(text) for text in texts(blocks))
    assert len(str(glossary_blocks())) > sum(map(len, GLOSSARY.values()))


async def test_the_next_ticket_is_taken_from_the_home_and_by_the_command() -> None:
    async with room() as r:
        r.host.answers[MyDesk] = MINE
        r.host.result = ActionResult(state="done", ticket=42)
        r.host.entries = (Entry(id=1, kind=EntryKind.MESSAGE, at=NOW, author="Cy", text="Where is it?"),)
        view = {
            "id": "V1",
            "type": "home",
            "blocks": home_view(MINE, None, NOW, "https://d.example")["blocks"],
        }
        await r.posts.press_in_view(view, "home_next")
        (form,) = r.slack.views.values()
        assert "Where is it?" in str(form) and "'action_id': 'reply'" in str(form)
        await r.posts.press_in_view(
            form, "reply"
        )  # in place of the list: a form over a form is none of Slack's
        (form,) = r.slack.views.values()
        assert form["submit"]["text"] == "Preview"
        _, body = await r.posts.command("/deskgate", "next")
        assert "Where is it?" in body
        r.host.result = ActionResult(state="refused", detail="Nothing waits for you.")
        _, body = await r.posts.command("/deskgate", "next")
        assert "Nothing waits for you." in body
        assert {action.verb for action in r.host.acts.values()} == {Verb.NEXT}


async def test_a_long_message_is_folded_on_its_card_and_read_behind_a_button() -> None:
    async with room() as r:
        text = "A long mail goes on and on. " * 400
        r.host.entries = (Entry(id=1, kind=EntryKind.MESSAGE, at=NOW, author="Cy", text=text),)
        sent = await r.connector.send(card_post(body=text))
        blocks = r.slack.messages[("C0DESK", sent.external_ids[0])]["blocks"]
        assert len(str(blocks)) < 6000
        await r.posts.press(sent.external_ids[0], "read_all")
        (form,) = r.slack.views.values()
        assert sum(len(b["text"]["text"]) for b in form["blocks"] if b["type"] == "section") > 11_000


async def test_the_card_shows_what_stands_behind_it_and_sends_a_lost_answer_again() -> None:
    async with room() as r:
        past = PastLine(
            id=31, reference="DG-31", subject="Kettle <!here>", status="resolved", at=NOW, how="A new lid."
        )
        failed = Entry(
            id=7,
            kind=EntryKind.REPLY,
            at=NOW,
            text="x",
            state=SendState.FAILED,
            send=9,
            reason="550 no such user",
        )
        r.host.answers[BackgroundOf] = Background(
            owner="Ann Agent", tickets=1, history=(past,), similar=(past,), failed=failed
        )
        ts = await r.card(Verb.CLAIM)
        shown = str(r.slack.messages[("C0DESK", ts)]["blocks"])
        assert "1 other ticket" in shown and "A new lid." in shown and "550 no such user" in shown
        assert "<https://desk.example/tickets/31|DG-31>" in shown
        await r.posts.press(ts, "retry")
        await r.connector.send(Replace(address=desk_address(ts), ticket=42, card=CARD))
        (action,) = r.host.acts.values()
        assert (action.verb, action.send) == (Verb.RETRY, 9)


def test_every_group_of_verbs_has_a_heading() -> None:
    assert set(HEADINGS) == set(Group) - {Group.LINE}


# ---------------------------------------------------------------- practice


def practising(r: Room) -> dict[str, Any]:
    """The pretend card as it stands."""
    return {"message_ts": "1.1", "blocks": r.slack.responses[-1]["blocks"]}


async def test_a_pretend_ticket_is_practised_on_and_touches_nothing() -> None:
    async with room() as r:
        card: dict[str, Any] = {"message_ts": "1.1", "blocks": practice.practice_blocks()}
        await r.posts.press_in_whisper(card, practice.CLAIM)
        await r.settled()
        await r.posts.press_in_whisper(practising(r), practice.REPLY)
        (form,) = r.slack.views.values()
        _, answer = await r.posts.submit(form, {"text": " "})
        assert answer["response_action"] == "errors"
        await r.posts.submit(form, {"text": "It left <!here> today."})
        (form,) = r.slack.views.values()
        assert "This would go to" in str(form)
        await r.posts.submit(form)
        await r.settled()
        assert "You answered: It left &lt;!here&gt; today." in str(practising(r))
        for action in (practice.UNDO, practice.RESOLVE):
            await r.posts.press_in_whisper(practising(r), action)
            await r.settled()
        shown = str(practising(r))
        assert shown.count(":white_check_mark:") == 4 and "Begin again" in shown
        for blocks in (practice.practice_blocks(), practising(r)["blocks"]):
            check_message(blocks)
        await r.posts.press_in_whisper(practising(r), practice.STOP)
        await r.settled()
        assert "Nothing was counted" in r.slack.responses[-1]["text"]
        assert (r.host.acts, r.host.taken) == ({}, {})


async def test_a_pretend_note_is_kept_in_the_message_alone() -> None:
    async with room() as r:
        await r.posts.press_in_whisper(
            {"message_ts": "1.1", "blocks": practice.practice_blocks()}, practice.NOTE
        )
        (form,) = r.slack.views.values()
        check_modal({k: v for k, v in form.items() if k not in ("id", "hash")})
        await r.posts.submit(form, {"text": "call first"})
        await r.settled()
        assert "Your private note: call first" in str(practising(r))
        assert (r.host.acts, r.host.taken) == ({}, {})


@pytest.mark.parametrize("value", ["", "c", "s:x", "s:" + "c" * 30, "42"])
async def test_a_practice_button_that_is_not_ours_is_refused(value: str) -> None:
    async with room() as r:
        blocks = [
            {"type": "actions", "elements": [{"type": "button", "action_id": practice.CLAIM, "value": value}]}
        ]
        for element in (blocks[0]["elements"][0],):
            element["text"] = {"type": "plain_text", "text": "x"}  # type: ignore[index]
        assert await r.posts.press_in_whisper({"message_ts": "1.1", "blocks": blocks}, practice.CLAIM) == 400


# ---------------------------------------------------------------- a note for the customer after all


@asynccontextmanager
async def desk(r: Room) -> AsyncIterator[Interactions]:
    """The agents' side of its own, towards the same workspace."""
    values = {"signing_secret": SECRET, "bot_token": TOKEN, "api_url": r.slack.api_url}
    api = WebApi(Settings.model_validate(values))
    await api.open()
    made = Interactions(
        "main", r.host, api, People("main", TEAM, api, r.host.clock), lambda work: work.close()
    )
    try:
        yield made
    finally:
        await api.close()


def note(number: int, author: str = "ann", minutes: float = 0, **fields: Any) -> Entry:
    at = NOW - timedelta(minutes=minutes)
    given = {
        "text": "It left **today**.",
        "author": author.title(),
        "author_key": f"agent:{author}",
        **fields,
    }
    return Entry(id=number, kind=EntryKind.NOTE, at=at, ledger_id=number, **given)


@pytest.mark.parametrize(
    ("owner", "others", "offered"),
    [
        ("ann", (), True),
        ("ann", (note(1, "ben", minutes=11),), True),
        ("ann", (note(1, "ann", minutes=1),), True),
        ("ann", (note(1, "ben", minutes=9),), False),
        ("ben", (), False),
        ("", (), False),
    ],
)
async def test_only_the_owner_is_asked_and_not_while_others_talk(
    owner: str, others: tuple[Entry, ...], offered: bool
) -> None:
    async with room() as r, desk(r) as made:
        r.host.assignee, r.host.entries = owner, (*others, note(9))
        await made.offers.consider(Noted(who=WHO, place=desk_address(await r.card()), ledger_id=9))
        assert len(r.slack.whispers) == int(offered)
        if offered:
            assert r.slack.whispers[0]["user"] == "U0ANN" and r.slack.whispers[0]["thread_ts"]


async def test_the_offer_ends_in_the_preview_and_carries_the_notes_files() -> None:
    async with room() as r, desk(r) as made:
        photo = Attachment(filename="photo.png", sha256="a" * 64, size=5)
        lost = Attachment(filename="lost.png", skipped="too large")
        r.host.assignee, r.host.entries = "ann", (note(9, attachments=(photo, lost)),)
        await made.offers.consider(Noted(who=WHO, place=desk_address(await r.card()), ledger_id=9))
        await r.posts.press_in_whisper(r.slack.whispers[0], "offer_send")
        (preview,) = r.slack.views.values()
        assert r.host.acts == {}
        assert (
            "It left **today**." in str(preview)
            and "photo.png" in str(preview)
            and "lost" not in str(preview)
        )
        r.host.result = ActionResult(state="done", ticket=42, send=5)
        r.host.entries = (note(9, attachments=(photo,)),)
        await r.posts.submit(preview)
        await r.settled()
        (action,) = r.host.acts.values()
        assert (action.verb, action.text, action.attachments) == (Verb.REPLY, "It left **today**.", (photo,))


async def test_an_offer_can_be_declined() -> None:
    async with room() as r, desk(r) as made:
        r.host.assignee, r.host.entries = "ann", (note(9),)
        await made.offers.consider(Noted(who=WHO, place=desk_address(await r.card()), ledger_id=9))
        await r.posts.press_in_whisper(r.slack.whispers[0], "offer_dismiss")
        await r.settled()
        assert r.slack.responses[0]["text"] == "It stays a private note."
        assert r.slack.views == {}


async def test_the_shortcut_does_the_same_at_any_later_time() -> None:
    async with room() as r:
        photo = r.slack.add_file("photo.png", b"\x89PNG")
        ts = await r.card()
        message = {"type": "message", "user": "U0BOB", "ts": "5.5", "thread_ts": ts, "text": "It *left*."}
        trigger = r.slack.trigger()
        await r.posts.interact(message_action("send_to_customer", {**message, "files": [photo]}, trigger))
        (preview,) = r.slack.views.values()
        assert "It **left**." in str(preview) and "photo.png" in str(preview)
        r.host.result = ActionResult(state="done", ticket=42, send=5)
        await r.posts.submit(preview)
        await r.settled()
        (action,) = r.host.acts.values()
        assert (action.verb, action.text) == (Verb.REPLY, "It **left**.")
        assert [file.content for file in action.attachments] == [b"\x89PNG"]
        again = view_submission({**preview, "state": {"values": {}}}, "U0ANN")
        await r.posts.interact(again)
        await r.settled()
        assert len(r.host.acts) == 1


@pytest.mark.parametrize(
    "message",
    [
        {"user": "U0BOB", "ts": "5.5", "text": "no thread"},
        {"bot_id": "B1", "ts": "5.5", "thread_ts": "1.1", "text": "a program"},
        {"user": "U0BOB", "ts": "5.5", "thread_ts": "1.1", "text": ""},
        {"user": "U0BOB", "ts": "5.5", "thread_ts": "1.1", "text": "x" * 3500},
    ],
)
async def test_what_cannot_be_sent_to_a_customer_is_said(message: dict[str, Any]) -> None:
    async with room() as r:
        await r.posts.interact(
            message_action("send_to_customer", {"type": "message", **message}, r.slack.trigger())
        )
        await r.settled()
        assert r.slack.views == {} and len(r.slack.whispers) == 1
