"""Triage: what a message is about and how it sounds, which rule decides, and where people take it. Pure."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

import msgspec

from bot.signals import thanks_only, wants_human
from gateway.draft import Draft
from gateway.model import EntryKind, Message, Priority, Side, Ticket
from gateway.policy import Policy
from gateway.privacy.masking import FINDERS, scan
from gateway.triage.mood import Lexicons, Sound
from gateway.triage.rules import Facts, Verdict, is_listed

#: Lowest first.
PRIORITIES = tuple(Priority)
#: After these nothing cheerful is said any more.
UPSET = frozenset(("anger", "abuse", "threat_violence", "threat_reputation"))
#: Messages without an answer from which on a contact counts as repeated.
REPEATED = 3


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """The queue with its tier, the rule that chose it, and the rules that were tried before."""

    queue: str
    tier: int
    priority: Priority
    rule: str
    tried: tuple[str, ...] = ()


class Triage(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in what the requester said, and the rule that decides about it."""

    facts: Facts
    sound: Sound
    verdict: Verdict
    thanks_only: bool = False

    @property
    def triggers(self) -> tuple[str, ...]:
        """Why people should take it, the most telling first; a topic alone is none."""
        facts, then = self.facts, self.verdict.then
        found = {
            "sensitive": facts.protected,
            **dict.fromkeys(self.sound.mood, True),
            "wants_human": facts.wants_human,
            "vip": facts.vip,
            "high_priority": raised(facts.priority, then.priority) in (Priority.HIGH, Priority.URGENT),
            "repeated": facts.repeats >= REPEATED,
        }
        return tuple(name for name, holds in found.items() if holds)


def consider(draft: Draft, policy: Policy, said: str | None = None) -> Triage:
    """The triage of a ticket by what was just said, or by all that its requester said and nobody has answered."""
    text = spoken(draft) if said is None else _with_subject(draft, said)
    sound = listen(policy.lexicons, text)
    kinds = tuple(kind for kind in FINDERS if f"[{kind}]" in text)
    leg = draft.leg(Side.REQUESTER)
    contacts = tuple(p.identity.value for p in draft.participants if p.role == "requester")
    facts = Facts(
        text=text,
        channel=leg.address.connector if leg else "",
        account=f"{leg.address.connector}/{leg.address.account}" if leg else "",
        language=draft.ticket.language,
        tags=draft.ticket.tags,
        contacts=contacts,
        priority=draft.ticket.priority,
        mood=sound.mood,
        sensitive=(*kinds, *sound.topics),
        protected=draft.ticket.protected or (bool(sound.own) and not draft.ticket.work.cleared),
        repeats=_repeats(draft),
        wants_human=wants_human(text),
        vip=is_listed(contacts, policy.vip),
        hours=policy.hours(draft.now),
    )
    return Triage(facts=facts, sound=sound, verdict=policy.rules.decide(facts), thanks_only=thanks_only(text))


def apply(draft: Draft, triage: Triage) -> None:
    """Writes what the rule asks for onto the ticket, and why: priorities only rise, tags only come."""
    then, verdict, facts = triage.verdict.then, triage.verdict, triage.facts
    draft.event(
        "triaged",
        rule=verdict.rule,
        tried=verdict.tried,
        revision=verdict.revision,
        mood=triage.sound.mood,
        sensitive=facts.sensitive,
        protected=facts.protected,
        wants_human=facts.wants_human,
        thanks_only=triage.thanks_only,
        triggers=triage.triggers,
        evidence={"terms": triage.sound.evidence, "sla": then.sla, "repeats": facts.repeats},
    )
    watch = draft.ticket.watch
    draft.set_watch(named=then.sla or watch.named, upset=watch.upset or bool(UPSET & {*triage.sound.mood}))
    draft.set(
        protected=facts.protected,
        priority=raised(draft.ticket.priority, then.priority),
        tags=tuple(dict.fromkeys((*draft.ticket.tags, *then.tags))),
    )


def route(
    ticket: Ticket, policy: Policy, verdict: Verdict, *, article_queue: str = "", account_queue: str = ""
) -> Route:
    """Protected matters first, then the queue the ticket has, the rule's, the article's, the account's, the default."""
    then = verdict.then
    choices = (
        ("protected", policy.protected_queue if ticket.protected else ""),
        ("has-queue", ticket.queue),
        (f"rule {verdict.rule}" if verdict.rule else "rules", then.queue),
        ("article", article_queue),
        ("account", account_queue),
        ("default", policy.default_queue),
    )
    tried: list[str] = []
    for rule, name in choices:
        tried.append(rule)
        if name in policy.queues:
            chosen = rule == f"rule {verdict.rule}"
            tier = (then.tier if chosen else 0) or policy.queues[name].tier
            priority = raised(ticket.priority, then.priority)
            return Route(queue=name, tier=tier, priority=priority, rule=rule, tried=tuple(tried))
    raise AssertionError("the default queue is checked when settings are read")


def raised(now: Priority, to: Priority | None) -> Priority:
    """The higher of the two."""
    return max(now, to or now, key=PRIORITIES.index)


def spoken(draft: Draft) -> str:
    """The requester's open words: the subject of a new matter, the question the bot was asked, and what came after."""
    asked = draft.ticket.bot.asked
    said = [
        *(e.text for e in draft.folder.unanswered if e.kind is EntryKind.MESSAGE),
        *(e.text for e in draft.heard),
    ]
    return _with_subject(draft, "\n\n".join((asked, *(text for text in said if text and text not in asked))))


def _with_subject(draft: Draft, said: str) -> str:
    """The words with the subject of a new ticket above them, where that is not their own beginning."""
    subject = draft.ticket.subject if not draft.folder.ticket.version else ""
    begins = " ".join(said.split()).startswith(subject.rstrip("…"))
    return said.strip() if begins else f"{subject}\n\n{said}".strip()


def _repeats(draft: Draft) -> int:
    """Messages to people that nobody has answered; while the bot has the floor, one."""
    if not draft.ticket.queue:
        return 1
    return sum(e.kind is EntryKind.MESSAGE for e in (*draft.folder.unanswered, *draft.heard))


def no_ticket(message: Message, policy: Policy, now: datetime) -> str:
    """The rule by which this message needs no ticket, "" for none; never where a private value was found."""
    if not policy.rules.may_drop:
        return ""
    text = f"{message.subject}\n\n{message.text}".strip()
    if message.masked or scan(text, policy.never_mask):
        return ""
    sound = listen(policy.lexicons, text)
    verdict = policy.rules.decide(
        Facts(
            text=text,
            channel=message.connector,
            account=f"{message.connector}/{message.account}",
            contacts=(message.sender.value,),
            mood=sound.mood,
            sensitive=sound.topics,
            protected=bool(sound.own),
            wants_human=wants_human(text),
            vip=is_listed((message.sender.value,), policy.vip),
            hours=policy.hours(now),
        )
    )
    return verdict.rule if verdict.then.no_ticket else ""


@lru_cache(maxsize=256)
def listen(lexicons: Lexicons, text: str) -> Sound:
    """Lexicons.listen, once a text: a turn asks several times."""
    return lexicons.listen(text)
