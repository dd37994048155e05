"""Alarms: what somebody must hear of, told once by a way other than the channels, and once again when it is over.

What the database knows is looked at by one replica; what only a process knows (its lost connections) by each. All that
begins or ends in one look is told in one message.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from gateway.clock import Clock, from_ms, to_ms
from gateway.errors import StoreError
from gateway.operations import alarm_ways, overdue
from gateway.operations.health import Health
from gateway.settings.alarms import AlarmSettings
from gateway.store import Store, owed
from gateway.store import vitals as stored
from gateway.store.vitals import Alarm, Vitals

log = logging.getLogger("deskgate.alarms")

LOOK_EVERY = 10.0
LEASE = "alarms"
#: Free bytes below which a full disk is near.
LOW_DISK = 500_000_000
DATABASE = "database"

#: What to do, by how an alarm's name ends or what it is.
_REMEDIES = {
    "receives": "Run `deskgate doctor`; nothing is lost, what waits there is read when the connection is back.",
    "sends": "Run `deskgate doctor`; what is to be sent waits and goes by itself.",
    "inputs wait": "Look for `deciding failed` in the log, and at the load of the machine.",
    "sends wait": "Look at `deskgate outbox status` and at the health page.",
    "outbox paused": "`deskgate outbox resume` shows what waits and lets it go.",
    "dead letters": "`deskgate dead list` names them with their reasons; `deskgate dead replay` tries again.",
    "disk": "Make room; messages are refused while the disk is full, and come again.",
    "overdue": "Open the desk's list, ordered by `due first`; who answers ends it.",
    "due soon": "Open the desk's list, ordered by `due first`.",
    "silent": "Run `deskgate doctor`; write to the account yourself.",
    DATABASE: "Start the database; Deskgate goes on by itself. Channels hold what comes meanwhile.",
}


class Alarms:
    """Looks, and tells. `look` is one round; `run` goes on until cancelled."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        health: Health,
        settings: AlarmSettings,
        *,
        company: str = "",
        accounts: Sequence[str] = (),
        folder: Path | None = None,
        queues: Mapping[str, str] | None = None,
    ) -> None:
        """`queues`: title of each, by name."""
        self._store, self._clock, self._health, self._settings = store, clock, health, settings
        self._company, self._accounts, self._folder = company, accounts, folder
        self._queues = queues or {}
        self._began = clock.now()
        self._database_told = False

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await self.look()

    async def look(self) -> None:
        """One round: raises what is wrong, ends what is over, tells both."""
        try:
            await self._own_troubles()
            if await self._store.take_lease(LEASE, int(LOOK_EVERY * 3000)):
                await self._common_troubles()
                await self._tell_all()
        except StoreError as error:
            await self._database_down(str(error))
        else:
            await self._database_up()

    # ------------------------------------------------------------ what this process knows

    async def _own_troubles(self) -> None:
        patience = timedelta(minutes=self._settings.after_minutes)
        heard = {name: to_ms(at) for name, at in self._health.last_heard().items()}
        if heard:
            await self._store.driver.write(lambda tx: stored.remember_heard(tx, heard))
        now = self._clock.now()
        for part, trouble in self._health.troubles.items():
            if part != DATABASE and now - trouble.since >= patience:
                await self._raise(part, f"{_lost(part)} since {_at(trouble.since)}: {trouble.reason}.")
        if self._folder is not None:
            await self._disk(self._folder)

    async def _disk(self, folder: Path) -> None:
        free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
        if free < LOW_DISK:
            await self._raise("disk", f"Only {free // 1_000_000} MB are free at {folder}.")
        else:
            await self._end("disk")

    # ------------------------------------------------------------ what the database knows

    async def _common_troubles(self) -> None:
        now = self._clock.now()
        vitals = await self._store.driver.read(stored.vitals)
        raised = {alarm.name: alarm for alarm in await self._alarms()}
        for name, text in conditions(vitals, self._settings, now):
            if text:
                await self._raise(name, text)
            elif name in raised:
                await self._end(name)
        await self._silence(vitals, now, raised)
        await self._promises(now, raised)
        for name, alarm in raised.items():
            if self._health.worked_since(name, from_ms(alarm.at)):
                await self._end(name)

    async def _silence(self, vitals: Vitals, now: datetime, raised: Mapping[str, Alarm]) -> None:
        limit = timedelta(hours=self._settings.silent_hours)
        for account in self._accounts if limit else ():
            known = vitals.heard.get(account)
            last = from_ms(known) if known else self._began
            name = f"{account} silent"
            if now - last >= limit:
                await self._raise(name, f"{account} has brought nothing since {_at(last)}.")
            elif name in raised:
                await self._end(name)

    async def _promises(self, now: datetime, raised: Mapping[str, Alarm]) -> None:
        told_of = self._settings.promises
        found = await self._store.driver.read(owed.owed) if told_of != "never" else []
        wanted = overdue.alarms(found, self._queues, told_of, now)
        for name, text in wanted.items():
            await self._raise(name, text)
        for name in raised.keys() - wanted.keys():
            if name.endswith(overdue.ENDINGS):
                await self._end(name)

    async def _alarms(self) -> list[Alarm]:
        return await self._store.driver.read(stored.alarms)

    async def _raise(self, name: str, text: str) -> None:
        at = to_ms(self._clock.now())
        if await self._store.driver.write(lambda tx: stored.raise_alarm(tx, name, at, text)):
            log.error("alarm: %s", text)

    async def _end(self, name: str) -> None:
        await self._store.driver.write(lambda tx: stored.end_alarm(tx, name))

    async def _tell_all(self) -> None:
        news = [alarm for alarm in await self._alarms() if alarm.state in ("raised", "over")]
        if news and await alarm_ways.tell(self._settings, *message(news, self._company, self._clock.now())):
            await self._store.driver.write(lambda tx: stored.alarms_told(tx, news))

    # ------------------------------------------------------------ without a database

    async def _database_down(self, reason: str) -> None:
        self._health.unwell(DATABASE, reason)
        trouble, now = self._health.troubles[DATABASE], self._clock.now()
        if self._database_told or now - trouble.since < timedelta(minutes=self._settings.after_minutes):
            return
        alarm = Alarm(name=DATABASE, at=to_ms(trouble.since), text=f"The database does not answer: {reason}")
        log.error("alarm: %s", alarm.text)
        self._database_told = await alarm_ways.tell(self._settings, *message([alarm], self._company, now))

    async def _database_up(self) -> None:
        if self._database_told:
            alarm = Alarm(name=DATABASE, at=0, text="The database answers again.", state="over")
            told = await alarm_ways.tell(self._settings, *message([alarm], self._company, self._clock.now()))
            self._database_told = not told
        self._health.well(DATABASE)


