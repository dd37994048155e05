"""Factories for the tests: a database of either kind, a knowledge base, a whole world."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.store import Driver, open_driver
from tests import databases
from tests.fakes import write_articles
from tests.world import World

pytest.register_assert_rewrite("gateway.conformance.suite")

MakeWorld = Callable[..., Awaitable[World]]


@pytest.fixture(scope="session")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_articles(tmp_path_factory.mktemp("articles"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL server, started once."""
    with databases.server() as uri:
        yield uri


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind, as config.toml names it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/deskgate.db"
        return
    with databases.fresh_database(request.getfixturevalue("postgres")) as uri:
        yield uri


@pytest.fixture
def driver(database: str) -> Driver:
    return open_driver(database)


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
