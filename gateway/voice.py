"""The automatic voice: one message a turn, in the person's language, within the budget, never to a machine."""

from __future__ import annotations

from datetime import datetime

from gateway.context import Context
from gateway.draft import Draft
from gateway.model import Button, Choice, ChoiceAction, EntryKind, Promise, SendKind, Side
from gateway.sla.clocks import current, tick

#: What stands behind a cheerful word, where the brand allows it.
CHEER = {"greeting": "👋", "glad": "🙂", "thanks": "🙂", "bye": "👋", "csat_thanks": "🙂"}


def speak(
    draft: Draft,
    context: Context,
    paragraphs: list[str],
    kind: EntryKind,
    buttons: tuple[Button, ...] = (),
    sources: tuple[str, ...] = (),
) -> bool:
    """Says the paragraphs to the requester as one message; False when nothing automatic may be said now."""
    policy, person = context.policy, context.person
    leg = draft.leg(Side.REQUESTER)
    if leg is None:
        return False
    if draft.ticket.bot.machine:
        draft.silence = "machine"
        draft.event("silent", reason="machine")
        return False
    if leg.address.conversation in context.suppressed:
        draft.silence = "suppressed"
        draft.event("silent", reason="suppressed")
        return False
    sent = context.sent.get(leg.address.recipient, 0)
    if sent >= policy.budget:
        draft.silence = "budget"
        draft.event("silent", reason="budget", sent=sent, budget=policy.budget)
        return False
    if signature := policy.signed(draft.ticket.language):
        paragraphs = [*paragraphs, signature]
    if person.agent is None and not (person.greeted or context.greeted):
        paragraphs = [*paragraphs, *introduction(draft, context)]
        context.greeted = True
    context.sent[leg.address.recipient] = sent + 1
    draft.say(
        kind,
        "\n\n".join(paragraphs),
        to=Side.REQUESTER,
        send=SendKind.ANSWER if kind is EntryKind.ANSWER else SendKind.NOTICE,
        author=policy.bot_name,
        buttons=buttons,
        reply_key=policy.reply_key(draft.ticket.id),
        sources=sources,
    )
    return True


def introduction(draft: Draft, context: Context) -> list[str]:
    """Who is writing, and what happens with the data: once for each person and channel."""
    policy = context.policy
    lines = [word(draft, context, "assistant", bot=policy.bot_name, company=policy.company)]
    if policy.privacy_url:
        lines.append(word(draft, context, "privacy", url=policy.privacy_url))
    return ["---", " ".join(lines)]


def word(draft: Draft, context: Context, key: str, /, **values: str) -> str:
    """An automatic word in the ticket's language; nothing cheerful where anger or abuse was heard."""
    policy, language = context.policy, context.policy.speaks(draft.ticket.language)
    upset = draft.ticket.watch.upset
    if upset and f"{key}_sober" in policy.words.keys:
        key = f"{key}_sober"
    said = policy.words.say(language, key, **values)
    return f"{said} {CHEER[key]}" if policy.emoji and not upset and key in CHEER else said


def button(draft: Draft, context: Context, key: str, action: ChoiceAction) -> Button:
    """A button with its label in the ticket's language."""
    return context.policy.button(word(draft, context, key), Choice(action=action, ticket=draft.ticket.id))


def handed_over(draft: Draft, context: Context, key: str = "handed_over") -> str:
    """To whom it went, the reference, and when the next word comes."""
    queue = context.policy.queues[draft.ticket.queue].title
    said = word(draft, context, key, queue=queue, reference=draft.ticket.reference)
    return "\n\n".join((said, *next_word(draft, context)))


def next_word(draft: Draft, context: Context) -> list[str]:
    """When the requester hears from a person at the latest, by the calendar; nothing where nothing is promised."""
    policy = context.policy
    tick(draft, policy)
    found = current(draft, policy)
    answers = (found.get(Promise.FIRST_RESPONSE), found.get(Promise.NEXT_RESPONSE))
    due = min((each.due for each in answers if each and each.due), default=None)
    if due is None:
        return []
    lines = [word(draft, context, "next_word", when=moment(draft, context, due))]
    working = policy.working(draft.ticket.queue)
    if working and not working.is_open(draft.now) and (opens := working.next_open(draft.now)):
        lines.insert(0, word(draft, context, "closed_now", when=moment(draft, context, opens)))
    return [("" if draft.ticket.language.startswith("zh") else " ").join(lines)]


def moment(draft: Draft, context: Context, at: datetime) -> str:
    """A moment to come, in the ticket's language."""
    policy = context.policy
    return policy.words.when(policy.speaks(draft.ticket.language), at, draft.now, policy.zone)
