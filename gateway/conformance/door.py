"""One channel of a running Deskgate, seen from its service's side: what a connector's author writes for the suite."""

from __future__ import annotations

from enum import StrEnum

from gateway.app import Deskgate
from gateway.conformance.running import Served
from gateway.connector import Connector
from gateway.model import Address, Post, SendKind, Sent


class Cannot(Exception):
    """The service has no such thing; the text says why, and the suite shows it as skipped."""


class Refusal(StrEnum):
    """How the service turns the next message of ours away."""

    RATE = "rate"  # too many at once; the service says when to come back, if it ever does
    BUSY = "busy"  # a failure that passes
    GONE = "gone"  # it will never be possible: no such address, blocked, deleted


class Door:
    """What must be written is `deliver`, `garbage`, `address` and `shown`; the rest as far as the service has it.

    Whatever the service lacks stays as it is and is skipped; the suite does not accept that for what the
    connector's own capabilities claim.
    """

    #: Seconds that a refused message has to wait, where the service names them.
    retry_after: float | None = None

    def __init__(self, served: Served) -> None:
        self.served = served

    @property
    def deskgate(self) -> Deskgate:
        return self.served.deskgate

    @property
    def connector(self) -> Connector:
        """The connector under test."""
        return next(iter(self.deskgate.connectors.values()))

    # ------------------------------------------------------------ coming in

    async def deliver(self, number: int, text: str) -> bool:
        """Delivers message `number` (the same number is the same delivery); whether it was acknowledged."""
        raise NotImplementedError

    async def garbage(self) -> bool:
        """Delivers something that this service never sends; whether it was acknowledged."""
        raise NotImplementedError

    async def unsigned(self, text: str) -> bool:
        """Delivers a new message without any proof that it is the service's; whether it was acknowledged."""
        raise Cannot("The service proves nothing.")

    async def forged(self, text: str) -> bool:
        """Delivers a new message with a wrong proof; whether it was acknowledged."""
        raise Cannot("The service proves nothing.")

    async def replayed(self, text: str) -> bool:
        """Delivers a message whose right proof is long past; whether it was acknowledged."""
        raise Cannot("The service's proof has no age.")

    async def echo(self, text: str) -> None:
        """Hands these words of ours back, as services that report everything do."""
        raise Cannot("The service never hands back what we said.")

    async def edit(self, number: int, text: str) -> None:
        """The person changes message `number`."""
        raise Cannot("Nothing can be edited there.")

    async def delete(self, number: int) -> None:
        """The person takes message `number` back."""
        raise Cannot("Nothing can be deleted there, or we never hear of it.")

    async def attach(self, number: int) -> bool:
        """Delivers message `number` with a file that is larger than we take; whether it was acknowledged."""
        raise Cannot("The service carries no files.")

    # ------------------------------------------------------------ going out

    def address(self) -> Address:
        """Where a message of ours can go."""
        raise NotImplementedError

    async def shown(self) -> str:
        """All that the service has from us so far, in order, as one text."""
        raise NotImplementedError

    async def say(self, text: str, kind: SendKind = SendKind.NOTICE) -> Sent:
        """Sends one message by the connector alone. Raises what the connector raises."""
        number = 900_000 + sum(text.encode()) % 90_000
        return await self.connector.send(
            Post(
                id=number,
                address=self.address(),
                kind=kind,
                ticket=1,
                text=text,
                subject="Question",
                author="Ana",
            )
        )

    async def refuse(self, how: Refusal) -> None:
        """From now on the service turns messages of ours away like this, until `accept`."""
        raise Cannot("There is no service between us and the person that could refuse.")

    async def accept(self) -> None:
        """The service takes messages again."""
