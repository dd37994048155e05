"""What stands in for the real channels: the same accounts with the same abilities, but all is only written down."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ValidationError
from typing_extensions import override

from connectors import registry
from gateway.accounts import Account, load_channel
from gateway.connector import Capabilities, Connector, Host
from gateway.model import Outgoing, Post, SendState, Sent
from gateway.privacy import Seal
from gateway.settings import PREFIX, Source

#: Channels whose messages say which one they continue, where no account tells.
_THREADED = frozenset({"email", "slack"})


def channels() -> tuple[str, ...]:
    """Every name that a script may give as a connector."""
    return tuple(registry())


class SimulatedClock:
    """Stands still until told; never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def jump(self, to: datetime) -> None:
        """Moves on to `to`; an earlier time changes nothing."""
        self._now = max(self._now, to.astimezone(UTC))

    async def sleep_until(self, when: datetime) -> None:
        while self._now < when:  # noqa: ASYNC110 - only the script moves this clock
            await asyncio.sleep(0.001)

    def deadline(self, seconds: float) -> datetime:
        return self._now + timedelta(seconds=seconds)


class Recorder:
    """A channel that always accepts, and keeps what it was given in order."""

    def __init__(self, name: str, account: str, capabilities: Capabilities) -> None:
        self.name, self.account, self.capabilities = name, account, capabilities
        self.sent: list[Outgoing] = []

    def attach(self, app: web.Application, host: Host) -> None:
        """Has no door: the script speaks for the channel."""

    async def send(self, outgoing: Outgoing) -> Sent:
        self.sent.append(outgoing)
        opens = isinstance(outgoing, Post) and outgoing.card is not None
        return Sent(
            external_ids=(f"simulated-{outgoing.id}",),
            state=SendState.DELIVERED,
            thread=f"thread-{outgoing.id}" if opens else "",
            keys=(message_key(outgoing.id),) if self.capabilities.threads else (),
        )


def message_key(send: int) -> str:
    """The key by which an answer refers to this message of ours."""
    return f"mid:<{send}@simulated.invalid>"


class RecordedAccount(Account):
    """An account of config.toml whose connector is a recorder with the abilities of the real one."""

    @override
    def connect(self, seal: Seal) -> Connector:
        real = super().connect(seal)
        return Recorder(self.kind, self.name, real.capabilities)


class _NoSettings(BaseModel):
    pass


class ImaginedAccount(Account):
    """An account that only the script knows, for a channel that the configuration has not connected."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(kind, name, None, _NoSettings())

    @override
    def loopback(self, server_host: str) -> bool:
        return True

    @override
    def connect(self, seal: Seal) -> Connector:
        able = Capabilities(buttons=True, files=True, threads=self.kind in _THREADED, loopback=True)
        return Recorder(self.kind, self.name, able)


def recorded(found: Sequence[Account], named: Sequence[tuple[str, str]]) -> list[Account]:
    """The accounts of a simulation: those of the configuration, and those that only the script names."""
    accounts: list[Account] = [RecordedAccount(a.kind, a.name, a.factory, a.settings) for a in found]
    for kind, name in named:
        if not any(a.kind == kind and name in ("", a.name) for a in accounts):
            accounts.append(ImaginedAccount(kind, name or "main"))
    return accounts


#: What a placeholder looks like where a connector looks at the beginning; "" is for every other secret.
_PLACEHOLDERS = {"app_token": "xapp-simulated", "": "1:simulated"}


def with_placeholders(path: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with a placeholder for every secret that is not set and without which an account cannot be."""
    filled = dict(environ)
    connectors: Any = Source(path, environ).data.get("connectors", {})
    for kind, entries in connectors.items() if isinstance(connectors, dict) else ():
        if kind not in registry() or not isinstance(entries, dict):
            continue
        _, model = load_channel(kind)
        for account, given in entries.items():
            for name in _wanted(model, given) if isinstance(given, dict) else ():
                variable = f"{PREFIX}CONNECTORS__{kind}__{account}__{name}".upper()
                filled[variable] = _placeholder(name)
    return filled


def _wanted(model: type[BaseModel], given: Mapping[str, Any]) -> list[str]:
    """The secrets that are required; every one that may be given where these alone do not do."""
    secrets = {
        n: f for n, f in model.model_fields.items() if "Secret" in str(f.annotation) and n not in given
    }
    required = [name for name, field in secrets.items() if field.is_required()]
    try:
        model.model_validate({**given, **{name: _placeholder(name) for name in required}})
    except ValidationError:
        return list(secrets)
    return required


def _placeholder(name: str) -> str:
    return _PLACEHOLDERS.get(name, _PLACEHOLDERS[""])
