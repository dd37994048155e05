"""What the outbox hands over, as the Bot API gets it; and each of Telegram's refusals."""

from __future__ import annotations

import logging
import re

import httpx
import msgspec
import pytest
from telegram.error import TimedOut

from connectors.telegram.buttons import MAX_DATA, decode, encode
from connectors.telegram.pace import Pace
from connectors.telegram.sending import failure
from connectors.telegram.steps import MAX_CAPTION, MAX_FILE
from gateway.errors import Retryable, Uncertain, Undeliverable
from gateway.model import (
    Attachment,
    Button,
    Card,
    Choice,
    ChoiceAction,
    Remove,
    Replace,
    SendKind,
)
from tests.fakes_telegram import FakeHost, QuickClock, attached, post, room
from tests.running import free_port
from tests.telegram_people import group
from tests.telegram_state import TOKEN, Chat, Fault

PNG = b"\x89PNG bytes"


def file(name: str = "a.txt", content: bytes = b"words", kind: str = "text/plain") -> Attachment:
    return Attachment(filename=name, content_type=kind, content=content, size=len(content))


async def test_markdown_arrives_formatted_and_the_key_is_given_back() -> None:
    async with room() as r:
        sent = await r.connector.send(post("**Hello** <b> & [here](https://shop.example)"))
        (message,) = r.telegram.sent(4242)
        assert message["text"] == "Hello <b> & here"
        assert [entity["type"] for entity in message["entities"]] == ["b", "a"]
        assert sent.external_ids == ("1",) and sent.keys == ("telegram:main/4242/1", "at:telegram/main/4242/")
        assert dict(r.telegram.calls)["sendMessage"]["link_preview_options"] == {"is_disabled": True}


async def test_an_agent_is_named_and_the_assistant_is_not() -> None:
    async with room() as r:
        await r.connector.send(post("It is **here**.", kind=SendKind.AGENT, author="Ana <b>"))
        await r.connector.send(post("It is there.", author="Fox"))
        first, second = r.telegram.sent(4242)
        assert first["text"] == "Ana <b>:\nIt is here." and second["text"] == "It is there."


async def test_typing_is_shown_before_an_answer_and_its_failure_is_none() -> None:
    async with room() as r:
        r.telegram.fail("sendChatAction", Fault(status=500, description="Internal"))
        await r.connector.send(post(kind=SendKind.ANSWER))
        assert r.telegram.methods()[-2:] == ["sendChatAction", "sendMessage"]
        await r.connector.send(post(kind=SendKind.AGENT))
        assert r.telegram.methods()[-2:] == ["sendMessage", "sendMessage"]


async def test_buttons_stand_below_the_last_part_of_a_long_text() -> None:
    buttons = (
        Button(label="Yes", choice=Choice(action=ChoiceAction.HELPED, ticket=100)),
        Button(label="No", choice=Choice(action=ChoiceAction.NOT_HELPED, ticket=100)),
        Button(label="Someone to talk to, please", choice=Choice(action=ChoiceAction.HUMAN, ticket=100)),
    )
    async with room() as r:
        sent = await r.connector.send(post("A sentence of a long text. " * 400, buttons=buttons))
        first, middle, last = r.telegram.sent(4242)
        assert "reply_markup" not in first and "reply_markup" not in middle
        rows = last["reply_markup"]["inline_keyboard"]
        assert [[button["text"] for button in row] for row in rows] == [
            ["Yes", "No"],
            ["Someone to talk to, please"],
        ]
        assert len(sent.external_ids) == 3
        assert all(message["text"].rstrip().endswith(".") for message in (first, middle, last))


