"""One workspace while the program runs: every part made once, whichever way Slack reaches us."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from datetime import timedelta
from functools import lru_cache
from typing import Any

from connectors.slack.asking import Asking
from connectors.slack.customers import Customers
from connectors.slack.events import Events
from connectors.slack.history import History
from connectors.slack.incoming_files import Files
from connectors.slack.interactions import Interactions
from connectors.slack.people import People
from connectors.slack.places import NAME, Workspace
from connectors.slack.queue_channels import QueueChannels
from connectors.slack.reception import Reception
from connectors.slack.sending import Sender
from connectors.slack.settings import Settings
from connectors.slack.socket_mode import SocketMode
from connectors.slack.webapi import FAILURES, WebApi
from gateway.connector import Host, QueuePlace
from gateway.errors import Refused, StoreError
from gateway.model import Address
from gateway.overviews import Background, BackgroundOf

log = logging.getLogger(__name__)

#: Seconds between two tries to learn who we are.
AGAIN = (2.0, 60.0)


class Service:
    """`reception` is behind the doors, `sender` hands out; `start` and `stop` frame the work in the background."""

    def __init__(self, account: str, settings: Settings, host: Host) -> None:
        self._account, self._settings, self._host = account, settings, host
        self._workspace = lru_cache(maxsize=1)(self._known_as)
        self.api = WebApi(settings)
        self.people = People(account, settings.team_id, self.api, host.clock)
        self.channels = QueueChannels(account, host, self.api)
        self.files = Files(self.api, settings.file_limit)
        self.sender = Sender(
            account,
            settings.team_id or account,
            self.api,
            host.file,
            self._background,
            self.channels,
            host.clock,
            settings.speed,
        )
        self.tasks: set[asyncio.Task[None]] = set()
        self._forever: list[asyncio.Task[None]] = []
        self.reception = self._reception()
        self.history = History(account, host, self.api, self._events, self.people, self.workspace)
        self._socket = (
            SocketMode(account, settings.app_token, self.api, self.reception, self.history, self._fares)
            if settings.app_token
            else None
        )

    def _reception(self) -> Reception:
        account, host, api, later = self._account, self._host, self.api, self.later
        settings = self._settings
        asking = Asking(account, host, api, self.files, later, self.workspace)
        agents = Interactions(account, host, api, self.people, later, settings.file_limit)
        self._home = agents.home
        self._events = Events(
            account, host, api, self.people, self.files, asking, agents.offers, later, self.workspace
        )
        return Reception(
            account,
            host,
            api,
            self.people,
            self._events,
            Customers(account, host, api, self.files, later, self.workspace),
            asking,
            agents,
            agents.commands,
            (settings.command, settings.customer_command),
            later,
            self._notice,
            self._kept,
        )

    def _notice(self, payload: dict[str, Any]) -> None:
        """What Slack says of the app itself: a channel has changed, somebody opened the home."""
        self.channels.notice(payload)
        event = payload.get("event")
        if isinstance(event, dict) and event.get("type") == "app_home_opened" and event.get("tab") == "home":
            self.later(self._show_home(str(event.get("user") or ""), str(payload.get("team_id") or "")))

    async def _show_home(self, user: str, team: str) -> None:
        if user:
            await self._home.show(await self.people.look(user, team or self.people.team_id))

    async def _background(self, ticket: int, place: Address) -> Background | None:
        """What a card shows beside the ticket itself; a card without it is better than none."""
        try:
            return await self._host.view(BackgroundOf(ticket=ticket, place=place))
        except (Refused, StoreError):
            return None

    def workspace(self) -> Workspace:
        """What is known of the workspace now; asked at every event."""
        return self._workspace(self.people.team_id, self.people.bot_user, tuple(self._host.directory.queues))

    def _known_as(self, team: str, bot_user: str, places: tuple[QueuePlace, ...]) -> Workspace:
        settings = self._settings
        queues = (place.address for place in places)
        ours = (a for a in queues if a.connector == NAME and a.account == self._account)
        return Workspace(
            account=self._account,
            name=settings.team_id or self._account,
            team=team,
            bot_user=bot_user,
            queues=frozenset(address.conversation for address in ours),
            support=frozenset(settings.support_channels),
            together=timedelta(minutes=settings.together_minutes),
        )

    async def start(self) -> None:
        """Begins to work; returns at once, whether or not Slack can be reached."""
        await self.api.open()
        self._forever.append(asyncio.create_task(self._introduce()))
        self._forever.append(asyncio.create_task(self.channels.watch()))
        self._forever.append(asyncio.create_task(self.history.keep_up()))
        if self._socket is not None:
            self._forever.append(asyncio.create_task(self._socket.run()))

    async def stop(self) -> None:
        """Ends what runs for ever; what was promised after an answer is finished or given up."""
        for task in self._forever:
            task.cancel()
        await asyncio.gather(*self._forever, return_exceptions=True)
        if self.tasks:
            _, late = await asyncio.wait(self.tasks, timeout=2)
            for task in late:
                task.cancel()
        await self.files.close()
        await self.api.close()

    def _fares(self, trouble: str) -> None:
        self._host.fares(f"{NAME}/{self._account}", trouble)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs it after the answer to Slack has left."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _kept(self, kept: bool) -> None:
        if kept:
            self.history.heard()
        else:
            self.history.missed()

    async def _introduce(self) -> None:
        """Learns which workspace the token belongs to, and says loudly when it belongs to none."""
        wait = AGAIN[0]
        while True:
            try:
                answer = await self.api.call("auth.test", {})
            except FAILURES as error:
                log.error("slack link broken account=%s error=%s", self._account, error)
                self._host.fares(f"{NAME}/{self._account}", f"The link to Slack is broken: {error}")
            else:
                self.people.settle(str(answer.get("team_id") or ""), str(answer.get("user_id") or ""))
                log.info("slack link up account=%s team=%s", self._account, answer.get("team_id"))
                self._host.fares(f"{NAME}/{self._account}")
                return
            await asyncio.sleep(wait)
            wait = min(AGAIN[1], wait * 2)
