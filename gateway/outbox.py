"""Delivers what tickets have to say: per leg in order, backing off, giving up in the open, never twice unknowingly."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import msgspec

from gateway.bell import Rings
from gateway.clock import Clock, from_ms, to_ms
from gateway.connector import Connector
from gateway.errors import Retryable, StoreError, Uncertain, Undeliverable
from gateway.model import Delivery, DeliveryReport, Outgoing, Post, SendKind, SendState, Sent
from gateway.operations.health import Health
from gateway.operations.metrics import Metrics
from gateway.privacy import Seal
from gateway.privacy.sealing import seal_row
from gateway.store import Store
from gateway.store.ledger import TakeRow
from gateway.store.outbox import ClaimedSend, Stuck

log = logging.getLogger("deskgate.outbox")

BATCH = 32
CONCURRENT = 64
LEASE_MS = 60_000
#: A send may take this long before its fate counts as unknown; less than the lease.
TIMEOUT = 45.0
#: How long a sign-in link that was asked for works.
LINK_SECONDS = 1800
SETTLE_WAITS = (0.2, 1.0, 3.0, 8.0, 15.0)
BACKOFF = (2.0, 5.0, 15.0, 60.0, 300.0, 900.0)


class Outbox:
    """Sends through the connectors. `resend_agents`: send an agent's reply again when nobody knows whether it left."""

    def __init__(
        self,
        store: Store,
        seal: Seal,
        clock: Clock,
        connectors: Mapping[str, Connector],
        *,
        give_up: timedelta = timedelta(hours=24),
        resend_agents: bool = False,
        metrics: Metrics | None = None,
        health: Health | None = None,
    ) -> None:
        self.metrics, self.health = metrics or Metrics(), health or Health(clock)
        self._store, self._seal, self._clock, self._connectors = store, seal, clock, connectors
        self._give_up, self._resend_agents = give_up, resend_agents
        self.public_url = ""  #: without a trailing slash, for the links that are made here
        self._slots = asyncio.Semaphore(CONCURRENT)
        self._next_recovery = 0.0
        self._sending: set[asyncio.Task[None]] = set()
        self.lease_ms, self.timeout = LEASE_MS, TIMEOUT

    async def run(self) -> None:
        """Sends what is due until it is cancelled, then waits for what is in hand."""
        try:
            async with self._store.bell.listen("outbox") as rings:
                while True:
                    try:
                        await self._recover_sometimes()
                        while await self.send_due():
                            pass
                        await self._rest(rings)
                    except StoreError as error:
                        log.warning("outbox waits for the database: %s", error)
                        await asyncio.sleep(1)
        finally:
            await self.drain()

    async def drain(self) -> None:
        """Waits until every send in hand has been settled."""
        while self._sending:
            await asyncio.wait(self._sending)

    async def send_due(self) -> int:
        """Claims what is due and starts sending it; returns how many."""
        free = min(BATCH, CONCURRENT - len(self._sending))
        if free <= 0:
            await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
            return 1
        claimed = await self._store.claim_sends(to_ms(self._clock.now()), free, self.lease_ms, self._stopped)
        for send in claimed:
            task = asyncio.create_task(self._send(send))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return len(claimed)

    async def _send(self, send: ClaimedSend) -> None:
        connector, began = self._connectors.get(f"{send.connector}/{send.account}"), time.perf_counter()
        outcome = "retry"
        try:
            if connector is None:
                raise Undeliverable(
                    "no-account", f"The account {send.connector}/{send.account} is not in config.toml."
                )
            async with asyncio.timeout(self.timeout):
                sent = await connector.send(await self._completed(send.outgoing))
        except Retryable as error:
            self._note_trouble(send, error)
            await self._later(send, error)
        except Undeliverable as error:
            outcome = "failed"
            await self._failed(send, SendState.FAILED, error.reason, error.detail)
        except (TimeoutError, Uncertain) as error:
            outcome = "uncertain"
            await self._unknown(send, str(error) or "The service did not answer in time.")
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # A fault of ours in a connector: nobody knows how far it got, and the log must say where.
            log.exception("sending failed in %s/%s", send.connector, send.account)
            await self._later(send, Retryable(type(error).__name__))
        else:
            outcome = "sent"
            self.health.well(f"{send.connector}/{send.account} sends")
            await self._sent(send, sent)
        finally:
            self.metrics.sent(send.connector, outcome, time.perf_counter() - began)

    def _note_trouble(self, send: ClaimedSend, error: Retryable) -> None:
        """A closed bucket of the whole account says that the way itself is shut, not one recipient."""
        account = f"{send.connector}/{send.account}"
        if error.bucket == account:
            self.health.unwell(f"{account} sends", error.reason)

    async def _completed(self, outgoing: Outgoing) -> Outgoing:
        """A sign-in link is made only now, so that nothing at rest can sign anybody in."""
        if not isinstance(outgoing, Post) or not outgoing.sign_in:
            return outgoing
        token = secrets.token_urlsafe(24)
        await self._store.add_sign_in(token, outgoing.sign_in, to_ms(self._clock.deadline(LINK_SECONDS)))
        link = f"{self.public_url}/desk/enter/{token}"
        return msgspec.structs.replace(outgoing, text=outgoing.text.replace("{link}", link))

    async def _sent(self, send: ClaimedSend, sent: Sent) -> None:
        ours = await _settled(lambda: self._store.settle_sent(send, sent, to_ms(self._clock.now())))
        log.info(
            "sent" if ours else "sent, but another worker has the row now",
            extra={
                "ticket": send.ticket,
                "connector": send.connector,
                "kind": send.kind,
                "attempts": send.attempts,
            },
        )

    async def _later(self, send: ClaimedSend, error: Retryable, *, again: bool = False) -> None:
        now = self._clock.now()
        if now >= from_ms(send.created_at) + self._give_up:
            detail = f"Given up after {_hours(self._give_up)}: {error.reason}"
            await self._failed(send, SendState.FAILED, "given-up", detail)
            return
        wait = error.after if error.after is not None else backoff(send.attempts)
        ready = to_ms(now + timedelta(seconds=wait))
        reason, bucket = error.reason[:300], error.bucket
        await _settled(lambda: self._store.settle_retry(send, ready, reason, bucket, ready, again))

    async def _unknown(self, send: ClaimedSend, detail: str) -> None:
        """The peer fell silent: sent again only where that shows one message, or where policy says so."""
        connector = self._connectors.get(f"{send.connector}/{send.account}")
        if self._may_repeat(send.kind, connector):
            await self._later(send, Retryable(detail), again=True)
        else:
            await self._failed(send, SendState.UNCERTAIN, "no-answer", detail)

    def _may_repeat(self, kind: SendKind, connector: Connector | None) -> bool:
        idempotent = connector is not None and connector.capabilities.idempotent
        return idempotent or kind is not SendKind.AGENT or self._resend_agents

    async def _failed(self, send: ClaimedSend, state: SendState, reason: str, detail: str) -> None:
        report = self._report(send.id, send.ticket, state, reason, detail, send.attempts)
        now = to_ms(self._clock.now())
        await _settled(lambda: self._store.settle_failed(send, state, reason, detail, now, report))
        log.warning(
            "not sent",
            extra={"ticket": send.ticket, "connector": send.connector, "reason": reason, "state": state},
        )

    def _stopped(self, held: Stuck) -> TakeRow:
        return self._report(held.id, held.ticket, SendState.WITHDRAWN, "bot_stopped", "", 0)

    async def _recover_sometimes(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._next_recovery:
            self._next_recovery = now + 1.0
            await self._recover()

    async def _recover(self) -> None:
        """Rows whose sender died in the middle."""

        def again(stuck: Stuck) -> bool:
            return self._may_repeat(stuck.kind, self._connectors.get(f"{stuck.connector}/{stuck.account}"))

        def report(stuck: Stuck) -> TakeRow:
            return self._report(stuck.id, stuck.ticket, SendState.UNCERTAIN, "interrupted", "", 0)

        found = await self._store.reap_sends(BATCH, to_ms(self._clock.now()), again, report)
        if found:
            log.warning("%d sends were interrupted", len(found))

    def _report(
        self, number: int, ticket: int, state: SendState, reason: str, detail: str, attempt: int
    ) -> TakeRow:
        now = self._clock.now()
        value = DeliveryReport(
            connector="outbox",
            account="",
            delivery_key=f"{number}/{state}/{attempt}/{to_ms(now)}",
            at=now,
            send=number,
            ticket=ticket,
            state=state,
            reason=reason,
            detail=detail[:500],
        )
        return seal_row(Delivery(input=value), self._seal, now)

    async def _rest(self, rings: Rings) -> None:
        due = await self._store.next_send()
        now = to_ms(self._clock.now())
        await rings.wait(1.0 if due is None else min(1.0, max(0.02, (due - now) / 1000)))


async def _settled(settle: Callable[[], Awaitable[bool]]) -> bool:
    """Writes down what became of a send, through a short absence of the database; else the lease decides."""
    for wait in SETTLE_WAITS:
        try:
            return await settle()
        except StoreError as error:
            log.warning("the fate of a send waits for the database: %s", error)
            await asyncio.sleep(wait)
    return False


def backoff(attempts: int) -> float:
    """Seconds until the next try: growing, with a quarter of jitter so that a crowd does not return at once."""
    base = BACKOFF[min(attempts, len(BACKOFF)) - 1] if attempts else BACKOFF[0]
    return base * random.uniform(0.75, 1.25)


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:g} hours"
