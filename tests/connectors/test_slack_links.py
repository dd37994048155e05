"""Socket Mode, what was missed, whose channel it is, and Slack's limits: against the stand-in, with a core of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.slack.pace import LONGEST, Pace
from connectors.slack.places import Workspace
from gateway.connector import Whose
from gateway.errors import Retryable
from gateway.model import Address, Edit, Message, Post, SendKind, Side, Verb
from tests.fakes_slack import QUEUE, Room, StandingClock, card_post, room
from tests.slack_people import Wire, Writer, words_of
from tests.slack_posts import event_callback
from tests.slack_standin import APP_TOKEN, Channel, Fault
from tests.test_story_slack import serving, workspace
from tests.test_story_telegram import pages, settled, until


@asynccontextmanager
async def linked(**settings: Any) -> AsyncIterator[tuple[Room, Writer]]:
    """A connector by Socket Mode alone, and Cy with a direct conversation."""
    async with room(app_token=APP_TOKEN, signing_secret=None, **settings) as r:
        r.slack.add_user("U0CY", "Cy Customer")
        r.slack.add_direct("D0CY", "U0CY")
        await r.slack.links.connected()
        yield r, Writer(wire=Wire(slack=r.slack))


def messages(r: Room) -> list[str]:
    return [d.input.text for d in r.host.taken.values() if isinstance(d.input, Message)]


# ---------------------------------------------------------------- acknowledged only when kept


async def test_an_envelope_is_acknowledged_only_when_it_was_kept() -> None:
    async with linked() as (r, cy):
        payload = event_callback(cy.writes("keep me"), "Ev1")
        r.host.down = True
        kept, _ = await r.slack.links.deliver("events_api", payload, seconds=0.3)
        assert not kept and not messages(r)
        r.host.down = False
        assert (await r.slack.links.deliver("events_api", payload))[0]
        assert (await r.slack.links.deliver("events_api", payload))[0]
        assert messages(r) == ["keep me"]


async def test_what_cannot_be_read_is_acknowledged_and_costs_no_neighbour() -> None:
    async with linked() as (r, cy):
        for payload in ({}, {"type": 1}, {"type": "event_callback", "event": []}):
            assert (await r.slack.links.deliver("events_api", payload))[0]
        assert (await r.slack.links.deliver("interactive", {"type": "block_actions"}))[0]
        assert (await r.slack.links.deliver("slash_commands", {"command": 1}))[0]
        for frame in ("no json", "[]", "{}", '{"type": "news"}', '{"envelope_id": 7, "type": "events_api"}'):
            await r.slack.links.open[0].send_str(frame)
        await cy.says("hello")
        assert messages(r) == ["hello"]


async def test_agents_press_and_submit_by_the_socket_too() -> None:
    async with linked() as (r, _):
        ts = await r.card()
        ann = Writer(wire=Wire(slack=r.slack), user="U0ANN")
        assert (await ann.presses(r.slack.messages[("C0DESK", ts)], "Claim", "C0DESK"))[0]
        assert [action.verb for action in r.host.acts.values()] == [Verb.CLAIM]


@pytest.mark.parametrize("end", ["renewed", "cut"])
async def test_the_link_is_made_again(end: str) -> None:
    async with linked() as (r, cy):
        await (r.slack.links.disconnect() if end == "renewed" else r.slack.links.cut())
        await r.slack.links.connected(2)
        await cy.says("still there?")
        assert messages(r) == ["still there?"]


async def test_a_refused_app_token_is_shouted(caplog: pytest.LogCaptureFixture) -> None:
    async with room(app_token="xapp-wrong", signing_secret=None) as r:
        await until(lambda: "scope connections:write" in caplog.text)
        await until(lambda: any("scope connections:write" in trouble for _, trouble in r.host.fared))
    assert "xapp-wrong" not in caplog.text


async def test_the_health_of_the_link_is_reported_as_that_of_every_channel_is() -> None:
    async with linked() as (r, _):
        await until(lambda: ("slack/main", "") in r.host.fared)
        r.slack.fail("apps.connections.open", *[Fault(error="invalid_auth")] * 2)
        await r.slack.links.cut()
        await until(lambda: any("app_token is wrong" in trouble for _, trouble in r.host.fared))
        await r.slack.links.connected(2)
        await until(lambda: r.host.fared[-1] == ("slack/main", ""))


# ---------------------------------------------------------------- what was missed


@pytest.mark.parametrize("way", ["http", "socket"])
async def test_what_was_said_while_we_were_away_is_fetched(tmp_path: Path, way: str) -> None:
    async with workspace() as slack:
        async with serving(slack, tmp_path, way) as s:
            first = await s.cy.mentions("a person, please", "C0HELP")
            (card,) = await until(s.cards)
            await until(lambda: s.cy.hears("C0HELP"))
            await s.settled()
            if way == "socket":
                await until(lambda: s.deskgate.host.cursor("slack/main/heard"))
        ann = Writer(wire=Wire(slack=slack), user="U0ANN")
        s.cy.writes("one more thing", "C0HELP", first["ts"])
        s.cy.writes("and privately: where is my order?")
        s.cy.writes("<@U0BOT> is it the weekend yet?", "C0HELP")
        s.cy.writes("nothing for us", "C0HELP")
        ann.writes("I know this customer", "C0DESK", card["ts"])
        slack.messages[("C0HELP", first["ts"])]["latest_reply"] = slack.new_ts()
        async with serving(slack, tmp_path, way) as s:

            async def all_there() -> bool:
                return len(said := [e.text for p in await pages(s.deskgate) for e in p.entries]) > 0 and {
                    "one more thing",
                    "and privately: where is my order?",
                    "is it the weekend yet?",
                    "I know this customer",
                } <= set(said)

            await until(all_there, 60)
            await settled(s.deskgate)
            said = [
                e.text for p in await pages(s.deskgate) for e in p.entries if e.kind in ("message", "note")
            ]
            assert len(said) == len(set(said)) and "nothing for us" not in said
            assert (await s.deskgate.store.ledger_count()).adds_up


async def test_after_a_refusal_everything_since_is_read_and_limits_are_waited_for() -> None:
    async with linked() as (r, cy):
        r.host.cursors["slack/main/heard"] = f"{r.host.clock.now().timestamp():.6f}"
        r.host.standing.at = r.host.clock.deadline(1000)
        lost = cy.writes("nobody heard this")
        r.slack.fail("conversations.history", Fault(status=429, error="ratelimited", after="0"))
        r.host.down = True
        await r.slack.links.deliver("events_api", event_callback(cy.writes("refused"), "Ev9"), seconds=0.2)
        r.host.down = False
        assert r.connector.service is not None
        r.connector.service.history.look_back()
        await until(lambda: {"nobody heard this", "refused"} <= set(messages(r)), 60)
        await cy.wire.again(event_callback(lost, "Ev10"))
        assert messages(r).count("nobody heard this") == 1


async def test_an_edit_made_meanwhile_is_a_version() -> None:
    async with linked() as (r, cy):
        said = await cy.says("order 12")
        r.host.directory.tickets[f"slack:main/D0CY/{said['ts']}"] = Whose(ticket=1, side=Side.REQUESTER)
        r.host.cursors["slack/main/heard"] = f"{r.host.clock.now().timestamp():.6f}"
        changed = r.slack.new_ts()
        r.slack.messages[("D0CY", said["ts"])] |= {
            "text": "order 21",
            "edited": {"user": "U0CY", "ts": changed},
        }
        assert r.connector.service is not None
        r.connector.service.history.look_back()
        edit = await until(lambda: [d.input for d in r.host.taken.values() if isinstance(d.input, Edit)])
        assert (edit[0].text, edit[0].version) == ("order 21", changed)


# ---------------------------------------------------------------- whose channel it is


async def test_cards_stop_while_the_channel_is_shared_and_go_on_after(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with room() as r:
        await r.card()
        r.slack.channels["C0DESK"].shared = True
        await r.posts.event({"type": "channel_shared", "connected_team_id": "T0ELSE", "channel": "C0DESK"})

        async def stopped() -> bool:
            try:
                await r.connector.send(card_post())
            except Retryable as error:
                assert error.bucket == "slack/main/C0DESK" and "another organisation" in error.reason
                return True
            return False

        await until(stopped)
        assert "slack cards stopped" in caplog.text
        r.slack.channels["C0DESK"].shared = False
        await r.posts.event({"type": "channel_unshared", "channel": "C0DESK"})

        async def sent() -> bool:
            return not await stopped()

        await until(sent)


async def test_a_public_channel_shows_no_protected_queue() -> None:
    async with room() as r:
        channels = r.connector.service.channels if r.connector.service else None
        assert channels is not None
        channels._places["C0DESK"] = [msgspec.structs.replace(QUEUE, protected=True)]
        await channels._look("C0DESK")
        with pytest.raises(Retryable, match="public"):
            await r.connector.send(card_post())
        r.slack.channels["C0DESK"] = Channel(id="C0DESK", private=True)
        await channels._look("C0DESK")
        await r.connector.send(card_post())
        r.slack.scopes.discard("groups:read")
        await channels._look("C0DESK")
        with pytest.raises(Retryable, match="may not see"):
            await r.connector.send(card_post())


# ---------------------------------------------------------------- limits


async def test_the_pace_is_a_message_a_second_in_each_channel() -> None:
    clock = StandingClock()
    pace = Pace("main", clock)
    begin = clock.now()
    for _ in range(5):
        await pace.turn("chat.postMessage", "C1")
    assert (clock.now() - begin).total_seconds() == 0, "a few may come at once"
    await pace.turn("chat.postMessage", "C1")
    assert (clock.now() - begin).total_seconds() == 1
    standing = clock.now()
    await pace.turn("chat.postMessage", "C2")
    assert clock.now() == standing, "another channel waits for nobody"


async def test_retry_after_moves_what_slack_named_and_nothing_else() -> None:
    clock = StandingClock()
    pace = Pace("main", clock)
    assert pace.close("chat.postMessage", "C1", 60) == "slack/main/C1"
    assert pace.close("files.completeUploadExternal", "C1", 60) == "slack/main/files.completeUploadExternal"
    with pytest.raises(Retryable) as caught:
        await pace.turn("chat.postMessage", "C1")
    assert caught.value.after == 60 and caught.value.bucket == "slack/main/C1"
    with pytest.raises(Retryable):
        await pace.turn("files.completeUploadExternal", "C9")
    await pace.turn("chat.postMessage", "C2")
    await pace.turn("chat.update", "C1")
    clock.at = clock.deadline(60)
    await pace.turn("chat.postMessage", "C1")
    assert LONGEST < 60


async def test_a_limited_channel_does_not_ask_again_before_its_time() -> None:
    async with room() as r:
        r.slack.fail("chat.postMessage", Fault(status=429, error="ratelimited", after="30"))
        for _ in range(2):
            with pytest.raises(Retryable):
                await r.connector.send(card_post())
        assert r.slack.methods().count("chat.postMessage") == 1


# ---------------------------------------------------------------- long answers, and times


async def test_a_long_answer_comes_in_parts_and_a_second_try_sends_the_rest() -> None:
    async with room() as r:
        r.slack.add_direct("D0CY", "U0CY")
        text = "\n\n".join(f"Paragraph {n}: " + "word " * 120 for n in range(40))
        address = Address(connector="slack", account="main", conversation="D0CY")
        post = Post(id=7, address=address, kind=SendKind.AGENT, ticket=42, text=text, author="Ana")
        real = r.slack.faults
        calls = 0

        def second_fails() -> list[Fault]:
            nonlocal calls
            calls += 1
            return [Fault(status=500, error="")] if calls == 2 else []

        class Sometimes(dict[str, list[Fault]]):
            def __missing__(self, name: str) -> list[Fault]:
                return second_fails() if name == "chat.postMessage" else []

        r.slack.faults = Sometimes()
        with pytest.raises(Retryable):
            await r.connector.send(post)
        r.slack.faults = real
        sent = await r.connector.send(post)
        said = [words_of(m) for (channel, _), m in r.slack.messages.items() if channel == "D0CY"]
        assert len(said) == len(sent.external_ids) == len(sent.keys) >= 2
        assert all("".join(said).count(f"Paragraph {n}:") == 1 for n in range(40))
        assert "*Ana*" in said[0] and sent.thread == ""


def test_near_keys_join_what_was_said_within_the_window() -> None:
    place = Workspace(account="main")
    at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()

    def joins(seconds: float) -> bool:
        return place.near("C1", "U1", f"{at:.6f}")[0] in place.near("C1", "U1", f"{at + seconds:.6f}")

    assert joins(0) and joins(599) and not joins(721)
    assert place.near("C1", "U2", f"{at:.6f}")[0] not in place.near("C1", "U1", f"{at:.6f}")
    assert Workspace(account="main", together=place.together * 0).near("C1", "U1", f"{at:.6f}") == ()


async def test_a_slow_file_is_ready_when_slack_delivers_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from connectors.slack import incoming_files

    monkeypatch.setattr(incoming_files, "BUDGET", 0.05)
    async with linked() as (r, cy):
        waiting = asyncio.Event()
        assert r.connector.service is not None
        real = r.connector.service.api.download

        async def slow(url: str, limit: int, timeout: float) -> bytes:
            await waiting.wait()
            return await real(url, limit, timeout)

        monkeypatch.setattr(r.connector.service.api, "download", slow)
        r.slack.stored_files["a.txt"] = b"hello"
        url = r.slack.api_url.replace("/api/", "/files/a.txt")
        event = cy.writes("see", files=[{"id": "F1", "name": "a.txt", "size": 5, "url_private": url}])
        payload = event_callback(event, "Ev1")
        assert not (await r.slack.links.deliver("events_api", payload, seconds=0.5))[0]
        waiting.set()
        assert (await r.slack.links.deliver("events_api", payload))[0]
        (delivery,) = r.host.taken.values()
        assert delivery.input.attachments[0].content == b"hello"
