"""Durable acknowledgment of a signed webhook against a bare echo, alternating in one run: python -m benchmarks.ack

The server under load has one core, the generator another. Each variant is a process of its own with a fresh
database: `paused` (inputs are taken, nothing is handled), `running` (handled on the same core), `slow` (paused,
each commit 2 ms slower), and slack_bolt's own acknowledgment, which stores nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from typing_extensions import override

from benchmarks.load import CHANNEL, SECRET, TEAM, THREADS, USER, Load, SlackEvents, cpu_seconds, drive, pin
from benchmarks.report import middle, percentile, progress, report
from benchmarks.stored import fill
from gateway.cli import settle
from tests import databases

EVENTS = "/slack/main/events"
TARGET, AIM = 0.5, 0.7
KINDS = ("echo", "paused", "running", "slow", "bolt")


def main() -> None:
    """Measures every variant, or serves one of them for a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--api", default="", help=argparse.SUPPRESS)
    parser.add_argument("--uri", default="", help=argparse.SUPPRESS)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument(
        "--folder", type=Path, default=_memory(), help="where the databases lie (default: in memory)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each variant takes its turn")
    parser.add_argument("--seconds", type=float, default=1.2, help="length of one turn")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--only", nargs="*", choices=KINDS, default=KINDS)
    options = parser.parse_args()
    import uvloop

    if options.serve:
        uvloop.run(_serve(options.serve, options.folder, options.api, options.uri))
    else:
        uvloop.run(_measure(options))


def _memory() -> Path:
    """A folder where a sync costs next to nothing, so that what is measured is ours."""
    return Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())


# ---------------------------------------------------------------- the generator's side


class Variant:
    """One server process and what was seen of it."""

    def __init__(self, kind: str, pid: int, port: int) -> None:
        self.kind, self.pid, self.port = kind, pid, port
        self.make = SlackEvents(EVENTS)
        self.loads: list[Load] = []
        self.cpu: list[float] = []  #: seconds an answered request

    async def turn(self, connections: int, seconds: float) -> None:
        """One slice of load. Between its turns a server stands still: the one that handles has a backlog."""
        os.kill(self.pid, signal.SIGCONT)
        before = cpu_seconds(self.pid)
        load = await drive(self.port, self.make, connections, seconds)
        self.loads.append(load)
        self.cpu.append((cpu_seconds(self.pid) - before) / max(1, load.answered))
        os.kill(self.pid, signal.SIGSTOP)

    def figures(self, echo: Variant) -> dict[str, float]:
        """Ratios are medians over the pairs of neighbouring turns."""
        pairs = list(zip(self.loads, echo.loads, strict=True))
        p99 = [percentile(load.latencies, 0.99) for load in self.loads]
        echo_p99 = [percentile(load.latencies, 0.99) for load in echo.loads]
        return {
            "rate": middle([load.rate for load in self.loads]),
            "of_echo": middle([ours.rate / other.rate for ours, other in pairs]),
            "cpu_us": middle(self.cpu) * 1e6,
            "p99_ms": middle(p99) * 1e3,
            "p99_of_echo": middle([a / b for a, b in zip(p99, echo_p99, strict=True)]),
            "refused": float(sum(load.refused for load in self.loads)),
        }


async def _measure(options: argparse.Namespace) -> None:
    pin(1)
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(_slack_api())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.folder)))
        uri = (
            stack.enter_context(databases.server(str(options.folder)))
            if options.database == "postgresql"
            else ""
        )
        kinds = [kind for kind in dict.fromkeys(("echo", *options.only)) if not uri or kind != "slow"]
        variants = [await stack.enter_async_context(_server(kind, folder, api, uri)) for kind in kinds]
        for variant in variants:
            await variant.turn(8, 0.3)  # warm
            variant.loads.clear()
            variant.cpu.clear()
        for number in range(options.rounds):
            for variant in variants:
                await variant.turn(options.connections, options.seconds)
            rates = ", ".join(f"{v.kind} {v.loads[-1].rate:.0f}/s" for v in variants)
            progress(f"round {number + 1} of {options.rounds}: {rates}")
        _tell(options.database, {v.kind: v.figures(variants[0]) for v in variants}, _sync_ms(folder))


def _tell(database: str, figures: dict[str, dict[str, float]], sync_ms: float) -> None:
    paused, bolt = figures.get("paused"), figures.get("bolt")
    against = bolt["cpu_us"] / paused["cpu_us"] if bolt and paused else 0.0
    ratio = paused["of_echo"] if paused else 0.0
    targets = {"slow": [0.4, 0.6], "running": [None, 0.25], "p99_of_echo": [3, 2], "against_bolt": [2, 3]}
    name, target, aim = ("ack", TARGET, AIM) if database == "sqlite" else ("ack-postgresql", 0.45, 0.65)
    report(name, ratio, target, aim, **figures, against_bolt=against, sync_ms=sync_ms, targets=targets)


