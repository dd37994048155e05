"""Every automatic word that Deskgate says, by language. One TOML file adds a language."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from gateway.errors import SettingsError
from gateway.words.moments import FIELDS, Moments, read

FOLDER = Path(__file__).parent
DEFAULT = "en"


class Words:
    """The texts of all languages, checked when loaded: same keys, same placeholders as English."""

    def __init__(
        self,
        texts: Mapping[str, Mapping[str, str]],
        names: Mapping[str, str],
        moments: Mapping[str, Moments] | None = None,
    ) -> None:
        self._texts, self._names, self._moments = texts, names, moments or {}

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._texts)

    @property
    def keys(self) -> tuple[str, ...]:
        """Every word by its name in the files."""
        return tuple(self._texts[DEFAULT])

    def text(self, language: str, key: str) -> str:
        """The word as it stands in the file, with its {placeholders}."""
        return (self._texts.get(language) or self._texts[DEFAULT])[key]

    def name(self, language: str) -> str:
        """What the language calls itself."""
        return self._names.get(language, language)

    def moments(self, language: str) -> Moments:
        """How this language writes times, or English where it is not shipped."""
        return self._moments.get(language) or self._moments[DEFAULT]

    def when(self, language: str, at: datetime, now: datetime, zone: str) -> str:
        """A moment to come, such as "on Monday, 30 March, at 09:50 (CEST)"."""
        return self.moments(language).when(at, now, zone)

    def say(self, language: str, key: str, /, **values: str) -> str:
        """The text in this language, or in English where the language is not shipped."""
        texts = self._texts.get(language) or self._texts[DEFAULT]
        return texts[key].format(**values)


def load(folder: Path = FOLDER, own: Path | None = None, informal: Collection[str] = ()) -> Words:
    """Reads every `<language>.toml`; `own` holds files that replace single words or add a language.

    `informal`: languages in which people are addressed so. Raises SettingsError naming each missing key, each wrong
    placeholder and each file that cannot be read.
    """
    files, problems = _read(folder)
    texts = {language: dict(data.get("words", {})) for language, data in files.items()}
    problems += [problem for language in texts for problem in _problems(folder, language, texts)]
    moments, more = _moments(folder, files)
    problems += more
    for language, data in files.items():
        problems += _unfit(f"{folder / language}.toml: [informal]", data.get("informal", {}), texts[DEFAULT])
        if language in informal:
            texts[language].update(data.get("informal", {}))
    names = {language: data.get("meta", {}).get("name", language) for language, data in files.items()}
    if own is not None and not problems:
        problems += _overlay(own, texts, names, moments)
    if problems:
        raise SettingsError(problems)
    return Words(texts, names, moments)


def _read(folder: Path) -> tuple[dict[str, dict[str, Any]], list[str]]:
    files, problems = {}, []
    for path in sorted(folder.glob("*.toml")):
        try:
            files[path.stem] = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            problems.append(f"{path}: not valid TOML: {error}. Mend that line.")
    return files, problems


def _overlay(
    own: Path, texts: dict[str, dict[str, str]], names: dict[str, str], moments: dict[str, Moments]
) -> list[str]:
    """Lays a shop's own words over ours; a language that we have not must be whole."""
    if not own.is_dir():
        return [f"{own}: there is no such folder. Create it, or unset brand.words."]
    files, problems = _read(own)
    theirs, more = _moments(own, files)
    moments |= theirs
    for language, data in files.items():
        given = dict(data.get("words", {}))
        names[language] = data.get("meta", {}).get("name", names.get(language, language))
        if language in texts:
            more += _unfit(f"{own / language}.toml: [words]", given, texts[DEFAULT])
            texts[language].update(given)
        else:
            texts[language] = given
            more += _problems(own, language, texts)
    return problems + more


def _unfit(where: str, given: Mapping[str, str], english: Mapping[str, str]) -> list[str]:
    """Words that nobody says, and placeholders that nobody fills in."""
    unknown = [f"{where} {key} is not used. Remove it." for key in given if key not in english]
    wrong = [
        f"{where} {key} uses {{{name}}}, which is not filled in. Use {sorted(_fields(english[key]))}."
        for key, text in given.items()
        if key in english
        for name in _fields(text) - _fields(english[key])
    ]
    return unknown + wrong


def _moments(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Moments], list[str]]:
    """How each language writes times, and what is wrong with it. Who has none writes them as English does."""
    moments, problems = {}, []
    for language, data in files.items():
        if "moments" not in data:
            continue
        where = f"{folder / language}.toml: [moments]"
        try:
            moments[language] = read(data["moments"])
        except (msgspec.ValidationError, ValueError) as error:
            problems.append(f"{where} {str(error)[:1].lower()}{str(error)[1:]}. Write it as in en.toml.")
            continue
        problems += [
            f"{where} {key} uses {{{name}}}, which is not filled in. Use {sorted(known)}."
            for key, known in FIELDS.items()
            for name in _fields(getattr(moments[language], key)) - known
        ]
    return moments, problems


def _problems(folder: Path, language: str, texts: Mapping[str, Mapping[str, str]]) -> list[str]:
    english, own = texts[DEFAULT], texts[language]
    where = folder / f"{language}.toml"
    missing = [
        f"{where}: [words] {key} is missing. Translate it from en.toml." for key in english if key not in own
    ]
    return missing + _unfit(f"{where}: [words]", own, english)


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
