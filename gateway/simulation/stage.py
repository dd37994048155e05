"""The stage: a whole Deskgate on a simulated clock, a step of the script in, what happened out."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from gateway.app import Deskgate, read_settings
from gateway.clock import from_ms, to_ms
from gateway.errors import SettingsError
from gateway.model import (
    Address,
    Agent,
    AnyInput,
    Attachment,
    Delivery,
    Identity,
    Message,
    Outgoing,
    Role,
    Verb,
)
from gateway.settings import Settings
from gateway.simulation.recorder import Recorder, SimulatedClock, message_key, recorded, with_placeholders
from gateway.simulation.script import Acts, Says, ScriptError, Step, Waits, accounts_named, action
from gateway.simulation.telling import Line, Teller
from gateway.store import simulation
from gateway.text.reply import strip_subject

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
        self._numbers = itertools.count(1)
        self._threads: dict[Address, tuple[str, datetime]] = {}

    async def play(self, step: Step) -> list[Line]:
        """Lets everything happen that is due before this step, and then the step itself."""
        lines = await self.until(step.at)
        match step:
            case Says():
                await self._take(await self._message(step))
            case Acts():
                refused = await self._act(step)
                return [*lines, *refused, *await self._settle()]
            case Waits():
                pass
        return [*lines, *await self._settle()]

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
        """What was on its way after the last line still leaves; then nothing in this database is ever sent."""
        lines: list[Line] = []
        end = self.clock.now() + LAST_SENDS
        while (due := await self._store.next_send()) is not None and from_ms(due) <= end:
            lines += await self.until(from_ms(due))
        await self._store.pause_outbox(True)
        return lines

    # ------------------------------------------------------------ time

    async def _next_due(self) -> datetime | None:
        store = self._store
        found = (await store.next_timer(), await store.next_send(), await store.next_ready())
        due = min((ms for ms in found if ms), default=None)
        return from_ms(due) if due is not None else None

    async def _settle(self) -> list[Line]:
        """Handles, fires and sends until nothing is due at this moment."""
        lines: list[Line] = []
        while True:
            happened = await self.deskgate.intake.handle_ready() or await self.deskgate.timers.fire()
            lines += await self._teller.told(self.clock.now())
            happened = happened or await self._send(lines)
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

    # ------------------------------------------------------------ somebody writes

    async def _message(self, step: Says) -> Message:
        number = next(self._numbers)
        account = step.account or next(a.name for a in self.deskgate.accounts if a.kind == step.connector)
        by_mail = step.connector == "email"
        sender = step.sender.lower() if by_mail else step.sender
        address = Address(connector=step.connector, account=account, conversation=sender)
        given = {
            "connector": step.connector,
            "account": account,
            "delivery_key": f"line {step.line}",
            "at": self.clock.now(),
            "address": self._in_thread(address) if not by_mail else address,
            "sender": Identity(
                kind="email" if by_mail or (step.connector == "api" and "@" in sender) else step.connector,
                value=sender,
                name=step.name,
                verified=True,
            ),
            "text": step.text,
            "subject": step.subject,
            "message_key": ""
            if step.choice
            else f"{'mid' if by_mail else step.connector}:<line-{number}@script>",
            "version": "1",
            "refers_to": await self._refers_to(step, address),
            "choice": step.choice,
            "attachments": tuple(_file(name) for name in step.files),
        }
        return Message(**{**given, **step.fields})

    def _in_thread(self, address: Address) -> Address:
        """In a channel with threads a person goes on in theirs, until they have been silent for long."""
        policy = self.deskgate.policy
        if not policy.account(address).threaded:
            return address
        thread, last = self._threads.get(address, ("", self.clock.now()))
        if not thread or self.clock.now() - last > policy.idle_window:
            thread = f"t{len(self._threads)}-{to_ms(self.clock.now())}"
        self._threads[address] = (thread, self.clock.now())
        return msgspec.structs.replace(address, thread=thread)

    async def _refers_to(self, step: Says, address: Address) -> tuple[str, ...]:
        """What a mail program would put into In-Reply-To: our last mail of the matter that is answered."""
        if step.ticket:
            number = await self._ticket(step.ticket, step.line)
            return (f"ref:{self.deskgate.policy.reply_key(number)}",)
        if step.connector != "email":
            return ()
        sent = await self._store.driver.read(lambda tx: simulation.last_sent(tx, address))
        numbers = {ticket for ticket, _ in sent}
        known = await self._store.driver.read(lambda tx: simulation.tickets(tx, numbers))
        for ticket, send in sent:
            if _answers(step.subject, known[ticket].subject):
                return (message_key(send),)
        return ()

    # ------------------------------------------------------------ somebody works

    async def _act(self, step: Acts) -> list[Line]:
        """Proposes it as the browser's desk would; what was refused without a ticket is told here."""
        try:
            ticket = await self._ticket(step.ticket, step.line)
            fields = {**step.fields, **await self._named(step, ticket)}
        except ScriptError as error:
            return [self._teller.problem(error.problems[0], self.clock.now())]
        await self._join(step)
        proposed = action(
            fields,
            delivery_key=f"line {step.line}",
            at=self.clock.now(),
            actor=Identity(kind="agent", value=step.agent, name=step.agent, verified=True),
            verb=step.verb,
            ticket=ticket,
            text=step.text,
        )
        files = tuple(_file(name) for name in step.files)
        row = await self._take(msgspec.structs.replace(proposed, attachments=files))
        lines = await self._settle()
        result = msgspec.json.decode(await self._store.result(row) or b"{}", type=dict[str, object])
        if result.get("state") == "refused" and all(line.kind != "refused" for line in lines):
            lines.append(
                self._teller.problem(f"{self._where}:{step.line}: {result['detail']}", self.clock.now())
            )
        return lines

    async def _join(self, step: Acts) -> None:
        """Whom the script names is a member of the desk, in the role that it gives them."""
        known = await self._store.agent(step.agent)
        if known is None or (step.role and known.role is not step.role):
            agent = known or Agent(id=step.agent, name=step.agent)
            agent = msgspec.structs.replace(agent, role=step.role or Role.AGENT)
            await self._store.add_agent(agent, to_ms(self.clock.now()))

    async def _named(self, step: Acts, ticket: int) -> dict[str, object]:
        """The rows that a verb means: another ticket by name; the newest line or reply where none is named."""
        fields = step.fields
        named: dict[str, object] = {}
        if "other" in fields:
            named["other"] = await self._ticket(str(fields["other"]), step.line)
        if step.verb in (Verb.SPLIT, Verb.MOVE) and not isinstance(fields.get("entry"), int):
            named["entry"] = await self._store.driver.read(lambda tx: simulation.newest_entry(tx, ticket))
        if step.verb in (Verb.UNDO, Verb.RETRY) and not isinstance(fields.get("send"), int):
            named["send"] = await self._store.driver.read(lambda tx: simulation.newest_reply(tx, ticket))
        return named

    async def _ticket(self, name: str, line: int) -> int:
        """The ticket that a line names. Raises ScriptError when there is none yet."""
        which, _, who = name.partition(" of ")
        read = self._store.driver.read
        found = await (
            read(lambda tx: simulation.tickets_of(tx, who)) if who else read(simulation.every_ticket)
        )
        number = name.removeprefix("DG-")
        if number.isdigit():
            found = [each for each in found if each == int(number)]
        if not found:
            raise ScriptError(
                [
                    f"{self._where}:{line}: there is no ticket {name!r} at this time. "
                    "Let them write first, or name another."
                ]
            )
        return found[0] if which == "first" else found[-1]


def _answers(subject: str, ticket: str) -> bool:
    """Whether a mail with this subject goes on with that ticket: none, or "Re:" above the same words."""
    plain = strip_subject(subject)
    if not subject.strip():
        return True
    return plain != subject.strip() and plain.casefold() == strip_subject(ticket).casefold()


def _file(name: str) -> Attachment:
    content = f"simulated file {name}".encode()
    return Attachment(filename=name, size=len(content), content=content)


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
