"""Factories for the tests: a database of either kind, a knowledge base, a whole world."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from bot.answer import Bot
from bot.articles import load
from gateway.store import Driver, open_driver
from tests import databases
from tests.fakes import write_articles
from tests.world import World

pytest.register_assert_rewrite("gateway.conformance.suite")

# A machine that is busy must not fail a property.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

MakeWorld = Callable[..., Awaitable[World]]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With several workers (-n) only: how they share the files."""
    from tests.workers import ByFile

    return ByFile(config, log)


@pytest.fixture(scope="session")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a few articles; what a bot has learned of them is kept for the next world."""
    folder = write_articles(tmp_path_factory.mktemp("articles"))
    learned = Bot.build(load(folder)).train()
    yield folder
    del learned


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL server, started once."""
    with databases.server(durable=False) as uri:
        yield uri


@pytest.fixture(scope="session")
def schema(postgres: str) -> Iterator[str]:
    """A PostgreSQL database with our tables, which every test copies."""
    with databases.with_schema(postgres) as uri:
        yield uri


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind without even our tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/deskgate.db"
        return
    with databases.fresh_database(request.getfixturevalue("postgres")) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind without a row, as config.toml names it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/deskgate.db"
        return
    uri, like = request.getfixturevalue("postgres"), request.getfixturevalue("schema")
    with databases.fresh_database(uri, like) as made:
        yield made


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
