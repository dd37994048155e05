"""Each documented payload, and anything that may become of it: read right, or turned away, never a 500."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.slack.normalize import normalize
from connectors.slack.places import Workspace
from gateway.model import AgentAction, Verb
from tests.fakes_slack import Room, room
from tests.slack_posts import signed, thread_message
from tests.slack_standin import BOT_USER

FOLDER = Path(__file__).parent / "fixtures" / "slack"
FIXTURES = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
EVENTS = {name: payload for name, payload in FIXTURES.items() if payload["type"] == "event_callback"}
OTHERS = {"block_actions", "view_submission", "view_closed", "shortcut", "message_action"}
#: The fixtures' cards stand in these channels.
QUEUES = frozenset(
    each["event"]["channel"]
    for name, each in EVENTS.items()
    if "card" in name and isinstance(each["event"].get("channel"), str)
)
WORKSPACE = Workspace(account="main", team="T0HOME", bot_user=BOT_USER, queues=QUEUES)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

NOTES = {
    "message.channels__reply_below_card",
    "message.groups__reply_below_card",
    "message.channels__stranger_in_shared_channel",
    "message__file_share_below_card",
    "message__file_of_shared_channel",
    "message__thread_broadcast",
}
CUSTOMERS = {"message.im__direct"}
VERBS = {
    "block_actions__claim": Verb.CLAIM,
    "block_actions__resolve": Verb.RESOLVE,
    "block_actions__release": Verb.RELEASE,
    "block_actions__reopen": Verb.REOPEN,
    "block_actions__undo_in_ephemeral": Verb.UNDO,
    "block_actions__enterprise_install": Verb.CLAIM,
    "view_submission__preview": Verb.REPLY,
    "view_submission__note": Verb.NOTE,
    "view_submission__escalate": Verb.ESCALATE,
}


def test_every_fixture_says_where_it_is_from() -> None:
    assert len(FIXTURES) > 40
    assert all(payload["_source"].startswith("written from docs.slack.dev/") for payload in FIXTURES.values())


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_becomes_a_note_or_nothing(name: str) -> None:
    heard = normalize(EVENTS[name], NOW, WORKSPACE)
    notes = [each for each in heard if isinstance(each, AgentAction)]
    assert len(notes) == (name in NOTES)
    assert len(heard) == len(notes) + (name in CUSTOMERS)
    for note in notes:
        event = EVENTS[name]["event"]
        assert (note.verb, note.ticket, note.delivery_key) == (
            Verb.NOTE,
            0,
            f"{event['channel']}/{event['ts']}",
        )
        assert note.address and note.address.thread == "1764000000.000100"


def test_the_author_of_a_shared_channel_keeps_their_own_workspace() -> None:
    (note,) = normalize(EVENTS["message.channels__stranger_in_shared_channel"], NOW, WORKSPACE)
    assert note.actor.value == "T0ELSE:U0EXT"


@pytest.mark.parametrize(
    ("event", "organisation", "team"),
    [
        ({"user_team": "T0ELSE", "team": "T0HOME"}, None, "T0ELSE"),
        ({"user_team": "E0ELSE", "team": "T0HOME"}, None, "E0ELSE"),
        ({"user_team": "E0ELSE", "team": "T0HOME"}, "E0ORG", "E0ELSE"),
        ({"user_team": "E0ORG", "team": "T0HOME"}, "E0ORG", "T0HOME"),
        ({"user_team": None, "team": "T0HOME"}, None, "T0HOME"),
        ({"user_team": None, "team": None}, None, "T0HOME"),
    ],
)
def test_the_authors_workspace_is_told_apart_from_the_readers(
    event: dict[str, Any], organisation: str | None, team: str
) -> None:
    payload = json.loads(json.dumps(EVENTS["message.channels__reply_below_card"]))
    payload["event"].update(event)
    payload["team_id"] = "T0ELSE"  # shared channels name either side here
    payload["authorizations"][0]["enterprise_id"] = organisation
    (note,) = normalize(payload, NOW, WORKSPACE)
    assert note.actor.value == f"{team}:U0ANN"


def test_a_shared_file_is_listed_with_what_slack_says() -> None:
    (note,) = normalize(EVENTS["message__file_share_below_card"], NOW, WORKSPACE)
    (file,) = note.attachments
    assert (file.filename, file.content_type, file.size) == ("invoice.pdf", "application/pdf", 48213)


@pytest.mark.parametrize("name", FIXTURES)
async def test_every_payload_is_acknowledged_and_does_what_it_says(name: str) -> None:
    async with room() as r:
        assert await deliver(r, FIXTURES[name]) == 200
        verbs = [action.verb for action in r.host.acts.values()]
        assert verbs == ([VERBS[name]] if name in VERBS else [])


async def deliver(r: Room, payload: dict[str, Any]) -> int:
    """As Slack would: interactions as a form, everything else as JSON."""
    kind = payload.get("type")
    if isinstance(kind, str) and kind in OTHERS:
        return (await r.posts.interact(payload))[0]
    return (await r.posts.json(payload))[0]


# ---------------------------------------------------------------- mutations

junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        ["", "\u0000", "٤٢", "<!channel>", "9" * 400, "http://[", "../../x", "1764000000.000100"]
    ),
    st.lists(st.none(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.none(), max_size=2),
)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A fixture with one to three of its values replaced, dropped or doubled."""
    payload = json.loads(json.dumps(FIXTURES[draw(st.sampled_from(sorted(FIXTURES)))]))
    for _ in range(draw(st.integers(1, 3))):
        places = list(walk(payload))
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        match draw(st.sampled_from(["replace", "replace", "drop", "wrap"])):
            case "replace":
                holder[key] = draw(junk)
            case "drop":
                del holder[key]
            case _:
                holder[key] = [holder[key], holder[key]]
        if not list(walk(payload)):
            break
    return dict(payload)


def walk(value: Any) -> list[tuple[Any, Any]]:
    keys = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    return [place for key in keys for place in [(value, key), *walk(value[key])]]


def run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner() as runner:
        runner.run(work)


@settings(max_examples=25, deadline=None)
@given(st.lists(mutated(), min_size=8, max_size=8))
def test_no_payload_is_a_server_error_or_costs_a_valid_neighbour(payloads: list[dict[str, Any]]) -> None:
    async def story() -> None:
        async with room() as r:
            ts = await r.card()
            for n, payload in enumerate(payloads):
                assert await deliver(r, payload) in (200, 400), payload
                neighbour = f"neighbour {n}"
                assert (await r.posts.event(thread_message(r.slack, ts, neighbour)))[0] == 200
                assert neighbour in [note.text for note in r.host.notes]
            await r.settled()

    run(story())


@settings(max_examples=40, deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from(["application/json", "application/x-www-form-urlencoded", ""])
)
def test_no_bytes_are_a_server_error(body: bytes, kind: str) -> None:
    async def story() -> None:
        async with room() as r:
            headers = {"Content-Type": kind} if kind else {}
            text = body.decode("utf-8", "replace")
            assert (await r.posts.raw(body, headers))[0] == 401
            status, _ = await r.posts.raw(text.encode(), {**signed(text, r.host.clock), **headers})
            assert status in (200, 400)

    run(story())
