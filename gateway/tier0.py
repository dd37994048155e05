"""The bot's turn on a ticket: answer from an article, ask once what is meant, or hand off and say so."""

from __future__ import annotations

from typing import Any

import msgspec

from bot.answer import Answer, Clarify, HandOff, Passage, Question, Reason
from bot.articles import Article
from bot.signals import thanks_only, wants_human, yes_or_no
from gateway import dial, topics
from gateway.context import Context
from gateway.draft import Draft
from gateway.escalation.hand_off import excerpt, hand_off
from gateway.model import (
    Address,
    BotMode,
    Choice,
    ChoiceAction,
    EntryKind,
    SendKind,
    Side,
    Speaker,
    Status,
)
from gateway.privacy.masking import words_of
from gateway.sla import opening_hours
from gateway.sla.calendars import Calendar
from gateway.text.language import detect
from gateway.text.links import to_pages
from gateway.text.unwrap import unwrap
from gateway.triage.routing import Triage, apply, consider
from gateway.voice import button, handed_over, speak, word


def attend(draft: Draft, context: Context, choice: Choice | None) -> None:
    """Decides what the bot does about what was just said; the floor is the bot's."""
    text = _question(draft)
    _notice_language(draft, context, text)
    if choice is not None and not text:
        return _chosen(draft, context, choice)
    if not text and not _files(draft):
        return draft.event(
            "nothing_asked"
        )  # a sticker is no question, and no file that somebody must look at
    if choice is not None and choice.action is ChoiceAction.HELPED:
        draft.event("helped", article=draft.ticket.bot.article)
    elif choice is not None and choice.action is not ChoiceAction.ARTICLE:
        return _chosen(draft, context, choice)
    # What was typed beside a button is a question of its own, and a wish for a person goes before everything.
    triage = consider(draft, context.policy, text)
    apply(draft, triage)
    if cause := _hard_rule(draft, context, text, triage):
        return give_up(draft, context, cause)
    if draft.ticket.bot.awaiting and _answered_us(draft, context, text):
        return None
    if draft.ticket.bot.attempts >= context.policy.max_answers:
        return give_up(draft, context, "too_many")
    if context.policy.calendar and opening_hours.asked(text):
        return _tell_hours(draft, context, context.policy.calendar, text)
    if topic := topics.named(draft, context, text):
        return _open(draft, context, topic)
    return _ask(draft, context, text, triage.sound.topics)


def _question(draft: Draft) -> str:
    """What was said in this turn, and before it the question whose answer never left."""
    in_order = sorted(draft.heard, key=lambda entry: (entry.at, entry.ledger_id))
    said = "\n\n".join(entry.text for entry in in_order if entry.text)
    pending = draft.unsent(SendKind.ANSWER)
    if not pending:
        return said
    for send in pending:
        draft.withdraw(send)
    draft.event("withdrawn", reason="The person wrote more before the answer had left.")
    before = draft.ticket.bot.asked
    draft.set_bot(attempts=max(0, draft.ticket.bot.attempts - 1), awaiting="", clarified=False)
    return f"{before}\n\n{said}" if before else said


def _place(draft: Draft) -> Address | None:
    leg = draft.leg(Side.REQUESTER)
    return leg.address if leg else None


def _mode(draft: Draft, context: Context, passages: tuple[Passage, ...] = ()) -> BotMode:
    """What the bot may do now with these passages."""
    articles = (context.bot.library.get(passage.article) for passage in passages)
    return dial.mode(draft, context.policy, context.stops, (article for article in articles if article))


def _files(draft: Draft) -> bool:
    return any(not file.inline for entry in draft.heard for file in entry.attachments)


def _notice_language(draft: Draft, context: Context, text: str) -> None:
    known = draft.ticket.language or context.person.language
    guess = detect(words_of(text), context.policy.languages, known or None)
    language = guess.language or known
    if language and (not known or guess.confidence >= 0.5):
        draft.set(language=language)
        context.language = language
    elif known:
        draft.set(language=known)


