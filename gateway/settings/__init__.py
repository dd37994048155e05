"""config.toml and the environment, checked whole: every mistake at once, with file, key and remedy."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from gateway.errors import SettingsError
from gateway.model import Assignment, BotMode
from gateway.settings.alarms import AlarmSettings, MetricsSettings
from gateway.settings.matrix import BrandSettings, EscalationSettings, HeartbeatSettings
from gateway.settings.section import Section
from gateway.settings.times import CalendarSettings, SlaSettings, Span, time_problems
from gateway.text.hosts import is_loopback as is_loopback
from gateway.triage.patterns import compiled

PREFIX = "DESKGATE_"
#: Names that are ours but are no settings, and those that Kubernetes injects for services called deskgate….
RESERVED = ("DESKGATE_KEY", "DESKGATE_OLD_KEYS", "DESKGATE_CONFIG", "DESKGATE_TEST_DATABASE")
INJECTED = re.compile(r"DESKGATE(_[A-Z0-9]+)*_(SERVICE_(HOST|PORT)|PORT)(_[A-Z0-9]+)*$")


class SiteSettings(Section):
    company: str = Field("Our shop", min_length=1, description="Who speaks.")
    bot_name: str = Field("Assistant", min_length=1, description="What the automatic assistant calls itself.")
    public_url: str = Field(
        "", description="Where people reach us, without a path; required beyond loopback."
    )
    privacy_url: str = Field("", description="The privacy notice, linked in the first automatic message.")
    languages: tuple[str, ...] = Field(
        ("en",), min_length=1, description="Of automatic words; first is default."
    )

    @field_validator("public_url")
    @classmethod
    def _url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (
            parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/")
        ):
            raise ValueError('must be like "https://help.example.com", without a path')
        return value.rstrip("/")


class ServerSettings(Section):
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    proxies: int = Field(0, ge=0, le=8, description="Reverse proxies of ours in front.")
    max_backlog: int = Field(100_000, ge=100, description="Waiting inputs beyond which we answer 503.")


class StoreSettings(Section):
    database: str = Field("sqlite:///var/deskgate.db", description="sqlite:///path or postgresql://…")
    lease_seconds: float = Field(
        15, ge=0.5, le=300, description="After this long without a sign a replica's work is taken over."
    )
    key_file: Path = Field(
        Path("var/deskgate.key"), description="The installation key, made at the first start."
    )

    @field_validator("database")
    @classmethod
    def _known(cls, value: str) -> str:
        if not value.startswith(("sqlite:///", "postgresql://")):
            raise ValueError('must begin with "sqlite:///" or "postgresql://"')
        return value

    @property
    def folder(self) -> Path:
        """Where this installation writes: beside the embedded database, else beside the key."""
        embedded = self.database.startswith("sqlite:///")
        file = Path(self.database.removeprefix("sqlite:///")) if embedded else self.key_file
        return file.absolute().parent


class BotSettings(Section):
    mode: BotMode = Field(
        BotMode.ANSWER,
        description="answer: the bot answers; suggest: its answer goes to agents, who send or edit it; off.",
    )
    accounts: dict[str, BotMode] = Field(
        default_factory=dict, description='The same for one account: "email/support" = "suggest".'
    )
    articles: Path = Field(Path("kb_articles"), description="Folder of the articles.")
    semantic: bool = Field(
        True, description="Ask the encoders of the [semantic] extra in doubt, where it is installed."
    )
    max_answers: int = Field(3, ge=1, le=20, description="Answers on one matter before a person takes it.")


class DeskSettings(Section):
    undo_seconds: float = Field(4, ge=0, le=60, description="How long an agent's reply can be taken back.")
    close_after_days: float = Field(7, gt=0, description="When a resolved ticket is closed.")
    csat: bool = Field(True, description="Ask how satisfied the requester is, once a resolution.")
    capacity: int = Field(25, ge=1, description="Open tickets of one agent before turns pass them over.")
    canned: Path = Field(Path("canned"), description="Folder of the canned replies; read again on each edit.")
    calendar: str = Field(
        "",
        description="The opening hours: what rules call open, and what is told to who asks; a [calendars.NAME].",
    )


class AutomaticSettings(Section):
    budget: int = Field(10, ge=1, description="Automatic messages to one address within the window.")
    window_minutes: float = Field(180, gt=0, description="The window of the budget.")
    max_age_hours: float = Field(12, gt=0, description="Older messages get no automatic answer.")
    idle_hours: float = Field(24, gt=0, description="A chat begins a new ticket after this silence.")
    give_up_hours: float = Field(24, gt=0, description="When an undeliverable message is given up.")
    resend_agents: bool = Field(False, description="Send an agent's reply again when its fate is unknown.")


class ScreeningSettings(Section):
    blocked: tuple[str, ...] = Field(
        (), description="Addresses, or @domains, whose messages are quarantined."
    )


class PrivacySettings(Section):
    never_mask: tuple[str, ...] = Field(
        (), description="Regular expressions (RE2) of what looks sensitive and is not."
    )

    drop_originals_after: Span | None = Field(
        None,
        description='So long after they were handled ("24h") sealed originals are dropped and only the masked copy '
        "is left; unset: never.",
    )

    @field_validator("never_mask")
    @classmethod
    def _patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            compiled(pattern)
        return value


class RulesSettings(Section):
    file: Path | None = Field(None, description="The triage rules, rules.toml; read again on each edit.")


class IncidentSettings(Section):
    people: int = Field(
        5, ge=0, description="So many people with a like problem are proposed as an incident; 0: never."
    )
    window_minutes: float = Field(60, gt=0, description="Within how long they wrote.")
    product_queue: str = Field("", description="Where a defect for everybody goes; empty: the highest tier.")
    user_queue: str = Field("", description="Where one person's trouble goes; empty: the first of tier 2.")


class ContentSettings(Section):
    publish: Literal["on_save", "command"] = Field(
        "on_save",
        description='When edited articles, rules, canned replies and words count: "on_save" at once, "command" with '
        "`deskgate publish`.",
    )


class QueueSettings(Section):
    title: str = Field(min_length=1, description="What people call the queue.")
    tier: int = Field(1, ge=1, le=9, description="1 front line, 2 experts, 3 specialists.")
    default: bool = Field(False, description="Where tickets go that nothing else claims; exactly one queue.")
    protected: bool = Field(False, description="Seen by its members, leads and admins only.")
    members: tuple[str, ...] = Field((), description="Agent ids; empty means everybody.")
    assignment: Assignment = Field(
        Assignment.PICK,
        description="pick: whoever wants a ticket takes it; first_come: agents take the next one, in order; "
        "round_robin: given in turn by language, skill and load.",
    )
    silent_minutes: float = Field(
        0, ge=0, description="An owner who does nothing for so long loses the ticket to the queue; 0: never."
    )
    overload: int = Field(
        0,
        ge=0,
        description="Tickets without an owner from which on the queue counts as overloaded; 0: never.",
    )
    calendar: str = Field("", description="When its people work; empty: the desk's calendar.")
    slack_account: str = Field("", description="Which Slack account shows it; empty: the only one.")
    slack_channel: str = Field("", description="Id of the channel that shows its tickets, C…")


class Settings(Section):
    """Everything config.toml may say. `connectors` are checked by each connector's own Settings."""

    site: SiteSettings = SiteSettings()
    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    bot: BotSettings = BotSettings()
    desk: DeskSettings = DeskSettings()
    automatic: AutomaticSettings = AutomaticSettings()
    screening: ScreeningSettings = ScreeningSettings()
    privacy: PrivacySettings = PrivacySettings()
    rules: RulesSettings = RulesSettings()
    content: ContentSettings = ContentSettings()
    escalation: EscalationSettings = EscalationSettings()
    incidents: IncidentSettings = IncidentSettings()
    alarms: AlarmSettings = AlarmSettings()
    metrics: MetricsSettings = MetricsSettings()
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    brand: BrandSettings = BrandSettings()
    queues: dict[str, QueueSettings] = Field(default_factory=lambda: _one_queue(), min_length=1)
    calendars: dict[str, CalendarSettings] = Field(default_factory=dict)
    sla: dict[str, SlaSettings] = Field(default_factory=dict)
    #: Not shown: each connector's own settings know which of their values are secrets, these do not.
    connectors: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict, repr=False)

    @model_validator(mode="after")
    def _one_default(self) -> Self:
        defaults = [name for name, queue in self.queues.items() if queue.default]
        if len(defaults) != 1:
            raise ValueError(
                f"[queues]: exactly one queue needs default = true, now it is {defaults or 'none'}"
            )
        return self

    @model_validator(mode="after")
    def _times_fit(self) -> Self:
        desk = self.desk.calendar
        problems = time_problems(self.calendars, self.sla, self.queues)
        problems += self.escalation.problems(self.queues)
        if desk and desk not in self.calendars:
            problems.append(f"[desk] calendar: there is no [calendars.{desk}]; add it")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def default_queue(self) -> str:
        return next(name for name, queue in self.queues.items() if queue.default)

    @property
    def protected_queue(self) -> str:
        return next((name for name, queue in self.queues.items() if queue.protected), "")

    @property
    def revision(self) -> str:
        """Names these very settings in what was decided by them; secrets do not enter it."""
        plain = self.model_dump(mode="json", exclude={"connectors", "store"})
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]


