"""The web chat against a real server: tokens, messages, files, history, and who may see what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientSession, FormData, WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from connectors.webchat import Settings, WebChat, tokens, wire
from connectors.webchat.limits import Buckets
from connectors.webchat.routes import file_name
from gateway.errors import InvalidPayload, StoreError, Undeliverable
from gateway.model import Address, ChoiceAction, Entry, EntryKind, Message, SendKind, SendState
from tests.fakes_web import KEY, FakeHost, MovableClock

SETTINGS: dict[str, Any] = {
    "email_account": "support",
    "allowed_origins": ("https://shop.example",),
    "ack_seconds": 0.2,
    "max_file_bytes": 2000,
    "messages_per_minute": 1000,
    "address_per_minute": 1000,
    "sessions_per_minute": 1000,
}


class Chat:
    """A running chat and a browser that talks to it."""

    def __init__(
        self, client: TestClient[web.Request, web.Application], desk: FakeHost, connector: WebChat
    ) -> None:
        self.client, self.desk, self.connector = client, desk, connector
        self.origin = {"Origin": desk.public_url}

    async def token(self, **body: str) -> str:
        answer = await self.client.post("/chat/api/session", json=body, headers=self.origin)
        return str((await answer.json()).get("token", ""))

    def auth(self, token: str) -> dict[str, str]:
        return self.origin | {"Authorization": f"Bearer {token}"}

    async def say(self, token: str, frame: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        answer = await self.client.post("/chat/api/messages", json=frame, headers=self.auth(token))
        return answer.status, await answer.json()

    async def entries(self, token: str, after: int = 0) -> list[dict[str, Any]]:
        answer = await self.client.get(f"/chat/api/history?after={after}", headers=self.auth(token))
        return list((await answer.json())["entries"])

    def address(self, token: str) -> Address:
        return Address(connector="webchat", account="main", conversation=token.split(".")[1])

    def messages(self) -> list[Message]:
        return [d.input for d in self.desk.deliveries if isinstance(d.input, Message)]


async def start(**changes: Any) -> tuple[Chat, TestServer]:
    desk, app = FakeHost(), web.Application()
    connector = WebChat("main", Settings(**(SETTINGS | changes)), KEY)
    connector.attach(app, desk)
    server = TestServer(app)
    await server.start_server()
    desk.public_url = f"http://127.0.0.1:{server.port}"
    return Chat(TestClient(server), desk, connector), server


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    made, _ = await start()
    yield made
    await made.client.close()


# ---------------------------------------------------------------- what is said


async def test_a_message_over_http_reaches_the_core_once_however_often_it_is_sent(chat: Chat) -> None:
    token = await chat.token()
    frame = {"type": "message", "id": "a1", "text": "Where is my order?", "lang": "en"}
    assert await chat.say(token, frame) == (200, {"type": "taken", "id": "a1"})
    assert await chat.say(token, frame) == (200, {"type": "taken", "id": "a1"})
    (message,) = chat.messages()
    visitor = chat.address(token).conversation
    assert message.delivery_key == message.message_key == f"{visitor}:a1"
    assert (message.text, message.language, message.sender.kind) == ("Where is my order?", "en", "webchat")
    assert message.address == chat.address(token)
    (line,) = await chat.entries(token)
    assert line["client"] == "a1" and line["html"] == "<p>Where is my order?</p>\n"


async def test_a_button_is_a_choice_with_its_label_as_text(chat: Chat) -> None:
    token = await chat.token()
    await chat.say(token, {"type": "choice", "id": "b1", "label": "No", "action": "not_helped", "ticket": 7})
    (message,) = chat.messages()
    assert message.text == "No" and message.choice is not None
    assert (message.choice.action, message.choice.ticket) == (ChoiceAction.NOT_HELPED, 7)


async def test_an_address_is_an_unverified_offer_with_a_link_that_leads_back(chat: Chat) -> None:
    token = await chat.token()
    await chat.say(token, {"type": "email", "id": "c1", "address": " Mara@Example.COM "})
    (message,) = chat.messages()
    assert message.offer is not None and message.text == ""
    assert message.offer.identity.value == "mara@example.com" and not message.offer.identity.verified
    assert message.offer.address == Address(
        connector="email", account="support", conversation="mara@example.com"
    )
    resume = message.offer.link.removeprefix("/chat?resume=")
    again = await chat.token(resume=resume)
    assert chat.address(again) == chat.address(token)


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "message", "id": "x", "text": "   "},
        {"type": "message", "id": "has space", "text": "hi"},
        {"type": "message", "text": "no id"},
        {"type": "email", "id": "x", "address": "not an address"},
        {"type": "email", "id": "x", "address": "a@b.example\r\nBcc: c@d.example"},
        {"type": "email", "id": "x", "address": "a@127.0.0.1"},
        {"type": "choice", "id": "x", "label": "y", "action": "delete_everything"},
        {"type": "seen", "ids": ["1"]},
        {"type": "hello", "token": "x"},
        {"type": "unknown"},
        [1, 2],
    ],
)
async def test_what_is_none_of_our_words_is_refused_and_never_reaches_the_core(
    chat: Chat, frame: Any
) -> None:
    status, body = await chat.say(await chat.token(), frame)
    assert (status, body["code"]) == (400, "invalid")
    assert chat.desk.deliveries == []


async def test_too_large_a_body_is_cut_off_before_it_is_parsed(chat: Chat) -> None:
    body = b'{"type":"message","id":"x","text":"' + b"a" * 40_000 + b'"}'
    answer = await chat.client.post("/chat/api/messages", data=body, headers=chat.auth(await chat.token()))
    assert answer.status == 413


async def test_a_store_that_is_down_is_no_loss_the_browser_tries_again(chat: Chat) -> None:
    token = await chat.token()
    chat.desk.failure = StoreError()
    answer = await chat.client.post(
        "/chat/api/messages", json={"type": "message", "id": "a", "text": "hi"}, headers=chat.auth(token)
    )
    assert answer.status == 503 and answer.headers["Retry-After"] == "2"


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_frame_is_either_read_or_refused(data: bytes | str) -> None:
    with suppress(InvalidPayload):
        wire.read_frame(data)


# ---------------------------------------------------------------- who may


@pytest.mark.parametrize("token", ["", "x", "v.AAAAAAAAAAAAAAAAAAAAAA.1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
async def test_a_forged_token_opens_nothing(chat: Chat, token: str) -> None:
    answer = await chat.client.get("/chat/api/history", headers=chat.auth(token))
    assert answer.status == 403


def test_a_token_is_good_for_its_purpose_its_key_and_its_time_only() -> None:
    clock, day = MovableClock(), timedelta(days=1)
    visitor = tokens.new_visitor()
    token = tokens.sign(KEY, tokens.Purpose.VISIT, visitor, clock.now())
    assert tokens.read(KEY, tokens.Purpose.VISIT, token, clock.now(), day) == visitor
    assert tokens.read(KEY, tokens.Purpose.RESUME, token, clock.now(), day) == ""
    assert tokens.read(KEY[::-1], tokens.Purpose.VISIT, token, clock.now(), day) == ""
    assert tokens.read(KEY, tokens.Purpose.VISIT, token, clock.now() + 2 * day, day) == ""
    assert tokens.read(KEY, tokens.Purpose.VISIT, token, clock.now() - 2 * day, day) == ""


@given(st.text(max_size=120))
def test_no_text_is_a_token(text: str) -> None:
    assert tokens.read(KEY, tokens.Purpose.VISIT, text, MovableClock().now(), timedelta(days=9999)) == ""


async def test_an_old_resume_link_has_expired(chat: Chat) -> None:
    token = await chat.token()
    await chat.say(token, {"type": "email", "id": "c1", "address": "mara@example.com"})
    offer = chat.messages()[0].offer
    assert offer is not None
    chat.desk.clock.move(days=31)
    body = {"resume": offer.link.partition("=")[2]}
    answer = await chat.client.post("/chat/api/session", json=body, headers=chat.origin)
    assert answer.status == 403 and "expired" in (await answer.json())["detail"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
@pytest.mark.parametrize("path", ["session", "messages", "files?id=a"])
async def test_another_site_may_not_post(chat: Chat, origin: str, path: str) -> None:
    headers = chat.auth(await chat.token()) | {"Origin": origin}
    answer = await chat.client.post(f"/chat/api/{path}", json={}, headers=headers)
    assert answer.status == 403


async def test_an_allowed_site_may_post(chat: Chat) -> None:
    answer = await chat.client.post("/chat/api/session", json={}, headers={"Origin": "https://shop.example"})
    assert answer.status == 200


async def test_one_visitor_sees_nothing_of_another(chat: Chat) -> None:
    mine, theirs = await chat.token(), await chat.token()
    await chat.say(mine, {"type": "message", "id": "a", "text": "my secret"})
    assert await chat.entries(theirs) == []
    file = chat.desk.blob(b"picture", "x.png")
    line = Entry(id=99, kind=EntryKind.MESSAGE, at=chat.desk.clock.now(), attachments=(file,))
    chat.desk.said(chat.address(mine), line)
    own = await chat.client.get(f"/chat/api/files/{file.sha256}", headers=chat.auth(mine))
    other = await chat.client.get(f"/chat/api/files/{file.sha256}", headers=chat.auth(theirs))
    assert (own.status, await own.read(), other.status) == (200, b"picture", 403)


async def test_a_note_never_reaches_a_visitor_even_if_the_core_hands_one_over(chat: Chat) -> None:
    token = await chat.token()
    chat.desk.said(
        chat.address(token), Entry(id=1, kind=EntryKind.NOTE, at=chat.desk.clock.now(), text="private")
    )
    assert await chat.entries(token) == []


async def test_a_visitor_who_sends_too_much_is_asked_to_wait() -> None:
    made, _ = await start(messages_per_minute=4)
    token = await made.token()
    answers = [await made.say(token, {"type": "message", "id": f"a{n}", "text": "hi"}) for n in range(3)]
    await made.client.close()
    assert [status for status, _ in answers] == [200, 200, 429]


def test_a_bucket_fills_again_with_time() -> None:
    clock, bucket = MovableClock(), Buckets(per_minute=2)
    now = clock.now()
    assert bucket.take("a", now) == 0 and bucket.take("a", now) > 0 and bucket.take("b", now) == 0
    clock.move(seconds=31)
    assert bucket.take("a", clock.now()) == 0


# ---------------------------------------------------------------- files


def form(content: bytes, name: str = "photo.png", field: str = "file") -> FormData:
    data = FormData(quote_fields=False)
    data.add_field(field, content, filename=name, content_type="text/html")
    return data


async def test_a_file_travels_with_a_harmless_name(chat: Chat) -> None:
    token = await chat.token()
    answer = await chat.client.post(
        "/chat/api/files?id=f1", data=form(b"abc", "../..\\up.html"), headers=chat.auth(token)
    )
    assert answer.status == 200
    (file,) = chat.messages()[0].attachments
    assert (file.filename, file.content, file.size) == ("up.html", b"abc", 3)
    (line,) = await chat.entries(token)
    got = await chat.client.get(
        f"/chat/api/files/{line['attachments'][0]['sha256']}", headers=chat.auth(token)
    )
    assert got.content_type == "application/octet-stream"
    assert (
        got.headers["Content-Disposition"].startswith("attachment")
        and "sandbox" in got.headers["Content-Security-Policy"]
    )


async def test_a_file_over_the_limit_is_refused_while_it_comes_in(chat: Chat) -> None:
    answer = await chat.client.post(
        "/chat/api/files?id=f1", data=form(b"a" * 2001), headers=chat.auth(await chat.token())
    )
    assert answer.status == 413 and chat.desk.deliveries == []


async def test_an_upload_without_a_file_is_refused(chat: Chat) -> None:
    headers = chat.auth(await chat.token())
    wrong = await chat.client.post("/chat/api/files?id=f1", data=form(b"a", field="other"), headers=headers)
    plain = await chat.client.post("/chat/api/files?id=f1", data=b"a", headers=headers)
    unnamed = await chat.client.post("/chat/api/files", data=form(b"a"), headers=headers)
    assert (wrong.status, plain.status, unnamed.status) == (400, 400, 400)


@given(st.text(max_size=300))
def test_a_file_name_has_no_folder_and_no_control_character(name: str) -> None:
    made = file_name(name)
    assert made and len(made) <= 120 and not set(made) & set("/\\\x00\r\n\u202e")


# ---------------------------------------------------------------- answers


async def test_an_answer_that_a_socket_shows_is_delivered(chat: Chat) -> None:
    token = await chat.token()
    async with chat.client.ws_connect("/chat/ws", headers=chat.origin) as socket:
        await socket.send_json({"type": "hello", "token": token})
        assert await socket.receive_json() == {"type": "entries", "entries": []}
        post = chat.desk.post(chat.address(token), "It is **on its way**.")
        sending = asyncio.create_task(chat.connector.send(post))
        line = (await socket.receive_json())["entries"][0]
        assert "<strong>on its way</strong>" in line["html"] and line["send"] == post.id
        await socket.send_json({"type": "seen", "ids": [line["send"]]})
        sent = await sending
    assert (sent.state, sent.external_ids) == (SendState.DELIVERED, (str(post.id),))


async def test_a_poller_that_shows_it_counts_as_well(chat: Chat) -> None:
    token = await chat.token()
    post = chat.desk.post(chat.address(token), "Hello")
    sending = asyncio.create_task(chat.connector.send(post))
    await asyncio.sleep(0.05)
    await chat.say(token, {"type": "seen", "ids": [post.id]})
    assert (await sending).state is SendState.DELIVERED


async def test_nobody_else_can_report_it_seen(chat: Chat) -> None:
    token, other = await chat.token(), await chat.token()
    post = chat.desk.post(chat.address(token), "Hello", SendKind.AGENT)
    sending = asyncio.create_task(chat.connector.send(post))
    await asyncio.sleep(0.05)
    await chat.say(other, {"type": "seen", "ids": [post.id]})
    with pytest.raises(Undeliverable):
        await sending


async def test_an_agents_answer_to_a_visitor_who_left_is_undeliverable_and_the_bots_is_not(
    chat: Chat,
) -> None:
    address = chat.address(await chat.token())
    with pytest.raises(Undeliverable) as gone:
        await chat.connector.send(chat.desk.post(address, "Hello", SendKind.AGENT))
    assert gone.value.reason == "gone"
    assert (await chat.connector.send(chat.desk.post(address, "Hello"))).state is SendState.ACCEPTED


async def test_an_answer_held_back_appears_although_later_entries_were_shown(chat: Chat) -> None:
    token = await chat.token()
    address, now = chat.address(token), chat.desk.clock.now()
    chat.desk.said(address, Entry(id=10, kind=EntryKind.MESSAGE, at=now, text="first"))
    chat.desk.said(address, Entry(id=12, kind=EntryKind.MESSAGE, at=now, text="third"))
    async with chat.client.ws_connect("/chat/ws", headers=chat.origin) as socket:
        await socket.send_json({"type": "hello", "token": token})
        assert [line["id"] for line in (await socket.receive_json())["entries"]] == [10, 12]
        chat.desk.histories[address.key].insert(1, Entry(id=11, kind=EntryKind.REPLY, at=now, text="second"))
        chat.desk.publish(f"history/{address.key}")
        assert [line["id"] for line in (await socket.receive_json())["entries"]] == [11]


async def test_a_long_history_is_shown_to_its_end(chat: Chat) -> None:
    token = await chat.token()
    for n in range(1, 451):
        chat.desk.said(
            chat.address(token), Entry(id=n, kind=EntryKind.MESSAGE, at=chat.desk.clock.now(), text=str(n))
        )
    lines = await chat.entries(token)
    assert [line["id"] for line in lines] == list(range(1, 451))


async def test_markup_of_a_stranger_is_shown_and_never_runs(chat: Chat) -> None:
    token = await chat.token()
    await chat.say(
        token,
        {"type": "message", "id": "a", "text": "<script>alert(1)</script> [x](javascript:alert(1)) ![y](x)"},
    )
    html = (await chat.entries(token))[0]["html"]
    assert "<script" not in html and 'href="javascript' not in html and "<img" not in html


# ---------------------------------------------------------------- the socket


async def test_the_socket_takes_messages_and_says_so(chat: Chat) -> None:
    token = await chat.token()
    async with chat.client.ws_connect("/chat/ws", headers=chat.origin) as socket:
        await socket.send_json({"type": "hello", "token": token})
        await socket.receive_json()
        await socket.send_json({"type": "message", "id": "a1", "text": "hello"})
        frames = [await socket.receive_json(), await socket.receive_json()]
    assert {"type": "taken", "id": "a1"} in frames
    assert [m.text for m in chat.messages()] == ["hello"]


@pytest.mark.parametrize("first", ['{"type":"hello","token":"forged"}', "no json", '{"type":"typing"}'])
async def test_a_socket_without_a_good_token_is_closed(chat: Chat, first: str) -> None:
    async with chat.client.ws_connect("/chat/ws", headers=chat.origin) as socket:
        await socket.send_str(first)
        closed = await socket.receive()
        assert closed.type is WSMsgType.CLOSE and closed.data == 1008


async def test_a_socket_from_another_site_is_refused(chat: Chat) -> None:
    async with ClientSession() as session:
        answer = await session.get(
            chat.client.make_url("/chat/ws"),
            headers={"Origin": "https://evil.example", "Upgrade": "websocket", "Connection": "Upgrade"},
        )
        assert answer.status == 403


async def test_a_frame_that_is_too_large_closes_the_socket(chat: Chat) -> None:
    async with chat.client.ws_connect("/chat/ws", headers=chat.origin) as socket:
        await socket.send_json({"type": "hello", "token": await chat.token()})
        await socket.receive_json()
        await socket.send_str("x" * 40_000)
        assert (await socket.receive()).data == 1009


async def test_typing_goes_both_ways(chat: Chat) -> None:
    token = await chat.token()
    key = chat.address(token).key
    async with chat.client.ws_connect("/chat/ws", headers=chat.origin) as socket:
        await socket.send_json({"type": "hello", "token": token})
        await socket.receive_json()
        await socket.send_json({"type": "typing"})
        chat.desk.publish(f"typing/agent/{key}")
        assert await socket.receive_json() == {"type": "typing"}
        await chat.desk.told(f"typing/requester/{key}")


async def test_stopping_the_program_closes_the_sockets_at_once(chat: Chat) -> None:
    socket = await chat.client.ws_connect("/chat/ws", headers=chat.origin)
    await socket.send_json({"type": "hello", "token": await chat.token()})
    await socket.receive_json()
    async with asyncio.timeout(30):
        closing = asyncio.create_task(chat.client.server.close())
        assert (await socket.receive()).data == 1001
        await socket.close()
        await closing


# ---------------------------------------------------------------- pages and settings


async def test_the_page_runs_only_its_own_files_and_only_named_sites_may_frame_it(chat: Chat) -> None:
    answer = await chat.client.get("/chat")
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://shop.example" in policy and "unsafe" not in policy
    text = await answer.text()
    assert "<script>" not in text and "style=" not in text


async def test_the_widget_may_be_loaded_from_anywhere_and_the_rest_may_not(chat: Chat) -> None:
    widget = await chat.client.get("/chat/widget.js")
    script = await chat.client.get("/chat/static/chat.js")
    assert widget.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert script.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert (await chat.client.get("/chat/static/chat.html")).status == 404
    assert (await chat.client.get("/chat/static/..%2f..%2fwebchat%2fwire.py")).status == 404


async def test_names_in_settings_cannot_break_the_page() -> None:
    made, _ = await start(title='<img src=x onerror=alert(1)>"')
    text = await (await made.client.get("/chat")).text()
    await made.client.close()
    assert "<img" not in text


@pytest.mark.parametrize("origin", ["shop.example", "https://shop.example/", "ftp://shop.example", "*"])
def test_an_allowed_origin_must_be_one(origin: str) -> None:
    with pytest.raises(ValueError, match="no origin"):
        Settings(allowed_origins=(origin,))


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("origins", "loopback"),
    [((), True), (("http://localhost:3000",), True), (("https://shop.example",), False)],
)
def test_a_chat_that_another_site_may_embed_is_not_on_loopback(
    origins: tuple[str, ...], loopback: bool
) -> None:
    assert WebChat("main", Settings(allowed_origins=origins), KEY).loopback() is loopback
