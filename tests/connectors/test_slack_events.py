"""Slack's Events API at our door: what is proven is kept or refused in words, what is not is turned away."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest

from gateway.model import Verb
from tests.fakes_slack import NO_AGENT, Room, card_post, desk_address, room
from tests.slack_posts import event_callback, signed, thread_message
from tests.slack_standin import BOT, BOT_USER, Fault


async def test_a_reply_below_a_card_is_kept_as_a_private_note() -> None:
    async with room() as r:
        ts = await r.card()
        event = thread_message(r.slack, ts, "ask *billing* about <https://x.example|this> &amp; that")
        assert await r.posts.event(event) == (200, "")
        (note,) = r.host.notes
    assert (note.verb, note.ticket, note.text) == (
        Verb.NOTE,
        0,
        "ask **billing** about [this](https://x.example) & that",
    )
    assert note.address == desk_address(ts)
    assert (note.actor.kind, note.actor.value, note.actor.name) == ("slack", "T0HOME:U0ANN", "Ann")
    assert note.actor.verified
    assert note.at == datetime.fromtimestamp(float(event["ts"]), UTC)


async def test_the_raw_bytes_travel_beside_the_note() -> None:
    async with room() as r:
        await r.posts.event(thread_message(r.slack, await r.card(), "hello"))
        (delivery,) = r.host.taken.values()
    event = json.loads(delivery.raw)["event"]
    assert f"{event['channel']}/{event['ts']}" == delivery.input.delivery_key


async def test_slack_delivering_again_is_one_note() -> None:
    async with room() as r:
        payload = event_callback(thread_message(r.slack, await r.card(), "once"), "Ev1")
        assert await r.posts.json(payload) == (200, "")
        retry = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
        assert await r.posts.json(payload, **retry) == (200, "")
        assert len(r.host.notes) == 1


@pytest.mark.parametrize("path", ["", "/events", "/interactions"])
async def test_slacks_challenge_is_answered_on_every_route(path: str) -> None:
    async with room() as r:
        asked = {"token": "x", "challenge": "3eZbrw1a", "type": "url_verification"}
        assert await r.posts.json(asked, path) == (200, "3eZbrw1a")


async def test_a_lost_database_makes_slack_deliver_again() -> None:
    async with room() as r:
        payload = event_callback(thread_message(r.slack, await r.card(), "keep me"), "Ev1")
        r.host.down = True
        assert (await r.posts.json(payload))[0] == 503
        r.host.down = False
        assert (await r.posts.json(payload))[0] == 200
        assert [note.text for note in r.host.notes] == ["keep me"]


@pytest.mark.parametrize(
    "changes",
    [
        {"thread_ts": None},
        {"parent_user_id": "U0SOMEBODY"},
        {"channel_type": "im", "channel": "D0DIRECT"},
        {"channel_type": "mpim", "channel": "G0MANY"},
        {"channel_type": None, "channel": "D0DIRECT"},
        {"user": BOT_USER, "bot_id": BOT},
        {"user": BOT_USER},
        {"bot_id": "B0OTHER"},
        {"subtype": "bot_message"},
        {"subtype": "message_changed", "message": {"text": "edited"}},
        {"subtype": "message_deleted"},
        {"subtype": "channel_join"},
        {"subtype": ["no", "word"]},
        {"text": "   "},
        {"text": None},
        {"user": None},
        {"type": "reaction_added"},
        {"type": "tokens_revoked"},
        {"type": "something_new"},
    ],
)
async def test_what_is_no_business_of_ours_is_acknowledged_and_not_kept(changes: dict[str, object]) -> None:
    async with room() as r:
        event = thread_message(r.slack, await r.card(), "hello")
        assert await r.posts.event({**event, **changes}) == (200, "")
        assert r.host.notes == []


@pytest.mark.parametrize("subtype", ["thread_broadcast", "me_message"])
async def test_other_ways_of_speaking_in_the_thread_are_notes_too(subtype: str) -> None:
    async with room() as r:
        await r.posts.event(thread_message(r.slack, await r.card(), "hello", subtype=subtype))
        assert len(r.host.notes) == 1


async def test_what_the_app_said_itself_is_no_note_even_when_the_event_does_not_say_so() -> None:
    async with room() as r:
        event = thread_message(r.slack, await r.card(), "hello", user=BOT_USER)
        assert await r.posts.event(event, authorizations=None) == (200, "")
        assert r.host.notes == []


async def test_an_event_without_the_parents_author_is_left_to_the_core() -> None:
    async with room() as r:
        event = thread_message(r.slack, await r.card(), "hello")
        del event["parent_user_id"]
        await r.posts.event(event)
        assert len(r.host.notes) == 1


# ---------------------------------------------------------------- who may


@pytest.mark.parametrize(
    ("marks", "words"),
    [
        ({"is_restricted": True}, "Guests"),
        ({"is_ultra_restricted": True}, "Guests"),
        ({"is_stranger": True}, "another workspace"),
        ({"team_id": "T0ELSE"}, "another workspace"),
        ({"deleted": True}, "cannot work on tickets"),
    ],
)
async def test_guests_and_outsiders_are_told_and_not_kept(marks: dict[str, object], words: str) -> None:
    async with room() as r:
        r.slack.add_user("U0ODD", "Odd One", **marks)
        ts = await r.card()
        assert (await r.posts.event(thread_message(r.slack, ts, "hi", user="U0ODD")))[0] == 200
        await r.settled()
        assert r.host.notes == []
        (whisper,) = r.slack.whispers
    assert words in whisper["text"]
    assert (whisper["user"], whisper["channel"], whisper["thread_ts"]) == ("U0ODD", "C0DESK", ts)


async def test_the_author_of_another_workspace_is_an_outsider_without_a_question() -> None:
    async with room() as r:
        await r.posts.event(thread_message(r.slack, await r.card(), "hi", user_team="T0ELSE"))
        assert r.host.notes == []
        assert "users.info" not in r.slack.methods()


async def test_a_member_who_is_no_agent_is_told_after_the_note_was_taken() -> None:
    async with room() as r:
        await r.posts.event(thread_message(r.slack, await r.card(), "hi", user="U0BOB"))
        await r.settled()
        assert len(r.host.notes) == 1  # the core refuses it, and keeps the row
        assert NO_AGENT in r.slack.whispers[0]["text"]


async def test_people_are_looked_up_once_in_five_minutes() -> None:
    async with room() as r:
        ts = await r.card()
        for _ in range(3):
            await r.posts.event(thread_message(r.slack, ts, "hi"))
        assert r.slack.methods().count("users.info") == 1
        r.host.standing.at = r.host.clock.deadline(301)
        await r.posts.event(thread_message(r.slack, ts, "hi"))
        assert r.slack.methods().count("users.info") == 2


async def test_a_note_is_kept_although_slack_does_not_say_who_wrote_it() -> None:
    async with room() as r:
        r.slack.fail("users.info", Fault(status=500, body="<html>", content_type="text/html"))
        await r.posts.event(thread_message(r.slack, await r.card(), "hi"))
        (note,) = r.host.notes
    assert note.actor.value == "T0HOME:U0ANN"
    assert not note.actor.verified


# ---------------------------------------------------------------- files


def shared_file(r: Room, **changes: object) -> dict[str, object]:
    r.slack.stored_files["a.pdf"] = b"%PDF-1.7 a"
    url = r.slack.api_url.replace("/api/", "/files/a.pdf")
    return {
        "id": "F1",
        "name": "a.pdf",
        "mimetype": "application/pdf",
        "size": 10,
        "url_private": url,
        **changes,
    }


async def test_a_file_in_the_thread_is_fetched_with_the_token() -> None:
    async with room() as r:
        event = thread_message(r.slack, await r.card(), "", subtype="file_share", files=[shared_file(r)])
        await r.posts.event(event)
        (file,) = r.host.notes[0].attachments
    assert (file.filename, file.content_type, file.content) == ("a.pdf", "application/pdf", b"%PDF-1.7 a")
    assert (file.size, file.skipped) == (10, "")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"size": 10_000_000}, "too large"),
        ({"size": 1}, "too large"),  # Slack's figure was wrong
        ({"url_private": "https://evil.example/a.pdf"}, "could not be fetched"),
        ({"url_private": "http://files.slack.com/a.pdf"}, "could not be fetched"),
        ({"url_private": "http://[bad"}, "could not be fetched"),
        ({"url_private": None}, "left in Slack"),
        ({"mode": "tombstone"}, "left in Slack"),
    ],
)
async def test_a_file_that_stays_in_slack_is_named_with_the_reason(
    changes: dict[str, object], why: str
) -> None:
    async with room(file_limit=9) as r:
        file = shared_file(r, **{"size": 5, **changes})
        await r.posts.event(thread_message(r.slack, await r.card(), "see", files=[file]))
        (kept,) = r.host.notes[0].attachments
    assert why in kept.skipped
    assert kept.content == b""


# ---------------------------------------------------------------- what is turned away


async def test_only_fresh_signatures_of_ours_are_accepted() -> None:
    async with room() as r:
        body, clock = json.dumps(event_callback({"type": "x"}, "Ev1")), r.host.clock
        good = signed(body, clock)
        stamp = good["X-Slack-Request-Timestamp"]
        for headers in (
            {},
            {**good, "X-Slack-Signature": ""},
            {**good, "X-Slack-Signature": "v0=" + "0" * 64},
            {"X-Slack-Signature": good["X-Slack-Signature"]},
            {**good, "X-Slack-Request-Timestamp": "soon"},
            {**good, "X-Slack-Request-Timestamp": "9" * 400},
            {**good, "X-Slack-Request-Timestamp": f"+{stamp}"},
            signed(body + " ", clock),
            signed(body, clock, secret="another"),
            signed(body, clock, age=301),
            signed(body, clock, age=-301),
        ):
            assert (await r.posts.raw(body, headers))[0] == 401
        assert (await r.posts.raw(body, signed(body, clock, age=299)))[0] == 200


@pytest.mark.parametrize("path", ["", "/events", "/interactions"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"type": 1}',
        b'{"type": "event_callback"}',
        b'{"type": "event_callback", "event_id": "", "event": {"type": "message", "channel": "C", "ts": "1.1"}}',
        b'{"type": "event_callback", "event_id": "E", "event": []}',
        b'{"type": "event_callback", "event_id": "E", "event": {"type": "message"}}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"type": "\\ud800"}',
    ],
)
async def test_signed_garbage_is_a_bad_request(body: bytes, path: str) -> None:
    async with room() as r:
        headers = {**signed(body, r.host.clock), "Content-Type": "application/json"}
        assert (await r.posts.raw(body, headers, path))[0] == 400
        assert r.host.notes == []


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "text/plain", "x"])
async def test_bytes_that_are_no_utf8_are_turned_away(kind: str) -> None:
    async with room() as r:
        headers = {"X-Slack-Signature": "v0=1", "X-Slack-Request-Timestamp": "1", "Content-Type": kind}
        assert (await r.posts.raw(b"\xff\xfe{}", headers))[0] in (400, 401)


@pytest.mark.parametrize(
    "body",
    ["payload=", "payload=x", "payload=%7B", "payload=[]", "payload=%FF", "payload=%7B%7D", "&" * 5000],
)
async def test_signed_forms_of_garbage_are_a_bad_request(body: str) -> None:
    async with room() as r:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _ = await r.posts.raw(body, {**signed(body, r.host.clock), **kind}, "/interactions")
        assert status in (200, 400)
        assert "payload" not in body or body == "payload=" or status == 400


async def test_a_body_over_the_limit_is_not_read() -> None:
    async with room() as r:
        big = b"x" * 1_000_001
        assert (await r.posts.raw(big, signed(big, r.host.clock)))[0] == 413

        async def trickle() -> object:
            for _ in range(20):
                yield b"x" * 60_000

        async with r.posts.http.post(r.posts.url, data=trickle()) as answer:
            assert answer.status == 413


async def test_a_probe_without_payload_is_acknowledged() -> None:
    async with room() as r:
        body = "ssl_check=1&token=x"
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        assert (await r.posts.raw(body, {**signed(body, r.host.clock), **kind}))[0] == 200


async def test_many_notes_at_once_are_all_kept_once() -> None:
    async with room() as r:
        ts = await r.card()
        payloads = [event_callback(thread_message(r.slack, ts, f"n{n}"), f"Ev{n}") for n in range(30)]
        statuses = await asyncio.gather(*(r.posts.json(p) for p in payloads + payloads))
        assert {status for status, _ in statuses} == {200}
        assert sorted(note.text for note in r.host.notes) == sorted(f"n{n}" for n in range(30))


async def test_nothing_secret_or_typed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with room() as r:
        r.slack.fail("users.info", Fault(error="fatal_error"))
        await r.posts.event(thread_message(r.slack, await r.card(), "my-secret-words"))
        await r.connector.send(card_post())
        await r.posts.raw("{}", {})
    assert "my-secret-words" not in caplog.text
    assert "xoxb-" not in caplog.text
