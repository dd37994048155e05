"""The parts of Telegram's updates that we read, checked by type; fields we do not use are not looked at.

Source: core.telegram.org/bots/api#getting-updates and #available-types.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec

from gateway.errors import InvalidPayload

#: Ids have at most 52 significant bits (core.telegram.org/bots/api#chat).
Id = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
Text = Annotated[str, msgspec.Meta(max_length=100_000)]


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """Read from Telegram; unknown fields are skipped."""


class Numbered(Read, frozen=True, kw_only=True):
    """The least that says who somebody is."""

    id: Id


class Place(Read, frozen=True, kw_only=True):
    """The least that says where something was said."""

    id: Id
    type: str


class User(Read, frozen=True, kw_only=True):
    id: Id
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language_code: str = ""


class Chat(Read, frozen=True, kw_only=True):
    id: Id
    type: str
    title: str = ""
    username: str = ""

    @property
    def private(self) -> bool:
        return self.type == "private"


class Entity(Read, frozen=True, kw_only=True):
    """A stretch of a text; `offset` and `length` count UTF-16 code units."""

    type: str
    offset: int
    length: int
    url: str = ""
    language: str = ""
    user: User | None = None


class File(Read, frozen=True, kw_only=True):
    """Document, voice, video, audio, animation, video note, sticker or one size of a photo."""

    file_id: str
    file_size: int = 0
    file_name: str = ""
    mime_type: str = ""
    width: int = 0
    height: int = 0
    is_animated: bool = False
    is_video: bool = False


class Contact(Read, frozen=True, kw_only=True):
    phone_number: str
    first_name: str = ""
    last_name: str = ""


class Location(Read, frozen=True, kw_only=True):
    latitude: float
    longitude: float


class Venue(Read, frozen=True, kw_only=True):
    title: str = ""
    address: str = ""


class Below(Read, frozen=True, kw_only=True):
    """The message that another one replies to."""

    message_id: Id
    sender: User | None = msgspec.field(default=None, name="from")
    is_topic_start: dict[str, Any] | None = msgspec.field(default=None, name="forum_topic_created")


class Pressable(Read, frozen=True, kw_only=True):
    text: str = ""
    callback_data: str = ""


class Keyboard(Read, frozen=True, kw_only=True):
    inline_keyboard: list[list[Pressable]] = []


class Message(Read, frozen=True, kw_only=True):
    """A message, or what is left of one that cannot be read any more (InaccessibleMessage)."""

    message_id: Id
    chat: Chat
    date: int = 0
    edit_date: int = 0
    sender: User | None = msgspec.field(default=None, name="from")
    sender_chat: Chat | None = None
    message_thread_id: Id = 0
    is_topic_message: bool = False
    is_automatic_forward: bool = False
    media_group_id: str = ""
    reply_to_message: Below | None = None
    text: Text = ""
    entities: list[Entity] = []
    caption: Text = ""
    caption_entities: list[Entity] = []
    photo: list[File] = []
    document: File | None = None
    voice: File | None = None
    video: File | None = None
    audio: File | None = None
    animation: File | None = None
    video_note: File | None = None
    sticker: File | None = None
    contact: Contact | None = None
    location: Location | None = None
    venue: Venue | None = None
    migrate_to_chat_id: Id = 0
    migrate_from_chat_id: Id = 0
    reply_markup: Keyboard | None = None


class Callback(Read, frozen=True, kw_only=True):
    """A press on a button below a message of ours."""

    id: str
    sender: User = msgspec.field(name="from")
    message: Message | None = None
    data: str = ""


class Update(Read, frozen=True, kw_only=True):
    """One update; its content is read on its own, so that what we do not know costs nothing."""

    update_id: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    message: dict[str, Any] | None = None
    edited_message: dict[str, Any] | None = None
    callback_query: dict[str, Any] | None = None


T = TypeVar("T", bound=Read)


def read(payload: Any, kind: type[T]) -> T:
    """The payload as this type. Raises InvalidPayload that names the field."""
    try:
        return msgspec.convert(payload, kind)
    except (msgspec.ValidationError, RecursionError, OverflowError, UnicodeError) as error:
        raise InvalidPayload(f"{kind.__name__}: {error}") from error


def read_json(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises InvalidPayload."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise InvalidPayload("the body is no JSON") from error
    if not isinstance(value, dict):
        raise InvalidPayload("the body is no JSON object")
    return value
