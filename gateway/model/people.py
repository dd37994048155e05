"""Who and where: addresses in channels, the names people go by, the members of the desk."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway.model.choices import Role


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a channel where something was said and an answer can go."""

    connector: str  #: registry name: "email", "slack", "webchat", "telegram"
    account: str  #: which of our accounts there, as named in config.toml
    conversation: str  #: mail address, chat id, channel id, visitor id
    thread: str = ""  #: thread inside the conversation, "" for none

    @property
    def key(self) -> str:
        return "/".join((self.connector, self.account, self.conversation, self.thread))

    @property
    def recipient(self) -> str:
        """Whom automatic messages are counted for."""
        return "/".join((self.connector, self.account, self.conversation))


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """One name a person goes by in one kind of channel. One contact has many."""

    kind: str  #: "email", "slack", "telegram", "webchat", "agent" …
    value: str  #: unique within its kind: lower-cased address, "T024:U123", visitor id, agent id
    name: str = ""  #: as the person calls themselves there; untrusted
    verified: bool = False  #: the channel vouches for it (a typed-in address is not)

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.value}"

    @property
    def label(self) -> str:
        """What to call them: their name, their address, or a word where all we have is a number."""
        return self.name or (self.value if self.kind == "email" else "Visitor")


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """A member of the desk."""

    id: str
    name: str
    role: Role = Role.AGENT
    email: str = ""
    slack_id: str = ""  #: "TEAM:USER"
    active: bool = True
    languages: tuple[str, ...] = ()  #: that they answer in; empty: any
    skills: tuple[str, ...] = ()  #: tags of tickets that they know about
    away_until: datetime | None = None

    def away(self, now: datetime) -> bool:
        return self.away_until is not None and self.away_until > now


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A member of the desk and how much they have."""

    agent: Agent
    load: int = 0  #: open tickets that are theirs


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """What another program signs in with; its token is stored only as a hash."""

    id: str  #: stands in the token, and in lists
    name: str  #: of the program; its conversations belong to the name, so that keys can be changed
    scopes: tuple[str, ...]
    agent: str = ""  #: id of the member in whose name it reads and acts
    created_at: datetime
    revoked_at: datetime | None = None
