"""decide: the inputs of one turn in, an Outcome out. Pure: no I/O, no clock, no randomness.

screen → thread → mask, append and relay (hearing.py) → who answers (waking.py) → the bot's turn, where it has the floor
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from bot.answer import Bot
from gateway import reports_in, tier0
from gateway.case import Case, Disposition, Folder, LedgerRow, Outcome, PersonUpdate
from gateway.context import Context
from gateway.correspondents import others
from gateway.desk import csat, incidents, proposals
from gateway.desk.assignment import take_back
from gateway.draft import Draft
from gateway.escalation.hand_off import heed, refresh_card
from gateway.hearing import named, write_change, write_down
from gateway.imported import file_away
from gateway.model import (
    AdminChange,
    AgentAction,
    Choice,
    ChoiceAction,
    Deletion,
    DeliveryReport,
    Edit,
    Event,
    LedgerState,
    Message,
    Participant,
    Side,
    Speaker,
    Status,
    Ticket,
    TimerDue,
)
from gateway.policy import Policy
from gateway.sla.watching import rest
from gateway.threads import Join, Thread, choose, conversation_keys, subject_of
from gateway.triage.routing import no_ticket
from gateway.triage.screening import Screened, Verdict, screen
from gateway.waking import wake


def decide(case: Case, now: datetime, policy: Policy, bot: Bot) -> Outcome:
    """Decides one turn. The same arguments always give the same outcome."""
    context = Context(
        now=now,
        policy=policy,
        bot=bot,
        person=case.person,
        sent=dict(case.sent),
        suppressed=case.suppressed,
        lines=case.lines,
        corrected=case.corrected,
        team=case.team,
        nexts=case.nexts,
        stops=case.stops,
        originals=case.originals,
    )
    turn = Turn(case, context)
    # In channel time: what was said in one turn gives the same ticket in whatever order it came.
    for row in sorted(case.claim.rows, key=lambda row: (row.input.at, row.id)):
        turn.handle(row)
    turn.let_the_bot_speak()
    return turn.outcome()


class Turn:
    """The work of one decide call: the drafts of the tickets it touches, and what became of each row."""

    def __init__(self, case: Case, context: Context) -> None:
        self.case, self.context = case, context
        context.reach, context.peek, context.add = self._reach, self._peek, self._add
        context.members = self._members
        self.drafts: dict[int, Draft] = {}
        self.dispositions: list[Disposition] = []
        self.events: list[Event] = []
        self.choices: dict[int, Choice] = {}
        # What the rows of this very turn add to what was known.
        self.keys = dict(case.keys)
        self.seen = {key: dict(versions) for key, versions in case.seen.items()}

    def handle(self, row: LedgerRow) -> None:
        """One ledger row, whatever it is."""
        match row.input:
            case Message() as message:
                self._hear(row, message)
            case Edit() | Deletion() as change:
                self._amend(row, change)
            case AgentAction() as action:
                self._act(row, action)
            case DeliveryReport() as report:
                self._on_ticket(
                    row, report.ticket, lambda draft: reports_in.delivery(draft, self.context, report)
                )
            case TimerDue() as timer:
                self._on_ticket(row, timer.ticket, lambda draft: reports_in.timer(draft, self.context, timer))
            case AdminChange() as change:
                self._administer(row, change)

    # ------------------------------------------------------------ a person says something

    def _hear(self, row: LedgerRow, message: Message) -> None:
        known = bool(self.case.person.contact_id)
        screened = screen(message, self.context.policy, known=known, released=row.released)
        match screened:
            case Screened(verdict=Verdict.IGNORE):
                self._done(row, 0, reason=f"{screened.check}: {screened.reason}")
            case Screened(verdict=Verdict.QUARANTINE):
                self._done(
                    row, 0, state=LedgerState.QUARANTINED, reason=f"{screened.check}: {screened.reason}"
                )
            case Screened(verdict=Verdict.BOUNCE):
                self._returned(row, message, screened)
            case _:
                self._keep(row, message, screened)

    def _keep(self, row: LedgerRow, message: Message, screened: Screened | None) -> None:
        thread = choose(message, self._now_known(), self.context.policy)
        if thread.join is Join.COPY:
            return self._copy(row, message, thread)
        if self._late_mark(row, message, thread):
            return None
        if thread.join is not Join.CONTINUES and (
            rule := no_ticket(message, self.context.policy, self.context.now)
        ):
            return self._done(row, 0, reason=f"rule: {rule}: no ticket")
        draft = self._ticket_for(row, message, thread)
        heard = write_down(draft, self.context, row, message)
        if message.imported:
            file_away(draft, message, self.context.policy)
            return self._done(row, draft.ticket.id)
        if message.offer is not None:
            draft.offer(message.offer.address, message.offer.link)
            draft.join(Participant(identity=message.offer.identity))
            draft.event("address_offered", channel=message.offer.address.connector)
            refresh_card(draft, self.context.policy)
        if choice := wake(draft, self.context, message, screened, heard):
            self.choices[draft.ticket.id] = choice
        return self._done(row, draft.ticket.id)

    def _late_mark(self, row: LedgerRow, message: Message, thread: Thread) -> bool:
        """A button about a ticket that was closed meanwhile is still an answer, and no new ticket."""
        choice = message.choice
        if choice is None or choice.action is not ChoiceAction.RATE or thread.join is Join.CONTINUES:
            return False
        draft = self._draft(thread.ticket) if thread.ticket in self.case.folders else None
        if draft is not None and any(p.identity.key == message.sender.key for p in draft.participants):
            csat.answered(draft, self.context, message)
        self._done(row, thread.ticket)
        return True

    def _ticket_for(self, row: LedgerRow, message: Message, thread: Thread) -> Draft:
        if thread.join is Join.CONTINUES:
            draft = self._draft(thread.ticket)
            leg = draft.arrive(Side.REQUESTER, message.address, public=self._in_public(message))
            for key in conversation_keys(message, self.context.policy):
                draft.bind(
                    key, leg.id
                )  # from now on this place is the ticket's, by whatever key it was found
        else:
            draft = self._open(row, message)
            leg = draft.arrive(Side.REQUESTER, message.address, public=self._in_public(message))
            for key in self._ways_back(draft, message):
                draft.bind(key, leg.id)
                self.keys[key] = draft.ticket.id
        if message.vouched:
            draft.event("authenticated", dmarc=message.vouched)
        draft.event("threaded", decision=thread.join, ticket=thread.ticket, why=thread.reason, input=row.id)
        draft.join(Participant(identity=named(message.sender)))
        draft.copy_to(leg, others(message, self.context.policy))
        for key in message.known_as:
            draft.bind(key, leg.id)
            self.keys[key] = draft.ticket.id
        if message.message_key:
            draft.bind(message.message_key, leg.id)
            draft.saw(message.message_key, message.version)
            self.keys[message.message_key] = draft.ticket.id
            self.seen.setdefault(message.message_key, {})[message.version] = draft.ticket.id
        return draft

    def _in_public(self, message: Message) -> bool:
        """Whether others read what we answer there; some channels answer public words in private by themselves."""
        return not message.private and not self.context.policy.account(message.address).answers_privately

    def _ways_back(self, draft: Draft, message: Message) -> tuple[str, ...]:
        """The keys by which a later message finds a new ticket."""
        policy, number = self.context.policy, draft.ticket.id
        return (
            f"ref:{policy.reply_key(number)}",
            f"subj:{draft.ticket.reference}",
            *conversation_keys(message, policy),
        )

    def _open(self, row: LedgerRow, message: Message) -> Draft:
        now = self.context.now
        ticket = Ticket(
            id=row.id,
            subject=subject_of(message),
            language=self.context.person.language or message.language,
            created_at=now,
            updated_at=now,
        )
        draft = Draft(Folder(ticket=ticket), now, self.case.team)
        if not message.imported:  # it was opened long ago, elsewhere: reports do not count it
            draft.event("opened", connector=message.connector, account=message.account)
        self.drafts[ticket.id] = draft
        return draft

    def _copy(self, row: LedgerRow, message: Message, thread: Thread) -> None:
        if thread.ticket in self.case.folders or thread.ticket in self.drafts:
            draft = self._draft(thread.ticket)
            draft.event("copy", connector=message.connector, account=message.account, input=row.id)
        self._done(row, thread.ticket, reason="copy: the same message by another door")

    def _returned(self, row: LedgerRow, message: Message, screened: Screened) -> None:
        number, send = reports_in.returned_to(message, self._now_known())
        if not number and message.bounce is not None and message.bounce.complaint:
            return self._keep(row, message, screened)  # people should know, whatever mail it was about
        if not number or message.bounce is None:
            return self._done(row, 0, reason="bounce: of a mail that no ticket knows")
        reports_in.bounce(self._draft(number), self.context, message.bounce, send)
        return self._done(row, number, reason="bounce")

    def _amend(self, row: LedgerRow, change: Edit | Deletion) -> None:
        versions = self.seen.get(change.message_key, {})
        number = next(iter(versions.values()), 0)
        if number not in self.case.folders and number not in self.drafts:
            return self._done(row, 0, reason="change: of a message that we do not have")
        draft = self._draft(number)
        if isinstance(change, Edit) and change.version in versions:
            return self._done(row, number, reason="copy: this version again")
        write_change(draft, self.context, row, change)
        if isinstance(change, Edit):
            self.seen[change.message_key] = {**versions, change.version: number}
        return self._done(row, number)

    # ------------------------------------------------------------ everybody else

    def _act(self, row: LedgerRow, action: AgentAction) -> None:
        number = action.ticket or (self.keys.get(f"at:{action.address.key}", 0) if action.address else 0)
        result = proposals.act(self.context, action, number, row.id)
        self._done(row, result.ticket or number, result=msgspec.json.encode(result).decode())

    def _administer(self, row: LedgerRow, change: AdminChange) -> None:
        """Written down; and what it changes on tickets."""
        self.events.append(Event(kind=change.what, at=self.context.now, data=change.detail))
        numbers = [number for number in change.detail.get("tickets", ()) if isinstance(number, int)]
        if change.what == "incident_seen":
            incidents.seen(self.context, numbers)
        if change.what == "agent_left":
            self._gone(str(change.detail.get("agent", "")), str(change.detail.get("cause", "gone")))
        self._done(row, 0)

    def _gone(self, agent: str, cause: str) -> None:
        """Whoever left, or is away, gives their open tickets back."""
        owned = [number for number in self.case.folders if (t := self._peek(number)) and t.assignee == agent]
        for number in owned:
            draft = self._draft(number)
            take_back(draft, self.context.policy, cause)
            refresh_card(draft, self.context.policy)

    def _on_ticket(self, row: LedgerRow, number: int, change: object) -> None:
        if number in self.case.folders and callable(change):
            change(self._draft(number))
        self._done(row, number)

    def let_the_bot_speak(self) -> None:
        """Once for each ticket that heard something and whose floor is the bot's."""
        for number, draft in self.drafts.items():
            choice = self.choices.get(number)
            if draft.ticket.speaker is Speaker.BOT and (draft.heard or choice):
                if draft.ticket.status in (Status.RESOLVED, Status.PENDING):
                    draft.set(status=Status.OPEN)
                    draft.timer("close", None)
                tier0.attend(draft, self.context, choice)
            elif draft.heard and draft.ticket.queue and draft.folder.ticket.version:
                heed(draft, self.context.policy)

    # ------------------------------------------------------------ the result

    def outcome(self) -> Outcome:
        policy, context = self.context.policy, self.context
        for draft in self.drafts.values():
            csat.settle(draft)
            rest(draft, policy)
        senders = [row.input.sender for row in self.case.claim.rows if isinstance(row.input, Message)]
        update = (
            PersonUpdate(identity=named(senders[-1]), language=context.language, greeted=context.greeted)
            if senders and self.drafts
            else None
        )
        return Outcome(
            claim=self.case.claim,
            at=context.now,
            dispositions=tuple(self.dispositions),
            changes=tuple(draft.change() for draft in self.drafts.values()),
            people=(*((update,) if update else ()), *context.people),
            policy=policy.revision,
            knowledge=context.bot.revision,
            reply=msgspec.json.encode(context.replies).decode() if context.replies else "",
            events=tuple(self.events),
            budget=policy.budget,
            budget_since=context.now - policy.budget_window,
        )

    def _reach(self, number: int) -> Draft | None:
        """Another ticket that an agent names."""
        known = number in self.drafts or number in self.case.folders
        return self._draft(number) if known else None

    def _peek(self, number: int) -> Ticket | None:
        """How a ticket stands in this turn, without making it part of what is written."""
        if number in self.drafts:
            return self.drafts[number].ticket
        folder = self.case.folders.get(number)
        return folder.ticket if folder else None

    def _members(self, leader: int) -> list[int]:
        """The tickets of an incident that were read."""
        known = {**self.case.folders, **{number: draft.folder for number, draft in self.drafts.items()}}
        return [number for number in sorted(known) if (t := self._peek(number)) and t.incident == leader]

    def _add(self, draft: Draft) -> None:
        self.drafts[draft.ticket.id] = draft

    def _draft(self, number: int) -> Draft:
        if number not in self.drafts:
            self.drafts[number] = Draft(self.case.folders[number], self.context.now, self.case.team)
        return self.drafts[number]

    def _now_known(self) -> Case:
        """The case with the tickets that this very turn has opened."""
        fresh = {
            number: Folder(
                ticket=draft.ticket, legs=tuple(draft.legs), participants=tuple(draft.participants)
            )
            for number, draft in self.drafts.items()
        }
        folders = {**self.case.folders, **fresh}
        return msgspec.structs.replace(self.case, keys=self.keys, seen=self.seen, folders=folders)

    def _done(
        self,
        row: LedgerRow,
        ticket: int,
        *,
        state: LedgerState = LedgerState.ACCEPTED,
        reason: str = "",
        result: str = "",
    ) -> None:
        self.dispositions.append(
            Disposition(ledger_id=row.id, state=state, reason=reason, ticket=ticket, result=result)
        )
