"""Slack's events into inputs: what a person types in the thread of a card is a private note. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.slack.payloads import AnyEvent, Authorization, EventCallback, File, MessageEvent, read
from gateway.model import Address, AgentAction, Attachment, Identity, Verb
from gateway.text.markup import from_mrkdwn

#: Subtypes that are still a person's own new words; every other one (joins, edits, bots, topics) is not.
#: Source: docs.slack.dev/reference/events/message, "Message subtypes".
SPOKEN = frozenset({"", "file_share", "thread_broadcast", "me_message"})


def normalize(payload: Mapping[str, Any], now: datetime, account: str) -> list[AgentAction]:
    """The notes in one event_callback, none for everything that is no business of ours.

    `ticket` is 0: the core finds it by the thread. `now` is used where the event names no time.
    Raises InvalidPayload when a field we need has another type than documented.
    """
    event = read(payload, AnyEvent).event
    if event.get("type") != "message" or str(event.get("subtype") or "") not in SPOKEN:
        return []
    envelope, said = read(payload, EventCallback), read(event, MessageEvent)
    if not _in_card_thread(said, _bot_user(envelope)):
        return []
    return [_note(envelope, said, now, account)]


def note_event(payload: Mapping[str, Any]) -> MessageEvent:
    """The message behind a note that `normalize` made."""
    return read(read(payload, AnyEvent).event, MessageEvent)


def listed(file: File) -> Attachment:
    """A file by its name only; `skipped` is filled in by whoever tries to fetch it."""
    return Attachment(
        filename=(file.name or "file")[:255],
        content_type=file.mimetype or "application/octet-stream",
        size=max(0, file.size or 0),
        skipped="left in Slack",
    )


def _in_card_thread(said: MessageEvent, bot_user: str) -> bool:
    """A person's words below another message; below ours, where Slack says whose message is above."""
    in_thread = bool(said.thread_ts) and said.thread_ts != said.ts
    in_channel = said.channel_type in ("channel", "group") or (
        said.channel_type is None and said.channel[:1] in "CG"
    )
    by_person = bool(said.user) and not said.bot_id and said.user != bot_user
    below_ours = not (said.parent_user_id and bot_user) or said.parent_user_id == bot_user
    has_content = bool((said.text or "").strip() or said.files)
    return in_thread and in_channel and by_person and below_ours and has_content


def _note(envelope: EventCallback, said: MessageEvent, now: datetime, account: str) -> AgentAction:
    return AgentAction(
        connector="slack",
        account=account,
        delivery_key=envelope.event_id,
        at=moment(said.ts, now),
        actor=Identity(kind="slack", value=f"{_author_team(envelope, said)}:{said.user}"),
        verb=Verb.NOTE,
        address=Address(
            connector="slack", account=account, conversation=said.channel, thread=said.thread_ts or ""
        ),
        text=from_mrkdwn(said.text or "").strip(),
        attachments=tuple(listed(file) for file in said.files or ()),
    )


def moment(ts: str, now: datetime) -> datetime:
    """The time in a Slack message id ("1700000000.000100"), `now` for none."""
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (ValueError, OverflowError):
        return now


def _bot_user(envelope: EventCallback) -> str:
    ours = (a.user_id for a in envelope.authorizations or () if a.is_bot and a.user_id)
    return next(ours, "")


def _author_team(envelope: EventCallback, said: MessageEvent) -> str:
    """The workspace of the author. In a shared channel `team` is the reader's and `user_team` tells.

    `user_team` may name an organisation (E…): our own stands for our workspace. The envelope's `team_id` may be
    the other side's, so the authorization comes first. Source: docs.slack.dev/apis/slack-connect.
    """
    ours = (envelope.authorizations or (Authorization(),))[0]
    home = ours.team_id or envelope.team_id or ""
    if said.user_team and said.user_team == ours.enterprise_id:
        return home
    return said.user_team or said.team or home