def _hard_rule(draft: Draft, context: Context, text: str, triage: Triage) -> str:
    said_at = max((entry.at for entry in draft.heard), default=context.now)
    if context.now - said_at > context.policy.max_age:
        return "late"
    if draft.ticket.protected:
        return "sensitive"
    if cause := next((name for name in triage.triggers if name in context.policy.triggers), ""):
        return cause
    if wants_human(text):
        return "wants_human"
    if triage.verdict.then.skip_bot:
        return "rule"
    if dial.mode(draft, context.policy, context.stops) is BotMode.OFF:
        return "bot_off" if context.policy.bot_mode(_place(draft)) is BotMode.OFF else "bot_stopped"
    if not text.strip() and any(entry.attachments for entry in draft.heard):
        return "files"
    return ""


# ---------------------------------------------------------------- what was said about our last message


def _chosen(draft: Draft, context: Context, choice: Choice) -> None:
    match choice.action:
        case ChoiceAction.HELPED:
            _helped(draft, context)
        case ChoiceAction.ARTICLE if article := context.bot.library.get(choice.value):
            draft.event("chose", article=choice.value)
            _answer(draft, context, (_whole(article),))
        case ChoiceAction.TOPIC if topics.exists(draft, context, choice.value):
            _open(draft, context, choice.value)
        case ChoiceAction.HUMAN:
            give_up(draft, context, "wants_human")
        case ChoiceAction.NOT_HELPED:
            give_up(draft, context, "not_helped")
        case _:
            give_up(draft, context, "unclear")


def _answered_us(draft: Draft, context: Context, text: str) -> bool:
    """Takes a yes, a no or a number as the answer to what the bot asked."""
    bot = draft.ticket.bot
    if bot.awaiting == "choice":
        number = text.strip().rstrip(".)")
        if number.isdigit() and 1 <= int(number) <= len(bot.options):
            _chosen(draft, context, topics.option(bot.options[int(number) - 1]))
            return True
    verdict = yes_or_no(text)
    if bot.awaiting == "helped" and (verdict is True or thanks_only(text)):
        _helped(draft, context)
        return True
    if verdict is False:
        give_up(draft, context, "not_helped" if bot.awaiting == "helped" else "unclear")
        return True
    return False


def _helped(draft: Draft, context: Context) -> None:
    draft.event("helped", article=draft.ticket.bot.article)
    draft.set(status=Status.RESOLVED, speaker=Speaker.BOT)
    draft.set_bot(awaiting="", options=(), attempts=0, clarified=False)
    draft.timer("close", context.now + context.policy.close_after)
    speak(draft, context, [word(draft, context, "glad")], EntryKind.NOTICE)


# ---------------------------------------------------------------- matching


def _ask(draft: Draft, context: Context, text: str, topics: tuple[str, ...]) -> None:
    bot, policy = draft.ticket.bot, context.policy
    reply = context.bot.reply(
        Question(
            text=text,
            language=draft.ticket.language or None,
            languages=policy.languages,
            may_clarify=not bot.clarified,
        )
    )
    context.replies.append(reply)
    draft.set_bot(asked=text[:4000])
    if not draft.ticket.subject:
        draft.set(subject=excerpt(text, 120))
    match reply:
        case Answer() if not _may_answer(reply, topics):
            give_up(draft, context, "sensitive", topics=topics, **explained(reply))
        case Answer():
            _answer(draft, context, reply.passages, reply)
        case Clarify() | HandOff(reason=Reason.SMALL_TALK) if _mode(draft, context) is not BotMode.ANSWER:
            give_up(draft, context, "suggested", **explained(reply))
        case Clarify():
            _clarify(draft, context, reply)
        case HandOff(reason=Reason.SMALL_TALK):
            _small_talk(draft, context, reply)
        case HandOff():
            cause = "no_match" if reply.reason is Reason.EMPTY else reply.reason.value
            give_up(draft, context, cause, **explained(reply))


def _tell_hours(draft: Draft, context: Context, calendar: Calendar, text: str) -> None:
    """Answers from the calendar: an article about the hours would be out of date on the next holiday."""
    policy = context.policy
    lines = opening_hours.told(calendar, policy.words, policy.speaks(draft.ticket.language), draft.now)
    if _mode(draft, context) is BotMode.SUGGEST:
        draft.set_bot(asked=text, suggestion="\n\n".join(lines))
        give_up(draft, context, "suggested")
        return
    draft.event("answered", calendar=calendar.name, text="\n\n".join(lines))
    draft.set_bot(
        asked=text, article="", attempts=draft.ticket.bot.attempts + 1, options=(), awaiting="helped"
    )
    draft.set(status=Status.PENDING, subject=draft.ticket.subject or excerpt(text, 120))
    _offer(draft, context, lines)


