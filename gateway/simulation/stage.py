"""The stage: a whole Deskgate on a simulated clock, a step of the script in, what happened out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from gateway.app import Deskgate
from gateway.clock import from_ms
from gateway.errors import SettingsError
from gateway.incident_watch import LOOK_EVERY
from gateway.model import Agent, AnyInput, Delivery, Outgoing
from gateway.settings import Settings
from gateway.simulation.cast import Cast
from gateway.simulation.recorder import Recorder, SimulatedClock, recorded, with_placeholders
from gateway.simulation.script import Acts, Says, ScriptError, Step, Waits, accounts_named
from gateway.simulation.telling import Line, Teller
from gateway.startup import read_settings
from gateway.store import simulation

#: What is on its way after the last line still leaves within this time.
LAST_SENDS = timedelta(minutes=5)
#: Things due at one and the same instant; more is a circle.
MOST_AT_ONCE = 10_000


class Stage:
    """Plays steps in order. `where` names the script in what is said of mistakes."""

    def __init__(self, deskgate: Deskgate, clock: SimulatedClock, where: str) -> None:
        self.deskgate, self.clock, self._where = deskgate, clock, where
        self._store = deskgate.store
        self._teller = Teller(deskgate)
        self._recorders = [c for c in deskgate.connectors.values() if isinstance(c, Recorder)]
        self._cast = Cast(deskgate, where)
        self._look_at: datetime | None = None

    async def play(self, step: Step) -> list[Line]:
        """Lets everything happen that is due before this step, and then the step itself."""
        lines = await self.until(step.at)
        match step:
            case Says():
                return lines + await self._hear(step)
            case Acts():
                return lines + await self._act(step)
            case Waits():
                return lines

    async def until(self, when: datetime) -> list[Line]:
        """Jumps the clock from one due time to the next, up to `when`."""
        lines = await self._settle()
        at_once = 0
        while (due := await self._next_due()) is not None and due <= when:
            at_once = 0 if due > self.clock.now() else at_once + 1
            if at_once > MOST_AT_ONCE:
                raise ScriptError(
                    [
                        f"{self._where}: something falls due at {due.isoformat()} again and again. Look at its timers."
                    ]
                )
            self.clock.jump(due)
            lines += await self._settle()
        self.clock.jump(when)
        return [*lines, *await self._settle()]

    async def finish(self) -> list[Line]:
        """What was on its way after the last line still leaves."""
        lines: list[Line] = []
        end = self.clock.now() + LAST_SENDS
        while (due := await self._store.next_send()) is not None and from_ms(due) <= end:
            lines += await self.until(from_ms(due))
        return lines

    # ------------------------------------------------------------ time

    async def _next_due(self) -> datetime | None:
        store = self._store
        found = (await store.next_timer(), await store.next_send(), await store.next_ready())
        times = [from_ms(ms) for ms in found if ms]
        return min([*times, *([self._look_at] if self._look_at else [])], default=None)

    async def _look_around(self) -> int:
        """What `serve` does every few seconds is done once, that long after somebody wrote."""
        if self._look_at is None or self._look_at > self.clock.now():
            return 0
        self._look_at = None
        return await self.deskgate.incidents.look()

    async def _settle(self) -> list[Line]:
        """Handles, fires and sends until nothing is due at this moment."""
        lines: list[Line] = []
        while True:
            happened = await self.deskgate.intake.handle_ready() or await self.deskgate.timers.fire()
            lines += await self._teller.told(self.clock.now())
            happened = happened or await self._send(lines) or await self._look_around()
            if not happened:
                return lines

    async def _send(self, lines: list[Line]) -> int:
        claimed = await self.deskgate.outbox.send_due()
        await self.deskgate.outbox.drain()
        sent: list[Outgoing] = [outgoing for recorder in self._recorders for outgoing in recorder.sent]
        for recorder in self._recorders:
            recorder.sent.clear()
        lines += await self._teller.left(sent, self.clock.now())
        return claimed

    async def _take(self, value: AnyInput) -> int:
        receipts = await self.deskgate.host.receive([Delivery(input=value)])
        return receipts[0].ledger_id

    # ------------------------------------------------------------ the cast

    async def _hear(self, step: Says) -> list[Line]:
        try:
            await self._take(await self._cast.message(step))
            self._look_at = self._look_at or self.clock.now() + timedelta(seconds=LOOK_EVERY)
        except ScriptError as error:
            return [self._teller.problem(error.problems[0], self.clock.now())]
        return await self._settle()

    async def _act(self, step: Acts) -> list[Line]:
        """Proposes it as the browser's desk would; what was refused without a ticket is told here."""
        try:
            row = await self._take(await self._cast.proposal(step))
        except ScriptError as error:
            return [self._teller.problem(error.problems[0], self.clock.now())]
        lines = await self._settle()
        result = msgspec.json.decode(await self._store.result(row) or b"{}", type=dict[str, object])
        if result.get("state") == "refused" and all(line.kind != "refused" for line in lines):
            what = f"{self._where}:{step.line}: {result['detail']}"
            lines.append(self._teller.problem(what, self.clock.now()))
        return lines


@asynccontextmanager
async def stage(
    config: Path,
    steps: Sequence[Step],
    where: str,
    *,
    database: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Stage]:
    """A stage for these steps under this configuration, on a database of its own.

    database  the SQLite file to play into; None for one that is forgotten. Raises SettingsError when there is a file
              that no simulation made.
    """
    environ = with_placeholders(config, os.environ if environ is None else environ)
    settings, found = read_settings(config, environ)
    with tempfile.TemporaryDirectory(prefix="deskgate-simulate-") as folder:
        file = fresh(database) if database else Path(folder) / "simulation.db"
        key_file = file.with_name(f"{file.name}.key")
        clock = SimulatedClock(steps[0].at)
        accounts = recorded(found, list(accounts_named(steps)))
        deskgate = Deskgate(_apart(settings, file, key_file), accounts, clock=clock, environ={})
        await deskgate.knowledge.learn()
        await deskgate.store.open()
        try:
            await deskgate.store.driver.write(simulation.mark)
            await _hire(deskgate)
            yield Stage(deskgate, clock, where)
        finally:
            await deskgate.store.pause_outbox(True)
            deskgate.intake.close()
            await deskgate.store.close()


def _apart(settings: Settings, file: Path, key_file: Path) -> Settings:
    """The settings with a database and a key of the simulation's own."""
    store = settings.store.model_copy(update={"database": f"sqlite:///{file}", "key_file": key_file})
    return settings.model_copy(update={"store": store})


async def _hire(deskgate: Deskgate) -> None:
    """The members that queues name exist, as they would where Deskgate runs."""
    named = {member for queue in deskgate.policy.queues.values() for member in queue.members}
    for member in sorted(named):
        await deskgate.store.add_agent(Agent(id=member, name=member), 0)


def fresh(database: Path) -> Path:
    """Makes room for a new database where there is none, or one of an earlier simulation."""
    if database.exists():
        if not simulation.is_ours(database):
            raise SettingsError(
                [
                    f"{database}: this file was not made by a simulation, so it is left alone. Give --db another name."
                ]
            )
        for suffix in ("", "-wal", "-shm", ".key"):
            database.with_name(f"{database.name}{suffix}").unlink(missing_ok=True)
    database.parent.mkdir(parents=True, exist_ok=True)
    return database
