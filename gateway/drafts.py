"""Writes what an agent drafted among the authors' drafts. Nothing is ever overwritten."""

from __future__ import annotations

from pathlib import Path

from gateway.kb.importing import write_drafts
from gateway.kb.sources import Found, Skipped
from gateway.model import AgentAction, EntryKind, TicketPage
from gateway.privacy import mask


def write(page: TicketPage, action: AgentAction, folder: Path) -> str:
    """Writes the draft of an action that was done; a sentence about where it is, or why there is none."""
    asked = page.ticket.bot.asked or next((e.text for e in page.entries if e.kind is EntryKind.MESSAGE), "")
    question = " ".join(mask(asked).text.split())[:300]
    found = Found(
        source=page.ticket.reference,
        slug="",
        title=mask(action.subject.strip()).text,
        body=mask(action.text.strip()).text,
        questions=(question,) if question else (),
        language=page.ticket.language,
    )
    result = next(iter(write_drafts([found], folder)))
    if isinstance(result, Skipped):
        return f"No draft was written: {result.why}"
    return f"The draft is {result.path.name}. The authors find it in kb_articles/drafts/."
