"""The automatic words: six complete languages, and what is said of an incomplete one."""

from __future__ import annotations

import string
import tomllib
from pathlib import Path

import pytest

from bot.signals import wants_human
from gateway import words
from gateway.errors import SettingsError
from gateway.words.book import Wordbook

LANGUAGES = ("de", "en", "es", "sl", "zh-Hans", "zh-Hant")
ENGLISH: dict[str, str] = tomllib.loads((words.FOLDER / "en.toml").read_text("utf-8"))["words"]
#: What the quotation marks of each language look like, around the phrase that brings a person.
QUOTES = {"de": "„%s“", "en": "“%s”", "es": "«%s»", "sl": "»%s«", "zh-Hans": "“%s”", "zh-Hant": "「%s」"}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def folder(path: Path, **languages: str) -> Path:
    """A folder of languages, each given as the lines of its [words]."""
    for language, lines in languages.items():
        (path / f"{language}.toml").write_text(f'[meta]\nname = "{language}"\n[words]\n{lines}\n', "utf-8")
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        words.load(path)
    return caught.value.problems


def test_six_languages_are_shipped_and_complete() -> None:
    assert words.load().languages == LANGUAGES


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("de", "Deutsch"),
        ("en", "English"),
        ("es", "español"),
        ("sl", "slovenščina"),
        ("zh-Hans", "简体中文"),
        ("zh-Hant", "繁體中文"),
    ],
)
def test_a_language_says_its_own_name(language: str, name: str) -> None:
    assert words.load().name(language) == name


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", ENGLISH)
def test_every_word_renders_in_every_language(language: str, key: str) -> None:
    values = {name: f"<{name}>" for name in placeholders(ENGLISH[key])}
    said = words.load().say(language, key, **values)
    assert said.strip() == said and said
    for value in values.values():
        assert value in said, "nothing that is filled in gets lost in translation"
    assert "{" not in said and "}" not in said


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_nothing_was_left_in_english(language: str) -> None:
    shipped = words.load()
    values = {name: "" for text in ENGLISH.values() for name in placeholders(text)}
    same = [key for key in ENGLISH if shipped.say(language, key, **values) == ENGLISH[key].format(**values)]
    assert [key for key in same if key != "button_no"] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", ["did_this_help", "clarify", "greeting"])
def test_the_phrase_for_a_person_is_offered_as_the_button_says_it(language: str, key: str) -> None:
    shipped = words.load()
    phrase = shipped.say(language, "button_person")
    said = shipped.say(language, key)
    assert (QUOTES[language] % phrase).casefold() in said.casefold()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_bot_understands_the_phrase_that_it_offers(language: str) -> None:
    assert wants_human(words.load().say(language, "button_person"))


def test_a_language_that_is_not_shipped_speaks_english() -> None:
    assert words.load().say("fi", "thanks") == ENGLISH["thanks"]
    assert words.load().name("fi") == "fi"


def test_a_missing_key_is_named_with_its_file_and_remedy(tmp_path: Path) -> None:
    folder(tmp_path, en='a = "A"\nb = "B"', fi='a = "A"')
    (problem,) = problems(tmp_path)
    assert str(tmp_path / "fi.toml") in problem and "b is missing" in problem and "Translate it" in problem


def test_a_key_that_nobody_uses_is_named(tmp_path: Path) -> None:
    folder(tmp_path, en='a = "A"', fi='a = "A"\nbb = "B"')
    (problem,) = problems(tmp_path)
    assert "bb is not used. Remove it." in problem


def test_a_placeholder_that_is_not_filled_in_is_named(tmp_path: Path) -> None:
    folder(tmp_path, en='a = "for {queue}"', fi='a = "{jono}"')
    (problem,) = problems(tmp_path)
    assert "{jono}" in problem and "['queue']" in problem


def test_every_problem_of_every_language_is_named_at_once(tmp_path: Path) -> None:
    folder(tmp_path, en='a = "A"\nb = "{x}"', fi='b = "{y}"', sv='c = "C"')
    assert len(problems(tmp_path)) == 5


def test_a_placeholder_of_english_may_be_left_out(tmp_path: Path) -> None:
    folder(tmp_path, en='a = "for {queue}"', fi='a = "kaikille"')
    assert words.load(tmp_path).say("fi", "a", queue="x") == "kaikille"


# ---------------------------------------------------------------- a shop's own words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_writes_times(language: str) -> None:
    moments = words.load().moments(language)
    assert (len(moments.weekdays), len(moments.months)) == (7, 12)
    assert language == "en" or moments != words.load().moments("en")


@pytest.mark.parametrize("language", ["de", "es", "sl"])
def test_people_may_be_addressed_informally(language: str) -> None:
    formal, informal = words.load(), words.load(informal=(language,))
    differ = [key for key in ENGLISH if formal.text(language, key) != informal.text(language, key)]
    assert {"handed_over", "next_word", "did_this_help", "csat"} <= set(differ)
    for key in differ:
        assert placeholders(informal.text(language, key)) == placeholders(formal.text(language, key))
    assert formal.text("en", "handed_over") == informal.text("en", "handed_over")


def test_own_words_lie_over_ours(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('[words]\nthanks = "Any time."\n')
    shipped = words.load()
    fi = "".join(f"{key} = {shipped.text('en', key)!r}\n" for key in shipped.keys)
    (tmp_path / "fi.toml").write_text(f'[meta]\nname = "suomi"\n[words]\n{fi}')
    own = words.load(own=tmp_path)
    assert own.say("en", "thanks") == "Any time."
    assert own.say("de", "thanks") == shipped.say("de", "thanks")
    assert own.name("fi") == "suomi" and own.moments("fi") == shipped.moments("en")


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("en", '[words]\nthank = "x"', "thank is not used. Remove it."),
        ("en", '[words]\nthanks = "{who}"', "{who}, which is not filled in"),
        ("en", "[words", "not valid TOML"),
        ("fi", '[words]\nthanks = "x"', "fi.toml: [words] assistant is missing. Translate it"),
        ("de", '[moments]\nweekdays = ["Mo"]', "de.toml: [moments]"),
    ],
)
def test_a_mistake_in_own_words_is_named(tmp_path: Path, file: str, text: str, says: str) -> None:
    (tmp_path / f"{file}.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        words.load(own=tmp_path)
    assert any(says in problem for problem in caught.value.problems), caught.value.problems


def test_an_edit_of_own_words_counts_and_a_bad_one_keeps_the_last(tmp_path: Path) -> None:
    said: list[words.Words] = []
    book = Wordbook(tmp_path)
    book.on_change = said.append
    assert book.revision == "" and book.words.say("en", "thanks") == ENGLISH["thanks"]
    (tmp_path / "en.toml").write_text('[words]\nthanks = "Any time."\n')
    book.reload()
    first = book.revision
    assert said[-1].say("en", "thanks") == "Any time." and first
    (tmp_path / "en.toml").write_text('[words]\nthanks = "{who}"\n')
    book.reload()
    assert "{who}" in book.problems[0] and len(said) == 1
    assert (book.words.say("en", "thanks"), book.revision) == ("Any time.", first)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        words.load(own=tmp_path / "words")
    assert "unset brand.words" in caught.value.problems[0]
