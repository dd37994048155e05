"""One ticket as it becomes during a turn. Lives inside `decide` only; what leaves is a frozen Change.

Escalating, an agent's reply and a follow-up are one operation here: append an entry, relay it to the other side.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from gateway.case import (
    Change,
    Correction,
    Folder,
    PendingSend,
    Returned,
    Rewrite,
    Send,
    Suppression,
    ThreadKey,
    TimerSet,
)
from gateway.model import (
    Address,
    Attachment,
    Button,
    Card,
    Entry,
    EntryKind,
    Event,
    Identity,
    Leg,
    Member,
    Outgoing,
    Participant,
    Post,
    Replace,
    SendKind,
    SendState,
    Side,
    Ticket,
)

UNSENT = (SendState.HELD, SendState.QUEUED)


class Draft:
    """Collects what changes; `ticket` is always the latest state."""

    def __init__(self, folder: Folder, now: datetime, team: tuple[Member, ...] = ()) -> None:
        self.folder, self.now, self.team = folder, now, team
        self.ticket: Ticket = folder.ticket
        self.legs: list[Leg] = list(folder.legs)
        self.participants: list[Participant] = list(folder.participants)
        self.entries: list[Entry] = []
        self.sends: list[Send] = []
        self.heard: list[Entry] = []  #: what the requester said in this turn and the bot may answer
        self.summed: tuple[object, object, Any] | None = (
            None  #: the clocks as last summed (gateway/sla/clocks.py)
        )
        self.silence = ""  #: why nothing automatic could be said, a cause code
        self._events: list[Event] = []
        self._keys: dict[str, int] = {}
        self._seen: dict[tuple[str, str], None] = {}
        self._timers: dict[str, datetime | None] = {}
        self._withdraw: list[int] = []
        self._requeue: list[int] = []
        self._corrections: list[Correction] = []
        self._rewrites: list[Rewrite] = []
        self._restore: list[int] = []
        self._returned: list[Returned] = []
        self._suppress: list[Suppression] = []
        self._touched: set[int] = set()
        self._locals = 0

    # ------------------------------------------------------------ the ticket

    def set(self, **fields: Any) -> None:
        """Changes fields of the ticket."""
        self.ticket = msgspec.structs.replace(self.ticket, **fields)

    def set_bot(self, **fields: Any) -> None:
        """Changes fields of what the bot has done."""
        self.set(bot=msgspec.structs.replace(self.ticket.bot, **fields))

    def set_work(self, **fields: Any) -> None:
        """Changes fields of what people do on it."""
        self.set(work=msgspec.structs.replace(self.ticket.work, **fields))

    def set_watch(self, **fields: Any) -> None:
        """Changes fields of what is known about time."""
        self.set(watch=msgspec.structs.replace(self.ticket.watch, **fields))

    def event(self, kind: str, **data: Any) -> None:
        """Writes down what happened and why."""
        self._events.append(Event(kind=kind, at=self.now, data=data))

    def bind(self, key: str, leg: int = 0) -> None:
        """A later message that mentions `key` belongs here."""
        self._keys[key] = leg

    def saw(self, message_key: str, version: str) -> None:
        self._seen[message_key, version] = None

    def timer(self, name: str, due: datetime | None) -> None:
        """Wakes the ticket at `due`; None takes the timer back."""
        self._timers[name] = due

    # ------------------------------------------------------------ legs and people

    def leg(self, side: Side) -> Leg | None:
        """Where this side's next message goes."""
        return next((leg for leg in self.legs if leg.side is side and leg.current), None)

    def arrive(self, side: Side, address: Address, link: str = "", *, public: bool = False) -> Leg:
        """Makes `address` this side's current leg, adding it when it is new; `public`: others read along."""
        known = next((leg for leg in self.legs if leg.side is side and leg.address == address), None)
        for leg in self.legs:
            if leg.side is side and leg.current and leg is not known:
                self._put(msgspec.structs.replace(leg, current=False))
        if known is None:
            known = Leg(id=self._local(), side=side, address=address, link=link, public=public)
            self.legs.append(known)
            self._touched.add(known.id)
        elif not known.current:
            known = self._put(msgspec.structs.replace(known, current=True))
        return known

    def copy_to(self, leg: Leg, addresses: tuple[str, ...]) -> None:
        """Whoever stood on the mail that an answer on this leg answers gets a copy, and is on the ticket."""
        if leg.cc != addresses:
            self._put(msgspec.structs.replace(leg, cc=addresses))
        for address in addresses:
            self.join(Participant(identity=Identity(kind="email", value=address), role="cc"))

    def offer(self, address: Address, link: str) -> None:
        """Adds another way to the requester, used only when the current one fails."""
        if any(leg.address == address for leg in self.legs):
            return
        leg = Leg(id=self._local(), side=Side.REQUESTER, address=address, current=False, link=link)
        self.legs.append(leg)
        self._touched.add(leg.id)

    def aside(self, address: Address) -> Leg:
        """A place of colleagues beside the ticket's queue: they are asked, or told, and the queue stays."""
        for leg in self.legs:
            if leg.side is Side.AGENT and leg.address.recipient == address.recipient:
                return leg
        leg = Leg(id=self._local(), side=Side.AGENT, address=address, current=False)
        self.legs.append(leg)
        self._touched.add(leg.id)
        return leg

    def leave(self, side: Side) -> None:
        """This side has no current leg any more (the ticket went to a queue without a channel)."""
        for leg in self.legs:
            if leg.side is side and leg.current:
                self._put(msgspec.structs.replace(leg, current=False))

    def join(self, participant: Participant) -> None:
        """Adds a person unless they are on the ticket already."""
        if all(known.identity.key != participant.identity.key for known in self.participants):
            self.participants.append(participant)

    def recast(self, participant: Participant, role: str) -> None:
        """Gives somebody on the ticket another role."""
        self.participants = [
            msgspec.structs.replace(p, role=role) if p == participant else p for p in self.participants
        ]

    def _put(self, leg: Leg) -> Leg:
        self.legs = [leg if known.id == leg.id else known for known in self.legs]
        self._touched.add(leg.id)
        return leg

    # ------------------------------------------------------------ saying things

    def append(self, entry: Entry) -> int:
        """Adds a line to the conversation; returns its local number."""
        number = self._local()
        self.entries.append(msgspec.structs.replace(entry, id=number))
        return number

    def say(
        self,
        kind: EntryKind,
        text: str,
        *,
        to: Side,
        send: SendKind,
        author: str = "",
        buttons: tuple[Button, ...] = (),
        reply_key: str = "",
        sources: tuple[str, ...] = (),
    ) -> None:
        """Appends a line and sends it to the current leg of a side, where it has one."""
        leg = self.leg(to)
        entry = self.append(Entry(kind=kind, at=self.now, text=text, author=author, buttons=buttons))
        if leg is not None:
            self.post(
                leg,
                text,
                kind=send,
                entry=entry,
                author=author,
                buttons=buttons,
                reply_key=reply_key,
                sources=sources,
            )

    def post(
        self,
        leg: Leg,
        text: str,
        *,
        kind: SendKind,
        entry: int = 0,
        not_before: datetime | None = None,
        reply_key: str = "",
        author: str = "",
        buttons: tuple[Button, ...] = (),
        attachments: tuple[Attachment, ...] = (),
        card: Card | None = None,
        cc: tuple[str, ...] = (),
        sources: tuple[str, ...] = (),
    ) -> None:
        """Puts a message to this leg into the outbox."""
        outgoing = Post(
            address=leg.address,
            kind=kind,
            ticket=self.ticket.id,
            text=text,
            subject=self.ticket.subject,
            language=self.ticket.language or "en",
            reply_key=reply_key,
            author=author,
            buttons=buttons,
            attachments=attachments,
            card=card,
            cc=cc,
            sources=sources,
        )
        self.send(leg, outgoing, kind=kind, entry=entry, not_before=not_before)

    def send(
        self,
        leg: Leg,
        outgoing: Outgoing,
        *,
        kind: SendKind,
        entry: int = 0,
        not_before: datetime | None = None,
    ) -> None:
        """Adds a row to the outbox; with `not_before` in the future it is held and may be undone."""
        self.sends.append(
            Send(
                leg=leg.id,
                outgoing=outgoing,
                kind=kind,
                entry=entry,
                not_before=not_before or self.now,
                held=not_before is not None and not_before > self.now,
                automatic=leg.side is Side.REQUESTER and kind is not SendKind.AGENT,
            )
        )

    def send_instead(self, leg: Leg, outgoing: Replace) -> None:
        """A newer state of something shown; older states that have not left would only be noise."""
        self.sends = [s for s in self.sends if s.leg != leg.id or not isinstance(s.outgoing, Replace)]
        for send in self.unsent(SendKind.NOTICE):
            if send.leg == leg.id and isinstance(send.outgoing, Replace):
                self.withdraw(send)
        self.send(leg, outgoing, kind=SendKind.NOTICE)

    def unsent(self, *kinds: SendKind) -> list[PendingSend]:
        """Messages of these kinds that have not left yet and are not withdrawn in this turn."""
        return [
            send
            for send in self.folder.sends
            if send.state in UNSENT and send.kind in kinds and send.id not in self._withdraw
        ]

    def withdraw(self, send: PendingSend) -> None:
        """Takes an unsent message back; the commit fails if it has left meanwhile."""
        self._withdraw.append(send.id)

    def taken_back(self, kind: SendKind) -> bool:
        """Whether an unsent message of this kind is withdrawn in this turn."""
        return any(send.kind is kind and send.id in self._withdraw for send in self.folder.sends)

    def requeue(self, send: PendingSend) -> None:
        """Tries a failed or uncertain message again."""
        self._requeue.append(send.id)

    def correct(self, correction: Correction) -> None:
        """Lines of this ticket go to another one."""
        self._corrections.append(correction)

    def rewrite(self, entry: int, text: str, full_text: str) -> None:
        """A line reads otherwise from now on: it was masked and need not be."""
        self._rewrites.append(Rewrite(entry=entry, text=text, full_text=full_text))

    def restore(self, correction: int) -> None:
        """Lines that went to another ticket come back."""
        self._restore.append(correction)

    def came_back(self, send: int, detail: str) -> None:
        """A message that had left failed after all."""
        self._returned.append(Returned(send=send, detail=detail))

    def suppress(self, address: str, reason: str) -> None:
        """Nothing automatic goes to this address any more."""
        self._suppress.append(Suppression(address=address, reason=reason))

    # ------------------------------------------------------------ the result

    def change(self) -> Change:
        """All of it, frozen."""
        return Change(
            ticket=msgspec.structs.replace(self.ticket, updated_at=self.now),
            legs=tuple(leg for leg in self.legs if leg.id in self._touched),
            participants=tuple(p for p in self.participants if p not in self.folder.participants),
            entries=tuple(self.entries),
            events=tuple(self._events),
            sends=tuple(self.sends),
            withdraw=tuple(self._withdraw),
            requeue=tuple(self._requeue),
            corrections=tuple(self._corrections),
            rewrites=tuple(self._rewrites),
            restore=tuple(self._restore),
            returned=tuple(self._returned),
            suppress=tuple(self._suppress),
            keys=tuple(ThreadKey(key=key, leg=leg) for key, leg in self._keys.items()),
            seen=tuple(self._seen),
            timers=tuple(TimerSet(name=name, due=due) for name, due in self._timers.items()),
        )

    def _local(self) -> int:
        self._locals -= 1
        return self._locals
