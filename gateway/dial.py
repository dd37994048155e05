"""The bot's dial: off, suggest or answer, for an account, narrowed by an article; and stops that a lead sets at once.

A stop is a scope: "all", "channel:email", "account:email/support" or "article:refund-time" (in every language).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bot.articles import Article
from gateway.draft import Draft
from gateway.errors import Refused
from gateway.model import Address, BotMode, Side
from gateway.policy import Policy
from gateway.text.likeness import same_share

#: From this share of the suggestion's words on a reply counts as the suggestion, edited.
EDITED = 0.4
_STRICTEST = (BotMode.OFF, BotMode.SUGGEST, BotMode.ANSWER)


def mode(draft: Draft, policy: Policy, stops: Collection[str], articles: Iterable[Article] = ()) -> BotMode:
    """What the bot may do on this ticket with these articles: the strictest that anybody asked for."""
    leg = draft.leg(Side.REQUESTER)
    found = list(articles)
    if leg is not None and stopped(stops, leg.address, [article.name for article in found]):
        return BotMode.OFF
    wanted = [policy.bot_mode(leg.address if leg else None), *(BotMode(article.bot) for article in found)]
    return min(wanted, key=_STRICTEST.index)


def stopped(stops: Collection[str], address: Address, articles: Iterable[str] = ()) -> bool:
    """Whether a lead has stopped the bot here, or for one of these articles."""
    return bool(stops) and not set(stops).isdisjoint(scopes(address.connector, address.account, articles))


def scopes(connector: str, account: str, articles: Iterable[str] = ()) -> list[str]:
    """Every stop that would hold for this account and these articles."""
    names = (f"article:{name.partition('.')[0]}" for name in articles)
    return ["all", f"channel:{connector}", f"account:{connector}/{account}", *names]


def check_scope(scope: str, accounts: Collection[str], articles: Collection[str]) -> None:
    """Raises Refused when there is no such place or article."""
    kind, _, name = scope.partition(":")
    channels = sorted({account.partition("/")[0] for account in accounts})
    known = {
        "channel": channels,
        "account": sorted(accounts),
        "article": sorted({article.partition(".")[0] for article in articles}),
    }
    if scope == "all" or name in known.get(kind, ()):
        return
    some = ", ".join(known.get(kind, ())[:10]) or "all, channel:…, account:… or article:…"
    raise Refused(f"There is no {scope!r} to stop the assistant in. Choose among: {some}.")


def judge(draft: Draft, said: str) -> None:
    """What became of the suggestion: used as it was, edited, or ignored. Counted once."""
    suggestion = draft.ticket.bot.suggestion
    if not suggestion:
        return
    share = same_share(suggestion, said)
    same = " ".join(said.split()) == " ".join(suggestion.split())
    outcome = "used" if same else "edited" if share >= EDITED else "ignored"
    draft.event("suggestion", outcome=outcome, articles=draft.ticket.bot.sources, share=round(share, 2))
    draft.set_bot(suggestion="", sources=())
