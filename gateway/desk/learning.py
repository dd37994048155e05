"""What a resolved ticket teaches: the article that answers it, or a draft of the one that is missing. Pure."""

from __future__ import annotations

from gateway.context import Context
from gateway.draft import Draft
from gateway.errors import Refused
from gateway.model import Agent, AgentAction, EntryKind, TicketPage
from gateway.privacy import mask


def link_article(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """This article answers it: counted for the article, and the bot's misses are known by it."""
    name = action.value.strip().rsplit("/", 1)[-1].removesuffix(".md")
    article = context.bot.library.get(name)
    if article is None:
        near = [a.name for a in context.bot.library.articles if name and name.split("-")[0] in a.name][:5]
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise Refused(f"There is no article {name!r}.{hint}")
    draft.set_work(articles=tuple(dict.fromkeys((*draft.ticket.work.articles, article.name))))
    draft.event("article_linked", article=article.name, by=agent.id, asked=draft.ticket.bot.asked[:300])
    return f"Linked to “{article.title}”."


def draft_article(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """A draft for the authors, from what was asked and what the agent answered."""
    title, text = mask(action.subject.strip()).text, mask(action.text.strip()).text
    if not title or not text:
        raise Refused("A draft needs a title and a text.")
    draft.event("article_drafted", title=title, by=agent.id)
    return "The draft is with the authors: kb_articles/drafts/."


def proposed_title(page: TicketPage) -> str:
    """What the draft is called at first."""
    return page.ticket.subject or " ".join(page.ticket.bot.asked.split())[:100]


def proposed_text(page: TicketPage) -> str:
    """What a person answered last, or what the bot would have said."""
    replies = [e.text for e in page.entries if e.kind is EntryKind.REPLY and e.text]
    return replies[-1] if replies else page.ticket.bot.suggestion
