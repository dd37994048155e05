"""What whoever runs Deskgate looks at and does, from the command line or the desk: dead letters, vitals, metrics."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

import msgspec

from gateway.clock import Clock, from_ms, to_ms
from gateway.intake import Intake
from gateway.model import AdminChange, AnyInput, Delivery, Message
from gateway.operations.exporting import original
from gateway.operations.health import Health, Trouble
from gateway.operations.metrics import Metrics
from gateway.privacy import CannotOpen, Seal
from gateway.privacy.masking import mask
from gateway.privacy.sealing import unsealed
from gateway.store import Store, ledger, suppression
from gateway.store import vitals as stored
from gateway.store.tx import Row
from gateway.store.vitals import Alarm, Vitals


class DeadInput(msgspec.Struct, frozen=True, kw_only=True):
    """An input that could not be handled. `who` and `about` are masked, "" where it cannot be opened."""

    id: int
    at: datetime
    connector: str
    account: str
    kind: str
    attempts: int
    reason: str
    who: str = ""
    about: str = ""
    sealed: bool = True  #: its original cannot be opened with the keys that are here


class KeptApart(msgspec.Struct, frozen=True, kw_only=True):
    """A message in quarantine, masked; `why` is what the check said."""

    id: int
    at: datetime
    connector: str
    account: str
    why: str
    who: str = ""
    address: str = ""  #: of the sender, as far as it is a mail address
    about: str = ""
    files: tuple[str, ...] = ()
    sealed: bool = True  #: it cannot be opened with the keys that are here


class Fare(msgspec.Struct, frozen=True, kw_only=True):
    """How it goes, at one moment."""

    vitals: Vitals
    troubles: dict[str, Trouble]
    alarms: list[Alarm]
    heard: dict[str, datetime]  #: account -> when its last input was taken
    input_age: float  #: seconds that the oldest unhandled input waits, 0 for none
    send_age: float


class Operations:
    """Reads and acts; every act leaves an event with who did it."""

    def __init__(
        self, store: Store, seal: Seal, clock: Clock, intake: Intake, accounts: Sequence[str]
    ) -> None:
        self._store, self._seal, self._clock, self._intake = store, seal, clock, intake
        self._accounts = tuple(accounts)

    @property
    def health(self) -> Health:
        return self._intake.health

    @property
    def metrics(self) -> Metrics:
        return self._intake.metrics

    # ------------------------------------------------------------ dead letters

    async def dead(self, limit: int = 200) -> list[DeadInput]:
        """What could not be handled, oldest first."""
        found = await self._store.driver.read(lambda tx: ledger.dead(tx, limit))
        return [self._dead(row) for row in found]

    async def dead_one(self, number: int) -> DeadInput | None:
        found = await self._store.driver.read(lambda tx: ledger.dead(tx, 1, number))
        return self._dead(found[0]) if found else None

    async def original(self, number: int) -> bytes:
        """The bytes that the channel gave us, b"" when none were kept. Raises CannotOpen."""
        return await original(self._store, self._seal, number)

    async def replay(self, ids: Sequence[int] | None, who: str) -> list[int]:
        """Lets dead inputs be tried again, all of them for None; the ids of those that were dead."""
        found = await self._store.driver.write(lambda tx: ledger.replay_dead(tx, ids))
        if found:
            await self._record("dead_replayed", {"inputs": found[:1000], "by": who})
        return found

    def _dead(self, row: Row) -> DeadInput:
        number, at, connector, account, kind, attempts, reason, sealed = row
        found = DeadInput(
            id=number, at=from_ms(at), connector=connector, account=account, kind=kind, attempts=attempts,
            reason=reason,
        )  # fmt: skip
        try:
            value = unsealed(bytes(sealed or b""), self._seal)
        except (CannotOpen, msgspec.DecodeError):
            return found
        who, about = described(value)
        return msgspec.structs.replace(found, who=who, about=about, sealed=False)

    # ------------------------------------------------------------ what was kept apart

    async def quarantined(self) -> list[KeptApart]:
        """Messages that wait until somebody lets them in, oldest first."""
        found = await self._store.driver.read(ledger.quarantined)
        return [self._kept_apart(row) for row in found]

    async def release(self, number: int, who: str) -> bool:
        """Lets one in after all; False when it does not wait any more."""
        released = await self._store.driver.write(lambda tx: ledger.release_quarantined(tx, number))
        if released:
            await self._record("quarantine_released", {"input": number, "by": who})
        return released

    async def lift(self, address: str, who: str) -> bool:
        """Lets automatic messages go to an address again; False when it was not suppressed."""
        lifted = await self._store.driver.write(lambda tx: suppression.lift(tx, address))
        if lifted:
            await self._record("suppression_lifted", {"by": who})
        return lifted

    def _kept_apart(self, row: Row) -> KeptApart:
        number, at, connector, account, reason, sealed = row
        found = KeptApart(
            id=number, at=from_ms(at), connector=connector, account=account, why=reason.partition(": ")[2] or reason
        )  # fmt: skip
        try:
            value = unsealed(bytes(sealed or b""), self._seal)
        except (CannotOpen, msgspec.DecodeError):
            return found
        who, about = described(value)
        sender = getattr(value, "sender", None)
        return msgspec.structs.replace(
            found,
            who=who,
            about=about,
            address=sender.value if sender is not None and sender.kind == "email" else "",
            files=tuple(mask(file.filename).text for file in getattr(value, "attachments", ())),
            sealed=False,
        )

    async def _record(self, what: str, detail: dict[str, object]) -> None:
        change = AdminChange(
            connector="operations",
            account="",
            delivery_key=secrets.token_hex(16),
            at=self._clock.now(),
            what=what,
            detail=detail,
        )
        await self._intake.take([Delivery(input=change)])

    # ------------------------------------------------------------ how it goes

    async def fare(self) -> Fare:
        """Raises StoreError."""
        vitals, alarms = await self._store.driver.read(lambda tx: (stored.vitals(tx), stored.alarms(tx)))
        heard = {name: from_ms(at) for name, at in vitals.heard.items() if name in self._accounts}
        for name, at in self.health.last_heard().items():
            if name in self._accounts:
                heard[name] = max(at, heard.get(name, at))
        return Fare(
            vitals=vitals,
            troubles=dict(self.health.troubles),
            alarms=[alarm for alarm in alarms if alarm.state != "over"],
            heard=dict(sorted(heard.items())),
            input_age=self._age(vitals.oldest_input),
            send_age=self._age(vitals.oldest_send),
        )

    def _age(self, since: int) -> float:
        return max(0.0, (to_ms(self._clock.now()) - since) / 1000) if since else 0.0

    async def exposition(self) -> bytes:
        """The Prometheus text. Raises StoreError when the database does not answer."""
        fare, show, now = await self.fare(), self.metrics.set, self._clock.now()
        vitals = fare.vitals
        show("oldest_input_seconds", "Age of the oldest unhandled input.", fare.input_age)
        show("oldest_send_seconds", "Age of the oldest message that has not left.", fare.send_age)
        show("inputs_pending", "Inputs that wait to be handled.", vitals.pending)
        show("sends_waiting", "Messages that have not left.", vitals.waiting)
        show("inputs_dead", "Inputs that could not be handled.", vitals.dead)
        show("inputs_quarantined", "Messages in quarantine.", vitals.quarantined)
        show("sends_failed", "Messages that could not be delivered.", vitals.failed)
        show("sends_uncertain", "Messages whose fate is not known.", vitals.uncertain)
        show("outbox_paused", "1 while nothing is sent.", float(vitals.paused))
        show("alarms", "Alarms that are raised.", len(fare.alarms))
        for account, at in fare.heard.items():
            seconds = max(0.0, (now - at).total_seconds())
            show("last_receipt_seconds", "Since the account's last input.", seconds, {"account": account})
        for account in self._accounts:
            for way in ("receives", "sends"):
                down = float(f"{account} {way}" in fare.troubles)
                show("down", "1 while the connection fails.", down, {"account": account, "way": way})
        return self.metrics.text()


def described(value: AnyInput) -> tuple[str, str]:
    """Who an input is from and how it begins, masked: both may be what it failed on, so nothing here may raise."""
    sender = getattr(value, "sender", None)
    who = sender.label if sender is not None else getattr(value, "what", "") or value.connector
    about = (value.subject or value.text) if isinstance(value, Message) else getattr(value, "text", "")
    try:
        return mask(who).text[:100], mask(about).text[:160]
    except Exception:  # what cannot be masked is not shown
        return "", ""
