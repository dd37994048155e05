"""The menu of topics: what it is about, then which of the topic's articles. The same decision for every channel."""

from __future__ import annotations

from collections.abc import Sequence

from bot.articles import Article
from gateway.context import Context
from gateway.draft import Draft
from gateway.escalation.hand_off import hand_off
from gateway.model import Button, Choice, ChoiceAction, EntryKind, Status
from gateway.text.normal import fold
from gateway.voice import button, speak, word

#: What is offered at once; a longer list is no menu.
MOST = 10
#: No topic has a longer name, characters.
LONGEST = 120
#: Marks a topic among the options that a number may mean; the others are names of articles.
_TOPIC = "topic:"


def topics(context: Context, language: str) -> dict[str, list[Article]]:
    """The topics of a language in alphabetical order, each with the articles that the bot may quote."""
    found = context.bot.library.topics(language)
    live = {topic: [a for a in found[topic] if a.is_live(context.bot.today)] for topic in found}
    return {topic: live[topic] for topic in sorted(live, key=str.casefold) if live[topic]}


def named(draft: Draft, context: Context, text: str) -> str:
    """The topic that a text is the name of, "" where it is more or something else."""
    if len(text) > LONGEST:
        return ""
    said = fold(text).strip(" .!?:,;。！？")
    known = context.bot.library.topics(context.policy.speaks(draft.ticket.language))
    return next((t for t in known if said and fold(t) == said and exists(draft, context, t)), "")


def menu(draft: Draft, context: Context, lines: Sequence[str]) -> bool:
    """Says the lines with the menu below them; False, and nothing said, where it would offer no choice."""
    offered = list(_ours(draft, context))[:MOST]
    if len(offered) < 2:
        return False
    draft.event("menu", topics=offered)
    buttons = tuple(_button(draft, context, topic, ChoiceAction.TOPIC, topic) for topic in offered)
    _offer(draft, context, (*lines, word(draft, context, "topics")), buttons, [_TOPIC + t for t in offered])
    return True


def open_topic(draft: Draft, context: Context, topic: str) -> Article | None:
    """Says which articles a topic has; one alone is not said but returned, to be quoted."""
    articles = _ours(draft, context).get(topic, [])
    draft.event("topic", topic=topic)
    if len(articles) == 1:
        return articles[0]
    shown = sorted(articles, key=lambda article: article.title.casefold())[:MOST]
    buttons = tuple(_button(draft, context, a.title, ChoiceAction.ARTICLE, a.name) for a in shown)
    lines = [word(draft, context, "topic_articles", topic=topic)]
    none = button(draft, context, "button_none", ChoiceAction.NONE_OF_THESE)
    _offer(draft, context, lines, (*buttons, none), [article.name for article in shown])
    return None


def option(value: str) -> Choice:
    """The choice that an option stands for."""
    if value.startswith(_TOPIC):
        return Choice(action=ChoiceAction.TOPIC, value=value.removeprefix(_TOPIC))
    return Choice(action=ChoiceAction.ARTICLE, value=value)


def exists(draft: Draft, context: Context, topic: str) -> bool:
    """Whether there is such a topic (still) in the ticket's language."""
    return topic in _ours(draft, context)


def _ours(draft: Draft, context: Context) -> dict[str, list[Article]]:
    return topics(context, context.policy.speaks(draft.ticket.language))


def _button(draft: Draft, context: Context, label: str, action: ChoiceAction, value: str) -> Button:
    return context.policy.button(label, Choice(action=action, value=value, ticket=draft.ticket.id))


def _offer(
    draft: Draft, context: Context, lines: Sequence[str], buttons: tuple[Button, ...], options: list[str]
) -> None:
    """One message: the lines, the options numbered for where there are no buttons, and the way to a person."""
    draft.set_bot(options=tuple(options), awaiting="choice")
    draft.set(status=Status.PENDING)
    numbered = "\n".join(f"{n}. {b.label}" for n, b in enumerate(buttons[: len(options)], 1))
    person = button(draft, context, "button_person", ChoiceAction.HUMAN)
    if not speak(draft, context, [*lines, numbered], EntryKind.ANSWER, (*buttons, person)):
        hand_off(draft, context.policy, draft.silence or "budget")
