"""The composition root: reads settings, makes every part, starts and stops them. The only file that imports all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
from collections.abc import AsyncIterator, Coroutine, Mapping
from datetime import timedelta
from typing import Any

import msgspec
from aiohttp import web

from bot.articles import Library
from gateway import choice_links
from gateway.accounts import Account
from gateway.canned import CannedBook
from gateway.clock import Clock, SystemClock, to_ms
from gateway.connector import Connector
from gateway.desk.situation import may_open
from gateway.errors import StoreError
from gateway.escalation.playbook import advice
from gateway.host import StoreHost
from gateway.incident_watch import IncidentWatch
from gateway.intake import Intake
from gateway.kb.stats import stats
from gateway.knowledge import Knowledge
from gateway.membership import Membership
from gateway.model import AdminChange, Agent, Delivery, Role
from gateway.operations.alarms import Alarms
from gateway.operations.content import Content
from gateway.operations.health import Health
from gateway.operations.metrics import Metrics
from gateway.operations.originals import Originals
from gateway.operations.vitals import Operations
from gateway.outbox import Outbox
from gateway.policy_making import make_policy, revision_of
from gateway.privacy import Seal, installation_key
from gateway.privacy.keyring import check_key
from gateway.settings import Settings
from gateway.sla.sums import sums
from gateway.store import Store, open_driver
from gateway.timers import Timers
from gateway.triage.rulebook import Rulebook
from gateway.triage.rules import Rules
from gateway.web import attach as attach_pages
from gateway.web.site import Site
from gateway.words import Words
from gateway.words.book import Wordbook

log = logging.getLogger("deskgate")

#: How long a stop may take, seconds; orchestrators usually allow ten.
STOP_WITHIN = 8.0
SIGN_IN_HOURS = 24
FIRST_ADMIN = "admin"


class Deskgate:
    """One replica: everything it is made of, by name, so that tests can look at any of it."""

    def __init__(
        self,
        settings: Settings,
        found: list[Account],
        *,
        clock: Clock | None = None,
        environ: Mapping[str, str] | None = None,
        content: Content | None = None,
    ) -> None:
        """`content`: the revision to work from; without one the folders of the settings themselves."""
        environ = os.environ if environ is None else environ
        self.settings, self.clock = settings, clock or SystemClock()
        older = tuple(bytes.fromhex(key) for key in environ.get("DESKGATE_OLD_KEYS", "").split())
        given, key_file = environ.get("DESKGATE_KEY", ""), settings.store.key_file
        self._key_made = None if given or key_file.exists() else key_file
        self._key_place = "environment: DESKGATE_KEY" if given else str(key_file)
        self.seal = Seal(installation_key(given, key_file), older)
        self.local = all(account.loopback(settings.server.host) for account in found)
        self.accounts = found
        self.connectors: dict[str, Connector] = {each.key: each.connect(self.seal) for each in found}
        self.content = content
        self.rulebook = Rulebook(
            content.rules if content else settings.rules.file, settings.queues, settings.sla
        )
        self.wordbook = Wordbook(content.words if content else settings.brand.words, settings.brand.informal)
        self.rulebook.on_change = self.wordbook.on_change = self._use
        self.policy = make_policy(
            settings, found, self.connectors, self.seal, self.rulebook.rules, self.wordbook
        )
        self.knowledge = Knowledge(
            content.articles if content else settings.bot.articles,
            self.clock,
            samples=self.local,
            semantic=settings.bot.semantic,
        )
        self.canned = CannedBook(content.canned if content else settings.desk.canned, settings.queues)
        self.store = Store(open_driver(settings.store.database))
        self.metrics, self.health = Metrics(), Health(self.clock)
        shared: dict[str, Any] = {"metrics": self.metrics, "health": self.health}
        self.intake = Intake(
            self.store, self.seal, self.clock, lambda: self.policy, lambda: self.knowledge.bot, **shared
        )
        self.outbox = Outbox(
            self.store,
            self.seal,
            self.clock,
            self.connectors,
            give_up=timedelta(hours=settings.automatic.give_up_hours),
            resend_agents=settings.automatic.resend_agents,
            **shared,
        )
        lease_ms = int(settings.store.lease_seconds * 1000)
        self.intake.lease_ms = lease_ms
        # A send may take longer than a decision: four leases, and it is given up as unknown after three.
        self.outbox.lease_ms, self.outbox.timeout = lease_ms * 4, settings.store.lease_seconds * 3
        self.timers = Timers(self.store, self.seal, self.clock)
        self.incidents = IncidentWatch(
            self.store,
            self.seal,
            self.clock,
            least=settings.incidents.people,
            window=timedelta(minutes=settings.incidents.window_minutes),
        )
        self.host = StoreHost(
            self.store,
            self.intake,
            self.seal,
            self.clock,
            lambda: self.policy,
            settings.server.max_backlog,
            lease_ms,
        )
        self.operations = Operations(self.store, self.seal, self.clock, self.intake, tuple(self.connectors))
        self.alarms = Alarms(
            self.store,
            self.clock,
            self.health,
            settings.alarms,
            company=settings.site.company,
            accounts=tuple(self.connectors),
            folder=settings.store.folder,
            queues={name: queue.title for name, queue in settings.queues.items()},
        )
        after = settings.privacy.drop_originals_after
        self.originals = (
            Originals(self.store, self.seal, self.clock, lambda: self.policy, after) if after else None
        )
        self.members = Membership(self.store, self.clock, lambda: self.policy, self.host.receive)
        self.outbox.public_url = self.policy.public_url
        self.host.drafts = settings.bot.articles / "drafts"
        self.host.articles = lambda: tuple(article.name for article in self.knowledge.bot.library.articles)
        self.host.shelf = lambda: self.canned.shelf
        self.knowledge.on_change = self._articles_changed
        self.ready = False
        self._agent_names: dict[str, str] = {}

    def web_app(self) -> web.Application:
        """The pages, every connector's routes, health, and the background work for as long as the app runs."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.cleanup_ctx.append(self._running)
        for connector in self.connectors.values():
            connector.attach(app, self.host)
        attach_pages(app, self._site())
        return app

    def _site(self) -> Site:
        mail = next((a for a in self.accounts if a.kind == "email"), None)
        return Site(
            company=self.policy.company,
            bot_name=self.policy.bot_name,
            public_url=self.policy.public_url,
            languages=self.policy.languages,
            demo=self.local,
            host=self.host,
            reads=self.host,
            people=self.host,
            bot=lambda: self.knowledge.bot,
            choice_of=lambda token: choice_links.read(self.policy.secret, token),
            reply_key=self.policy.reply_key,
            problems=lambda: [
                *(self.content.problems if self.content else ()),
                *self.rulebook.problems,
                *self.wordbook.problems,
                *self.knowledge.problems,
                *self.canned.shelf.problems,
            ],
            words=lambda: self.policy.words,
            clock=self.clock,
            key=self.seal.derive("web"),
            operations=self.operations,
            metrics_token=self.settings.metrics.token.get_secret_value(),
            agent_name=lambda agent: self._agent_names.get(agent, agent),
            hidden_queues=self._hidden_queues,
            members=self.members,
            may_open=lambda agent: may_open(agent, self.policy),
            capacity=self.policy.capacity,
            modes={
                key: self.policy.bot_modes.get(key, self.policy.bot_default) for key in self.policy.accounts
            },
            protected=tuple(name for name, queue in self.policy.queues.items() if queue.protected),
            asked_queues=lambda agent: tuple(set(self.policy.queues) - set(self._hidden_queues(agent))),
            advice=lambda cause: advice(cause, self.policy.playbook),
            sums=lambda page: sums(page.ticket, page.events, self.policy, self.clock.now()),
            email_account=mail.name if mail else "",
            email_address=str(getattr(mail.settings, "address", "")) if mail else "",
            chat=any(a.kind == "webchat" for a in self.accounts),
            judge=self._judge,
            uses=lambda since: stats(self.store, since),
            broken=lambda: self.health.troubles,
            proxies=self.settings.server.proxies,
        )

    async def _judge(self, article: str, revision: str, helped: bool) -> None:
        await self.store.count_page_verdict(article, revision, to_ms(self.clock.now()), helped=helped)

    def _use(self, changed: Rules | Words) -> None:
        """From the next turn on, these rules or words count."""
        rules, words = self.rulebook.rules, self.wordbook.words
        revision = revision_of(self.settings, rules, self.wordbook)
        self.policy = msgspec.structs.replace(self.policy, rules=rules, words=words, revision=revision)

    def _hidden_queues(self, agent: Agent) -> tuple[str, ...]:
        queues = self.policy.queues
        return tuple(name for name in queues if not self.policy.may_see(name, agent.id, agent.role))

    # ------------------------------------------------------------ life

    async def _running(self, app: web.Application) -> AsyncIterator[None]:
        await self.store.open()
        try:
            await check_key(self.store, self.seal, self._key_place, self._key_made)
            await self._refresh_names()
        except BaseException:
            await self._stop([])
            raise
        work = (
            self.intake.run(),
            self.outbox.run(),
            self.timers.run(),
            self.knowledge.run(),
            self.rulebook.run(),
            self.wordbook.run(),
            self.canned.run(),
            self.incidents.run(),
            self.host.watch_backlog(),
            self.alarms.run(),
            *([self.originals.run()] if self.originals else []),
            *([self.content.run(self.store, self.clock)] if self.content else []),
            self._watch_names(),
        )
        tasks = [asyncio.create_task(_supervised(coroutine)) for coroutine in work]
        self.ready = True
        try:
            yield
        finally:
            self.ready = False
            await self._stop(tasks)

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN):
                await asyncio.gather(*tasks, return_exceptions=True)
        self.intake.close()
        await self.store.close()

    async def _articles_changed(self, library: Library) -> None:
        """Writes down which articles answered from when on."""
        now = self.clock.now()
        change = AdminChange(
            connector="articles",
            account="",
            # Every replica sees the same edit: one row, the others are duplicates of it.
            delivery_key=f"{library.revision}/{now:%Y-%m-%dT%H:%M}",
            at=now,
            what="articles_changed",
            detail={"revision": library.revision, "articles": len(library.articles)},
        )
        await self.host.receive([Delivery(input=change)])

    async def _refresh_names(self) -> None:
        self._agent_names = {agent.id: agent.name or agent.id for agent in await self.store.agents()}

    async def _watch_names(self) -> None:
        async with self.store.bell.listen("agents") as rings:
            async for _ in rings:
                with contextlib.suppress(StoreError):  # the old names serve until the next change
                    await self._refresh_names()

    async def first_link(self) -> str:
        """The path of a one-time link for the first admin, "" once anybody has signed in."""
        if any(agent.name for agent in await self.store.agents()):
            return ""
        now = to_ms(self.clock.now())
        await self.store.add_agent(Agent(id=FIRST_ADMIN, name="", role=Role.ADMIN), now)
        return await self.sign_in_link(FIRST_ADMIN)

    async def sign_in_link(self, agent: str) -> str:
        """The path of a new one-time link for this member of the desk."""
        token = secrets.token_urlsafe(24)
        await self.store.add_sign_in(token, agent, to_ms(self.clock.deadline(SIGN_IN_HOURS * 3600)))
        return f"/desk/enter/{token}"

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _readyz(self, request: web.Request) -> web.Response:
        if self.ready and await self.store.alive():
            return web.Response(text="ready\n")
        return web.Response(status=503, text="not ready\n")


async def _supervised(work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("a background task ended; the process must be restarted")
        os._exit(70)  # a replica without its intake or outbox would only seem to work
