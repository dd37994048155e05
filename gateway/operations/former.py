"""The rules and words that former content revisions held: a replay decides each turn by those of its own time."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from gateway.errors import SettingsError
from gateway.operations.content import lay_out
from gateway.policy import Policy
from gateway.settings import Settings
from gateway.store import Store
from gateway.store import revisions as stored
from gateway.store.revisions import Revision
from gateway.store.tx import Tx
from gateway.triage.rules import Rules, load
from gateway.words import Words
from gateway.words.book import Wordbook

#: So many revisions are looked at, the newest first.
MOST = 500
_RULES, _OWN = "rules.toml", "own_words/"


class Former:
    """Rules and words by the revisions that turns name. What was not kept, or fits no more, is that of now."""

    def __init__(self, settings: Settings, contents: Sequence[Mapping[str, bytes]]) -> None:
        self._rules: dict[str, Rules] = {}
        self._words: dict[str, Words] = {}
        for files in contents:
            self._read(settings, files)

    def _read(self, settings: Settings, files: Mapping[str, bytes]) -> None:
        with tempfile.TemporaryDirectory(prefix="deskgate-former-") as name:
            folder = Path(name)
            lay_out(folder, files)
            try:
                if _RULES in files:
                    rules = load(folder / _RULES, settings.queues, settings.sla)
                    self._rules[rules.revision] = rules
                book = Wordbook(folder / "own_words", settings.brand.informal)
            except SettingsError:
                return  # made for queues that are no more, or by another version of the program
            self._words[book.revision] = book.words

    def policy(self, now: Policy, revision: str) -> tuple[Policy, bool]:
        """The policy for a turn that was decided under this revision, and whether it is the very same."""
        settings, *rest = revision.split("+")
        rules = next((self._rules[part] for part in rest if part in self._rules), None)
        ours = None if len(rest) > 1 else self._words.get("")  # a turn that names no own words had none
        words = next((self._words[part] for part in rest if part in self._words), ours)
        same = settings == now.revision.partition("+")[0] and all(
            part in self._rules or part in self._words for part in rest
        )
        changes = {"rules": rules or now.rules, "words": words or now.words, "revision": revision}
        return msgspec.structs.replace(now, **changes), same or revision == now.revision


async def former(store: Store, settings: Settings) -> Former:
    """All that the database keeps, each different content once."""

    def read(tx: Tx) -> list[dict[str, bytes]]:
        found: dict[tuple[tuple[str, str], ...], Revision] = {}
        for revision in stored.revisions(tx, MOST):
            wanted = {
                name: sha for name, sha in revision.files.items() if name == _RULES or name.startswith(_OWN)
            }
            found.setdefault(tuple(sorted(wanted.items())), msgspec.structs.replace(revision, files=wanted))
        return [stored.bodies(tx, revision) for revision in found.values()]

    return Former(settings, await store.driver.read(read))