def _one_queue() -> dict[str, QueueSettings]:
    return {"general": QueueSettings(title="Customer care", default=True)}


class Source:
    """What the file and the environment say together, and which of them said it."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.path = path
        self.data, self.problems = _read(path)
        self.problems += _secrets_in_file(path, self.data)
        merged, problems = _merge_environment(self.data, environ)
        self._variables = merged
        self.problems += problems

    def where(self, location: Sequence[str]) -> str:
        """The file, or the variable that gave the value at this place."""
        name = self._variables.get(".".join(location).lower())
        return f"environment: {name}" if name else str(self.path)

    def settings(self) -> Settings | None:
        """The settings, None when they cannot be used; what is wrong is added to `problems`."""
        try:
            return Settings.model_validate(self.data)
        except ValidationError as error:
            self.problems += explain(error, self.where, (), Settings)
            return None


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """The settings without the connectors' own. Raises SettingsError with every problem."""
    source = Source(path, environ)
    settings = source.settings()
    if settings is None or source.problems:
        raise SettingsError(source.problems)
    return settings


def _read(path: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        return tomllib.loads(path.read_text("utf-8")), []
    except FileNotFoundError:
        return {}, [
            f"{path}: there is no such file. Run Deskgate where config.toml is, or give --config FILE."
        ]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return {}, [f"{path}: not valid TOML: {error}. Mend that line."]


def _merge_environment(data: dict[str, Any], environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """DESKGATE_SECTION__KEY=value over the file's values: which place each gave, and names that lead nowhere."""
    problems: list[str] = []
    merged: dict[str, str] = {}
    sections = list(Settings.model_fields)
    for name, value in sorted(environ.items()):
        if not name.startswith(PREFIX) or name in RESERVED or INJECTED.match(name):
            continue
        path = name.removeprefix(PREFIX).lower().split("__")
        if len(path) < 2 or path[0] not in sections:
            close = difflib.get_close_matches(path[0], sections, 1)
            hint = f" Did you mean {PREFIX}{close[0].upper()}__…?" if close else " Unset it."
            problems.append(f"environment: {name} is no setting of Deskgate.{hint}")
            continue
        _put(data, path, value)
        merged[".".join(path)] = name
    return merged, problems


def _put(data: dict[str, Any], path: list[str], value: str) -> None:
    for key in path[:-1]:
        found = data.setdefault(_same(data, key), {})
        if not isinstance(found, dict):
            return
        data = found
    data[_same(data, path[-1])] = value


def _same(data: Mapping[str, Any], key: str) -> str:
    """The key as the file spells it; the environment knows no case."""
    return next((known for known in data if known.lower() == key), key)


_SECRET_WORDS = ("password", "secret", "token")


def _secrets_in_file(path: Path, data: Mapping[str, Any], trail: tuple[str, ...] = ()) -> list[str]:
    problems = []
    for key, value in data.items():
        here = (*trail, key)
        if isinstance(value, dict):
            problems += _secrets_in_file(path, value, here)
        elif isinstance(value, str) and value and key.endswith(_SECRET_WORDS):
            name = PREFIX + "__".join(here).upper()
            problems.append(
                f"{path}: {'.'.join(here)} is a secret and must not stand in the file. Set {name} instead."
            )
    return problems


Where = Callable[[Sequence[str]], str]


def explain(
    error: ValidationError, where: Where, trail: tuple[str, ...], model: type[BaseModel]
) -> list[str]:
    """One sentence a problem: file or variable, key, what is wrong and the remedy."""
    return [_sentence(dict(problem), where, trail, model) for problem in error.errors()]


def _sentence(problem: dict[str, Any], place: Where, trail: tuple[str, ...], model: type[BaseModel]) -> str:
    location = (*trail, *(str(part) for part in problem["loc"]))
    key = ".".join(location) or "the file"
    where = place(location)
    if problem["type"] == "extra_forbidden":
        known = _fields_at(model, problem["loc"][:-1])
        close = difflib.get_close_matches(str(problem["loc"][-1]), known, 1)
        hint = f"Did you mean {close[0]}?" if close else f"Known here: {', '.join(known)}."
        return f"{where}: {key} is no setting. {hint}"
    if problem["type"] == "missing":
        name = PREFIX + "__".join(location).upper()
        secret = location[-1].endswith(_SECRET_WORDS)
        return f"{where}: {key} is missing. " + (f"Set {name} in the environment." if secret else "Add it.")
    text = str(problem["msg"]).removeprefix("Value error, ")
    return f"{where}: {key}: {text[:1].lower() + text[1:]}. Change it."


def _fields_at(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    for part in path:
        field = model.model_fields.get(str(part))
        inner: Any = field.annotation if field else None
        if get_origin(inner) in (dict, tuple):
            inner = next((each for each in get_args(inner) if each is not str), None)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return list(model.model_fields)


def secret_values(value: object) -> list[str]:
    """Every secret inside settings, for tests that grep logs for them."""
    if isinstance(value, SecretStr):
        return [value.get_secret_value()]
    if isinstance(value, BaseModel):
        return [s for name in type(value).model_fields for s in secret_values(getattr(value, name))]
    return []
