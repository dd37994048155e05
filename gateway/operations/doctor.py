"""The general part of doctor: key, database, disk, clock, public address, web origins, articles, people."""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from bot.articles import load as load_articles
from gateway.accounts import Account
from gateway.clock import SystemClock, from_ms, to_ms
from gateway.errors import DeskgateError, StoreError
from gateway.operations.findings import Finding, error, ok, warning
from gateway.privacy import CannotOpen, Seal, installation_key
from gateway.settings import Settings
from gateway.store.examination import Looked, look
from gateway.text.hosts import is_loopback

#: Free space below which it is an error, and a warning.
FULL, NEARLY_FULL = 200_000_000, 2_000_000_000
#: How far two clocks may differ.
SKEW = timedelta(seconds=30)
#: File systems on which SQLite's locks do not hold.
_REMOTE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p")
#: What adjtimex says of a clock that nobody sets (adjtimex(2), TIME_ERROR).
_UNSET = 5
GIB = 1024**3


async def examine(
    config: Path, settings: Settings, accounts: Sequence[Account], environ: Mapping[str, str]
) -> list[Finding]:
    """Looks at everything that belongs to no channel; changes nothing. What fails is a finding."""
    found = [*of_env_file(config.parent / ".env")]
    try:
        looked = await asyncio.to_thread(look, settings.store.database)
    except StoreError as problem:
        looked = None
        found.append(error(str(problem), "Start the database, or correct store.database."))
    found += of_key(settings, looked or Looked(), environ)
    if looked is not None:
        found += [*of_database(settings.store.database, looked), *of_clock(looked, _clock_state())]
    found += of_disk(settings)
    found += await of_address(settings, any(not a.loopback(settings.server.host) for a in accounts))
    found += of_origins(accounts, settings.site.public_url)
    return [*found, *of_articles(settings, accounts), *of_people(looked), *of_alarms(settings)]


# ---------------------------------------------------------------- secrets and the key


def of_env_file(path: Path) -> list[Finding]:
    """Whether the file of secrets is for its owner only."""
    if not path.exists():
        return []
    if path.stat().st_mode & 0o077:
        return [error(f"Others may read {path}, which holds secrets.", f"Run: chmod 600 {path}")]
    return [ok(f"Secrets are read from {path}, which only its owner may read.")]


def of_key(settings: Settings, looked: Looked, environ: Mapping[str, str]) -> list[Finding]:
    """Whether the installation key is here, and opens what the database holds."""
    path, given = settings.store.key_file, environ.get("DESKGATE_KEY", "")
    where = "DESKGATE_KEY" if given else str(path)
    if not given and not path.exists():
        if looked.key or looked.sealed:
            return [
                error(
                    f"The installation key {path} is gone.", "Put it back from where you keep a copy of it."
                )
            ]
        return [ok(f"The first start makes the installation key {path}; keep a copy of it apart.")]
    try:
        older = tuple(bytes.fromhex(key) for key in environ.get("DESKGATE_OLD_KEYS", "").split())
        seal = Seal(installation_key(given, path), older)
    except (DeskgateError, ValueError) as problem:
        return [error(f"The installation key cannot be used: {problem}", "Put the right one back.")]
    if not _opens(seal, looked):
        return [
            error(
                f"The key in {where} is not the one that sealed this database (that was {looked.key or 'another'}).",
                "Put the former key back, or add it to DESKGATE_OLD_KEYS.",
            )
        ]
    return [
        ok(f"The installation key {seal.id} is in {where}. A backup does not hold it: keep a copy apart.")
    ]


def _opens(seal: Seal, looked: Looked) -> bool:
    if looked.key and not seal.knows(looked.key):
        return False
    try:
        return not looked.sealed or bool(seal.open(looked.sealed, b"input"))
    except CannotOpen:
        return False


# ---------------------------------------------------------------- the database and its disk


