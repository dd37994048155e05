"""Slack's events into inputs: what customers say, change and take back, and agents' notes below a card. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from connectors.slack.payloads import (
    AnyEvent,
    Authorization,
    EventCallback,
    File,
    MessageChange,
    MessageEvent,
    read,
)
from connectors.slack.places import NAME, Place, Workspace, in_thread, is_direct, place_of, without_us
from gateway.model import Address, AgentAction, Attachment, Deletion, Edit, Identity, Message, Side, Verb
from gateway.text.markup import from_mrkdwn, from_rich_text

#: Subtypes that are still a person's own new words; every other one (joins, edits, bots, topics) is not.
#: Source: docs.slack.dev/reference/events/message, "Message subtypes".
SPOKEN = frozenset({"", "file_share", "thread_broadcast", "me_message"})
#: What stands where a message with answers below it was taken back.
TOMBSTONE = "tombstone"

Heard = AgentAction | Message | Edit | Deletion


def normalize(
    payload: Mapping[str, Any], now: datetime, workspace: Workspace, side: Side | None = None
) -> list[Heard]:
    """The input in one event_callback, none for everything that is no business of ours.

    `side`: whose thread the message stands in, as `thread_of` asks. A note's `ticket` is 0: the core finds it by
    the thread. `now` is used where the event names no time. Raises InvalidPayload when a field we need has
    another type than documented.
    """
    event = read(payload, AnyEvent).event
    subtype = str(event.get("subtype") or "")
    if event.get("type") == "message" and subtype in ("message_changed", "message_deleted"):
        return _changed(read(payload, EventCallback), read(event, MessageChange), now, workspace)
    if event.get("type") not in ("message", "app_mention") or subtype not in SPOKEN:
        return []
    envelope, said = read(payload, EventCallback), read(event, MessageEvent)
    workspace = _settled(workspace, envelope)
    if not _by_person(said, workspace) or not _has_content(said):
        return []
    place = place_of(said, workspace, called=event["type"] == "app_mention")
    if side is Side.AGENT or place is Place.QUEUE:
        # A mention comes as a message too, and that one says whose message is above.
        below = event["type"] == "message" and _below_ours(said, workspace)
        return [_note(envelope, said, now, workspace)] if below else []
    ours = place in (Place.DIRECT, Place.CALLED, Place.SUPPORT) or side is Side.REQUESTER
    return [_message(envelope, said, now, workspace)] if ours else []


def thread_of(payload: Mapping[str, Any], workspace: Workspace) -> Address | None:
    """The thread that the core must be asked about before `normalize`, None where the place says enough.

    Raises InvalidPayload as `normalize` does.
    """
    event = read(payload, AnyEvent).event
    if event.get("type") not in ("message", "app_mention") or str(event.get("subtype") or "") not in SPOKEN:
        return None
    if not event.get("thread_ts"):
        return None
    said = read(event, MessageEvent)
    if not in_thread(said) or said.channel in workspace.queues or is_direct(said.channel, said.channel_type):
        return None
    return workspace.address(said.channel, said.thread_ts or "")


def note_event(payload: Mapping[str, Any]) -> MessageEvent:
    """The message behind a note or a customer's message that `normalize` made."""
    return read(read(payload, AnyEvent).event, MessageEvent)


def listed(file: File) -> Attachment:
    """A file by its name only; `skipped` is filled in by whoever tries to fetch it."""
    return Attachment(
        filename=(file.name or "file")[:255],
        content_type=file.mimetype or "application/octet-stream",
        size=max(0, file.size or 0),
        skipped="left in Slack",
    )


def words(said: MessageEvent, bot_user: str = "") -> str:
    """What was said, as Markdown and without our own name."""
    rich = from_rich_text(said.blocks, without=bot_user)
    plain = from_mrkdwn(without_us(said.text or "", bot_user)).strip()
    if rich is None or 2 * _letters(rich) < _letters(plain):
        return plain  # no blocks, or blocks that leave things out
    return re.sub(r"^[ \t]*[,:](?=\s)", "", rich).strip()


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def moment(ts: str, now: datetime) -> datetime:
    """The time in a Slack message id ("1700000000.000100"), `now` for none."""
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (ValueError, OverflowError):
        return now


# ---------------------------------------------------------------- what was said


def _message(envelope: EventCallback, said: MessageEvent, now: datetime, workspace: Workspace) -> Message:
    user = said.user or ""
    refers_to, known_as = references(said, user, workspace)
    return Message(
        connector=NAME,
        account=workspace.account,
        # The message and not the event: a mention comes as two events, and history has none.
        delivery_key=f"{said.channel}/{said.ts}",
        at=moment(said.ts, now),
        address=address_of(said, workspace),
        sender=Identity(kind=NAME, value=f"{author_team(envelope, said)}:{user}", verified=True),
        text=words(said, workspace.bot_user),
        attachments=tuple(listed(file) for file in said.files or ()),
        message_key=workspace.key(said.channel, said.ts),
        version=said.edited.ts if said.edited else "",
        refers_to=refers_to,
        known_as=known_as,
        private=is_direct(said.channel, said.channel_type),
    )


