"""What was said while we did not listen: fetched after every start, reconnect and refusal, as far as Slack keeps it.

Each message goes the way of a live event, and its key is the same, so that nothing is taken twice.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from connectors.slack.events import Events
from connectors.slack.payloads import read_json
from connectors.slack.people import People
from connectors.slack.places import NAME, Workspace
from connectors.slack.webapi import FAILURES, SlackError, WebApi
from gateway.connector import Host
from gateway.errors import InvalidPayload, StoreError
from gateway.model import Cursor

log = logging.getLogger(__name__)

#: Seconds before the last good moment that are looked at again: Slack delivers up to five minutes late by itself.
MARGIN = 600
#: Seconds between two notes of how far we have heard.
PERIOD = 30.0
PAGE = 200
TYPES = ("im", "public_channel", "private_channel", "mpim")
#: Waits for Slack's limits in one sweep; beyond them the next sweep goes on.
PATIENCE = 30


class History:
    """The look back of one workspace. `connected`: a WebSocket is open, so the present is heard."""

    def __init__(
        self,
        account: str,
        host: Host,
        api: WebApi,
        events: Events,
        people: People,
        workspace: Callable[[], Workspace],
    ) -> None:
        self._account, self._host, self._api = account, host, api
        self._events, self._people, self._workspace = events, people, workspace
        self._cursor = f"{NAME}/{account}/heard"
        self._wanted, self._last = asyncio.Event(), 0.0
        self.connected = False

    def heard(self) -> None:
        """Slack reached us just now, and it was kept."""
        self._last = self._host.clock.now().timestamp()

    def missed(self) -> None:
        """Something was turned away: what Slack does not deliver again must be fetched."""
        self._wanted.set()

    look_back = missed

    async def keep_up(self) -> None:
        """Looks back at the start and whenever it is wanted, and writes down how far we have heard; until cancelled."""
        self._wanted.set()
        while True:
            try:
                if self._wanted.is_set():
                    await self._sweep()
                else:
                    await self._note()
            except (*FAILURES, StoreError) as error:
                log.warning("slack history not read account=%s error=%s; it will be", self._account, error)
            except Exception:  # the looking back never ends for good
                log.exception("slack history failed account=%s", self._account)
            await self._rest()

    async def _rest(self) -> None:
        if self._wanted.is_set():  # it failed: not at once again
            await asyncio.sleep(PERIOD / 3)
            return
        try:
            async with asyncio.timeout(PERIOD):
                await self._wanted.wait()
        except TimeoutError:
            return

    async def _note(self) -> None:
        if self.connected:
            self.heard()
        if self._last:
            await self._reached(self._last)

    async def _reached(self, moment: float) -> None:
        await self._host.receive([], Cursor(name=self._cursor, value=f"{moment:.6f}"))

    async def _sweep(self) -> None:
        """One look at everything since the last good moment. Raises as the Web API and the store do."""
        began = self._host.clock.now().timestamp()
        async with self._host.lease(f"{self._cursor}/reader"):
            self._wanted.clear()
            try:
                known = await self._host.cursor(self._cursor)
                if known:  # at the very first start there is nothing that we could have missed
                    await self._all(f"{max(0.0, float(known) - MARGIN):.6f}")
                await self._reached(began)
            except BaseException:
                self._wanted.set()
                raise

    async def _all(self, since: str) -> None:
        found = 0
        async for message, channel, kind in self._messages(since):
            for payload in self._payloads(message, channel, kind, since):
                found += 1
                await self._take(payload)
        log.info("slack history read account=%s messages=%d", self._account, found)

    async def _take(self, payload: dict[str, Any]) -> None:
        """One message costs none of its neighbours. Raises StoreError when it was not kept."""
        raw = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
        try:
            if await self._events.take(read_json(raw), raw, live=False) != 200:
                raise StoreError("a fetched message was not kept")
        except InvalidPayload as error:
            log.warning("slack message of history not readable account=%s error=%s", self._account, error)

    # ------------------------------------------------------------ what there is

    async def _messages(self, since: str) -> AsyncIterator[tuple[dict[str, Any], str, str]]:
        """Every message since then, oldest first within its conversation: those of open tickets before all others."""
        queues = self._workspace().queues
        threads: dict[str, set[str]] = {}
        for place in await self._host.directory.open_places(NAME, self._account):
            threads.setdefault(place.conversation, set()).add(place.thread)
        kinds = await self._conversations()
        ordered = [*threads, *(channel for channel in kinds if channel not in threads)]
        for channel in ordered:
            kind, wanted = kinds.get(channel, ""), threads.get(channel, set()) - {""}
            if channel not in queues:
                for message in await self._top_level(channel, since):
                    yield message, channel, kind
                    if str(message.get("latest_reply") or "") > since:
                        wanted.add(str(message.get("ts")))
            for thread in sorted(wanted):
                for message in await self._replies(channel, thread, since):
                    yield message, channel, kind

    async def _conversations(self) -> dict[str, str]:
        """Every conversation that the app is in, with its kind as events call it."""
        found: dict[str, str] = {}
        asked = {"types": ",".join(TYPES), "exclude_archived": "true", "limit": str(PAGE)}
        async for page in self._pages("users.conversations", asked):
            for each in page.get("channels") or ():
                if isinstance(each, dict) and isinstance(each.get("id"), str):
                    found[each["id"]] = kind_of(each)
        return found

    async def _top_level(self, channel: str, since: str) -> list[dict[str, Any]]:
        asked = {"channel": channel, "oldest": since, "limit": str(PAGE)}
        return await self._said("conversations.history", asked)

    async def _replies(self, channel: str, thread: str, since: str) -> list[dict[str, Any]]:
        asked = {"channel": channel, "ts": thread, "oldest": since, "limit": str(PAGE)}
        said = await self._said("conversations.replies", asked)
        return [message for message in said if message.get("ts") != thread]

    async def _said(self, method: str, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        """All pages of one conversation, oldest first; a conversation that cannot be read holds none."""
        found: list[dict[str, Any]] = []
        try:
            async for page in self._pages(method, asked):
                messages = page.get("messages")
                found += [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
        except SlackError as error:
            if error.status >= 500 or not error.code:
                raise
            log.warning("slack history refused account=%s error=%s", self._account, error)
        return sorted(found, key=lambda message: str(message.get("ts")))

    async def _pages(self, method: str, asked: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
        """docs.slack.dev/apis/web-api/pagination; a limit is waited for as long as Slack says."""
        cursor, waits = "", 0
        while True:
            try:
                page = await self._api.form(method, {**asked, **({"cursor": cursor} if cursor else {})})
            except SlackError as error:
                waits += 1
                if error.status != 429 or waits > PATIENCE:
                    raise
                await asyncio.sleep(error.after or 1.0)
                continue
            yield page
            more = page.get("response_metadata")
            cursor = str(more.get("next_cursor") or "") if isinstance(more, dict) else ""
            if not cursor:
                return

    # ------------------------------------------------------------ as events

    def _payloads(self, message: dict[str, Any], channel: str, kind: str, since: str) -> list[dict[str, Any]]:
        """The events that would have come: the message, and its change when that is newer."""
        place = {"channel": channel, **({"channel_type": kind} if kind else {})}
        said = {**message, **place, "type": "message"}
        if message.get("subtype") == "tombstone":
            return []  # who wrote it is gone with the words
        events = [said]
        edited = message.get("edited")
        if isinstance(edited, dict) and str(edited.get("ts") or "") > since:
            before = {name: value for name, value in message.items() if name != "edited"}
            change = {"type": "message", "subtype": "message_changed", "ts": message.get("ts"), **place}
            events.append({**change, "message": message, "previous_message": before})
        return [self._envelope(event, f"history/{channel}/{message.get('ts')}") for event in events]

    def _envelope(self, event: dict[str, Any], number: str) -> dict[str, Any]:
        team = self._people.team_id
        ours = {"team_id": team, "user_id": self._people.bot_user, "is_bot": True}
        return {
            "type": "event_callback",
            "event_id": number[:250],
            "team_id": team,
            "event": event,
            "authorizations": [ours],
        }


def kind_of(conversation: Mapping[str, Any]) -> str:
    """channel_type of an event, from a conversation object (docs.slack.dev/reference/objects/conversation-object)."""
    if conversation.get("is_im"):
        return "im"
    if conversation.get("is_mpim"):
        return "mpim"
    return "group" if conversation.get("is_private") else "channel"
