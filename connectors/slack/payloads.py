"""The parts of Slack's payloads that we read, checked by type; fields we do not use are not looked at.

Source: docs.slack.dev/apis/events-api, docs.slack.dev/reference/events/message,
docs.slack.dev/reference/interaction-payloads/block_actions-payload and …/view-interactions-payload.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec

from gateway.errors import InvalidPayload

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Timestamp = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,11}\.[0-9]{1,6}$")]


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """Read from Slack; unknown fields are skipped."""


# ---------------------------------------------------------------- events


class Envelope(Read, frozen=True, kw_only=True):
    """The outermost fields of everything that Slack posts."""

    type: str
    challenge: str | None = None


class Authorization(Read, frozen=True, kw_only=True):
    """Whom an event was delivered for: our bot user in a workspace."""

    team_id: str | None = None
    enterprise_id: str | None = None
    user_id: str | None = None
    is_bot: bool | None = None


class AnyEvent(Read, frozen=True, kw_only=True):
    """An event whose type is still to be looked at."""

    event: dict[str, Any]


class EventCallback(Read, frozen=True, kw_only=True):
    """The envelope of an event that we use; `event` is read on its own."""

    event_id: Key
    event: dict[str, Any]
    team_id: str | None = None
    authorizations: tuple[Authorization, ...] | None = None


class File(Read, frozen=True, kw_only=True):
    """A file shared in a message (docs.slack.dev/reference/objects/file-object); sometimes only its id."""

    id: str = ""
    name: str | None = None
    mimetype: str | None = None
    size: int | None = None
    url_private: str | None = None
    mode: str | None = None
    file_access: str | None = None


class Edited(Read, frozen=True, kw_only=True):
    """Who changed a message last, and when."""

    ts: Timestamp
    user: str | None = None


class MessageEvent(Read, frozen=True, kw_only=True):
    """A message in a place that the app is a member of."""

    channel: Key
    ts: Timestamp
    thread_ts: Timestamp | None = None
    channel_type: str | None = None
    subtype: str | None = None
    user: str | None = None
    bot_id: str | None = None
    team: str | None = None
    user_team: str | None = None
    parent_user_id: str | None = None
    text: str | None = None
    blocks: Any = None  #: whatever it is, `text` says the same in words
    files: tuple[File, ...] | None = None
    edited: Edited | None = None


class MessageChange(Read, frozen=True, kw_only=True):
    """message_changed and message_deleted (docs.slack.dev/reference/events/message/message_changed).

    The inner messages are read on their own: what bots change is often not worth reading.
    """

    channel: Key
    ts: Timestamp
    channel_type: str | None = None
    message: dict[str, Any] | None = None
    previous_message: dict[str, Any] | None = None


# ---------------------------------------------------------------- interactions


class Presser(Read, frozen=True, kw_only=True):
    """The person who pressed or submitted."""

    id: Key
    team_id: str | None = None
    name: str | None = None


class Team(Read, frozen=True, kw_only=True):
    id: Key


class Place(Read, frozen=True, kw_only=True):
    id: Key


class Container(Read, frozen=True, kw_only=True):
    """Where the button stood."""

    message_ts: str | None = None
    thread_ts: str | None = None
    channel_id: str | None = None
    is_ephemeral: bool = False


class Chosen(Read, frozen=True, kw_only=True):
    """One option of a menu."""

    value: Annotated[str, msgspec.Meta(max_length=150)]


class Pressed(Read, frozen=True, kw_only=True):
    """One button or menu and what it carried."""

    action_id: Key
    type: str = "button"
    block_id: str = ""
    value: str | None = None
    selected_option: Chosen | None = None
    action_ts: str = ""


class Entered(Read, frozen=True, kw_only=True):
    """What a person entered in one input of a form."""

    type: str = ""
    value: str | None = None
    selected_option: Chosen | None = None
    selected_date_time: int | None = None
    files: tuple[File, ...] | None = None
    selected_options: tuple[Chosen, ...] | None = None


class State(Read, frozen=True, kw_only=True):
    values: dict[str, dict[str, Entered]] = {}


class Form(Read, frozen=True, kw_only=True):
    """A view as Slack sends it back."""

    id: Key
    type: str = "modal"
    callback_id: str = ""
    private_metadata: str = ""
    hash: str = ""
    state: State | None = None


class BlockActions(Read, frozen=True, kw_only=True, tag_field="type", tag="block_actions"):
    """A button was pressed, on a message or in a form."""

    user: Presser
    actions: Annotated[tuple[Pressed, ...], msgspec.Meta(min_length=1)]
    trigger_id: str = ""
    response_url: str = ""
    team: Team | None = None
    channel: Place | None = None
    container: Container | None = None
    view: Form | None = None
    message: dict[str, Any] | None = None  #: what the button stood below, as Slack shows it


class ViewSubmission(Read, frozen=True, kw_only=True, tag_field="type", tag="view_submission"):
    """A form was sent."""

    user: Presser
    view: Form
    team: Team | None = None


class MessageAction(Read, frozen=True, kw_only=True, tag_field="type", tag="message_action"):
    """A shortcut in the menu of a message.

    Source: docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload.
    """

    user: Presser
    callback_id: Key
    message: dict[str, Any]
    message_ts: str = ""
    trigger_id: str = ""
    action_ts: str = ""
    response_url: str = ""
    team: Team | None = None
    channel: Place | None = None


class GlobalShortcut(Read, frozen=True, kw_only=True, tag_field="type", tag="shortcut"):
    """A shortcut in the menu beside the message field; it belongs to no message."""

    user: Presser
    callback_id: Key
    trigger_id: str = ""
    action_ts: str = ""
    team: Team | None = None


Interaction = BlockActions | ViewSubmission | MessageAction | GlobalShortcut
KINDS = ("block_actions", "view_submission", "message_action", "shortcut")


class SlashCommand(Read, frozen=True, kw_only=True):
    """A command that somebody typed (docs.slack.dev/interactivity/implementing-slash-commands)."""

    command: Key
    text: str = ""
    user_id: Key
    user_name: str = ""
    team_id: str = ""
    channel_id: str = ""
    trigger_id: str = ""
    response_url: str = ""


T = TypeVar("T")


def read(payload: object, kind: type[T]) -> T:
    """This payload as `kind`. Raises InvalidPayload, naming the field but not its content."""
    try:
        return msgspec.convert(payload, kind)
    except msgspec.ValidationError as error:
        raise InvalidPayload(f"Slack's payload is not what it documents: {error}") from error


def read_json(body: bytes | str) -> dict[str, Any]:
    """A JSON object. Raises InvalidPayload."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidPayload(f"the body is no JSON object: {type(error).__name__}") from error


def read_interaction(payload: dict[str, Any]) -> Interaction | None:
    """A pressed button, a sent form or a shortcut, None for kinds that we offer nothing for. Raises InvalidPayload."""
    if read(payload, Envelope).type not in KINDS:
        return None
    interaction: Interaction = read(payload, Interaction)  # type: ignore[arg-type]  # a union is no type[T] to mypy
    is_form = not isinstance(interaction, ViewSubmission) or interaction.view.type == "modal"
    return interaction if is_form else None
