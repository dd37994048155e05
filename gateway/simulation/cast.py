"""Who plays: lines of a script as the inputs that a channel or the browser's desk would give."""

from __future__ import annotations

import itertools
from datetime import datetime

import msgspec

from gateway.app import Deskgate
from gateway.clock import to_ms
from gateway.model import Address, Agent, AgentAction, Attachment, Identity, Message, Role, Verb
from gateway.simulation.recorder import message_key
from gateway.simulation.script import Acts, Says, ScriptError, action
from gateway.store import simulation
from gateway.text.reply import strip_subject


class Cast:
    """Customers and agents of one play. `where` names the script in what is said of mistakes."""

    def __init__(self, deskgate: Deskgate, where: str) -> None:
        self._deskgate, self._store, self._clock = deskgate, deskgate.store, deskgate.clock
        self._where = where
        self._numbers = itertools.count(1)
        self._threads: dict[Address, tuple[str, datetime]] = {}

    # ------------------------------------------------------------ somebody writes

    async def message(self, step: Says) -> Message:
        """What the channel would make of it. Raises ScriptError when it answers a ticket that is not there."""
        number = next(self._numbers)
        account = step.account or next(a.name for a in self._deskgate.accounts if a.kind == step.connector)
        by_mail = step.connector == "email"
        sender = step.sender.lower() if by_mail else step.sender
        address = Address(connector=step.connector, account=account, conversation=sender)
        message = Message(
            connector=step.connector,
            account=account,
            delivery_key=f"line {step.line}",
            at=self._clock.now(),
            address=address if by_mail else self._in_thread(address),
            sender=Identity(
                kind="email" if by_mail or (step.connector == "api" and "@" in sender) else step.connector,
                value=sender,
                name=step.name,
                verified=True,
            ),
            text=step.text,
            subject=step.subject,
            message_key=""
            if step.choice
            else f"{'mid' if by_mail else step.connector}:<line-{number}@script>",
            version="1",
            refers_to=await self._refers_to(step, address),
            choice=step.choice,
            attachments=files(step.files),
        )
        return msgspec.structs.replace(message, **step.fields)

    def _in_thread(self, address: Address) -> Address:
        """In a channel with threads a person goes on in theirs, until they have been silent for long."""
        policy, now = self._deskgate.policy, self._clock.now()
        if not policy.account(address).threaded:
            return address
        thread, last = self._threads.get(address, ("", now))
        if not thread or now - last > policy.idle_window:
            thread = f"t{len(self._threads)}-{to_ms(now)}"
        self._threads[address] = (thread, now)
        return msgspec.structs.replace(address, thread=thread)

    async def _refers_to(self, step: Says, address: Address) -> tuple[str, ...]:
        """What a mail program would put into In-Reply-To: our last mail of the matter that is answered."""
        if step.ticket:
            number = await self.ticket(step.ticket, step.line)
            return (f"ref:{self._deskgate.policy.reply_key(number)}",)
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

    async def proposal(self, step: Acts) -> AgentAction:
        """What the browser's desk would propose. Raises ScriptError when there is no such ticket."""
        ticket = await self.ticket(step.ticket, step.line)
        fields = {**step.fields, **await self._named(step, ticket)}
        await self._join(step)
        proposed = action(
            fields,
            delivery_key=f"line {step.line}",
            at=self._clock.now(),
            actor=Identity(kind="agent", value=step.agent, name=step.agent, verified=True),
            verb=step.verb,
            ticket=ticket,
            text=step.text,
        )
        return msgspec.structs.replace(proposed, attachments=files(step.files))

    async def _join(self, step: Acts) -> None:
        """Whom the script names is a member of the desk, in the role that it gives them."""
        known = await self._store.agent(step.agent)
        if known is None or (step.role and known.role is not step.role):
            agent = known or Agent(id=step.agent, name=step.agent)
            agent = msgspec.structs.replace(agent, role=step.role or Role.AGENT)
            await self._store.add_agent(agent, to_ms(self._clock.now()))

    async def _named(self, step: Acts, ticket: int) -> dict[str, object]:
        """The rows that a verb means: another ticket by name; the newest line or reply where none is named."""
        fields = step.fields
        named: dict[str, object] = {}
        if "other" in fields:
            named["other"] = await self.ticket(str(fields["other"]), step.line)
        if isinstance(also := fields.get("also"), list):
            named["also"] = [await self.ticket(str(each), step.line) for each in also]
        elif step.verb is Verb.INCIDENT:  # the form of the desk names what was proposed
            found = await self._store.ticket_page(ticket)
            named["also"] = list(found.ticket.work.alike) if found else []
        if step.verb in (Verb.SPLIT, Verb.MOVE) and not isinstance(fields.get("entry"), int):
            named["entry"] = await self._store.driver.read(lambda tx: simulation.newest_entry(tx, ticket))
        if step.verb in (Verb.UNDO, Verb.RETRY) and not isinstance(fields.get("send"), int):
            named["send"] = await self._store.driver.read(lambda tx: simulation.newest_reply(tx, ticket))
        return named

    async def ticket(self, name: str, line: int) -> int:
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
            what = f"{self._where}:{line}: there is no ticket {name!r} at this time."
            raise ScriptError([f"{what} Let them write first, or name another."])
        return found[0] if which == "first" else found[-1]


def _answers(subject: str, ticket: str) -> bool:
    """Whether a mail with this subject goes on with that ticket: none, or "Re:" above the same words."""
    plain = strip_subject(subject)
    if not subject.strip():
        return True
    return plain != subject.strip() and plain.casefold() == strip_subject(ticket).casefold()


def files(names: tuple[str, ...]) -> tuple[Attachment, ...]:
    """Attachments of these names, with some content."""
    contents = [(name, f"simulated file {name}".encode()) for name in names]
    return tuple(Attachment(filename=name, size=len(content), content=content) for name, content in contents)
