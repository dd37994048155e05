"""The members of the desk as they come, rest and go: sign-in links, absences, and who leaves gives work back."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from gateway.clock import Clock, to_ms
from gateway.desk.situation import at_least
from gateway.errors import Refused
from gateway.model import (
    Address,
    AdminChange,
    Agent,
    Delivery,
    Member,
    Post,
    Receipt,
    Role,
    SendKind,
)
from gateway.policy import Policy
from gateway.store import Store

log = logging.getLogger("deskgate.members")

#: Links that one member is sent within this time, whoever asks for them.
LINKS, WITHIN = 3, timedelta(minutes=15)
LONGEST_ABSENCE = timedelta(days=400)
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")

Take = Callable[[Sequence[Delivery]], Awaitable[list[Receipt]]]


class Membership:
    """What changes who may work here and who does now. `take`: the ledger's door."""

    def __init__(self, store: Store, clock: Clock, policy: Callable[[], Policy], take: Take) -> None:
        self._store, self._clock, self._policy_now, self._take = store, clock, policy, take

    @property
    def _policy(self) -> Policy:
        return self._policy_now()

    async def ask_sign_in(self, who: str) -> None:
        """Sends a link to the member with this id or address, who can be reached and has not had enough of them."""
        name = who.strip().lower()
        agent = await self._named(name)
        if agent is None or not agent.active:
            return
        address = self._address(agent, by_mail="@" in name)
        if address is None:
            log.warning("a member asked for a sign-in link and has neither e-mail nor chat")
            return
        now = self._clock.now()
        post = Post(
            address=address, kind=SendKind.NOTICE, ticket=0, subject=f"Sign in to the desk of {self._policy.company}",
            text=_TEXT.format(company=self._policy.company), author=self._policy.bot_name, sign_in=agent.id,
        )  # fmt: skip
        if not await self._store.ask_sign_in(post, to_ms(now), to_ms(now - WITHIN), LINKS):
            log.warning("a member was sent enough sign-in links for now")

    async def _named(self, name: str) -> Agent | None:
        if "@" in name:
            return await self._store.agent_by_email(name) if len(name) < 255 else None
        return await self._store.agent(name) if _ID.fullmatch(name) else None

    def _address(self, agent: Agent, *, by_mail: bool) -> Address | None:
        chat, mail = self._policy.way_to(agent), None
        if agent.email and self._policy.mail_account:
            connector, _, account = self._policy.mail_account.partition("/")
            mail = Address(connector=connector, account=account, conversation=agent.email)
        return (mail or chat) if by_mail else (chat or mail)

    async def set_away(self, by: Agent, agent_id: str, until: datetime | None, *, give_back: bool) -> str:
        """Oneself, or for a lead anybody; `give_back`: their open tickets go to their queues. Raises Refused."""
        agent = await self._store.agent(agent_id)
        if agent is None or (agent.id != by.id and not at_least(by, Role.LEAD)):
            raise Refused("You may say so for yourself; a lead may for others.")
        now = self._clock.now()
        if until is not None and not now < until < now + LONGEST_ABSENCE:
            raise Refused("Choose a time to come, within the next 400 days.")
        await self._store.set_away(agent_id, to_ms(until) if until else 0)
        if until is not None and give_back:
            await self._returned(agent_id, "away", by.id)
        return (
            f"{agent.name} is away until {until:%d %b %Y, %H:%M} UTC." if until else f"{agent.name} is back."
        )

    async def deactivate(self, by: str, agent_id: str) -> str:
        """From now on they may do nothing here; their open tickets go back through the ledger. Raises Refused."""
        agent = await self._store.agent(agent_id)
        if agent is None or not agent.active:
            raise Refused(f"There is no member {agent_id!r} of this desk.")
        load = next((m.load for m in await self._store.team() if m.agent.id == agent_id), 0)
        await self._store.deactivate_agent(agent_id)
        await self._returned(agent_id, "gone", by)
        log.info("a member was deactivated", extra={"agent": agent_id, "load": load})
        name = agent.name or agent.id
        return f"{name} may work here no longer: sessions have ended, {load} open tickets go back to their queues."

    async def team(self) -> list[Member]:
        """Everybody who may work, with what they have."""
        return await self._store.team()

    async def _returned(self, agent_id: str, cause: str, by: str) -> None:
        now = self._clock.now()
        change = AdminChange(
            connector="members", account="", delivery_key=f"{agent_id}/{cause}/{to_ms(now)}", at=now,
            what="agent_left", detail={"agent": agent_id, "cause": cause, "by": by},
        )  # fmt: skip
        await self._take([Delivery(input=change)])


_TEXT = (
    "Somebody, hopefully you, wants to sign in to the desk of {company}.\n\n"
    "[Sign in]({{link}})\n\n"
    "The link works once, for half an hour. If it was not you, there is nothing to do."
)
