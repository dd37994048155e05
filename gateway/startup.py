"""Before anything runs: the settings checked together with the accounts, and the content that counts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bot.articles import load as load_articles
from gateway import words
from gateway.accounts import Account, check_accounts
from gateway.clock import Clock, SystemClock, to_ms
from gateway.errors import SettingsError
from gateway.operations.content import Content
from gateway.operations.content import Source as ContentSource
from gateway.settings import Settings, Source
from gateway.store import Store, open_driver
from gateway.text.hosts import is_loopback


def read_settings(path: Path, environ: Mapping[str, str]) -> tuple[Settings, list[Account]]:
    """Everything that a start needs, checked. Raises SettingsError with every problem at once."""
    source = Source(path, environ)
    settings = source.settings()
    connectors = source.data.get("connectors", {})
    tables = {kind: entries for kind, entries in connectors.items() if _are_tables(entries)}
    found, problems = check_accounts(tables, settings, source.where)
    if settings is not None:
        problems += _exposure_problems(settings, found, str(path))
        problems += _language_problems(settings, str(path))
    problems = source.problems + problems
    if settings is None or problems:
        raise SettingsError(problems)
    return settings, found


def _are_tables(entries: object) -> bool:
    return isinstance(entries, dict) and all(isinstance(entry, dict) for entry in entries.values())


def _language_problems(settings: Settings, where: str) -> list[str]:
    """Languages without words. What own words say is content: checked where revisions are made."""
    own = settings.brand.words
    if own is not None and not own.is_dir():
        return [f"{where}: brand.words: there is no folder {own}. Create it, or unset brand.words."]
    known = (*words.load().languages, *(sorted(path.stem for path in own.glob("*.toml")) if own else ()))
    known = tuple(dict.fromkeys(known))
    return [
        f"{where}: site.languages: there are no words in {language!r}. Choose from {', '.join(known)}, "
        f"or add {language}.toml to the folder that brand.words names."
        for language in settings.site.languages
        if language not in known
    ]


def _exposure_problems(settings: Settings, found: list[Account], where: str) -> list[str]:
    outside = [a.key for a in found if not a.loopback(settings.server.host)]
    if not outside or (settings.site.public_url and not is_loopback(_host(settings.site.public_url))):
        return []
    return [
        f"{where}: site.public_url is required because {', '.join(outside)} can be reached from other machines. "
        'Set it to the address people use, such as "https://help.example.com".'
    ]


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition(":")[0]


def sample_problems(settings: Settings, found: list[Account]) -> list[str]:
    """Sample articles that will not answer, because a channel leaves this machine."""
    if all(a.loopback(settings.server.host) for a in found):
        return []
    names = [a.name for a in load_articles(settings.bot.articles).articles if a.sample]
    if not names:
        return []
    return [
        f"{settings.bot.articles}: {len(names)} sample articles are not used, because a channel leaves this machine "
        f"({', '.join(names[:5])}{', …' if len(names) > 5 else ''}). Write your own, or remove `sample: true` "
        "from those that are true for you."
    ]


async def published(settings: Settings, clock: Clock | None = None) -> Content:
    """The content that counts, once the database is there and the files were looked at. Raises SettingsError."""
    content = Content(ContentSource(settings), settings.content.publish)
    store = Store(open_driver(settings.store.database))
    try:
        await store.open()
        try:
            await content.start(store, to_ms((clock or SystemClock()).now()))
        finally:
            await store.close()
    except BaseException:
        content.close()
        raise
    return content


async def standing(settings: Settings) -> Content | None:
    """The content that counts, for commands beside `serve`: files that are broken do not keep them from working."""
    content = Content(ContentSource(settings), settings.content.publish)
    store = Store(open_driver(settings.store.database))
    try:
        await store.open()
        try:
            found = await content.stand(store)
        finally:
            await store.close()
    except BaseException:
        content.close()
        raise
    if not found:
        content.close()
    return content if found else None
