"""`deskgate serve --demo`: the real program on a fast clock, with played customers; every page says that it is a demo.

Nothing leaves the machine: every channel but the web chat is a recorder, and the database is forgotten at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

from aiohttp import web
from typing_extensions import override

from gateway.accounts import Account
from gateway.app import Deskgate
from gateway.connector import Connector, Host
from gateway.errors import DeskgateError
from gateway.model import Delivery, Outgoing, SendState, Sent
from gateway.privacy import Seal
from gateway.settings import Settings
from gateway.settings.alarms import AlarmSettings
from gateway.simulation.cast import Cast
from gateway.simulation.recorder import RecordedAccount, channels, recorded
from gateway.simulation.script import Acts, Says, Step, accounts_named, read_script

log = logging.getLogger("deskgate.demo")

SCRIPT = Path(__file__).with_name("demo.jsonl")
#: An hour passes in a minute.
SPEED = 60.0
#: How the played visitors of the web chat are called, so that real ones are left alone.
PLAYED = "demo-"

_STYLE = """.deskgate-demo { position: fixed; inset-inline: 0; inset-block-end: 0; z-index: 2147483647; margin: 0;
  padding: .3rem 1rem; text-align: center; font: 600 .82rem/1.4 system-ui, sans-serif; color: #1b1500;
  background: repeating-linear-gradient(-45deg, #ffd84d 0 1rem, #ffe382 1rem 2rem);
  border-block-start: 2px solid #1b1500; }
body:has(> .deskgate-demo) { padding-block-end: 2.4rem; }
@media (max-width: 46rem) {
  body:has(> .deskgate-demo) .chat { block-size: calc(100dvh - 4.5rem) !important; margin-block: 0 !important; }
}
"""


class FastClock:
    """Runs `speed` times as fast as the machine's; waits of a few seconds for other programs stay what they are."""

    def __init__(self, start: datetime, speed: float) -> None:
        self._start, self.speed, self._zero = start.astimezone(UTC), speed, time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(time.monotonic() - self._zero) * self.speed)

    async def sleep_until(self, when: datetime) -> None:
        await asyncio.sleep(max(0.0, (when - self.now()).total_seconds() / self.speed))

    def deadline(self, seconds: float) -> datetime:
        return self.now() + timedelta(seconds=seconds * self.speed)


class _Chat:
    """The real web chat; what goes to a played visitor counts as seen."""

    def __init__(self, real: Connector) -> None:
        self._real = real
        self.name, self.account, self.capabilities = real.name, real.account, real.capabilities

    def attach(self, app: web.Application, host: Host) -> None:
        self._real.attach(app, host)

    async def send(self, outgoing: Outgoing) -> Sent:
        if outgoing.address.conversation.startswith(PLAYED):
            return Sent(external_ids=(f"demo-{outgoing.id}",), state=SendState.DELIVERED)
        return await self._real.send(outgoing)


class _DemoAccount(RecordedAccount):
    """An account of the configuration, on this machine only."""

    @override
    def loopback(self, server_host: str) -> bool:
        return True

    @override
    def connect(self, seal: Seal) -> Connector:
        return _Chat(Account.connect(self, seal)) if self.kind == "webchat" else super().connect(seal)


class Demo:
    """A Deskgate in `folder` that plays, and what marks it."""

    def __init__(
        self, settings: Settings, found: Sequence[Account], folder: Path, speed: float = SPEED
    ) -> None:
        steps = read_script(SCRIPT.read_text("utf-8"), SCRIPT.name, channels())
        self.clock = FastClock(steps[0].at, speed)
        self._steps = steps
        accounts = recorded(found, list(accounts_named(steps)))
        self.deskgate = Deskgate(
            _apart(settings, folder, speed),
            [_DemoAccount(a.kind, a.name, a.factory, a.settings) if a.factory else a for a in accounts],
            clock=self.clock,
            environ={},
        )

    def web_app(self) -> web.Application:
        """The program's pages, each of them marked, and the play for as long as it runs."""
        app = self.deskgate.web_app()
        app.middlewares.insert(0, self._marked)
        app.router.add_get("/demo.css", self._style)
        app.cleanup_ctx.append(self._playing)
        return app

    def says(self) -> str:
        """What stands on every page."""
        now = self.clock.now()
        return (
            f"Demo: the customers are played and nothing leaves this machine. "
            f"Time runs {self.clock.speed:g} times as fast; here it is {now:%A %d %B %Y, %H:%M} UTC."
        )

    # ------------------------------------------------------------ the mark

    @property
    def _marked(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        @web.middleware
        async def mark(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            try:
                response = await handler(request)
            except web.HTTPException as error:
                self._mark(error)
                raise
            self._mark(response)
            return response

        return mark

    def _mark(self, response: web.StreamResponse) -> None:
        response.headers["X-Deskgate-Demo"] = "yes"
        if isinstance(response, web.Response) and response.content_type == "text/html" and response.text:
            response.text = marked(response.text, self.says())

    async def _style(self, request: web.Request) -> web.Response:
        return web.Response(text=_STYLE, content_type="text/css")

    # ------------------------------------------------------------ the play

    async def _playing(self, app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(self._play())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _play(self) -> None:
        cast = Cast(self.deskgate, SCRIPT.name)
        for step in self._steps:
            await self.clock.sleep_until(step.at)
            try:
                await self._perform(cast, step)
            except DeskgateError as error:
                log.warning("a step of the demo was left out: %s", error)

    async def _perform(self, cast: Cast, step: Step) -> None:
        if isinstance(step, Says):
            await self.deskgate.host.receive([Delivery(input=await cast.message(step))])
        elif isinstance(step, Acts):
            await self.deskgate.host.act(await cast.proposal(step))


def marked(page: str, says: str) -> str:
    """The page with a strip along its lower edge, and the word in its title."""
    strip = f'<link rel="stylesheet" href="/demo.css"><p class="deskgate-demo" role="note">{escape(says)}</p>'
    page = re.sub(r"<title>", "<title>Demo · ", page, count=1)
    return re.sub(r"<body[^>]*>", lambda found: found[0] + strip, page, count=1)


def _apart(settings: Settings, folder: Path, speed: float) -> Settings:
    """The settings with a database and a key of the demo's own; taking a reply back still takes real seconds."""
    store = settings.store.model_copy(
        update={"database": f"sqlite:///{folder}/demo.db", "key_file": folder / "demo.key"}
    )
    desk = settings.desk.model_copy(update={"undo_seconds": settings.desk.undo_seconds * speed})
    site = settings.site.model_copy(update={"public_url": ""})
    # Alarms have a way out of their own, which would be real.
    apart = {"store": store, "desk": desk, "site": site, "alarms": AlarmSettings()}
    return settings.model_copy(update=apart)
