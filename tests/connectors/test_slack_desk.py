"""Stories at the agents' desk in Slack: buttons, forms, refusals, undo."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model import ActionResult, Verb
from tests.fakes_slack import NO_AGENT, Room, room
from tests.slack_posts import block_actions, message_place, view_submission
from tests.slack_standin import TEAM, Fault


def only_view(r: Room) -> dict[str, Any]:
    (view,) = r.slack.views.values()
    return view


def shown(view: dict[str, Any]) -> str:
    return str(view["blocks"])


async def test_claim_is_proposed_to_the_core_at_once() -> None:
    async with room() as r:
        ts = await r.card()
        assert await r.posts.press(ts, "claim") == 200
        await r.settled()
        (action,) = r.host.acts.values()
        assert r.slack.whispers == []
    assert (action.verb, action.ticket, action.actor.value) == (Verb.CLAIM, 42, "T0HOME:U0ANN")
    assert action.address is None  # it was not typed in the thread
    assert action.actor.name == "Ann"


@pytest.mark.parametrize("verb", [Verb.CLAIM, Verb.RESOLVE, Verb.RELEASE, Verb.REOPEN])
async def test_a_refusal_is_told_to_the_one_who_pressed(verb: Verb) -> None:
    async with room() as r:
        r.host.result = ActionResult(state="refused", detail="Ben has it since 10:04.")
        assert await r.posts.press(await r.card(verb), verb.value) == 200
        await r.settled()
        (whisper,) = r.slack.whispers
    assert (whisper["text"], whisper["user"]) == ("Ben has it since 10:04.", "U0ANN")


async def test_an_action_that_takes_longer_is_said_to_be_on_its_way() -> None:
    async with room() as r:
        r.host.result = ActionResult(state="accepted")
        await r.posts.press(await r.card(), "resolve")
        await r.settled()
        assert "in a moment" in r.slack.whispers[0]["text"]


@pytest.mark.parametrize("action_id", ["claim", "reply", "note", "escalate", "resolve"])
async def test_somebody_who_is_no_agent_is_told_so(action_id: str) -> None:
    async with room() as r:
        await r.posts.press(await r.card(), action_id, user="U0BOB")
        await r.settled()
        assert NO_AGENT in r.slack.whispers[0]["text"]
        assert (r.host.acts, r.slack.views) == ({}, {})


@pytest.mark.parametrize("action_id", ["claim", "reply"])
async def test_a_guest_never_acts_even_when_the_core_would_let_them(action_id: str) -> None:
    async with room() as r:
        r.slack.add_user("U0GUEST", "Guest", is_restricted=True)
        r.host.agents.add("T0HOME:U0GUEST")
        await r.posts.press(await r.card(), action_id, user="U0GUEST")
        await r.settled()
        assert "Guests" in r.slack.whispers[0]["text"]
        assert (r.host.acts, r.slack.views) == ({}, {})


async def test_an_outsider_in_a_shared_channel_never_acts() -> None:
    async with room() as r:
        r.host.agents.add("T0ELSE:U0ANN")
        await r.posts.press(await r.card(), "claim", team="T0ELSE")
        await r.settled()
        assert "another workspace" in r.slack.whispers[0]["text"]
        assert r.host.acts == {}


async def test_without_slacks_word_on_who_it_is_nothing_is_done() -> None:
    async with room() as r:
        r.slack.fail("users.info", Fault(status=503))
        await r.posts.press(await r.card(), "claim")
        await r.settled()
        assert "press again" in r.slack.whispers[0]["text"]
        assert r.host.acts == {}


async def test_a_reply_is_written_previewed_sent_and_can_be_undone() -> None:
    async with room() as r:
        r.host.result = ActionResult(state="done", ticket=42, send=911)
        await r.posts.press(await r.card(), "reply")
        view = only_view(r)
        assert "Cy Customer, by e-mail (cy@customer.test)" in shown(view)
        text = 'Dear Cy,\n\nit **left** today & "soon" <arrives>.\n'
        status, answer = await r.posts.submit(view, {"text": text})
        assert (status, answer["response_action"]) == (200, "update")
        assert r.host.acts == {}  # nothing is sent by the first form

        preview = only_view(r)
        assert [b["text"]["text"] for b in preview["blocks"] if b["type"] == "section"] == [text]
        assert "Cy Customer, by e-mail" in shown(preview)
        assert preview["submit"]["text"] == "Send"
        await r.posts.submit(preview)
        (action,) = r.host.acts.values()
        assert (action.verb, action.ticket, action.text) == (Verb.REPLY, 42, text)
        assert action.seen_version == 7
        assert r.slack.views == {}

        await r.settled()
        (whisper,) = r.slack.whispers
        await r.posts.press_in_whisper(whisper, "undo")
        await r.settled()
        undo = list(r.host.acts.values())[-1]
        assert (undo.verb, undo.ticket, undo.send) == (Verb.UNDO, 42, 911)
        assert r.slack.responses == [{"replace_original": True, "text": "Taken back: it was not sent."}]


async def test_too_late_to_undo_is_said() -> None:
    async with room() as r:
        r.host.result = ActionResult(state="done", ticket=42, send=911)
        await send_reply(r, "Hello")
        r.host.result = ActionResult(state="refused", detail="It has left already.")
        await r.posts.press_in_whisper(r.slack.whispers[0], "undo")
        await r.settled()
        assert r.slack.responses[0]["text"] == "It has left already."


async def send_reply(r: Room, text: str) -> dict[str, Any]:
    await r.posts.press(await r.card(), "reply")
    await r.posts.submit(only_view(r), {"text": text})
    preview = only_view(r)
    await r.posts.submit(preview)
    await r.settled()
    return preview


async def test_sending_the_same_form_twice_is_one_reply() -> None:
    async with room() as r:
        preview = await send_reply(r, "Hello")
        assert (await r.posts.interact(view_submission(preview, "U0ANN")))[0] == 200
        assert len(r.host.acts) == 1


async def test_two_forms_are_two_replies() -> None:
    async with room() as r:
        await send_reply(r, "Hello")
        await send_reply(r, "Hello")
        assert len(r.host.acts) == 2


async def test_the_text_can_be_changed_after_the_preview() -> None:
    async with room() as r:
        await r.posts.press(await r.card(), "reply")
        await r.posts.submit(only_view(r), {"text": "Helo"})
        assert await r.posts.press_in_view(only_view(r), "edit_reply") == 200
        view = only_view(r)
        assert view["blocks"][1]["element"]["initial_value"] == "Helo"
        await r.posts.submit(view, {"text": "Hello"})
        await r.posts.submit(only_view(r))
        assert [action.text for action in r.host.acts.values()] == ["Hello"]


async def test_a_refused_reply_stays_in_the_form_and_may_be_sent_after_a_look() -> None:
    async with room() as r:
        await r.posts.press(await r.card(), "reply")
        await r.posts.submit(only_view(r), {"text": "Hello"})
        r.host.version = 8
        r.host.result = ActionResult(state="refused", detail="Ben answered meanwhile.")
        await r.posts.submit(only_view(r))
        assert "Ben answered meanwhile." in shown(only_view(r))
        r.host.result = ActionResult(state="done", send=5)
        await r.posts.submit(only_view(r))
        assert r.slack.views == {}
        assert [(a.text, a.seen_version) for a in r.host.acts.values()] == [("Hello", 7), ("Hello", 8)]


async def test_a_lost_database_keeps_the_text_in_the_form() -> None:
    async with room() as r:
        await r.posts.press(await r.card(), "reply")
        await r.posts.submit(only_view(r), {"text": "Hello"})
        r.host.down = True
        await r.posts.submit(only_view(r))
        assert "database did not answer" in shown(only_view(r))
        r.host.down = False
        await r.posts.submit(only_view(r))
        assert [action.text for action in r.host.acts.values()] == ["Hello"]


@pytest.mark.parametrize("action_id", ["reply", "note"])
@pytest.mark.parametrize("text", ["", "  \n "])
async def test_nothing_written_is_said_in_the_form(action_id: str, text: str) -> None:
    async with room() as r:
        await r.posts.press(await r.card(), action_id)
        _, answer = await r.posts.submit(only_view(r), {"text": text})
        assert answer == {"response_action": "errors", "errors": {"text": "Write something first."}}
        assert r.host.acts == {}


@pytest.mark.parametrize("text", ["x" * 2850, "\n\"\\'" * 712, "信" * 2850, "<!channel>" * 285])
async def test_the_longest_reply_is_sent_as_it_was_typed(text: str) -> None:
    async with room() as r:
        await send_reply(r, text)
        assert [action.text for action in r.host.acts.values()] == [text]


async def test_a_note_is_saved_from_its_form() -> None:
    async with room() as r:
        await r.posts.press(await r.card(), "note")
        await r.posts.submit(only_view(r), {"text": "call *them* first"})
        (action,) = r.host.acts.values()
    assert (action.verb, action.ticket, action.text) == (Verb.NOTE, 42, "call *them* first")


async def test_escalating_names_a_queue_and_says_why() -> None:
    async with room() as r:
        await r.posts.press(await r.card(), "escalate")
        await r.posts.submit(only_view(r), {"queue": " billing ", "text": "angry"})
        (action,) = r.host.acts.values()
    assert (action.verb, action.queue, action.text) == (Verb.ESCALATE, "billing", "angry")


async def test_a_refused_escalation_keeps_what_was_typed_and_can_be_corrected() -> None:
    async with room() as r:
        r.host.result = ActionResult(state="refused", detail="There is no queue biling.")
        await r.posts.press(await r.card(), "escalate")
        await r.posts.submit(only_view(r), {"queue": "biling", "text": "angry"})
        view = only_view(r)
        assert "There is no queue biling." in shown(view)
        assert [b["element"]["initial_value"] for b in view["blocks"][1:]] == ["biling", "angry"]
        r.host.result = ActionResult(state="done")
        await r.posts.submit(view, {"queue": "billing"})
        assert [action.queue for action in r.host.acts.values()] == ["biling", "billing"]
        assert r.slack.views == {}


async def test_a_refused_note_keeps_what_was_typed() -> None:
    async with room() as r:
        await r.posts.press(await r.card(), "note")
        r.host.down = True
        await r.posts.submit(only_view(r), {"text": "call first"})
        assert "database did not answer" in shown(only_view(r))
        r.host.down = False
        await r.posts.submit(only_view(r))
        assert [action.text for action in r.host.acts.values()] == ["call first"]


async def test_a_form_that_slack_does_not_open_is_said() -> None:
    async with room() as r:
        r.slack.fail("views.open", Fault(error="expired_trigger_id"))
        assert await r.posts.press(await r.card(), "reply") == 200
        await r.settled()
        assert "press again" in r.slack.whispers[0]["text"]


async def test_a_button_is_answered_while_the_database_is_lost() -> None:
    async with room() as r:
        ts = await r.card()
        r.host.down = True
        assert await r.posts.press(ts, "claim") == 200
        await r.settled()
        assert "database did not answer" in r.slack.whispers[0]["text"]


async def test_the_link_to_the_desk_and_unknown_buttons_are_just_acknowledged() -> None:
    async with room() as r:
        ts = await r.card()
        assert await r.posts.press(ts, "open") == 200
        stale = {"action_id": "of_last_year", "type": "button", "value": "1", "action_ts": "1.1"}
        payload = block_actions(stale, "U0ANN", TEAM, "1.2", message_place(ts))
        assert (await r.posts.interact(payload))[0] == 200
        assert (await r.posts.interact(view_submission({"id": "V1", "callback_id": "old"}, "U0ANN")))[
            0
        ] == 200
        assert r.host.acts == {}


@pytest.mark.parametrize("value", [None, "", "abc", "-1", "1:2:3", "9" * 30, "٤٢", "42;"])
async def test_a_value_that_no_button_of_ours_had_is_refused(value: str | None) -> None:
    async with room() as r:
        action = {"action_id": "claim", "type": "button", "value": value, "action_ts": "1.1"}
        payload = block_actions(action, "U0ANN", TEAM, "1.2", message_place("1.1"))
        assert (await r.posts.interact(payload))[0] == 400
        assert r.host.acts == {}


async def test_pressing_twice_is_two_proposals_and_a_replay_is_one() -> None:
    async with room() as r:
        ts = await r.card()
        action = {"action_id": "claim", "type": "button", "value": "42", "action_ts": "1.1"}
        payload = block_actions(action, "U0ANN", TEAM, "1.2", message_place(ts))
        for _ in range(2):
            await r.posts.interact(payload)
        assert len(r.host.acts) == 1
        await r.posts.press(ts, "claim")
        assert len(r.host.acts) == 2


@pytest.mark.parametrize(
    "kind", ["shortcut", "message_action", "view_closed", "block_suggestion", "new_kind"]
)
async def test_interactions_that_we_do_not_offer_are_acknowledged(kind: str) -> None:
    async with room() as r:
        assert (await r.posts.interact({"type": kind, "user": {"id": "U0ANN"}}))[0] == 200


async def test_a_workflow_step_of_an_older_app_is_acknowledged() -> None:
    async with room() as r:
        payload = view_submission({"id": "V1", "type": "workflow_step", "callback_id": "note"}, "U0ANN")
        assert (await r.posts.interact(payload))[0] == 200
        assert r.host.acts == {}


async def test_the_combined_route_takes_interactions_too() -> None:
    async with room() as r:
        action = {"action_id": "claim", "type": "button", "value": "42", "action_ts": "1.1"}
        payload = block_actions(action, "U0ANN", TEAM, "1.2", message_place("1.1"))
        assert (await r.posts.interact(payload, path=""))[0] == 200
        assert len(r.host.acts) == 1
