"""Are the queues' channels still private enough? One shared with another organisation gets no cards."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from connectors.slack.places import NAME
from connectors.slack.webapi import FAILURES, SlackError, WebApi
from gateway.connector import Host, QueuePlace
from gateway.errors import Retryable

log = logging.getLogger(__name__)

#: Seconds between two looks; Slack's events about a channel bring one at once.
PERIOD = 300.0
#: How long a message for a refused channel waits before it asks again.
WAIT = 60.0
#: Events after which a channel may be another (docs.slack.dev/reference/events).
CHANGES = frozenset(
    {
        "channel_shared",
        "channel_unshared",
        "channel_archive",
        "group_archive",
        "channel_rename",
        "group_rename",
    }
    | {
        "channel_id_changed",
        "shared_channel_invite_accepted",
        "shared_channel_invite_approved",
        "channel_left",
    }
)


class QueueChannels:
    """What is known of each queue's channel in this workspace."""

    def __init__(self, account: str, host: Host, api: WebApi) -> None:
        self._account, self._host, self._api = account, host, api
        self._places: dict[str, list[QueuePlace]] = {}
        for place in host.directory.queues:
            if (place.address.connector, place.address.account) == (NAME, account):
                self._places.setdefault(place.address.conversation, []).append(place)
        self._trouble: dict[str, str] = {}  #: by channel; "" is a channel that was looked at and is fine
        self._changed = asyncio.Event()

    def __contains__(self, channel: object) -> bool:
        return channel in self._places

    async def check(self, channel: str) -> None:
        """Returns when this channel may show tickets. Raises Retryable, so that its cards wait until it may."""
        if channel in self._places and channel not in self._trouble:
            await self._look(channel)
        if channel in self._places and channel not in self._trouble and self._protects(channel):
            raise Retryable(
                "Slack does not say whether the channel is private.", bucket=self._bucket(channel)
            )
        if trouble := self._trouble.get(channel):
            raise Retryable(trouble, after=WAIT, bucket=self._bucket(channel))

    def _protects(self, channel: str) -> bool:
        return any(place.protected for place in self._places[channel])

    def _bucket(self, channel: str) -> str:
        return f"{NAME}/{self._account}/{channel}"

    def notice(self, payload: Mapping[str, Any]) -> None:
        """An event of Slack's: when it may concern a channel of ours, everything is looked at anew."""
        event = payload.get("event")
        if isinstance(event, dict) and str(event.get("type")) in CHANGES:
            self._changed.set()

    async def watch(self) -> None:
        """Looks at every channel now and then, until cancelled."""
        while True:
            self._changed.clear()
            for channel in self._places:
                await self._look(channel)
            try:
                async with asyncio.timeout(PERIOD):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _look(self, channel: str) -> None:
        try:
            answer = await self._api.form("conversations.info", {"channel": channel})
        except SlackError as error:
            self._not_told(channel, error)
            return
        except FAILURES as error:
            log.warning("slack channel not looked at account=%s error=%s", self._account, error)
            return
        found = answer.get("channel")
        self._judge(channel, found if isinstance(found, dict) else {})

    def _not_told(self, channel: str, error: SlackError) -> None:
        """Slack will not say: an ordinary queue goes on, a protected one does not."""
        log.warning(
            "slack channel not looked at account=%s channel=%s error=%s", self._account, channel, error
        )
        if error.code == "missing_scope":
            lacks = "The app may not see whether the channel is private: add channels:read and groups:read."
            self._set(channel, lacks if self._protects(channel) else "")

    def _judge(self, channel: str, found: Mapping[str, Any]) -> None:
        titles = ", ".join(place.title for place in self._places[channel])
        self._set(channel, next(iter(troubles(found, self._places[channel], titles)), ""))

    def _set(self, channel: str, trouble: str) -> None:
        before = self._trouble.get(channel, "")
        if trouble and trouble != before:
            log.error("slack cards stopped account=%s channel=%s: %s", self._account, channel, trouble)
        elif before and not trouble:
            log.warning("slack cards go on account=%s channel=%s", self._account, channel)
        if trouble != before:
            self._host.fares(self._bucket(channel), trouble)
        self._trouble[channel] = trouble


def troubles(found: Mapping[str, Any], places: list[QueuePlace], titles: str) -> list[str]:
    """Why a channel may not show these queues. Fields: docs.slack.dev/reference/objects/conversation-object."""
    made = []
    if found.get("is_ext_shared") or found.get("is_pending_ext_shared"):
        made.append(
            f"The channel of {titles} is shared with another organisation, so its cards are stopped. "
            "End the sharing, or name another channel in config.toml."
        )
    protected = [place.title for place in places if place.protected]
    if protected and found.get("is_private") is not True:
        made.append(
            f"The channel of the protected queue {', '.join(protected)} is public, so its cards are stopped. "
            "Make it private, or name another channel in config.toml."
        )
    return made