@pytest.mark.parametrize("action", list(ChoiceAction))
@pytest.mark.parametrize("value", ["", "where-is-my-order", "č" * 20])
@pytest.mark.parametrize("user", [0, 4242, -1001234567890])
def test_a_choice_comes_back_as_it_went(action: ChoiceAction, value: str, user: int) -> None:
    choice = Choice(action=action, value=value, ticket=2**40)
    data = encode(choice, user)
    press = decode(data)
    assert press and (press.choice, press.user) == (choice, user)
    assert len(data.encode()) <= MAX_DATA


def test_a_name_too_long_for_a_button_travels_as_its_number() -> None:
    choice = Choice(action=ChoiceAction.ARTICLE, value="a" * 100, ticket=100)
    press = decode(encode(choice, 4242, 2))
    assert press and (press.number, press.user, press.choice) == ("2", 4242, None)
    assert encode(choice) == ""


@pytest.mark.parametrize("data", ["", "y", "z:1::", "y:1:2", "#:x::", "y:%:%:", ":" * 70])
def test_what_is_no_choice_of_ours_is_none(data: str) -> None:
    press = decode(data)
    assert press is None or press.choice == Choice(action=ChoiceAction.HELPED)


async def test_a_picture_is_a_photo_with_its_caption_and_other_files_are_documents() -> None:
    async with room() as r:
        await r.connector.send(post("**Look**", attachments=(file("a.png", PNG, "image/png"),)))
        await r.connector.send(post("Both", attachments=(file(), file("b.pdf", b"%PDF", "application/pdf"))))
        photo, text, first, second = r.telegram.sent(4242)
        assert photo["caption"] == "Look" and photo["stored"] == PNG
        assert text["text"] == "Both"
        assert (first["document"]["file_name"], second["document"]["file_name"]) == ("a.txt", "b.pdf")


