"""Stories at the agents' desk in Slack: buttons, forms, refusals, undo."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.slack.acting import addressee
from gateway.model import ActionResult, CannedReply, Entry, EntryKind, SendState, Verb
from tests.fakes_slack import NO_AGENT, FakeHost, Room, card_post, room
from tests.slack_posts import block_actions, message_place, state_values, view_submission
from tests.slack_standin import TEAM, Fault


def only_view(r: Room) -> dict[str, Any]:
    (view,) = r.slack.views.values()
    return view


async def pick(r: Room, verb: str) -> dict[str, Any]:
    """The form of a verb behind More…"""
    await r.posts.press(await r.card(), "more")
    assert await r.posts.press_in_view(only_view(r), f"do_{verb}") == 200
    return only_view(r)


def field(view: dict[str, Any], name: str) -> dict[str, Any]:
    """The element of a form's field."""
    (element,) = (
        b["element"] for b in view["blocks"] if b["type"] == "input" and b["element"]["action_id"] == name
    )
    return dict(element)


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


@pytest.mark.parametrize("verb", [Verb.CLAIM, Verb.RESOLVE, Verb.REOPEN])
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


@pytest.mark.parametrize("action_id", ["claim", "reply", "more", "resolve"])
async def test_somebody_who_is_no_agent_is_told_so(action_id: str) -> None:
    async with room() as r:
        await r.posts.press(await r.card(), action_id, user="U0BOB")
        await r.settled()
        assert NO_AGENT in r.slack.whispers[0]["text"]
        assert (r.host.acts, r.slack.views) == ({}, {})


@pytest.mark.parametrize("action_id", ["claim", "reply", "more"])
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
        assert field(view, "text")["initial_value"] == "Helo"
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


@pytest.mark.parametrize("verb", ["reply", "note"])
@pytest.mark.parametrize("text", ["", "  \n "])
async def test_nothing_written_is_said_in_the_form(verb: str, text: str) -> None:
    async with room() as r:
        _, answer = await r.posts.submit(await pick(r, verb), {"text": text})
        assert answer == {"response_action": "errors", "errors": {"text": "Write something first."}}
        assert r.host.acts == {}


@pytest.mark.parametrize("text", ["x" * 2850, "\n\"\\'" * 712, "信" * 2850, "<!channel>" * 285])
async def test_the_longest_reply_is_sent_as_it_was_typed(text: str) -> None:
    async with room() as r:
        await send_reply(r, text)
        assert [action.text for action in r.host.acts.values()] == [text]


async def test_a_note_is_saved_from_its_form() -> None:
    async with room() as r:
        await r.posts.submit(await pick(r, "note"), {"text": "call *them* first"})
        (action,) = r.host.acts.values()
    assert (action.verb, action.ticket, action.text) == (Verb.NOTE, 42, "call *them* first")


async def test_escalating_chooses_a_queue_and_says_why() -> None:
    async with room() as r:
        view = await pick(r, "escalate")
        queues = [option["text"]["text"] for option in field(view, "queue")["options"]]
        assert "Technical support" in queues
        cause = field(view, "cause")["options"][0]["value"]
        await r.posts.submit(view, {"queue": "technical", "cause": cause, "text": "angry"})
        (action,) = r.host.acts.values()
    assert (action.verb, action.queue, action.cause, action.text) == (
        Verb.ESCALATE,
        "technical",
        cause,
        "angry",
    )


async def test_a_refused_escalation_keeps_what_was_typed_and_can_be_corrected() -> None:
    async with room() as r:
        r.host.result = ActionResult(state="refused", detail="It is in Orders already.")
        view = await pick(r, "escalate")
        cause = field(view, "cause")["options"][0]["value"]
        await r.posts.submit(view, {"queue": "orders", "cause": cause, "text": "angry"})
        view = only_view(r)
        assert "It is in Orders already." in shown(view)
        assert field(view, "queue")["initial_option"]["value"] == "orders"
        assert field(view, "text")["initial_value"] == "angry"
        r.host.result = ActionResult(state="done")
        await r.posts.submit(view, {"queue": "technical"})
        assert [action.queue for action in r.host.acts.values()] == ["orders", "technical"]
        assert r.slack.views == {}


async def test_a_refused_note_keeps_what_was_typed() -> None:
    async with room() as r:
        view = await pick(r, "note")
        r.host.result = ActionResult(state="failed", detail="The database did not answer.")
        await r.posts.submit(view, {"text": "call first"})
        assert "database did not answer" in shown(only_view(r))
        r.host.result = ActionResult(state="done")
        await r.posts.submit(only_view(r))
        assert [action.text for action in r.host.acts.values()] == ["call first"] * len(r.host.acts)