def _offer(draft: Draft, context: Context, lines: list[str], sources: tuple[str, ...] = ()) -> None:
    """Says an answer and asks whether it helped; to people where nothing may be said."""
    buttons = (
        button(draft, context, "button_yes", ChoiceAction.HELPED),
        button(draft, context, "button_no", ChoiceAction.NOT_HELPED),
        button(draft, context, "button_person", ChoiceAction.HUMAN),
    )
    said = [*lines, word(draft, context, "did_this_help")]
    if not speak(draft, context, said, EntryKind.ANSWER, buttons, sources):
        hand_off(draft, context.policy, draft.silence or "budget")


def _may_answer(reply: Answer, topics: tuple[str, ...]) -> bool:
    """Whether every article that would be quoted says that the bot may speak about these private topics."""
    return all(topic in passage.may_answer for passage in reply.passages for topic in topics)


def _answer(
    draft: Draft, context: Context, passages: tuple[Passage, ...], reply: Answer | None = None
) -> None:
    """Says it, suggests it to agents, or neither, as the dial stands."""
    opened, foreign = (reply.unanswered, reply.other_language) if reply else ((), False)
    match _mode(draft, context, passages):
        case BotMode.ANSWER:
            _quote(draft, context, passages, opened=opened, foreign=foreign, reply=reply)
        case BotMode.SUGGEST:
            _suggest(draft, context, passages, foreign, reply)
        case BotMode.OFF:
            stopped = dial.mode(draft, context.policy, ()) is not BotMode.OFF
            draft.set_bot(article=passages[-1].article)
            give_up(
                draft, context, "bot_stopped" if stopped else "bot_off", **(explained(reply) if reply else {})
            )


def _suggest(
    draft: Draft, context: Context, passages: tuple[Passage, ...], foreign: bool, reply: Answer | None
) -> None:
    """What the bot would say goes to agents, with the ticket."""
    lines = [line for passage in passages for line in _passage(draft, context, passage, foreign)]
    names = tuple(passage.article for passage in passages)
    evidence = explained(reply) if reply else {}
    draft.event("suggested", articles=names, **evidence)
    draft.set_bot(article=names[-1], suggestion="\n\n".join(lines), sources=names)
    give_up(draft, context, "suggested")


def _quote(
    draft: Draft,
    context: Context,
    passages: tuple[Passage, ...],
    *,
    opened: tuple[str, ...],
    foreign: bool = False,
    reply: Answer | None = None,
) -> None:
    """Quotes each passage word for word with its source; what stays open goes to a person in the same message."""
    lines = [line for passage in passages for line in _passage(draft, context, passage, foreign)]
    names = [passage.article for passage in passages]
    evidence = explained(reply) if reply else {}
    sources = [{"article": p.article, "revision": p.revision, "section": p.section} for p in passages]
    draft.event("answered", sources=sources, text="\n\n".join(lines), **evidence)
    draft.set_bot(article=names[-1], attempts=draft.ticket.bot.attempts + 1, options=(), awaiting="helped")
    if opened:
        hand_off(draft, context.policy, "partly", article_queue=passages[0].queue or "", open=list(opened))
        lines += [word(draft, context, "open_part", part=excerpt(part, 200)) for part in opened]
        lines.append(handed_over(draft, context))
        speak(draft, context, lines, EntryKind.NOTICE, sources=tuple(names))
        return
    draft.set(status=Status.PENDING)
    _offer(draft, context, lines, tuple(names))


def _passage(draft: Draft, context: Context, passage: Passage, foreign: bool) -> list[str]:
    link = f"{context.policy.public_url}/help/{passage.language}/{passage.slug}"
    link += f"#{passage.anchor}" if passage.anchor else ""
    values = {"title": passage.title.replace("]", ")").replace("[", "("), "link": link}
    head = (
        word(draft, context, "quoted_section", section=passage.section, **values)
        if passage.section
        else word(draft, context, "quoted", **values)
    )
    if foreign:
        name = context.policy.words.name(passage.language)
        head = f"{word(draft, context, 'other_language', language=name)}\n\n{head}"
    text = to_pages(unwrap(passage.text), passage.language, context.policy.public_url)
    quoted = "\n".join(f"> {line}" if line else ">" for line in text.splitlines())
    return [head, quoted, f"*{word(draft, context, 'revision', revision=passage.revision)}*"]