def of_database(database: str, looked: Looked) -> list[Finding]:
    """Whether it is whole, of our schema, and where it may be."""
    if not looked.exists:
        return [ok(f"The first start makes the database {_named(database)}.")]
    if looked.damage:
        return [
            error(
                f"The database is damaged: {looked.damage}",
                "Stop Deskgate, keep the file, and restore the newest backup: deskgate restore FILE.",
            )
        ]
    if looked.unknown:
        return [
            error(
                f"A newer Deskgate wrote this database ({', '.join(looked.unknown)}).",
                "Start that version or a newer one.",
            )
        ]
    found = [ok(f"{looked.program} answers; {looked.size / GIB:.2f} GiB.")]
    if looked.missing:
        found.append(
            warning(
                f"{len(looked.missing)} changes of the schema wait ({looked.missing[-1]}).",
                "The next start makes them, after a backup.",
            )
        )
    if 0 < looked.connections < 20:
        found.append(
            warning(
                f"The server allows {looked.connections} connections.",
                "Set max_connections: 9 a replica and 10.",
            )
        )
    return found


def _named(database: str) -> str:
    """A database's name without a password."""
    parts = urlsplit(database)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


def of_disk(settings: Settings) -> list[Finding]:
    """Space and rights where files are written."""
    places = {_existing(settings.store.key_file.absolute().parent)}
    if settings.store.database.startswith("sqlite:///"):
        places.add(_existing(Path(settings.store.database.removeprefix("sqlite:///")).absolute().parent))
    return [finding for place in sorted(places) for finding in _of_place(place)]


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _of_place(path: Path) -> list[Finding]:
    if not os.access(path, os.W_OK):
        return [error(f"{path} cannot be written to.", "Give the folder to the user that Deskgate runs as.")]
    kind = _file_system(path)
    if kind in _REMOTE:
        return [
            error(
                f"{path} is on a network file system ({kind}).",
                "SQLite needs a local disk; or use PostgreSQL.",
            )
        ]
    free = shutil.disk_usage(path).free
    said = f"{free / GIB:.1f} GiB free at {path}."
    if free < FULL:
        return [error(said, "Make room now: nothing can be taken in on a full disk.")]
    if free < NEARLY_FULL:
        return [warning(said, "Make room: 16 KB a mail and its answer, plus attachments.")]
    return [ok(said)]


def _file_system(path: Path) -> str:
    """The kind of file system, "" where the system does not say."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return ""
    around = [m for m in mounts if path.is_relative_to(m[1].replace("\\040", " "))]
    return max(around, key=lambda m: len(m[1]))[2] if around else ""


# ---------------------------------------------------------------- time


def of_clock(looked: Looked, state: int | None) -> list[Finding]:
    """Whether the clock is set, agrees with the database's and did not run backwards."""
    now = SystemClock().now()
    found = []
    if state == _UNSET:
        found.append(
            warning("Nothing keeps this machine's clock right.", "Switch on NTP: timedatectl set-ntp true.")
        )
    if looked.now and abs(from_ms(looked.now) - now) > SKEW:
        seconds = (looked.now - to_ms(now)) / 1000
        found.append(
            error(f"The database's clock is {seconds:+.0f} s from ours.", "Switch on NTP on both machines.")
        )
    if looked.newest and from_ms(looked.newest) - now > SKEW:
        minutes = (from_ms(looked.newest) - now).total_seconds() / 60
        found.append(
            error(
                f"The newest message was taken {minutes:.0f} minutes in the future: the clock jumped.",
                "Set the clock. Timers and undo wait until it has caught up; nothing is lost.",
            )
        )
    return found or [ok(f"The clock says {now:%Y-%m-%d %H:%M:%S} UTC.")]


def _clock_state() -> int | None:
    """What the kernel thinks of its clock, None where it cannot be asked."""
    try:
        return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)))
    except (OSError, AttributeError):
        return None


# ---------------------------------------------------------------- the web


async def of_address(settings: Settings, outside: bool) -> list[Finding]:
    """Whether people reach us at the public address, by TLS and past our own proxies."""
    url = settings.site.public_url
    if not url:
        return [
            ok(
                f"Only this machine reaches the pages, at http://{settings.server.host}:{settings.server.port}."
            )
        ]
    host = urlsplit(url).hostname or ""
    found = []
    if urlsplit(url).scheme != "https" and not is_loopback(host):
        found.append(
            error(
                f"{url} is not encrypted: cookies and messages can be read on the way.",
                "Use a proxy with TLS.",
            )
        )
    if outside and not settings.server.proxies and not is_loopback(host) and urlsplit(url).scheme == "https":
        found.append(
            warning(
                "server.proxies is 0, yet something in front of us speaks TLS.",
                "Set it to the number of proxies, so that rate limits count people and not the proxy.",
            )
        )
    return [*found, await _reached(url)]


