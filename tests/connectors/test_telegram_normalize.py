"""Each documented update, and anything that may become of it: read right, or turned away."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.telegram.buttons import start_word
from connectors.telegram.normalize import Bot, migration, moment, normalize
from gateway.errors import InvalidPayload
from gateway.model import Attachment, Choice, ChoiceAction, Edit, Message

FOLDER = Path(__file__).parent / "fixtures" / "telegram"
FIXTURES = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FOX = Bot(account="main", id=700100, username="fox_desk_bot", key=b"k" * 32)

#: What each fixture says, as (text, conversation, private); the others say nothing to us.
SAID: dict[str, tuple[str, str, bool]] = {
    "message__private_text": ("Where is my order? 🙂\nIt is late.", "4242", True),
    "message__formatted": ("🙂 **bold** and a [link](https://shop.example/a)", "4242", True),
    "message__marks_typed": (r"my\_order \*is\* \[late\](x) \<b\>", "4242", True),
    "message__start": ("Živjo", "4242", True),
    "message__start_with_word": ("Živjo", "4242", True),
    "message__help": ("Živjo", "4242", True),
    "message__human": ("", "4242", True),
    "message__human_with_words": ("my parcel is broken", "4242", True),
    "message__other_command": ("/order 12", "4242", True),
    "message__photo": ("broken", "4242", True),
    "message__document": ("", "4242", True),
    "message__document_large": ("", "4242", True),
    "message__voice": ("", "4242", True),
    "message__video": ("look", "4242", True),
    "message__video_note": ("", "4242", True),
    "message__animation": ("", "4242", True),
    "message__sticker": ("", "4242", True),
    "message__album_part": ("", "4242", True),
    "message__contact": ("Mia, +38640111222", "4242", True),
    "message__location": ("46.050000, 14.500000", "4242", True),
    "message__venue": ("Shop, Main 1 (46.050000, 14.500000)", "4242", True),
    "message__poll": ("", "4242", True),
    "message__story": ("", "4242", True),
    "message__forwarded": ("see this", "4242", True),
    "message__reply_to_bot": ("no", "4242", True),
    "message__private_topic": ("hello", "4242", True),
    "message__group_mention": ("where is my order?", "-500:4242", False),
    "message__group_mention_inside": ("please  help", "-500:4242", False),
    "message__group_text_mention": (", help", "-500:4242", False),
    "message__group_reply_to_bot": ("no", "-500:4242", False),
    "message__group_command": ("now", "-500:4242", False),
    "message__group_caption_mention": ("broken", "-500:4242", False),
    "message__group_another_bot": ("hi", "-500:77", False),
    "message__topic_mention": ("help", "-1001234567890:4242", False),
    "message__reply_thread": ("help", "-1001234567890:4242", False),
    "message__anonymous_admin": ("hi", "-500:-500", False),
    "callback_query__not_helped": ("Ne", "4242", True),
    "callback_query__article": ("", "4242", True),
    "callback_query__number": ("2", "4242", True),
    "callback_query__group_own": ("", "-500:4242", False),
    "callback_query__inaccessible": ("", "4242", True),
    "callback_query__without_message": ("", "4242", True),
}
EDITED = {"edited_message__text": "order 21", "edited_message__caption": "order 21"}


def heard(name: str, bot: Bot = FOX) -> Message:
    (message,) = normalize(FIXTURES[name], NOW, bot)
    assert isinstance(message, Message)
    return message


def test_every_fixture_says_where_it_is_from() -> None:
    assert len(FIXTURES) > 55
    assert all("core.telegram.org/bots/api#" in payload["_source"] for payload in FIXTURES.values())
    assert set(SAID) | set(EDITED) <= set(FIXTURES)


@pytest.mark.parametrize("name", FIXTURES)
def test_an_update_becomes_what_it_says_or_nothing(name: str) -> None:
    found = normalize(FIXTURES[name], NOW, FOX)
    assert len(found) == (name in SAID or name in EDITED)
    for each in found:
        assert (each.connector, each.account) == ("telegram", "main")
        assert each.delivery_key == str(FIXTURES[name]["update_id"])
        if isinstance(each, Message):
            assert (each.text, each.address.conversation, each.private) == SAID[name]
            assert each.sender.verified and each.sender.value


@pytest.mark.parametrize("name", EDITED)
def test_an_edit_is_a_version_of_the_same_message(name: str) -> None:
    (edit,) = normalize(FIXTURES[name], NOW, FOX)
    assert isinstance(edit, Edit)
    assert (edit.text, edit.version, edit.message_key) == (
        EDITED[name],
        "1772442060",
        "telegram:main/4242/31",
    )
    assert edit.stream == heard("message__private_text").stream


def test_a_person_has_a_name_and_a_language() -> None:
    message = heard("message__private_text")
    assert (message.sender.key, message.sender.name) == ("telegram:4242", "Mia Novak")
    assert (message.language, message.message_key, message.version) == ("sl", "telegram:main/4242/31", "0")
    assert message.at == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_a_topic_is_the_thread_and_a_chain_of_replies_is_none() -> None:
    assert heard("message__topic_mention").address.thread == "8"
    assert heard("message__private_topic").address.thread == "5"
    assert heard("message__reply_thread").address.thread == ""


def test_a_reply_names_what_it_answers() -> None:
    assert heard("message__reply_to_bot").refers_to == ("telegram:main/4242/30",)
    assert heard("callback_query__not_helped").refers_to == ("telegram:main/4242/30",)


def test_another_bot_is_a_machine_and_an_anonymous_admin_is_none() -> None:
    assert heard("message__group_another_bot").automatic == "bot"
    assert heard("message__anonymous_admin").automatic == ""
    assert heard("message__anonymous_admin").sender.name == "Shoppers"


def test_groups_can_be_left_out() -> None:
    deaf = Bot(account="main", id=700100, username="fox_desk_bot", groups=False)
    assert normalize(FIXTURES["message__group_mention"], NOW, deaf) == []


def test_the_parts_of_an_album_follow_its_first_in_a_group() -> None:
    payload = json.loads(json.dumps(FIXTURES["message__album_part"]))
    payload["message"]["chat"] = FIXTURES["message__group_talk"]["message"]["chat"]
    assert normalize(payload, NOW, FOX) == []
    followed = Bot(account="main", id=700100, albums=frozenset({"13500000000000001"}))
    assert len(normalize(payload, NOW, followed)) == 1


def test_a_supergroup_keeps_the_address_of_the_group_it_was() -> None:
    moved = Bot(account="main", id=700100, username="fox_desk_bot", homes={-1001234567890: -500})
    message = heard("message__reply_thread", moved)
    assert message.address.conversation == "-500:4242"
    assert message.message_key == "telegram:main/-1001234567890/31", "ids of messages begin anew there"


@pytest.mark.parametrize(
    ("name", "moved"),
    [
        ("message__migrate_to", (-500, -1001234567890)),
        ("message__migrate_from", (-500, -1001234567890)),
        ("message__private_text", None),
        ("my_chat_member__blocked", None),
    ],
)
def test_a_move_is_recognised_from_both_sides(name: str, moved: tuple[int, int] | None) -> None:
    assert migration(FIXTURES[name]) == moved


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("name", "file", "kind", "size"),
    [
        ("message__photo", "photo-31.jpg", "image/jpeg", 12800),
        ("message__document", "_in_voice.pdf", "application/pdf", 4821),
        ("message__document_large", "film.mov", "application/octet-stream", 2_500_000_000),
        ("message__voice", "voice.ogg", "audio/ogg", 900),
        ("message__video", "video.mp4", "video/mp4", 900),
        ("message__video_note", "video-note.mp4", "video/mp4", 0),
        ("message__animation", "giphy.mp4", "video/mp4", 0),
        ("message__sticker", "sticker.tgs", "application/x-tgsticker", 30000),
    ],
)
def test_a_file_is_listed_once_with_what_telegram_says(name: str, file: str, kind: str, size: int) -> None:
    (attachment,) = heard(name).attachments
    assert (attachment.filename, attachment.content_type, attachment.size) == (file, kind, size)
    assert attachment.skipped == "left in Telegram"


def test_a_sticker_is_a_picture_beside_the_talk_and_no_text() -> None:
    message = heard("message__sticker")
    (sticker,) = message.attachments
    assert sticker.inline and message.text == ""


def test_what_cannot_be_shown_goes_to_people() -> None:
    assert "poll" in heard("message__poll").unreadable
    assert "story" in heard("message__story").unreadable


# ---------------------------------------------------------------- commands and buttons


def test_human_asks_for_a_person_with_or_without_words() -> None:
    for name in ("message__human", "message__human_with_words", "message__group_command"):
        assert heard(name).choice == Choice(action=ChoiceAction.HUMAN)


def test_start_and_help_are_a_greeting_and_say_what_was_typed() -> None:
    assert heard("message__start").full_text == "/start"
    assert heard("message__help").full_text == "/help"


def started(word: str, user: int = 4242) -> Message:
    payload = json.loads(json.dumps(FIXTURES["message__start_with_word"]))
    payload["message"]["text"] = f"/start {word}"
    payload["message"]["from"]["id"] = user
    (message,) = normalize(payload, NOW, FOX)
    assert isinstance(message, Message)
    return message


def test_the_link_of_a_group_continues_the_ticket_for_its_owner_only() -> None:
    word = start_word(FOX.key, 100, 4242)
    assert started(word).refers_to == ("subj:DG-100",)
    assert started(word).choice == Choice(action=ChoiceAction.HUMAN, ticket=100)
    for wrong in (
        started(word, user=77),
        started(word[:-1] + "x"),
        started(start_word(b"o" * 32, 100, 4242)),
    ):
        assert (wrong.refers_to, wrong.choice, wrong.text) == ((), None, "Živjo")


def test_a_press_is_the_choice_and_its_label() -> None:
    pressed = heard("callback_query__not_helped")
    assert pressed.choice == Choice(action=ChoiceAction.NOT_HELPED, ticket=100)
    assert pressed.at == NOW and pressed.message_key == "telegram:main/4242/30/pressed/4242"
    assert heard("callback_query__article").choice == Choice(
        action=ChoiceAction.ARTICLE, value="where-is-my-order", ticket=100
    )
    assert heard("callback_query__number").choice is None


# ---------------------------------------------------------------- what is not as documented


def test_a_private_message_that_is_broken_goes_to_people() -> None:
    payload = json.loads(json.dumps(FIXTURES["message__photo"]))
    payload["message"]["photo"] = "none"
    (message,) = normalize(payload, NOW, FOX)
    assert isinstance(message, Message) and message.unreadable and message.address.conversation == "4242"


@pytest.mark.parametrize("date", [0, -5, 10**15, 2**62])
def test_a_time_that_is_none_is_now(date: int) -> None:
    assert moment(date, NOW) == NOW


def test_a_message_of_this_second_is_not_before_what_we_said_in_it() -> None:
    second = datetime(2026, 3, 2, 8, 59, 58, tzinfo=UTC)
    assert second < moment(int(second.timestamp()), NOW) < second + timedelta(seconds=1)
    assert moment(int(NOW.timestamp()), NOW) == NOW


junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from(["", "\u0000", "٤٢", "\ud800", "9" * 400, "../../x", "y:2s::", "/start@", 10**15, -1]),
    st.lists(st.none(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.none(), max_size=2),
)


def walk(value: Any) -> list[tuple[Any, Any]]:
    keys = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    return [place for key in keys for place in [(value, key), *walk(value[key])]]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A fixture with one to three of its values replaced, dropped or doubled."""
    payload = json.loads(json.dumps(FIXTURES[draw(st.sampled_from(sorted(FIXTURES)))]))
    for _ in range(draw(st.integers(1, 3))):
        if not (places := walk(payload)):
            break
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        match draw(st.sampled_from(["replace", "replace", "drop", "wrap"])):
            case "replace":
                holder[key] = draw(junk)
            case "drop":
                del holder[key]
            case _:
                holder[key] = [holder[key], holder[key]]
    return dict(payload)


@settings(max_examples=400, deadline=None)
@given(mutated())
def test_no_payload_is_anything_but_read_or_refused(payload: dict[str, Any]) -> None:
    migration(payload)
    try:
        found = normalize(payload, NOW, FOX)
    except InvalidPayload:
        return
    for each in found:
        files: tuple[Attachment, ...] = getattr(each, "attachments", ())
        assert each.delivery_key and each.stream and all("/" not in file.filename for file in files)