def _sync_ms(folder: Path) -> float:
    """What a durable write costs where the databases lie, milliseconds."""
    spent = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(50):
            file.write(b"x" * 8192)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            spent.append(time.perf_counter() - began)
    return middle(spent) * 1e3


@asynccontextmanager
async def _server(kind: str, folder: Path, api: str, uri: str) -> AsyncIterator[Variant]:
    command = [sys.executable, "-m", "benchmarks.ack", "--serve", kind, "--folder", str(folder), "--api", api]
    command += ["--uri", uri]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield Variant(kind, process.pid, int(await process.stdout.readline()))
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def _slack_api() -> AsyncIterator[str]:
    """The two calls of Slack's Web API that the way of an event needs, asked once each."""

    async def answer(request: web.Request) -> web.Response:
        member = {"id": USER, "team_id": TEAM, "profile": {"display_name": "Ana"}}
        who = {"ok": True, "team_id": TEAM, "user_id": "U0DESKGATE1", "bot_id": "B0DESKGATE1", "user": member}
        return web.json_response(who)

    app = web.Application()
    app.router.add_post("/api/{method}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    finally:
        await runner.cleanup()


# ---------------------------------------------------------------- the servers


async def _serve(kind: str, folder: Path, api: str, uri: str) -> None:
    pin(0)
    app = _echo() if kind == "echo" else _bolt() if kind == "bolt" else _deskgate(kind, folder, api, uri)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    settle()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def _echo() -> web.Application:
    async def echo(request: web.Request) -> web.Response:
        return web.json_response(await request.json())

    app = web.Application()
    app.router.add_post(EVENTS, echo)
    return app


def _bolt() -> web.Application:
    from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
    from slack_bolt.async_app import AsyncApp
    from slack_bolt.authorization import AuthorizeResult

    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id=TEAM, bot_token="xoxb-measure", bot_user_id="U0DESKGATE1"
        )

    bolt = AsyncApp(signing_secret=SECRET, authorize=authorize)

    @bolt.event("message")
    async def _heard() -> None:
        return None

    async def handle(request: web.Request) -> web.Response:
        found = await bolt.async_dispatch(await to_bolt_request(request))
        return await to_aiohttp_response(found)

    app = web.Application()
    app.router.add_post(EVENTS, handle)
    return app


def _deskgate(kind: str, folder: Path, api: str, uri: str) -> web.Application:
    """The program as `serve` runs it, with a Slack account; only the handling is stopped where the variant says so."""
    from gateway.app import Deskgate
    from gateway.intake import Intake
    from gateway.model import Agent
    from gateway.startup import read_settings
    from gateway.store.sqlite import SqliteDriver

    class Paused(Intake):
        @override
        async def run(self) -> None:
            await asyncio.Event().wait()

    agent = Agent(id="ana", name="Ana", slack_id=f"{TEAM}:{USER}")
    config = folder / f"{kind}.toml"
    database = _database(kind, folder, uri)
    config.write_text(
        _CONFIG.format(database=database, folder=folder, kind=kind, api=api, channel=CHANNEL, team=TEAM)
    )
    environ = {
        "DESKGATE_CONNECTORS__SLACK__MAIN__SIGNING_SECRET": SECRET,
        "DESKGATE_CONNECTORS__SLACK__MAIN__BOT_TOKEN": "xoxb-measure",
    }
    deskgate = Deskgate(*read_settings(config, environ), environ=environ)
    if kind != "running":
        parts = (deskgate.store, deskgate.seal, deskgate.clock)
        deskgate.intake = Paused(*parts, lambda: deskgate.policy, lambda: deskgate.knowledge.bot)
        deskgate.host._intake = deskgate.intake
    if kind == "slow":
        driver = deskgate.store.driver
        assert isinstance(driver, SqliteDriver)
        driver._commit_delay = lambda: time.sleep(0.002)
    app = deskgate.web_app()
    app.on_startup.append(lambda _: deskgate.store.add_agent(agent, 0))
    return app


def _database(kind: str, folder: Path, uri: str) -> str:
    """A database that has been in use; the one on PostgreSQL is moved there."""
    from gateway.store.moving import move

    path = folder / f"{kind}.db"
    fill(path, THREADS, int(time.time() * 1000), cards=THREADS, channel=CHANNEL)
    if not uri:
        return f"sqlite:///{path}"
    made = databases.new_database(uri)
    move(path, made, lambda table, done, total: None)
    return made


_CONFIG = """
[site]
company = "Measured"
[server]
max_backlog = 10000000
[store]
database = "{database}"
key_file = "{folder}/{kind}.key"
[bot]
articles = "kb_articles"
[queues.general]
title = "Customer care"
default = true
slack_channel = "{channel}"
[connectors.slack.main]
api_url = "{api}"
team_id = "{team}"
"""


if __name__ == "__main__":
    main()