async def _reached(url: str) -> Finding:
    try:
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{url}/healthz") as answer:
            text = (await answer.content.read(100)).decode("utf-8", "replace").strip()
    except aiohttp.ClientConnectorCertificateError:
        return error(f"The certificate of {url} is not trusted.", "Renew it, with its whole chain.")
    except aiohttp.ClientConnectorDNSError:
        return error(
            f"The name in {url} does not resolve.", "Correct site.public_url, or make the DNS record."
        )
    except (aiohttp.ClientError, TimeoutError, OSError) as problem:
        return warning(
            f"{url} does not answer ({type(problem).__name__}).",
            "Start Deskgate; then look at proxy and firewall.",
        )
    if answer.status == 200 and text == "alive":
        return ok(f"{url} leads here.")
    return error(
        f"{url}/healthz answers {answer.status}, and not as Deskgate does.",
        "Let the proxy pass every path on.",
    )


def of_origins(accounts: Sequence[Account], public_url: str) -> list[Finding]:
    """The sites that may embed the chat."""
    found: list[Finding] = []
    for account in accounts:
        for origin in getattr(account.settings, "allowed_origins", ()):
            parts = urlsplit(origin)
            if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
                found.append(
                    warning(f"{account.key}: {origin} embeds the chat without TLS.", "Use its https address.")
                )
            elif public_url and parts.scheme == "https" and public_url.startswith("http:"):
                found.append(
                    error(
                        f"{account.key}: {origin} cannot embed {public_url}.",
                        "Give Deskgate an https address.",
                    )
                )
            else:
                found.append(ok(f"{account.key}: {origin} may embed the chat."))
    return found


# ---------------------------------------------------------------- content and people


def of_articles(settings: Settings, accounts: Sequence[Account]) -> list[Finding]:
    """Whether the bot has something to answer from."""
    from gateway.startup import sample_problems

    library = load_articles(settings.bot.articles)
    found = [
        error(f"{p.path}: {p.problem}", f"{p.remedy} Until then its last good version answers.")
        for p in library.problems
    ]
    for problem in sample_problems(settings, list(accounts)):
        what, _, remedy = problem.partition("Write your own")
        found.append(warning(what.strip(), f"Write your own{remedy}"))
    if not library.articles:
        found.append(
            warning(
                f"There is no article in {settings.bot.articles}.", "Write one; until then people answer."
            )
        )
    return found or [ok(f"{len(library.articles)} articles can be read.")]


def unheard(settings: Settings) -> list[str]:
    """What would happen without anybody being told, one sentence each."""
    found = []
    if quiet := [name for name, queue in settings.queues.items() if not queue.slack_channel]:
        found.append(
            f"nobody is told of a new ticket in {', '.join(quiet)}: it is seen only by who looks at the desk. "
            "Give each queue a slack_channel."
        )
    if not settings.alarms.ways:
        found.append(
            "nobody is told when a mailbox, Slack or the database is lost. Name a way in [alarms]: mail_to with "
            "a second relay, url or command."
        )
    return found


def of_alarms(settings: Settings) -> list[Finding]:
    """Whether somebody would hear of trouble."""
    found = [
        warning(f"{note[0].upper()}{note[1:].partition('. ')[0]}.", note.partition(". ")[2])
        for note in unheard(settings)
    ]
    if settings.alarms.ways:
        found.append(
            ok(f"Alarms go by {', '.join(settings.alarms.ways)}: try it with `deskgate alarm test`.")
        )
    return found


def of_people(looked: Looked | None) -> list[Finding]:
    """Whether anybody can work at the desk."""
    if looked is None:
        return []
    if not looked.members:
        return [
            warning("Nobody has signed in at the desk yet.", "Open the link that `deskgate serve` prints.")
        ]
    return [ok(f"{looked.members} members may work at the desk.")]
