"""What decisions are made by: a frozen picture of the settings, taken once a turn."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from gateway import choice_links
from gateway.escalation.ladder import Level, Pulse
from gateway.model import Address, Agent, Assignment, BotMode, Button, Choice, Identity, Priority, Role
from gateway.sla.calendars import Calendar
from gateway.sla.promises import Sla
from gateway.triage.mood import Lexicons, shipped
from gateway.triage.patterns import Pattern
from gateway.triage.rules import Rules
from gateway.words import Words

#: Triggers that may be switched off; a sensitive matter and the wish for a person always go to people.
TRIGGERS = frozenset(
    (
        "anger",
        "abuse",
        "threat_violence",
        "threat_reputation",
        "asks_manager",
        "vip",
        "high_priority",
        "repeated",
    )
)


class QueuePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Where people take tickets. `address`: the agents' channel, None when only the desk shows it."""

    name: str
    title: str
    tier: int = 1
    address: Address | None = None
    protected: bool = False
    members: frozenset[str] = frozenset()  #: agent ids; empty means everybody (protected: leads and admins)
    assignment: Assignment = Assignment.PICK
    silent_after: timedelta | None = (
        None  #: an owner who does nothing for so long loses the ticket to the queue
    )
    overload: int = 0  #: tickets without an owner from which on the desk calls the queue overloaded; 0: never
    calendar: Calendar | None = None  #: when its people work; None: whenever the desk does


#: The team of the only account that has one and does not name it.
ANY_TEAM = "*"


class AccountPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What the core must know of one account of a channel."""

    queue: str = ""
    language: str = ""
    threaded: bool = True  #: the channel tells which message continues which
    files: bool = True  #: it carries files to the requester
    max_file: int = 0  #: bytes that the files of one message may have together, 0 for no limit of ours
    answers_privately: bool = False  #: what is answered to public words only their author can read
    team: str = (
        ""  #: whose members' ids an agent's chat id begins with, where agents can be written to; or ANY_TEAM
    )


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """All settings that a decision may depend on. `revision` names this very set."""

    revision: str
    company: str
    bot_name: str
    public_url: str
    privacy_url: str
    languages: tuple[str, ...]
    queues: Mapping[str, QueuePolicy]
    default_queue: str
    protected_queue: str
    accounts: Mapping[str, AccountPolicy]
    own_addresses: frozenset[str]
    blocked: frozenset[str]
    bot_enabled: bool  #: False: off everywhere
    max_answers: int  #: answers the bot gives on one matter before a person takes it
    budget: int  #: automatic messages to one address per window
    budget_window: timedelta
    idle_window: timedelta  #: a chat without threads begins anew after this silence
    max_age: timedelta  #: no automatic message answers one older than this
    undo: timedelta
    close_after: timedelta
    words: Words
    secret: bytes
    rules: Rules = msgspec.field(default_factory=Rules)
    lexicons: Lexicons = msgspec.field(default_factory=shipped)
    never_mask: tuple[Pattern, ...] = ()  #: what looks sensitive and is not: one's own order numbers
    vip: tuple[str, ...] = ()  #: addresses or @domains
    bot_default: BotMode = BotMode.ANSWER
    bot_modes: Mapping[str, BotMode] = {}  #: by account, "email/support"
    product_queue: str = ""  #: where it goes what happens to everybody; "": the highest tier
    user_queue: str = ""  #: where it goes what happens to one person; "": the first queue of tier 2
    mail_account: str = ""  #: "email/support": the account by which people are written to who did not write
    capacity: int = 25  #: open tickets that one agent has before the turn passes them over
    calendar: Calendar | None = None  #: the opening hours; None: nobody said any
    slas: tuple[Sla, ...] = ()  #: promises, in the order in which they are tried
    matrix: Mapping[str, tuple[Level, ...]] = {}  #: levels by priority, or "default"
    told_queue: str = ""  #: the leads, who hear of every step
    playbook: Mapping[str, str] = {}  #: what agents read beside a cause, where it is not the shipped text
    emoji: bool = False  #: cheerful words carry one
    signature: Mapping[str, str] = {}  #: last line of automatic messages by language, or "default"
    csat: bool = False  #: ask how satisfied the requester is, once a resolution
    pulse: Pulse | None = None  #: heartbeats; None: none
    triggers: frozenset[str] = TRIGGERS  #: which of them go to people without the bot

    @property
    def language(self) -> str:
        return self.languages[0]

    def account(self, address: Address) -> AccountPolicy:
        return self.accounts.get(f"{address.connector}/{address.account}") or AccountPolicy()

    def speaks(self, language: str) -> str:
        """The language to use for automatic words: the person's where we have it."""
        return language if language in self.languages else self.language

    def signed(self, language: str) -> str:
        """The last line of an automatic message, "" for none."""
        return self.signature.get(self.speaks(language)) or self.signature.get("default", "")

    def reply_key(self, ticket: int) -> str:
        """The secret part of a ticket's reply address; the same for ever, and not to be guessed."""
        digest = hmac.digest(self.secret, f"ticket/{ticket}".encode(), "sha256")
        return base64.b32encode(digest[:10]).decode().lower()

    def button(self, label: str, choice: Choice) -> Button:
        """A button, with the link that stands for it where there are none."""
        link = f"{self.public_url}{choice_links.PATH}{choice_links.sign(self.secret, choice)}"
        return Button(label=label, choice=choice, link=link)

    def bot_mode(self, address: Address | None) -> BotMode:
        """What the bot may do on this account, as the settings say."""
        if not self.bot_enabled:
            return BotMode.OFF
        account = f"{address.connector}/{address.account}" if address else ""
        return self.bot_modes.get(account, self.bot_default)

    def way_to(self, agent: Agent) -> Address | None:
        """Where a member of the desk is written to in person: their chat; None where there is none."""
        team, _, user = agent.slack_id.partition(":")
        for key, account in self.accounts.items():
            if user and account.team in (team, ANY_TEAM):
                connector, _, name = key.partition("/")
                return Address(connector=connector, account=name, conversation=user)
        return None

    def ticket_link(self, ticket: int) -> str:
        return f"{self.public_url}/desk/ticket/{ticket}"

    def levels(self, priority: Priority) -> tuple[Level, ...]:
        """The levels above the queue that a ticket of this priority came to."""
        return self.matrix.get(priority) or self.matrix.get("default", ())

    @property
    def zone(self) -> str:
        """The time zone in which times are told."""
        return self.calendar.zone if self.calendar else "UTC"

    def local(self, at: datetime, now: datetime) -> str:
        """A moment as agents read it."""
        return self.words.when("en", at, now, self.zone)

    def hours(self, now: datetime) -> str:
        """ "open" or "closed" by the opening hours, "" where nobody said any."""
        return "" if self.calendar is None else "open" if self.calendar.is_open(now) else "closed"

    def working(self, queue: str) -> Calendar | None:
        """When the people of this queue work, None when nobody said."""
        found = self.queues.get(queue)
        return (found.calendar if found else None) or self.calendar

    def may_see(self, queue: str, agent: str, role: Role) -> bool:
        """Whether a member of the desk may see what is in this queue."""
        found = self.queues.get(queue)
        if found is None or agent in found.members:
            return True
        return (
            role in (Role.LEAD, Role.ADMIN)
            if found.protected
            else not found.members or role is not Role.AGENT
        )

    def is_ours(self, identity: Identity) -> bool:
        return identity.kind == "email" and identity.value in self.own_addresses
