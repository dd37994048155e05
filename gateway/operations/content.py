"""Articles, rules, canned replies and words as one numbered revision: checked together, kept in the database.

Every process works from the revision that counts, laid out in a folder of its own; what lies in the folders of
config.toml is only what shall count next.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.articles import load as load_articles
from gateway import canned, words
from gateway.clock import Clock, to_ms
from gateway.errors import SettingsError, StoreError
from gateway.settings import Settings
from gateway.store import Store
from gateway.store import revisions as stored
from gateway.store.revisions import Revision, digest_of
from gateway.triage import rules

log = logging.getLogger("deskgate.content")

ON_SAVE = "on_save"
#: Seconds between two looks at the folders.
LOOK_EVERY = 0.5
_RULES = "rules.toml"
_OWN = "own_words"
_BROKEN = "There is no earlier revision to run on: mend this, then start again."


class Source:
    """The folders that config.toml names."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.articles, self.canned = settings.bot.articles, settings.desk.canned
        self.rules = settings.rules.file
        self.words = settings.brand.words
        # Those that this process says; an upgrade that replaces the program's files does not change them.
        self._shipped = {
            f"words/{path.name}": path.read_bytes() for path in sorted(words.FOLDER.glob("*.toml"))
        }

    def state(self) -> tuple[tuple[str, int, int], ...]:
        """Changes whenever a file does."""
        found = []
        for name, path in self._paths():
            try:
                seen = path.stat()
            except OSError:
                continue
            found.append((name, seen.st_mtime_ns, seen.st_size))
        return tuple(found)

    def files(self) -> dict[str, bytes]:
        """Name in a revision -> bytes: also the words of this program, under the shop's own."""
        found = dict(self._shipped)
        for name, path in self._paths():
            try:
                found[name] = path.read_bytes()
            except OSError:
                continue  # gone between two looks; the next look sees it
        return found

    def _paths(self) -> Iterator[tuple[str, Path]]:
        for path in sorted(self.articles.rglob("*.md")):
            inside = path.relative_to(self.articles)
            if "drafts" not in inside.parts[:-1]:
                yield f"articles/{inside.as_posix()}", path
        for path in sorted(self.canned.glob("*.md")):
            yield f"canned/{path.name}", path
        for path in sorted(self.words.glob("*.toml")) if self.words is not None else ():
            yield f"{_OWN}/{path.name}", path
        if self.rules is not None:
            yield _RULES, self.rules

    def problems(self, files: Mapping[str, bytes]) -> list[str]:
        """What is wrong with this content as a whole, each with its remedy; nothing of it counts then."""
        with tempfile.TemporaryDirectory(prefix="deskgate-check-") as name:
            folder = Path(name)
            lay_out(folder, files)
            found = [f"{p.path}: {p.problem} {p.remedy}" for p in load_articles(folder / "articles").problems]
            found += canned.load(folder / "canned", self._settings.queues).problems
            found += self._rules_problems(folder / _RULES)
            found += self._words_problems(folder / _OWN)
        places = {"articles": self.articles, "canned": self.canned, _RULES: self.rules or Path(_RULES)}
        places[_OWN] = self.words or Path(_OWN)
        return [_at_source(problem, folder, places) for problem in found]

    def _rules_problems(self, path: Path) -> list[str]:
        if self.rules is None:
            return []
        try:
            rules.load(path if path.exists() else self.rules, self._settings.queues, self._settings.sla)
        except SettingsError as error:
            return error.problems
        return []

    def _words_problems(self, folder: Path) -> list[str]:
        if self.words is None:
            return []
        try:
            words.load(
                own=folder if self.words.is_dir() else self.words, informal=self._settings.brand.informal
            )
        except SettingsError as error:
            return error.problems
        return []


def _at_source(problem: str, folder: Path, places: Mapping[str, Path]) -> str:
    for inside, place in places.items():
        problem = problem.replace(str(folder / inside), str(place))
    return problem


def lay_out(folder: Path, files: Mapping[str, bytes]) -> None:
    """Makes the folder hold exactly these files; each is there whole or not at all."""
    for place in ("articles", "canned", _OWN):
        (folder / place).mkdir(parents=True, exist_ok=True)
    for name, body in files.items():
        path = folder / name
        if path.is_file() and path.read_bytes() == body:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f".{path.name}.new")
        made.write_bytes(body)
        made.replace(path)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).as_posix() not in files:
            path.unlink()