async def test_a_text_too_long_for_a_caption_goes_before_the_file() -> None:
    async with room() as r:
        await r.connector.send(post("word " * (MAX_CAPTION // 4), attachments=(file(),)))
        text, document = r.telegram.sent(4242)
        assert text["text"].startswith("word") and "caption" not in document


async def test_a_picture_that_telegram_cannot_read_goes_as_a_document() -> None:
    async with room() as r:
        await r.connector.send(post("", attachments=(file("odd.png", b"no picture", "image/png"),)))
        (message,) = r.telegram.sent(4242)
        assert message["document"]["file_name"] == "odd.png"


async def test_files_come_from_the_core_and_one_that_is_gone_is_named() -> None:
    async with room() as r:
        r.host.files["abc"] = b"kept"
        kept = Attachment(filename="kept.txt", sha256="abc", size=4)
        gone = Attachment(filename="gone.txt", sha256="def", size=4)
        large = Attachment(filename="large.bin", content=b"0" * (MAX_FILE + 1))
        await r.connector.send(post("Here", attachments=(kept, gone, large)))
        (message,) = r.telegram.sent(4242)
        assert message["stored"] == b"kept"
        assert "gone.txt" in message["caption"] and "large.bin" in message["caption"]


async def test_text_that_telegram_cannot_parse_goes_plain_once() -> None:
    async with room() as r:
        wrong = Fault(status=400, description="Bad Request: can't parse entities: Unsupported start tag")
        r.telegram.fail("sendMessage", wrong)
        await r.connector.send(post("**Hello** [here](https://shop.example) & <you>"))
        (message,) = r.telegram.sent(4242)
        assert message["text"] == "Hello here (https://shop.example) & <you>" and "entities" not in message
        r.telegram.fail("sendMessage", wrong, wrong)
        with pytest.raises(Undeliverable):
            await r.connector.send(post("**Hello**"))


async def test_a_reply_in_a_group_answers_the_newest_message_of_the_leg() -> None:
    async with room() as r:
        shoppers = group(r.telegram)
        asked = r.mia.says("question", shoppers)
        references = ("telegram:main/-500/9", f"telegram:main/-500/{asked['message_id']}", "subj:DG-100")
        await r.connector.send(post(conversation="-500:4242", references=references))
        (message,) = r.telegram.sent(-500)
        assert message["reply_to_message"]["message_id"] == asked["message_id"]
        (row,) = message["reply_markup"]["inline_keyboard"]
        assert re.fullmatch(r"https://t\.me/fox_desk_bot\?start=[A-Za-z0-9_-]{1,64}", row[0]["url"])
        await r.connector.send(post(conversation="-500:4242", kind=SendKind.AGENT))
        assert "reply_markup" not in r.telegram.sent(-500)[1]


async def test_a_topic_is_kept_and_one_that_is_deleted_leaves_the_general_one() -> None:
    async with room() as r:
        forum = group(r.telegram, -1001, "supergroup", topics={8})
        await r.connector.send(post(conversation="-1001:4242", thread="8"))
        forum.topics.clear()
        await r.connector.send(post(conversation="-1001:4242", thread="8"))
        first, second = r.telegram.sent(-1001)
        assert first["message_thread_id"] == 8 and "message_thread_id" not in second


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        (Fault(status=403, description="Forbidden: bot was blocked by the user"), Undeliverable, "blocked"),
        (Fault(status=403, description="Forbidden: user is deactivated"), Undeliverable, "deactivated"),
        (Fault(status=403, description="Forbidden: bot was kicked from the group chat"), Undeliverable, "kicked"),
        (Fault(status=403, description="Forbidden: something new"), Undeliverable, "forbidden"),
        (Fault(status=400, description="Bad Request: chat not found"), Undeliverable, "no-chat"),
        (Fault(status=400, description="Bad Request: BUTTON_DATA_INVALID"), Undeliverable, "refused"),
        (Fault(status=401, description="Unauthorized"), Undeliverable, "unauthorized"),
        (Fault(status=500, description="Internal Server Error"), Retryable, "could not be reached or failed"),
        (Fault(status=502, body="<html>Bad Gateway</html>"), Retryable, "could not be reached or failed"),
        (Fault(status=200, body="<html>a proxy</html>"), Retryable, "could not be reached or failed"),
        (Fault(status=409, description="Conflict: nobody knows"), Retryable, "could not be reached or failed"),
        (Fault(cut=True), Uncertain, "fell silent"),
    ],
)  # fmt: skip
async def test_a_refusal_is_told_in_our_words(fault: Fault, error: type[Exception], reason: str) -> None:
    async with room() as r:
        r.telegram.fail("sendMessage", fault)
        with pytest.raises(error) as caught:
            await r.connector.send(post())
        said = caught.value
        assert reason in (said.reason if isinstance(said, Undeliverable | Retryable) else str(said))
        assert not isinstance(said, Undeliverable) or said.detail.endswith(".")


@pytest.mark.parametrize(
    ("cause", "harmless", "expected"),
    [
        (httpx.ReadTimeout("slow"), False, Uncertain),
        (httpx.ReadTimeout("slow"), True, Retryable),
        (httpx.WriteTimeout("slow"), False, Uncertain),
        (httpx.ConnectTimeout("nobody"), False, Retryable),
        (httpx.PoolTimeout("busy"), False, Retryable),
        (None, False, Uncertain),
    ],
)
def test_silence_is_uncertain_only_when_something_may_have_left(
    cause: Exception | None, harmless: bool, expected: type[Exception]
) -> None:
    error = TimedOut()
    error.__cause__ = cause
    assert isinstance(failure(error, post().address, harmless=harmless), expected)


async def test_a_limit_holds_back_this_chat_for_as_long_as_telegram_says() -> None:
    async with room() as r:
        limit = Fault(
            status=429, description="Too Many Requests: retry after 17", parameters={"retry_after": 17}
        )
        r.telegram.fail("sendMessage", limit)
        with pytest.raises(Retryable) as caught:
            await r.connector.send(post())
        assert (caught.value.after, caught.value.bucket) == (17.0, "telegram/main/4242")
        await r.connector.send(post())
        assert len(r.telegram.sent(4242)) == 1


async def test_what_has_left_of_a_long_message_is_not_sent_again() -> None:
    async with room() as r:
        long = post("A sentence of a long text. " * 400, id=7)
        limit = Fault(status=429, description="Too Many Requests", parameters={"retry_after": 3})
        r.telegram.fail("sendMessage", Fault(after_work=True), limit)
        with pytest.raises(Retryable):
            await r.connector.send(long)
        assert len(r.telegram.sent(4242)) == 1
        sent = await r.connector.send(long)
        assert sent.external_ids == ("1", "2", "3") and len(r.telegram.sent(4242)) == 3


async def test_an_unreachable_service_is_tried_later() -> None:
    async with attached(FakeHost(), {"bot_token": TOKEN, "api_url": f"http://127.0.0.1:{free_port()}"}) as (
        there,
        _,
    ):
        with pytest.raises(Retryable, match="could not be reached"):
            await there.send(post())


async def test_taking_back_twice_is_once_and_what_telegram_keeps_is_said() -> None:
    async with room() as r:
        sent = await r.connector.send(post())
        gone = Remove(address=post().address, ticket=100, external_id=sent.external_ids[0])
        for _ in range(2):
            assert (await r.connector.send(gone)).external_ids == sent.external_ids
        assert not r.telegram.sent(4242)
        r.telegram.fail(
            "deleteMessage", Fault(status=400, description="Bad Request: message can't be deleted")
        )
        with pytest.raises(Undeliverable):
            await r.connector.send(gone)


@pytest.mark.parametrize("conversation", ["", "x", "-500:x"])
async def test_an_address_that_is_no_chat_is_refused(conversation: str) -> None:
    async with room() as r:
        with pytest.raises(Undeliverable):
            await r.connector.send(post(conversation=conversation))


async def test_cards_and_empty_messages_are_refused() -> None:
    card = Card(ticket=1, reference="DG-1", title="t", requester="r")
    async with room() as r:
        for outgoing in (
            msgspec.structs.replace(post(), card=card),
            Replace(address=post().address, ticket=1, card=card),
            post("  "),
        ):
            with pytest.raises(Undeliverable):
                await r.connector.send(outgoing)


async def test_a_chat_is_not_flooded() -> None:
    async with room() as r:
        before = r.host.quick.slept
        for _ in range(6):
            await r.connector.send(post())
        assert 1.9 <= r.host.quick.slept - before <= 3.1, "three at once, then one a second"


async def test_a_long_wait_is_left_to_the_outbox() -> None:
    clock = QuickClock()
    pace = Pace(clock)
    still = clock.at
    for _ in range(5):
        await pace.turn(-500, "telegram/main/-500:4242")
        clock.at = still
    await pace.turn(-500, "telegram/main/-500:4242")
    clock.at = still
    with pytest.raises(Retryable) as caught:
        await pace.turn(-500, "telegram/main/-500:4242")
    assert caught.value.bucket == "telegram/main/-500:4242" and caught.value.after == pytest.approx(6.0)
    await pace.turn(4242, "telegram/main/4242")


async def test_neither_token_nor_words_reach_a_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with room() as r:
            r.telegram.chats[77] = Chat(id=77)
            await r.connector.send(post("a secret matter"))
            for fault in (
                Fault(status=400, description="Bad Request"),
                Fault(status=502, body="<p>"),
                Fault(cut=True),
            ):
                r.telegram.fail("sendMessage", fault)
                with pytest.raises((Undeliverable, Retryable, Uncertain)) as caught:
                    await r.connector.send(post("a secret matter"))
                assert TOKEN not in str(caught.value)
            r.mia.sends("document", b"x", file_name="a.txt")
            await r.call(r.telegram.updates[-1])
    said = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("tests"))
    assert TOKEN not in said and TOKEN.partition(":")[2] not in said and "secret matter" not in said
