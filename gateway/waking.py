"""Who answers what was said: the bot, people, or nobody because nothing was asked; and what opens again by it."""

from __future__ import annotations

from bot.signals import small_talk, thanks_only
from gateway.context import Context
from gateway.correspondents import why_silent
from gateway.desk import csat
from gateway.desk.resting import stir
from gateway.draft import Draft
from gateway.escalation.hand_off import hand_off, refresh_card
from gateway.forwarded import propose, undecided
from gateway.model import Choice, Entry, EntryKind, Message, Side, Speaker, Status
from gateway.triage.screening import Screened
from gateway.voice import handed_over, speak

#: It waits for somebody else than us; thanks do not change that.
RESTING = (Status.PENDING, Status.ON_HOLD)


def wake(
    draft: Draft, context: Context, message: Message, screened: Screened | None, heard: Entry | None
) -> Choice | None:
    """Lets those wake who answer it; what the bot has to weigh beside the words: the button that was pressed."""
    by_machine = screened is not None and screened.check == "automatic"
    waits = undecided(draft.participants) is not None
    draft.set_bot(machine=waits or (by_machine and not draft.heard))
    if screened is not None:
        draft.event("screened", check=screened.check, why=screened.reason)
        if not draft.ticket.queue and (message.unreadable or not draft.folder.ticket.version):
            hand_off(draft, context.policy, "unreadable" if message.unreadable else "machine")
        return None
    if propose(draft, message, context.person.agent):
        hand_off(draft, context.policy, "forwarded")
        return None
    silent = why_silent(message, draft.participants, context.policy)
    if silent and heard is not None and draft.ticket.speaker is Speaker.BOT:
        hand_off(draft, context.policy, silent)
        return None
    if message.choice is None and heard is not None:
        draft.heard.append(heard)
    if draft.ticket.speaker is not Speaker.BOT and heard is not None:
        _reopen(draft, context, message)
    return message.choice


def _reopen(draft: Draft, context: Context, message: Message) -> None:
    if csat.answered(draft, context, message):
        return
    resolved, waits = draft.ticket.status is Status.RESOLVED, draft.ticket.status in RESTING
    if (resolved or waits) and (thanks_only(message.text) or not message.text.strip()):
        draft.event("thanked")
        return
    if resolved and _begins_anew(draft, context, message):
        draft.event("begun_anew", why="The requester only greeted, or called for the menu.")
        draft.set(speaker=Speaker.BOT)
        draft.set_bot(attempts=0, awaiting="", clarified=False, options=())
        return
    draft.set(speaker=Speaker.AGENT, status=Status.OPEN)
    stir(draft)
    if resolved:
        draft.event("reopened", why="The requester wrote again.")
        draft.timer("close", None)
        _say_reopened(draft, context, message)
    refresh_card(draft, context.policy)


def _begins_anew(draft: Draft, context: Context, message: Message) -> bool:
    """In a chat a bare "hello" or "help" after the end is no word about what was resolved: the assistant answers."""
    leg = draft.leg(Side.REQUESTER)
    chat = leg is not None and not context.policy.account(leg.address).threaded
    return chat and small_talk(message.text) in ("greeting", "menu")


def _say_reopened(draft: Draft, context: Context, message: Message) -> None:
    if draft.ticket.queue not in context.policy.queues or context.now - message.at > context.policy.max_age:
        return
    speak(draft, context, [handed_over(draft, context, "reopened")], EntryKind.NOTICE)