async def test_without_the_database_a_form_gives_back_what_was_typed() -> None:
    async with room() as r:
        view = await pick(r, "note")
        r.host.down = True
        await r.posts.submit(view, {"text": "call first"})
        assert "database did not answer" in shown(only_view(r)) and "call first" in shown(only_view(r))


async def test_more_lists_the_verbs_that_can_be_used_now_and_explains_them() -> None:
    async with room() as r:
        await r.posts.press(await r.card(), "more")
        view = only_view(r)
        buttons = {e["action_id"] for b in view["blocks"] if b["type"] == "actions" for e in b["elements"]}
        assert {"do_claim", "do_note", "do_escalate", "do_tag", "do_priority", "do_merge"} <= buttons
        assert not buttons & {"do_release", "do_reopen", "do_restore", "do_undo", "do_retry"}
        assert "Back to its queue" not in shown(view) and "It is yours from now on" in shown(view)
        await r.posts.press_in_view(view, "do_claim")  # needs no form: done at once
        assert [action.verb for action in r.host.acts.values()] == [Verb.CLAIM]
        assert only_view(r)["title"]["text"] == "Done"


async def test_tags_and_priority_start_from_what_they_are() -> None:
    async with room() as r:
        assert field(await pick(r, "priority"), "priority")["initial_option"]["value"] == "normal"
        r.slack.views.clear()
        await r.posts.submit(await pick(r, "tag"), {"tags": "Refund, kettle,, refund"})
        (action,) = r.host.acts.values()
        assert action.tags == ("refund", "kettle")


async def test_a_reference_that_is_none_is_said_at_its_field() -> None:
    async with room() as r:
        _, answer = await r.posts.submit(await pick(r, "merge"), {"other": "the other one"})
        assert answer["response_action"] == "errors" and "other" in answer["errors"]
        await r.posts.submit(only_view(r), {"other": "dg-7"})
        assert [action.other for action in r.host.acts.values()] == [7]


async def test_a_last_word_to_the_requester_is_previewed() -> None:
    async with room() as r:
        await r.posts.submit(await pick(r, "resolve"), {"text": "Enjoy it!"})
        view = only_view(r)
        assert "This goes to" in shown(view) and "resolved with it" in shown(view)
        await r.posts.press_in_view(view, "edit_reply")
        assert field(only_view(r), "text")["initial_value"] == "Enjoy it!"
        await r.posts.submit(only_view(r))
        await r.posts.submit(only_view(r))
        (action,) = r.host.acts.values()
        assert (action.verb, action.text) == (Verb.RESOLVE, "Enjoy it!")


async def test_the_assistants_suggestion_is_previewed_edited_or_sent() -> None:
    async with room() as r:
        r.host.suggestion = "Parcels leave **on the next day**."
        verbs = (Verb.CLAIM, Verb.REPLY, Verb.SEND_SUGGESTION)
        sent = await r.connector.send(card_post(*verbs, suggestion=r.host.suggestion))
        ts = sent.external_ids[0]
        assert "The assistant suggests" in str(r.slack.messages[("C0DESK", ts)]["blocks"])
        await r.posts.press(ts, "reply")
        assert "initial_value" not in field(only_view(r), "text")  # one's own words begin empty
        r.slack.views.clear()
        await r.posts.press(ts, "edit_suggestion")
        assert field(only_view(r), "text")["initial_value"] == r.host.suggestion
        r.slack.views.clear()
        await r.posts.press(ts, "send_suggestion")
        assert "This goes to" in shown(only_view(r)) and r.host.acts == {}
        await r.posts.press_in_view(only_view(r), "edit_reply")
        assert field(only_view(r), "text")["initial_value"] == r.host.suggestion
        r.slack.views.clear()
        await r.posts.press(ts, "send_suggestion")
        await r.posts.submit(only_view(r))
        assert [action.verb for action in r.host.acts.values()] == [Verb.SEND_SUGGESTION]


