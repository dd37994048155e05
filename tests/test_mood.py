"""What moods sound like in six languages, and what only looks like them: figures on sentences of our own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import gate
from gateway.errors import SettingsError
from gateway.text.terms import Terms, sequences
from gateway.triage.mood import FOLDER, MOODS, load, shipped

DATA = Path(__file__).parent / "data"
SAID = tomllib.loads((DATA / "mood.toml").read_text("utf-8"))
LANGUAGES = ("de", "en", "es", "sl", "zh-Hans", "zh-Hant")


@pytest.mark.parametrize("mood", MOODS)
def test_each_mood_is_heard_and_seldom_imagined(mood: str) -> None:
    said = SAID[mood]
    heard = [text for text in said if mood in shipped().listen(text).mood]
    imagined = [text for text in SAID["calm"] if mood in shipped().listen(text).mood]
    assert len(said) >= 40 and len(SAID["calm"]) >= 60
    assert len(heard) >= 0.95 * len(said), set(said) - set(heard)
    assert len(imagined) <= 1, imagined


@pytest.mark.parametrize("name", ["heard", "heard_fresh"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_later_sets_are_heard_and_what_is_ordinary_raises_no_alarm(name: str, language: str) -> None:
    kinds = tomllib.loads((DATA / f"{name}.toml").read_text("utf-8"))[language]
    should = [(kind, text) for kind in gate.SHOULD for text in kinds.get(kind, ())]
    ordinary = [(kind, text) for kind in gate.ORDINARY for text in kinds.get(kind, ())]
    missed = [text for kind, text in should if gate.wrong(kind, gate.heard(text))]
    imagined = [(kind, text) for kind, text in ordinary if gate.wrong(kind, gate.heard(text))]
    assert len(missed) <= 0.05 * len(should), missed
    assert len(imagined) <= 1 and "howto" not in dict(imagined), imagined


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("I am furious", True),
        ("I'm fuirous", True),
        ("I am not furious", False),
        ("I am not only furious", True),
        ("My boss wrote “I am furious” in his book", False),
        ("> I am furious\nWhere is my order?", False),
        ("soooo furiouuus", True),
        ("Ich bin überhaupt nicht sauer", False),
        ("no estoy nada enfadada", False),
        ("nisem besen", False),
        ("我不生气", False),
        ("我很生氣", True),
    ],
)
def test_negation_quotation_and_slips(text: str, mood: bool) -> None:
    assert ("anger" in shipped().listen(text).mood) is mood


@given(st.text(max_size=300))
def test_any_text_can_be_listened_to(text: str) -> None:
    assert set(shipped().listen(text).mood) <= set(MOODS)


def test_every_language_has_a_lexicon() -> None:
    assert shipped().languages == LANGUAGES


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("anger = [", "angr = [", "[mood] angr is not used"),
        ("anger = [", "angr = [", "[mood] anger is missing"),
        ("[howto]", "[howtoo]", "[howtoo] is not used"),
        ('"how to"', '"how (to"', "do not match"),
        ('"how to"', '"how .."', "must begin and end with a word"),
        ("[mood]", "[mood", "not valid TOML"),
    ],
)
def test_a_mistake_in_a_lexicon_is_named_with_its_file(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    shutil.copytree(FOLDER, tmp_path / "lexicons")
    path = tmp_path / "lexicons" / "en.toml"
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(SettingsError) as error:
        load(tmp_path / "lexicons")
    assert any(str(path) in each and problem in each for each in error.value.problems)


@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("refund*", "Refunding takes time", True),
        ("charged .. twice", "charged my card twice", True),
        ("charged .. twice", "charged it and then told me that I pay twice", False),
        ("charged .. twice", "charged. Twice", False),
        ("(pay|paid) me back", "they paid me back", True),
        ("(big |)lamp", "a lamp", True),
        ("退款 .. 没", "退款还是没有", True),
        ("žoga", "zoga", True),
    ],
)
def test_how_terms_are_written(term: str, text: str, found: bool) -> None:
    assert bool(Terms({"x": [term]}).find(text)) is found


@pytest.mark.parametrize("term", ["", "..", "a ..", "(a|b", "a) b"])
def test_a_term_that_is_none(term: str) -> None:
    with pytest.raises(ValueError, match=r"must begin and end|do not match"):
        sequences(term)


def test_a_word_that_a_beginning_stands_for_is_no_slip() -> None:
    assert Terms({"x": ["kreditn* kartic*"], "y": ["kartico"]}).find("kartica") == []


def test_of_two_equally_near_words_every_process_takes_the_same() -> None:
    program = (
        "from gateway.text.terms import Terms\n"
        "print(Terms({'x': ['kartico'], 'y': ['kartice'], 'z': ['kartici']}).find('kartica'))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3", "4", "5")
    }
    assert len(said) == 1
