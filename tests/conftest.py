"""Factories for the tests: a database, a knowledge base, a whole world."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.store import Driver
from gateway.store.sqlite import SqliteDriver
from tests.fakes import write_articles
from tests.world import World

MakeWorld = Callable[..., Awaitable[World]]


@pytest.fixture(scope="session")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_articles(tmp_path_factory.mktemp("articles"))


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    return SqliteDriver(tmp_path / "deskgate.db")


@pytest.fixture
async def make_world(driver: Driver, articles: Path) -> AsyncIterator[MakeWorld]:
    """Makes a world whose policy fields can be given by name."""
    async with AsyncExitStack() as stack:

        async def make(**policy: object) -> World:
            return await stack.enter_async_context(World(driver, articles, **policy))

        yield make


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    return await make_world()
