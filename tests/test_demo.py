"""`deskgate serve --demo`: the real program, fast and apart, and no page that hides it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gateway.accounts import accounts
from gateway.simulation.demo import SCRIPT, Demo
from gateway.simulation.recorder import Recorder, channels
from gateway.simulation.script import Says, read_script
from gateway.views import TicketFilter
from tests.running import free_port, settings_for


@pytest.fixture
async def demo(tmp_path: Path, articles: Path) -> AsyncIterator[tuple[Demo, str]]:
    """A demo that plays its morning in a few seconds, and its address."""
    mail = {
        "address": "support@shop.test",
        "outgoing_folder": str(tmp_path / "mail"),
        "smtp_security": "none",
    }
    settings = settings_for(
        tmp_path,
        free_port(),
        bot={"articles": str(articles)},
        connectors={"webchat": {"site": {}}, "email": {"support": mail}},
        site={"public_url": "https://help.example.com"},
        alarms={"url": "https://alarms.example.com/hook"},
    )
    made = Demo(settings, accounts(settings, "test"), tmp_path, speed=3000)
    runner = web.AppRunner(made.web_app(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", settings.server.port).start()
        yield made, f"http://127.0.0.1:{settings.server.port}"
    finally:
        await runner.cleanup()


async def test_every_page_says_that_it_is_a_demo(demo: tuple[Demo, str]) -> None:
    _, base = demo
    async with aiohttp.ClientSession(headers={"Accept": "text/html"}) as http:
        for path in ("/", "/chat", "/help", "/desk", "/desk/ticket/1", "/help/en/no-such-page"):
            async with http.get(base + path) as answer:
                page = await answer.text()
            assert answer.headers["X-Deskgate-Demo"] == "yes", path
            assert 'class="deskgate-demo"' in page and "<title>Demo · " in page, path
            assert "help.example.com" not in page, path  # no link leads to the real shop


async def test_the_customers_come_by_their_channels_and_nothing_leaves(
    demo: tuple[Demo, str], tmp_path: Path
) -> None:
    made, _ = demo
    said = [
        step for step in read_script(SCRIPT.read_text("utf-8"), "demo", channels()) if isinstance(step, Says)
    ]
    wanted = {step.sender for step in said}
    async with asyncio.timeout(90):
        while len(await made.deskgate.store.ticket_lines(TicketFilter())) < len(wanted):
            await asyncio.sleep(0.05)
    lines = await made.deskgate.store.ticket_lines(TicketFilter())
    assert {line.channel for line in lines} == {"email", "webchat", "telegram", "slack"}
    assert not (tmp_path / "mail").exists()
    assert not made.deskgate.settings.alarms.url.get_secret_value()  # the way out of alarms would be real
    assert all(isinstance(c, Recorder) or c.name == "webchat" for c in made.deskgate.connectors.values())


async def test_its_clock_is_fast_and_its_waits_are_not(demo: tuple[Demo, str]) -> None:
    clock = demo[0].clock
    before = clock.now()
    await clock.sleep_until(clock.deadline(0.2))  # real seconds
    assert (clock.now() - before).total_seconds() >= 0.2 * 3000
