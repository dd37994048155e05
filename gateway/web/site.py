"""All that the pages know of the rest of the program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.clock import Clock
from gateway.connector import Host
from gateway.model import Agent, Choice, Identity, TicketPage
from gateway.operations.health import Trouble
from gateway.sla.sums import Sum
from gateway.views import Members, People, Reads
from gateway.words import Words

if TYPE_CHECKING:
    from bot.answer import Bot
    from gateway.kb.stats import Use
    from gateway.operations.vitals import Operations


async def _nothing(article: str, revision: str, helped: bool) -> None:
    """Where nobody counts."""


async def _no_uses(since: datetime) -> list[Use]:
    return []


@dataclass(frozen=True, kw_only=True)
class Site:
    """One installation, as its pages see it."""

    company: str
    bot_name: str
    public_url: str  #: without a trailing slash
    languages: tuple[str, ...]  #: of the help centre, the first is the default
    demo: bool  #: a local trial: the start page explains, /style is there
    host: Host
    reads: Reads
    people: People
    members: Members
    bot: Callable[[], Bot]
    problems: Callable[[], list[str]]  #: article problems, one sentence each
    words: Callable[[], Words]  #: what is said automatically, as it is now
    clock: Clock
    key: bytes  #: 32 secret bytes for form tokens
    operations: Operations
    metrics_token: str = ""  #: opens /metrics to other machines, "" to none
    agent_name: Callable[[str], str] = lambda agent: agent  #: agent id -> name
    hidden_queues: Callable[[Agent], tuple[str, ...]] = lambda _: ()  #: protected queues closed to this agent
    protected: tuple[str, ...] = ()  #: confidential queues
    asked_queues: Callable[[Agent], tuple[str, ...]] = lambda _: ()  #: queues for which this agent may answer
    advice: Callable[[str], str] = lambda _: ""  #: what to do about a cause
    sums: Callable[[TicketPage], tuple[Sum, ...]] = lambda _: ()  #: what is promised, and how it stands
    may_open: Callable[[Agent], bool] = lambda _: False  #: whether this agent may look at sealed originals
    capacity: int = 25  #: open tickets of one agent that are enough
    modes: Mapping[str, str] = field(default_factory=dict)  #: account -> what the bot may do there
    choice_of: Callable[[str], Choice | None] = lambda _: None  #: what a link of ours chooses
    reply_key: Callable[[int], str] = str  #: the secret part of a ticket's reply address
    email_account: str = ""  #: account that answers requests of the form, "" hides the form
    email_address: str = ""  #: where customers may write, "" for nowhere
    chat: bool = True  #: whether /chat is there
    #: a reader said of an article's page whether it helped: name, revision, yes
    judge: Callable[[str, str, bool], Awaitable[None]] = _nothing
    #: how the articles did since then
    uses: Callable[[datetime], Awaitable[list[Use]]] = _no_uses
    #: parts that do not work now, told on every page of the desk
    broken: Callable[[], Mapping[str, Trouble]] = dict
    proxies: int = 0  #: reverse proxies of ours whose X-Forwarded-For entries are believed

    @property
    def secure(self) -> bool:
        """Whether browsers reach us over TLS."""
        return self.public_url.startswith("https:")


SITE: web.AppKey[Site] = web.AppKey("site", Site)


def site_of(request: web.Request) -> Site:
    return request.app[SITE]


def identity_of(agent: Agent) -> Identity:
    """The agent as the core knows them."""
    return Identity(kind="agent", value=agent.id, name=agent.name, verified=True)
