"""How updates come in: by webhook and by polling, proven, in order, and only acknowledged when they are kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.telegram.polling import TOGETHER, WITH_FILES, Position, groups
from connectors.telegram.webhook import MAX_BODY, secret_of
from tests.connectors.test_telegram_normalize import FIXTURES, mutated
from tests.fakes_telegram import KEY, FakeHost, Room, attached, room, until
from tests.telegram_people import group, mention, migrate
from tests.telegram_standin import running
from tests.telegram_state import TOKEN, Fault

PNG = b"\x89PNG bytes"


def update(number: int, text: str = "Hello", chat: int = 4242) -> dict[str, Any]:
    sender = {"id": chat, "is_bot": False, "first_name": "Mia"}
    where = {"id": chat, "type": "private", "first_name": "Mia"}
    message = {"message_id": number, "date": 1772442000, "from": sender, "chat": where, "text": text}
    return {"update_id": number, "message": message}


# ---------------------------------------------------------------- webhook


async def test_the_webhook_is_set_with_a_secret_and_what_we_read() -> None:
    async with room() as r:
        given = dict(r.telegram.calls)["setWebhook"]
        assert given["url"] == "http://127.0.0.1:8080/telegram/main" and given["secret_token"] == secret_of(
            KEY
        )
        assert given["allowed_updates"] == ["message", "edited_message", "callback_query"]
        assert set(r.telegram.commands) == {"", "sl", "zh", "de", "es"}


@pytest.mark.parametrize("secret", ["", "x", secret_of(b"o" * 32), secret_of(KEY)[:-1], "č" * 64])
async def test_a_call_without_the_secret_is_turned_away_unread(secret: str) -> None:
    async with room() as r:
        assert await r.call(update(1), secret) == 401
        assert await r.call(b"\xff{", secret) == 401
        assert not r.host.taken


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"{", b"[]", b"1", b'"x"', b"null", b"{}", b'{"update_id":"x"}', b"[" * 9999]
)
async def test_garbage_is_refused(body: bytes) -> None:
    async with room() as r:
        assert await r.call(body) == 400
        assert await r.call(update(2)) == 200 and len(r.host.heard) == 1


async def test_a_body_over_the_limit_is_not_read() -> None:
    async with room() as r:
        assert await r.call(b" " * (MAX_BODY + 1)) == 413


async def test_an_update_is_kept_once_with_its_raw_bytes() -> None:
    async with room() as r:
        assert [await r.call(update(1)) for _ in range(3)] == [200] * 3
        (delivery,) = r.host.taken.values()
        assert json.loads(delivery.raw) == update(1)


async def test_nothing_is_acknowledged_that_was_not_kept() -> None:
    async with room() as r:
        r.host.down = True
        assert await r.call(update(1)) == 503
        r.host.down = False
        assert await r.call(update(1)) == 200 and len(r.host.heard) == 1


async def test_messages_of_a_chat_are_taken_in_order_though_a_file_is_slow() -> None:
    async with room() as r:
        r.mia.sends("photo", PNG, media_group_id="g")
        r.mia.sends("photo", PNG + b"2", media_group_id="g")
        first, second = r.telegram.updates
        third = update(first["update_id"] + 5, "and this?")
        statuses = await asyncio.gather(*(r.call(each) for each in (first, second, third)))
        assert statuses == [200] * 3
        assert r.host.order == [str(each["update_id"]) for each in (first, second, third)]
        assert [file.content for file in r.host.heard[0].attachments] == [PNG]


async def test_a_press_is_answered_and_its_buttons_go() -> None:
    async with room() as r:
        payload = json.loads(json.dumps(FIXTURES["callback_query__not_helped"]))
        message = r.telegram.keep(r.mia.private, {**payload["callback_query"]["message"], "message_id": 1})
        payload["callback_query"]["message"] = message
        r.telegram.pressed["9"] = None
        assert await r.call(payload) == 200
        await r.settled()
        assert r.telegram.pressed["9"] == "" and message["reply_markup"] == {"inline_keyboard": []}


async def test_a_press_on_another_persons_button_is_told_so() -> None:
    async with room() as r:
        r.telegram.pressed["9"] = None
        assert await r.call(FIXTURES["callback_query__group_others"]) == 200
        await r.settled()
        assert "osebo" in str(r.telegram.pressed["9"]) and not r.host.taken


async def test_before_our_name_is_known_a_group_waits_and_a_person_does_not() -> None:
    host = FakeHost()
    async with running(host.clock) as telegram:
        telegram.fail("getMe", *[Fault(status=500)] * 1000)
        values = {"bot_token": TOKEN, "api_url": telegram.api_url, "mode": "webhook"}
        import aiohttp

        async with attached(host, values) as (connector, url), aiohttp.ClientSession() as http:
            made = Room(host=host, telegram=telegram, connector=connector, http=http, url=url, mia=None)  # type: ignore[arg-type]
            assert await made.call(FIXTURES["message__group_mention"]) == 503
            assert await made.call(update(1)) == 200
            telegram.faults["getMe"].clear()
            await until(lambda: telegram.webhook)
            telegram.webhook.clear()
            assert await made.call(FIXTURES["message__group_mention"]) == 200


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("size", "faults", "reason"),
    [
        (0, [], ""),
        (0, [Fault(status=500)], ""),
        (0, [Fault(status=429, parameters={"retry_after": 1})], ""),
        (0, [Fault(status=500), Fault(status=500)], "could not be fetched"),
        (0, [Fault(status=400, description="Bad Request: file is too big")], "too large"),
        (0, [Fault(status=400, description="Bad Request: wrong file_id")], "could not be fetched"),
        (20_000_001, [], "larger than the 20 MB"),
    ],
)
async def test_a_file_is_fetched_or_named_with_the_reason(
    size: int, faults: list[Fault], reason: str
) -> None:
    async with room() as r:
        r.mia.sends("document", b"words", file_name="a.txt", size=size)
        r.telegram.fail("getFile", *faults)
        assert await r.call(r.telegram.updates[-1]) == 200
        (file,) = r.host.heard[0].attachments
        assert reason in file.skipped and bool(file.skipped) == bool(reason)
        assert file.content == (b"" if reason else b"words")
        assert "documents/" not in repr(r.host.heard[0]), "where the file is lies behind the token"


async def test_the_limit_for_files_can_be_lower() -> None:
    async with room(file_limit=3) as r:
        r.mia.sends("document", b"words", file_name="a.txt")
        r.mia.sends("document", b"words", file_name="b.txt", size=2)
        for each in r.telegram.updates:
            assert await r.call(each) == 200
        assert all("larger than" in m.attachments[0].skipped for m in r.host.heard)


# ---------------------------------------------------------------- polling


async def test_an_update_is_confirmed_only_when_it_is_kept() -> None:
    async with room("polling") as r:
        r.host.down = True
        r.mia.says("Hello")
        await asyncio.sleep(0.1)
        assert len(r.telegram.updates) == 1 and not r.host.taken
        r.host.down = False
        await until(lambda: r.host.heard)
        number = r.telegram.next_update - 1
        assert Position.parse(r.host.cursors["telegram/main/updates"]).update == number
        await until(lambda: not r.telegram.updates)


async def test_what_cannot_be_read_costs_no_neighbour() -> None:
    async with room("polling") as r:
        r.telegram.push("message", {"message_id": 1, "chat": "none"})
        r.telegram.updates.append({"update_id": r.telegram.next_update, "message": 7})
        r.telegram.next_update += 1
        r.mia.says("lone \ud800 surrogate")
        r.mia.says("Hello")
        await until(lambda: len(r.host.heard) == 2)
        assert [message.text for message in r.host.heard] == ["lone ? surrogate", "Hello"]
        await until(lambda: not r.telegram.updates)


async def test_a_restart_goes_on_behind_the_last_one() -> None:
    host = FakeHost()
    async with room("polling", host) as r:
        r.mia.says("Hello")
        await until(lambda: host.heard)
        first = host.cursors["telegram/main/updates"]
    async with room("polling", host) as r:
        r.telegram.next_update = Position.parse(first).update + 1
        r.mia.says("again")
        await until(lambda: len(host.heard) == 2)
        asked = next(given for method, given in r.telegram.calls if method == "getUpdates")
        assert asked["offset"] == str(Position.parse(first).update + 1)


async def test_after_a_week_of_silence_numbers_may_begin_lower() -> None:
    host = FakeHost()
    host.cursors["telegram/main/updates"] = f"900000000@{int(host.clock.now().timestamp()) - 7 * 86400}"
    async with room("polling", host) as r:
        r.mia.says("Hello")
        await until(lambda: host.heard)


async def test_a_second_poller_is_no_end() -> None:
    async with room("polling") as r:
        r.telegram.fail(
            "getUpdates", Fault(status=409, description="Conflict: terminated by other getUpdates request")
        )
        r.mia.says("Hello")
        await until(lambda: r.host.heard)


async def test_only_one_replica_asks() -> None:
    host = FakeHost()
    async with room("polling", host) as r:
        values = {"bot_token": TOKEN, "api_url": r.telegram.api_url, "poll_seconds": 1}
        async with attached(host, values):
            for n in range(5):
                r.mia.says(f"message {n}")
            await until(lambda: len(host.heard) == 5)
            assert not any(fault for fault in r.telegram.faults["getUpdates"])


async def test_our_own_webhook_is_removed_and_anothers_is_left_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = FakeHost()
    async with running(host.clock) as telegram:
        values = {"bot_token": TOKEN, "api_url": telegram.api_url, "poll_seconds": 0}
        telegram.webhook = {"url": "https://elsewhere.example/bot?x=1"}
        async with attached(host, values):
            await until(lambda: telegram.methods().count("getWebhookInfo") > 2)
            assert telegram.webhook and "getUpdates" not in telegram.methods()
            assert "https://elsewhere.example/bot." in caplog.text and "x=1" not in caplog.text
            telegram.webhook = {"url": "http://127.0.0.1:8080/telegram/main"}
            await until(lambda: "getUpdates" in telegram.methods())
            assert not telegram.webhook


async def test_a_token_that_is_refused_is_said_with_the_remedy(caplog: pytest.LogCaptureFixture) -> None:
    host = FakeHost()
    async with running(host.clock) as telegram:
        wrong = {"bot_token": "1:wrong", "api_url": telegram.api_url}
        async with attached(host, wrong):
            await until(lambda: "BotFather" in caplog.text)


def test_few_files_and_many_words_go_into_one_commit() -> None:
    words = [update(n) for n in range(120)]
    photos = [{"update_id": n, "message": {"photo": []}} for n in range(120, 130)]
    parted = groups([*words, *photos, 7])
    assert [each for group_ in parted for each in group_] == [*words, *photos, 7]
    assert max(len(group_) for group_ in parted) == TOGETHER
    assert all(sum(each in photos for each in group_) <= WITH_FILES for group_ in parted)
    assert groups([]) == []


async def test_a_group_that_moves_keeps_its_home() -> None:
    async with room("polling") as r:
        shoppers = group(r.telegram)
        r.mia.says(f"{mention()} one", shoppers)
        larger = migrate(r.telegram, shoppers, -1_001_234_567_890)
        r.mia.says(f"{mention()} two", larger)
        again = migrate(r.telegram, larger, -1_001_999_999_999)
        r.mia.says(f"{mention()} three", again)
        await until(lambda: len(r.host.heard) == 3)
        assert {message.address.conversation for message in r.host.heard} == {"-500:4242"}


# ---------------------------------------------------------------- hostile


def run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner() as runner:
        runner.run(work)


@settings(max_examples=20, deadline=None)
@given(st.lists(mutated(), min_size=12, max_size=12))
def test_no_payload_is_a_server_error_or_costs_a_valid_neighbour(payloads: list[dict[str, Any]]) -> None:
    async def story() -> None:
        async with room() as r:
            for n, payload in enumerate(payloads, 1):
                assert await r.call(json.dumps(payload).encode()) in (200, 400), payload
                assert await r.call(update(n, f"neighbour {n}")) == 200
                assert f"neighbour {n}" in [message.text for message in r.host.heard]
            await r.settled()

    run(story())


@settings(max_examples=4, deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=15))
def test_no_bytes_are_a_server_error(bodies: list[bytes]) -> None:
    async def story() -> None:
        async with room() as r:
            assert {await r.call(body) for body in bodies} == {400}

    run(story())
