"""By Socket Mode, whatever the link does, a customer gets the same tickets as over HTTP, and no message is lost."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from connectors.slack import history
from gateway.app import Deskgate
from gateway.errors import StoreError
from gateway.model import Cursor, Receipt
from gateway.store.ledger import TakeRow
from tests.running import free_port, running
from tests.slack_people import Wire, Writer
from tests.slack_posts import Poster, event_callback
from tests.slack_standin import APP_TOKEN, Channel, Slack
from tests.stories import SAID, nameless
from tests.test_story_slack import settings_of, workspace
from tests.test_story_telegram import until

#: Seconds that anything may take on a busy machine.
PATIENCE = 60
WAITING = "SELECT 1 FROM outbox WHERE state IN ('held', 'queued', 'sending')"


class Trouble:
    """What happens to one event on its way by the socket."""

    NONE = "none"
    TWICE = "twice"  # acknowledged, and delivered again
    CUT = "cut"  # the link breaks while it is delivered
    RENEWED = "renewed"  # Slack asks for a new link while it is delivered
    NOT_KEPT = "not kept"  # the database is away, so it is not acknowledged and comes again
    UNHEARD = "unheard"  # Slack never delivers it; the link breaks, so it has to be fetched


@dataclass(kw_only=True)
class Shaky(Wire):
    """The way by Socket Mode with troubles, one for each event; Slack delivers again what was not acknowledged."""

    deskgate: Deskgate
    troubles: Iterator[str] = field(default_factory=lambda: itertools.repeat(Trouble.NONE))

    @override
    async def again(self, payload: dict[str, Any]) -> bool:
        match next(self.troubles):
            case Trouble.TWICE:
                assert await self._delivered(payload)
            case Trouble.CUT:
                await self._during(payload, self.slack.links.cut)
            case Trouble.RENEWED:
                await self._during(payload, self.slack.links.disconnect)
            case Trouble.NOT_KEPT:
                await self._refused(payload)
            case Trouble.UNHEARD if payload["event"].get("subtype") != "message_deleted":
                await self._broken(self.slack.links.cut)
                await until(lambda: self._kept(payload["event"]), PATIENCE)
                return True
        return await self._delivered(payload)

    async def _delivered(self, payload: dict[str, Any]) -> bool:
        return (await self.slack.links.deliver("events_api", payload, seconds=PATIENCE))[0]

    async def _during(self, payload: dict[str, Any], end: Any) -> None:
        """Sends it, and the link ends before or after the acknowledgment, as it happens."""
        sending = asyncio.create_task(self.slack.links.deliver("events_api", payload, seconds=0.2))
        await asyncio.sleep(0)
        await self._broken(end)
        with contextlib.suppress(ConnectionError):
            await sending

    async def _broken(self, end: Any) -> None:
        before = self.slack.links.opened
        await end()
        await self.slack.links.connected(before + 1)

    async def _refused(self, payload: dict[str, Any]) -> None:
        async def broken(worker: str, rows: list[TakeRow], cursors: list[Cursor]) -> list[Receipt]:
            raise StoreError("the disk is full")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.deskgate.store.driver, "take", broken)
            kept, _ = await self.slack.links.deliver("events_api", payload, seconds=0.2)
            assert not kept, "nothing is acknowledged that was not kept"

    async def _kept(self, event: dict[str, Any]) -> bool:
        """Whether the ledger has it; the two events of a mention are one message there."""
        key = f"{event['channel']}/{event['ts']}"
        if event.get("subtype") == "message_changed":
            key = f"{event['channel']}/{event['message']['ts']}/{event['message']['edited']['ts']}"
        found = await rows(self.deskgate, "SELECT 1 FROM ledger WHERE delivery_key = ?", key)
        return bool(found)


@dataclass(kw_only=True)
class Office:
    """One Deskgate that hears the same workspace by both ways; whoever writes does it for the first time."""

    deskgate: Deskgate
    slack: Slack
    http: Wire
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def somebody(self, wire: Wire) -> Writer:
        number = next(self.numbers)
        writer = Writer(wire=wire, user=f"U{number:04d}", direct=f"D{number:04d}")
        self.slack.add_user(writer.user, "Cy Customer", locale="en-GB")
        self.slack.add_direct(writer.direct, writer.user)
        self.slack.channels[f"C{number:04d}"] = Channel(id=f"C{number:04d}")
        return writer

    async def plays(self, writer: Writer, script: list[tuple[str, str]]) -> list[Any]:
        """The tickets that this script makes, without what names them and the person."""
        channel = f"C{writer.user[1:]}"
        last: dict[str, Any] = {}
        thread = ""
        for what, text in script:
            match what:
                case "mention":
                    last = await writer.mentions(text, channel)
                    thread = last["ts"]
                case "answer" if thread:
                    last = await writer.says(text, channel, thread, parent_user_id=writer.user)
                case "edit" if last:
                    await writer.edits(last, text)
                case "delete" if last:
                    await writer.deletes(last)
                    last = {}
                case _:
                    last = await writer.says(text)
            await until(self.quiet, PATIENCE)
        return await self.tickets(writer)

    async def quiet(self) -> bool:
        return not (await self.deskgate.store.ledger_count()).pending and not await rows(
            self.deskgate, WAITING
        )

    async def tickets(self, writer: Writer) -> list[Any]:
        query = "SELECT DISTINCT ticket FROM entries WHERE author_key = ? ORDER BY ticket"
        found = []
        for (number,) in await rows(self.deskgate, query, f"slack:T0HOME:{writer.user}"):
            page = await self.deskgate.store.ticket_page(number)
            assert page is not None
            ticket = msgspec.to_builtins(page.ticket)
            fields = ("status", "queue", "tier", "priority", "cause", "speaker", "language", "subject")
            entries = [(entry.kind, nameless(entry.text)) for entry in page.entries]
            found.append(([ticket[name] for name in fields], entries, [event.kind for event in page.events]))
        return found


async def rows(deskgate: Deskgate, query: str, *values: Any) -> list[Any]:
    return list(await deskgate.store.driver.read(lambda tx: tx.all(query, values)))


@asynccontextmanager
async def office(folder: Path) -> AsyncIterator[Office]:
    async with workspace() as slack, aiohttp.ClientSession() as http:
        port = free_port()
        made = settings_of(slack, folder, port, "http", app_token=APP_TOKEN, speed=100)
        made = made.model_copy(
            update={
                "automatic": made.automatic.model_copy(update={"budget": 1000}),
                "incidents": made.incidents.model_copy(update={"people": 1000}),
            }
        )
        async with running(made) as deskgate:
            await slack.links.connected()
            poster = Poster(slack=slack, http=http, url=f"http://127.0.0.1:{port}/slack/main")
            yield Office(deskgate=deskgate, slack=slack, http=Wire(slack=slack, poster=poster))


WHAT = st.sampled_from(["direct", "direct", "mention", "answer", "answer", "edit", "delete"])
SCRIPTS = st.lists(st.tuples(WHAT, SAID | st.text(min_size=1, max_size=30).filter(str.strip)), max_size=5)
TROUBLES = st.sampled_from([value for name, value in vars(Trouble).items() if name.isupper()])


def test_by_the_socket_the_tickets_are_those_of_http_whatever_the_link_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PERIOD", 0.3)  # a look back that failed is tried again soon
    with asyncio.Runner() as runner:
        opened = office(tmp_path)
        both = runner.run(opened.__aenter__())

        @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(script=SCRIPTS, troubles=st.lists(TROUBLES, min_size=3, max_size=8))
        def same(script: list[tuple[str, str]], troubles: list[str]) -> None:
            runner.run(_same(both, script, troubles))

        try:
            same()
        finally:
            runner.run(opened.__aexit__(None, None, None))


async def _same(both: Office, script: list[tuple[str, str]], troubles: list[str]) -> None:
    shaky = Shaky(slack=both.slack, deskgate=both.deskgate, troubles=itertools.cycle(troubles))
    expected = await both.plays(both.somebody(both.http), script)
    assert await both.plays(both.somebody(shaky), script) == expected
    count = await both.deskgate.store.ledger_count()
    assert count.adds_up and count.dead == 0


async def test_an_envelope_is_acknowledged_while_everything_behind_the_ledger_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path) as both:
        asleep = asyncio.Event()

        async def never(*given: Any) -> None:
            asleep.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(both.deskgate.store, "claim_streams", never)
        cy = both.somebody(Wire(slack=both.slack))
        for text in ("where is my order?", "hello?"):
            payload = event_callback(cy.writes(text), f"Ev{text}")
            assert (await both.slack.links.deliver("events_api", payload, seconds=PATIENCE))[0]
        await asleep.wait()
        assert (await both.deskgate.store.ledger_count()).pending == 2