async def test_a_canned_reply_is_put_below_what_is_written() -> None:
    async with room() as r:
        text = "Your parcel left **today**."
        r.host.replies = (CannedReply(name="left", title="It left", language="en", text=text),)
        await r.posts.press(await r.card(), "reply")
        view = only_view(r)
        view = {**view, "state": {"values": state_values(view, {"text": "Dear Cy,"})}}
        assert await r.posts.choose(view, "canned", "left") == 200
        assert field(only_view(r), "text")["initial_value"] == f"Dear Cy,\n\n{text}"
        # Slack keeps what was typed in a block that keeps its id.
        assert {b["block_id"] for b in only_view(r)["blocks"] if b["type"] == "input"}.isdisjoint({"text"})
        await r.posts.submit(only_view(r))
        await r.posts.submit(only_view(r))
        assert [action.text for action in r.host.acts.values()] == [f"Dear Cy,\n\n{text}"]


async def test_files_go_along_with_an_answer() -> None:
    async with room() as r:
        photo = r.slack.add_file("photo.png", b"\x89PNG")
        await r.posts.press(await r.card(), "reply")
        await r.posts.submit(only_view(r), {"text": "See here.", "attachments": [photo]})
        assert "photo.png" in shown(only_view(r))
        r.host.result = ActionResult(state="done", ticket=42, send=911)
        await r.posts.submit(only_view(r))
        await r.settled()
        (action,) = r.host.acts.values()
        assert [(f.filename, f.content) for f in action.attachments] == [("photo.png", b"\x89PNG")]
        assert only_view(r)["title"]["text"] == "Sent"
        assert "Undo" in str(r.slack.whispers[0]["blocks"])


async def test_files_alone_are_an_answer() -> None:
    async with room() as r:
        photo = r.slack.add_file("photo.png", b"\x89PNG")
        await r.posts.press(await r.card(), "reply")
        await r.posts.submit(only_view(r), {"text": "", "attachments": [photo]})
        await r.posts.submit(only_view(r))
        await r.settled()
        assert [action.text for action in r.host.acts.values()] == [""]


async def test_an_answer_does_not_leave_without_its_file() -> None:
    async with room(file_limit=3) as r:
        photo = r.slack.add_file("photo.png", b"\x89PNG")
        await r.posts.press(await r.card(), "reply")
        await r.posts.submit(only_view(r), {"text": "See here.", "attachments": [photo]})
        await r.posts.submit(only_view(r))
        await r.settled()
        assert r.host.acts == {}
        assert "Not sent" in shown(only_view(r)) and "photo.png (too large" in shown(only_view(r))
        assert "See here." in shown(only_view(r))


async def test_two_who_open_the_reply_form_are_told_of_each_other() -> None:
    async with room() as r:
        r.host.agents.add("T0HOME:U0BOB")
        ts = await r.card()
        await r.posts.press(ts, "reply")
        assert "too" not in shown(only_view(r))
        r.slack.views.clear()
        await r.posts.press(ts, "reply", user="U0BOB")
        assert "Ann is writing an answer to this ticket too." in shown(only_view(r))


def reply_entry(r: Room, number: int, state: SendState = SendState.DELIVERED, reason: str = "") -> Entry:
    return Entry(
        id=number, kind=EntryKind.REPLY, at=r.host.clock.now(), author="Ben", text="Hello Cy", send=900 + number,
        state=state, reason=reason,
    )  # fmt: skip


async def test_more_shows_how_the_last_answers_fared_and_sends_one_again() -> None:
    async with room() as r:
        r.host.entries = (
            reply_entry(r, 1),
            reply_entry(r, 2, SendState.FAILED, "550 no such user"),
            reply_entry(r, 3, SendState.HELD),
        )
        await r.posts.press(await r.card(), "more")
        view = only_view(r)
        assert "*delivered*" in shown(view) and "*not delivered*: 550 no such user" in shown(view)
        await r.posts.press_in_view(view, "retry")
        (action,) = r.host.acts.values()
        assert (action.verb, action.ticket, action.send) == (Verb.RETRY, 42, 902)


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


@pytest.mark.parametrize("kind", ["shortcut", "view_closed", "block_suggestion", "new_kind"])
async def test_interactions_that_we_do_not_offer_are_acknowledged(kind: str) -> None:
    async with room() as r:
        payload = {"type": kind, "user": {"id": "U0ANN"}, "callback_id": "another_apps", "message": {}}
        assert (await r.posts.interact(payload))[0] == 200


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


@pytest.mark.parametrize(("public", "line"), [(False, "by e-mail"), (True, "where others read along")])
def test_the_preview_says_where_others_read_along(public: bool, line: str) -> None:
    page = FakeHost().page(42)
    legs = tuple(msgspec.structs.replace(leg, public=public) for leg in page.legs)
    shown = addressee(msgspec.structs.replace(page, legs=legs))
    assert line in shown and ("others" in shown) is public