def conditions(vitals: Vitals, settings: AlarmSettings, now: datetime) -> Iterator[tuple[str, str]]:
    """Every condition with its text, "" while it does not hold."""
    waits = _minutes(vitals.oldest_input, now)
    late = waits >= settings.after_minutes
    yield (
        "inputs wait",
        f"{vitals.pending} inputs wait to be handled, the oldest for {waits:.0f} minutes." if late else "",
    )
    stuck = _minutes(vitals.oldest_send, now)
    paused = vitals.paused and vitals.waiting > 0
    yield "outbox paused", f"The outbox is paused and {vitals.waiting} messages wait." if paused else ""
    late = stuck >= settings.unsent_minutes and not vitals.paused
    yield (
        "sends wait",
        f"{vitals.waiting} messages have not left, the oldest for {stuck:.0f} minutes." if late else "",
    )
    yield "dead letters", f"{vitals.dead} inputs could not be handled." if vitals.dead else ""


def _minutes(since: int, now: datetime) -> float:
    return (now - from_ms(since)).total_seconds() / 60 if since else 0.0


def message(alarms: Sequence[Alarm], company: str, now: datetime) -> tuple[str, str]:
    """Subject and text that tell of these alarms together."""
    begun = [alarm for alarm in alarms if alarm.state != "over"]
    over = [alarm for alarm in alarms if alarm.state == "over"]
    head = f"Deskgate{f' for {company}' if company else ''}"
    parts = [f"{len(begun)} need attention" if len(begun) > 1 else _short(begun)] if begun else []
    if over:
        parts.append(f"{len(over)} are over" if len(over) > 1 else f"over: {over[0].name}")
    lines = [f"! {alarm.text}\n  {_remedy(alarm.name)}" for alarm in begun]
    lines += [_ended(alarm) for alarm in over]
    return f"{head}: {', '.join(parts)}", "\n".join([*lines, "", f"Seen at {_at(now)}."])


def _ended(alarm: Alarm) -> str:
    since = f" It began at {_at(from_ms(alarm.at))}." if alarm.at else ""
    return f"+ Over: {alarm.name}.{since} Nothing is to be done."


def _lost(part: str) -> str:
    """ "email/support receives" -> "email/support receives nothing"."""
    return f"{part} nothing" if part.endswith(("receives", "sends")) else part


def _at(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"


def _short(begun: Sequence[Alarm]) -> str:
    return begun[0].name


def _remedy(name: str) -> str:
    return next((remedy for end, remedy in _REMEDIES.items() if name.endswith(end)), "Run `deskgate doctor`.")