class Content:
    """What this process works from: its paths to articles, canned replies, rules and words follow what counts."""

    def __init__(self, source: Source, publish: str) -> None:
        self._source, self._publish = source, publish
        self._folder = Path(tempfile.mkdtemp(prefix="deskgate-content-"))
        self._state = source.state()
        self.revision: Revision | None = None
        self.problems: list[str] = []

    @property
    def articles(self) -> Path:
        return self._folder / "articles"

    @property
    def canned(self) -> Path:
        return self._folder / "canned"

    @property
    def rules(self) -> Path | None:
        return self._folder / _RULES if self._source.rules is not None else None

    @property
    def words(self) -> Path | None:
        """The shop's own words; None where the settings name no folder of them."""
        return self._folder / _OWN if self._source.words is not None else None

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    # ------------------------------------------------------------ the start

    async def start(self, store: Store, now: int) -> None:
        """Publishes the files where that is wished, else takes the revision that counts.

        Raises SettingsError when the files are broken and there is no revision.
        """
        newest = await store.driver.read(stored.current)
        files = await asyncio.to_thread(self._source.files)
        problems = await asyncio.to_thread(self._source.problems, files)
        if problems and newest is None:
            raise SettingsError([*problems, _BROKEN])
        if problems and newest is not None:
            self._keep(newest, problems)
        elif newest is None or await self._is_news(store, files, newest):
            newest = await store.driver.write(lambda tx: stored.publish(tx, files, "start", now))
        await self._take(store, newest)

    async def stand(self, store: Store) -> bool:
        """Takes the revision that counts, whatever lies in the folders; False when there is none yet."""
        await self._take(store, await store.driver.read(stored.current))
        return self.revision is not None

    async def _is_news(self, store: Store, files: Mapping[str, bytes], newest: Revision) -> bool:
        """Whether a start makes these files count: not those of an older revision, such as one that was reverted."""
        digest = digest_of(files)
        if digest == newest.digest:
            return False
        older = await store.driver.read(lambda tx: stored.known(tx, digest))
        if older:
            self._differ(f"The files are those of revision {older}, but revision {newest.id} counts.")
        elif self._publish != ON_SAVE:
            self._differ(f"The files are not published yet; revision {newest.id} counts.")
        return not older and self._publish == ON_SAVE

    def _differ(self, what: str) -> None:
        self.problems = [f"{what} `deskgate publish` makes them count."]
        log.warning("%s", self.problems[0])

    def _keep(self, newest: Revision, problems: list[str]) -> None:
        self.problems = [f"{each} Revision {newest.id} of {newest.at:%Y-%m-%d} stays." for each in problems]
        for problem in self.problems:
            log.warning("content kept at its last good revision: %s", problem)

    async def _take(self, store: Store, newest: Revision | None) -> None:
        if newest is None or (self.revision is not None and self.revision.id == newest.id):
            return
        taken = newest
        files = await store.driver.read(lambda tx: stored.bodies(tx, taken))
        await asyncio.to_thread(lay_out, self._folder, files)
        self.revision = taken
        log.info("content revision %d counts", taken.id, extra={"digest": taken.digest, "files": len(files)})

    # ------------------------------------------------------------ while it runs

    async def run(self, store: Store, clock: Clock) -> None:
        """Publishes what is saved, and follows what others publish; until cancelled."""
        async with store.bell.listen(stored.TOPIC) as rings:
            while True:
                await rings.wait(LOOK_EVERY)
                try:
                    await self._saved(store, clock)
                    await self._take(store, await store.driver.read(stored.current))
                except StoreError as error:
                    log.warning("content waits for the database: %s", error)

    async def _saved(self, store: Store, clock: Clock) -> None:
        state = await asyncio.to_thread(self._source.state)
        if state == self._state:
            return
        files = await asyncio.to_thread(self._source.files)
        problems = await asyncio.to_thread(self._source.problems, files)
        if problems and self.revision is not None:
            self._keep(self.revision, problems)
        elif self._publish == ON_SAVE:
            await store.driver.write(lambda tx: stored.publish(tx, files, "save", to_ms(clock.now())))
            self.problems = []
        elif self.revision is not None and digest_of(files) != self.revision.digest:
            self._differ(f"The files are not published yet; revision {self.revision.id} counts.")
        else:
            self.problems = []
        self._state = state  # only now: what failed with the database is tried again


def diff(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    """What changes from one content to another, as a unified diff, file by file."""
    lines: list[str] = []
    for name in sorted({*before, *after}):
        one, other = before.get(name, b""), after.get(name, b"")
        if one != other:
            old, new = ("" if name not in before else name), ("" if name not in after else name)
            lines += difflib.unified_diff(
                one.decode("utf-8", "replace").splitlines(),
                other.decode("utf-8", "replace").splitlines(),
                old or "(not there)",
                new or "(removed)",
                lineterm="",
            )
    return lines