def address_of(said: MessageEvent, workspace: Workspace) -> Address:
    """Where an answer goes: flat in a direct conversation, below the message in a channel."""
    thread = said.thread_ts or "" if in_thread(said) else ""
    if not thread and not is_direct(said.channel, said.channel_type):
        thread = said.ts
    return workspace.address(said.channel, thread)


def references(
    said: MessageEvent, user: str, workspace: Workspace
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys of earlier messages that this one continues, and keys by which later ones continue it."""
    above = (workspace.key(said.channel, said.thread_ts or ""),) if in_thread(said) else ()
    if is_direct(said.channel, said.channel_type):
        flat = (workspace.flat(said.channel),)
        return (*above, *flat), () if above else flat
    if above:
        return above, ()
    near = workspace.near(said.channel, user, said.ts)
    return near, near[:1]


def _note(envelope: EventCallback, said: MessageEvent, now: datetime, workspace: Workspace) -> AgentAction:
    return AgentAction(
        connector=NAME,
        account=workspace.account,
        delivery_key=f"{said.channel}/{said.ts}",
        at=moment(said.ts, now),
        actor=Identity(kind=NAME, value=f"{author_team(envelope, said)}:{said.user}"),
        verb=Verb.NOTE,
        address=workspace.address(said.channel, said.thread_ts or ""),
        text=words(said),
        attachments=tuple(listed(file) for file in said.files or ()),
    )


# ---------------------------------------------------------------- what was changed


def _changed(
    envelope: EventCallback, change: MessageChange, now: datetime, workspace: Workspace
) -> list[Heard]:
    """An edit or a deletion of a person's own message outside the queues' channels."""
    workspace = _settled(workspace, envelope)
    if change.channel in workspace.queues or not change.previous_message:
        return []
    place = {"channel": change.channel, "channel_type": change.channel_type}
    before = read({**change.previous_message, **place}, MessageEvent)
    if not _by_person(before, workspace):
        return []
    shared = _of_message(envelope, before, workspace)
    if not change.message or change.message.get("subtype") == TOMBSTONE:
        key = f"{before.channel}/{before.ts}/deleted"
        return [Deletion(**shared, delivery_key=key, at=moment(change.ts, now))]
    after = read({**change.message, **place}, MessageEvent)
    if after.edited is None or (after.text == before.text and after.edited == before.edited):
        return []  # a preview of a link was added: nobody said anything
    return [edit_of(after, shared, now, workspace)]


def edit_of(after: MessageEvent, shared: dict[str, Any], now: datetime, workspace: Workspace) -> Edit:
    """The version of a message that its `edited` names."""
    version = after.edited.ts if after.edited else ""
    return Edit(
        **shared,
        delivery_key=f"{after.channel}/{after.ts}/{version}",
        at=moment(version, now),
        version=version,
        text=words(after, workspace.bot_user),
    )


def _of_message(envelope: EventCallback, said: MessageEvent, workspace: Workspace) -> dict[str, Any]:
    return {
        "connector": NAME,
        "account": workspace.account,
        "address": address_of(said, workspace),
        "sender": Identity(kind=NAME, value=f"{author_team(envelope, said)}:{said.user}", verified=True),
        "message_key": workspace.key(said.channel, said.ts),
    }


# ---------------------------------------------------------------- who said it


def _by_person(said: MessageEvent, workspace: Workspace) -> bool:
    person = bool(said.user) and not said.bot_id
    return person and said.user not in (workspace.bot_user, "USLACKBOT")


def _has_content(said: MessageEvent) -> bool:
    return bool((said.text or "").strip() or said.files)


def _below_ours(said: MessageEvent, workspace: Workspace) -> bool:
    """A person's words below our message, where Slack says whose message is above."""
    ours = workspace.bot_user
    return in_thread(said) and (not (said.parent_user_id and ours) or said.parent_user_id == ours)


def _settled(workspace: Workspace, envelope: EventCallback) -> Workspace:
    """Who we are there, by what the event says while nobody else has said it."""
    ours = (a.user_id for a in envelope.authorizations or () if a.is_bot and a.user_id)
    bot_user = workspace.bot_user or next(ours, "")
    return msgspec.structs.replace(workspace, bot_user=bot_user)


def author_team(envelope: EventCallback, said: MessageEvent) -> str:
    """The workspace of the author. In a shared channel `team` is the reader's and `user_team` tells.

    `user_team` may name an organisation (E…): our own stands for our workspace. The envelope's `team_id` may be
    the other side's, so the authorization comes first. Source: docs.slack.dev/apis/slack-connect.
    """
    ours = (envelope.authorizations or (Authorization(),))[0]
    home = ours.team_id or envelope.team_id or ""
    if said.user_team and said.user_team == ours.enterprise_id:
        return home
    return said.user_team or said.team or home
