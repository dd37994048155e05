"""The token with which one account signs in: kept sealed, renewed early by one replica, read by all."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import msgspec

from connectors.email.oauth import GrantLost, Tokens, renew
from connectors.email.settings import Settings
from gateway.connector import Host
from gateway.errors import Retryable, StoreError
from gateway.model import AdminChange, Delivery

_EARLY = timedelta(minutes=5)  # a token is renewed so long before it ends
_USABLE = timedelta(seconds=30)  # and used up to so long before
_LOOK = 30.0  # seconds between two looks, so that `mail authorize` is noticed
_AGAIN = (5.0, 300.0)  # seconds until the next try, first and longest
_YOUNG = timedelta(minutes=5)  # a token that was refused so soon would not be better if it were renewed
_PATIENCE = 10.0  # seconds that a sender waits for the owner to renew
_WARN_GRANT, _WARN_SECRET = timedelta(days=7), timedelta(days=30)

log = logging.getLogger(__name__)


class Grant:
    """One account's sign-in. `run` is the owner's work; everybody else only asks for the token."""

    def __init__(self, account: str, settings: Settings, host: Host) -> None:
        self._account, self._settings, self._host = account, settings, host
        self._name = grant_name(account)
        self._troubles = 0
        self._warned = ""

    async def token(self) -> str:
        """A token that the servers take. Raises Retryable when there is none now; the reason says what to do."""
        waited = 0.0
        while True:
            known = await self._known()
            now = self._host.clock.now()
            if known is not None and known.access and known.ends - _USABLE > now:
                return known.access
            if known is not None and known.lost:
                raise Retryable(known.lost, after=_AGAIN[1])
            if waited >= _PATIENCE:
                raise Retryable("The token for signing in is still being renewed.", after=_AGAIN[0])
            await asyncio.sleep(0.2)
            waited += 0.2

    async def refused(self) -> None:
        """A mail server would not have the token: it is renewed before its time, unless it is quite new."""
        known, now = await self._known(), self._host.clock.now()
        if known is not None and known.access and known.got + _YOUNG < now:
            await self._keep(msgspec.structs.replace(known, ends=now))

    async def run(self) -> None:
        """Renews while this replica is the owner, until cancelled."""
        clock = self._host.clock
        while True:
            async with self._host.lease(f"{self._name}/owner") as lease:
                while lease.held:
                    await clock.sleep_until(clock.deadline(await self._step()))

    async def _step(self) -> float:
        """Looks once, renews when it is time; seconds until the next look."""
        try:
            wait = await self._look()
        except (Retryable, StoreError) as error:
            self._troubles += 1
            log.warning("email %s has no new token yet: %s", self._account, error)
            return min(_AGAIN[1], _AGAIN[0] * float(2 ** min(self._troubles - 1, 8)))
        self._troubles = 0
        return wait

    async def _look(self) -> float:
        known, now = await self._known(), self._host.clock.now()
        if known is not None and not known.lost and known.ends - _EARLY > now:
            await self._warn(known, now)
            return min(_LOOK, (known.ends - _EARLY - now).total_seconds())
        if known is not None and known.lost and now < known.ends + timedelta(seconds=_AGAIN[1]):
            return _LOOK
        try:
            fresh = await renew(self._settings, known, now)
        except GrantLost as lost:
            await self._lose(known, str(lost), now)
            return _LOOK
        # A person may have signed in while we asked: their token is the newer one.
        if await self._known() == known:
            await self._keep(fresh)
            log.info("email %s has a new token", self._account)
        return 1.0

    async def _lose(self, known: Tokens | None, why: str, now: datetime) -> None:
        if known is None or known.lost != why:
            log.error("email %s cannot sign in: %s", self._account, why)
            await self._tell("sign_in_lost", why, now)
        before = known or Tokens(got=now, ends=now)
        await self._keep(msgspec.structs.replace(before, lost=why, ends=now, access=""))

    async def _warn(self, known: Tokens, now: datetime) -> None:
        """Once a day: what ends soon, and what to do."""
        why = ending(self._settings, known, now)
        self._host.fares(f"email/{self._account} (sign-in)", why)
        if not why or self._warned == f"{now:%Y-%m-%d}":
            return
        self._warned = f"{now:%Y-%m-%d}"
        log.warning("email %s: %s", self._account, why)
        await self._tell("sign_in_ends", why, now)

    async def _tell(self, what: str, why: str, now: datetime) -> None:
        """Writes it down for the desk; every replica and every look of a day means the same one."""
        key = f"{self._account}/{what}/{now:%Y-%m-%d}"
        change = AdminChange(
            connector="email",
            account=self._account,
            delivery_key=key,
            at=now,
            what=what,
            detail={"account": self._account, "why": why},
        )
        await self._host.receive([Delivery(input=change)])

    async def _known(self) -> Tokens | None:
        return decoded(await self._host.grant(self._name))

    async def _keep(self, tokens: Tokens) -> None:
        await self._host.keep_grant(self._name, encoded(tokens))


def ending(settings: Settings, known: Tokens, now: datetime) -> str:
    """What of the sign-in ends soon, with the remedy; "" when nothing does."""
    if known.refresh_ends is not None and known.refresh_ends - now < _WARN_GRANT:
        return (
            f"The sign-in of {settings.address} ends on {known.refresh_ends:%Y-%m-%d}: "
            f"run `deskgate mail authorize {settings.address}` before."
        )
    day = settings.oauth_secret_ends
    if day is not None and datetime(day.year, day.month, day.day, tzinfo=UTC) - now < _WARN_SECRET:
        return (
            f"The client secret of {settings.address} ends on {day}: make a new one at the provider before."
        )
    return ""


def grant_name(account: str) -> str:
    """The name under which the store keeps an account's tokens."""
    return f"email/{account}/sign-in"


def encoded(tokens: Tokens) -> bytes:
    return msgspec.json.encode(tokens)


def decoded(kept: bytes) -> Tokens | None:
    """What was kept; None for nothing."""
    return msgspec.json.decode(kept, type=Tokens) if kept else None