def _whole(article: Article) -> Passage:
    """The opening section of an article that the person chose by name."""
    section = article.sections[0] if article.sections else None
    return Passage(
        article=article.name,
        slug=article.slug,
        title=article.title,
        language=article.language,
        revision=article.revision,
        section=section.heading if section else "",
        anchor=section.anchor if section else "",
        text=section.body if section else article.body,
        queue=article.queue,
        may_answer=article.may_answer,
        question="",
        confidence=1.0,
    )


def _clarify(draft: Draft, context: Context, reply: Clarify) -> None:
    names = tuple(option.name for option in reply.options)
    draft.event("clarified", options=list(names), **explained(reply))
    draft.set_bot(clarified=True, options=names, awaiting="choice")
    draft.set(status=Status.PENDING)
    numbered = "\n".join(f"{n}. {option.title}" for n, option in enumerate(reply.options, 1))
    choices = [
        context.policy.button(
            o.title, Choice(action=ChoiceAction.ARTICLE, value=o.name, ticket=draft.ticket.id)
        )
        for o in reply.options
    ]
    rest = [
        button(draft, context, "button_none", ChoiceAction.NONE_OF_THESE),
        button(draft, context, "button_person", ChoiceAction.HUMAN),
    ]
    said = [word(draft, context, "clarify"), numbered]
    if not speak(draft, context, said, EntryKind.ANSWER, (*choices, *rest)):
        hand_off(draft, context.policy, draft.silence or "budget")


def _open(draft: Draft, context: Context, topic: str) -> None:
    """Lists what a topic has, or quotes the one article that it has; nothing where the bot may not speak."""
    if _mode(draft, context) is not BotMode.ANSWER:
        give_up(draft, context, "suggested")
    elif article := topics.open_topic(draft, context, topic):
        _answer(draft, context, (_whole(article),))


def _small_talk(draft: Draft, context: Context, reply: HandOff) -> None:
    kind = reply.small_talk or "greeting"
    draft.event("small_talk", what=kind)
    if draft.ticket.subject == excerpt(draft.ticket.bot.asked, 120):
        draft.set(subject="")  # "hello" is no title: the first real question will be
    if kind in ("greeting", "menu"):
        if topics.menu(draft, context, [word(draft, context, "greeting")] if kind == "greeting" else []):
            return
        draft.set(status=Status.PENDING)
        kind = "greeting"
    else:
        draft.set(status=Status.RESOLVED)
        draft.timer("close", context.now + context.policy.close_after)
    speak(draft, context, [word(draft, context, kind)], EntryKind.ANSWER)


# ---------------------------------------------------------------- handing off


def give_up(draft: Draft, context: Context, cause: str, **evidence: Any) -> None:
    """Gives the ticket to people and tells the requester so, in one message."""
    article = context.bot.library.get(draft.ticket.bot.article) if draft.ticket.bot.article else None
    for send in draft.unsent(SendKind.ANSWER):
        draft.withdraw(send)
    hand_off(draft, context.policy, cause, article_queue=(article.queue or "") if article else "", **evidence)
    if cause in ("late", "machine"):
        return
    lead = {
        "not_helped": [word(draft, context, "sorry")],
        "no_match": [word(draft, context, "unsure")],
        "low_confidence": [word(draft, context, "unsure")],
        "unreadable": [word(draft, context, "unreadable")],
    }.get(cause, [])
    speak(draft, context, [*lead, handed_over(draft, context, _farewell(draft))], EntryKind.NOTICE)


def _farewell(draft: Draft) -> str:
    """Which words hand a ticket over: where others read along nothing is said of what a private matter is."""
    leg = draft.leg(Side.REQUESTER)
    if not draft.ticket.protected:
        return "handed_over"
    return "private_in_public" if leg is not None and leg.public else "private_matter"


def explained(reply: Answer | Clarify | HandOff) -> dict[str, Any]:
    """Why the bot decided as it did, for the ticket."""
    return {
        "confidence": round(reply.confidence, 4),
        "candidates": [[c.name, round(c.confidence, 4)] for c in reply.candidates[:5]],
        "threshold": round(reply.evidence.threshold, 4),
        "evidence": msgspec.to_builtins(reply.evidence),
    }
