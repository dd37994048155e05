"""Articles answer as soon as they are saved, and a bad edit takes nothing away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import aiohttp
import pytest

from gateway.app import Deskgate
from gateway.conformance import Served
from tests.connectors.doors import ChatDoor
from tests.fakes import write_articles
from tests.running import free_port, running, settings_for

QUESTION = "I forgot my password"


async def asked(deskgate: Deskgate, http: aiohttp.ClientSession, number: int) -> str:
    """What a fresh visitor is told."""
    served = SimpleNamespace(deskgate=deskgate, url=f"http://127.0.0.1:{deskgate.settings.server.port}")
    door = ChatDoor(cast(Served, served), http)
    before = await texts(deskgate)
    assert await door.deliver(number, QUESTION)
    async with asyncio.timeout(60):
        while len(now := await texts(deskgate)) == len(before):
            await asyncio.sleep(0.02)
    return now[-1]


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.02)


async def texts(deskgate: Deskgate) -> list[str]:
    query = "SELECT text FROM entries WHERE kind IN ('answer', 'notice') ORDER BY id"
    return [row[0] for row in await deskgate.store.driver.read(lambda tx: tx.all(query))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_articles(tmp_path / "articles")


async def test_an_edit_answers(tmp_path: Path, folder: Path) -> None:
    settings = settings_for(tmp_path, free_port(), bot={"articles": str(folder)})
    async with running(settings) as deskgate, aiohttp.ClientSession() as http:
        assert "Forgot password" in await asked(deskgate, http, 1)
        article = folder / "reset-password.md"
        article.write_text(article.read_text().replace("Choose “Forgot password”", "Press the big blue key"))
        async with asyncio.timeout(60):
            while not (events := await deskgate.store.recent_events(["articles_changed"], 10)):
                await asyncio.sleep(0.02)
        assert "Press the big blue key" in await asked(deskgate, http, 2)
        (event,) = events
        assert event.data["articles"] == 3


@pytest.mark.parametrize(
    "broken", ["---\ntitle: [\n---\nx", "no front matter at all", "---\nno: 1\n---\n", "\ufeff---\n"]
)
async def test_a_bad_edit_keeps_the_last_good_version_and_says_why(
    tmp_path: Path, folder: Path, broken: str
) -> None:
    settings = settings_for(tmp_path, free_port(), bot={"articles": str(folder)})
    async with running(settings) as deskgate, aiohttp.ClientSession() as http:
        (folder / "reset-password.md").write_text(broken)
        await until(lambda: deskgate.knowledge.problems)
        assert "Forgot password" in await asked(deskgate, http, 1)
        (problem,) = deskgate.knowledge.problems
        assert "reset-password.md" in problem


async def test_a_removed_article_answers_no_longer(tmp_path: Path, folder: Path) -> None:
    settings = settings_for(tmp_path, free_port(), bot={"articles": str(folder)})
    async with running(settings) as deskgate, aiohttp.ClientSession() as http:
        (folder / "reset-password.md").unlink()
        await until(lambda: not deskgate.knowledge.bot.library.get("reset-password"))
        assert "Forgot password" not in await asked(deskgate, http, 1)


async def test_sample_articles_do_not_answer_customers(tmp_path: Path, folder: Path) -> None:
    settings = settings_for(
        tmp_path,
        free_port(),
        bot={"articles": str(folder)},
        server={"host": "0.0.0.0", "port": free_port()},
        site={"public_url": "https://help.example.com", "company": "Acme"},
    )
    async with running(settings) as deskgate:
        assert not deskgate.local
        assert deskgate.knowledge.bot.search(QUESTION) == []
