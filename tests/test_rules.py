"""Rules: the first match wins, a rule below a match changes nothing, mistakes are named, edits live."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SettingsError
from gateway.model import Priority
from gateway.triage.rulebook import Rulebook
from gateway.triage.rules import Facts, Rule, Rules, Then, When, load

QUEUES = ("general", "leads")
SHIPPED = Path(__file__).parent.parent / "rules.toml"
WORDS = ("lamp", "broken", "refund", "hello")

whens = st.builds(
    When,
    text=st.lists(st.sampled_from(WORDS), max_size=1).map(tuple),
    channel=st.lists(st.sampled_from(["email", "slack"]), max_size=1).map(tuple),
    mood=st.lists(st.sampled_from(["anger", "abuse"]), max_size=1).map(tuple),
    repeats=st.integers(0, 3),
)
facts = st.builds(
    Facts,
    text=st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join),
    channel=st.sampled_from(["email", "slack", "api"]),
    mood=st.lists(st.sampled_from(["anger", "abuse"]), max_size=2, unique=True).map(tuple),
    repeats=st.integers(1, 4),
)


def made(conditions: list[When]) -> Rules:
    return Rules([Rule(name=f"r{n}", when=when) for n, when in enumerate(conditions)], "rev")


@given(st.lists(whens, max_size=5), st.lists(whens, max_size=3), facts)
def test_a_rule_below_a_match_changes_nothing(above: list[When], below: list[When], fact: Facts) -> None:
    first = made(above).decide(fact)
    longer = made([*above, *below]).decide(fact)
    if first.rule:
        assert longer == first
    assert longer.tried[: len(first.tried)] == first.tried


@given(st.lists(whens, max_size=5), facts)
def test_the_winner_is_the_last_of_those_tried(conditions: list[When], fact: Facts) -> None:
    verdict = made(conditions).decide(fact)
    assert verdict.revision == "rev"
    assert verdict.tried == tuple(f"r{n}" for n in range(len(verdict.tried)))
    assert (verdict.tried[-1] == verdict.rule) if verdict.rule else (len(verdict.tried) == len(conditions))


@pytest.mark.parametrize(
    ("when", "fact", "holds"),
    [
        ({}, {}, True),
        ({"text": ["refund*"]}, {"text": "Refunds please"}, True),
        ({"text": ["refund*"]}, {"text": "no"}, False),
        ({"matches": [r"\bDG-\d+"]}, {"text": "see dg-42"}, True),
        ({"matches": [r"(a+)+$"]}, {"text": "a" * 50_000 + "!"}, False),
        ({"channel": ["email", "slack"]}, {"channel": "slack"}, True),
        ({"account": ["email/support"]}, {"account": "email/other"}, False),
        ({"language": ["sl"]}, {"language": "sl"}, True),
        ({"tags": ["vip"]}, {"tags": ("vip", "x")}, True),
        ({"contact": ["@Example.com"]}, {"contacts": ("ana@example.com",)}, True),
        ({"contact": ["ana@example.com"]}, {"contacts": ("ben@example.com",)}, False),
        ({"priority": ["high"]}, {"priority": Priority.HIGH}, True),
        ({"hours": "closed"}, {"hours": "open"}, False),
        ({"mood": ["anger"]}, {"mood": ("abuse", "anger")}, True),
        ({"sensitive": ["billing"]}, {"sensitive": ("account",)}, False),
        ({"protected": False}, {"protected": True}, False),
        ({"repeats": 3}, {"repeats": 3}, True),
        ({"wants_human": True, "vip": True}, {"wants_human": True}, False),
    ],
)
def test_conditions(when: dict[str, object], fact: dict[str, object], holds: bool) -> None:
    verdict = made([When.model_validate(when)]).decide(Facts(**fact))  # type: ignore[arg-type]
    assert bool(verdict.rule) is holds


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[rules]", "not valid TOML"),
        ("[[rule]]\nname='a'", "Did you mean rules?"),
        (
            "[[rules]]\nname='a'\n[rules.when]\nmoood=['anger']",
            "rule 'a': when.moood is not known. Did you mean mood?",
        ),
        ("[[rules]]\nname='a'\n[rules.then]\nprio='high'", "rule 'a': then.prio is not known"),
        ("[[rules]]\nname='a'\n[rules.when]\nmood=['angry']", "rule 'a': when.mood: 'angry' is not known"),
        ("[[rules]]\nname='a'\n[rules.when]\nmatches=['(a']", "not an expression that RE2 knows"),
        ("[[rules]]\nname='a'\n[rules.when]\ntext=['(a']", "the brackets of '(a' do not match"),
        (
            "[[rules]]\nname='a'\n[rules.then]\nqueue='lead'",
            "there is no queue 'lead'. Known: general, leads",
        ),
        ("[[rules]]\nname='a'\n[rules.then]\nsla='gold'", "there is no [sla.gold]. Known: default."),
        ("[[rules]]\nname='a'\n[rules.when]\nvip=true\n[[rules]]\nname='a'", "stands there twice"),
        ("[[rules]]\nname='a'\n[[rules]]\nname='b'", "has no condition"),
        ("[[rules]]\n[rules.when]\nvip=true", "rule 'number 1': name"),
    ],
)
def test_a_mistake_is_named_with_file_rule_and_key(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as error:
        load(path, QUEUES, ("default",))
    assert any(problem in each and str(path) in each for each in error.value.problems), error.value.problems


def test_the_shipped_rules_name_no_door() -> None:
    rules = load(SHIPPED, ("general", "orders", "payments", "technical", "leads", "protected"))
    assert rules.names_no_door and len(rules.rules) >= 8


def test_a_bad_edit_keeps_the_last_good_rules_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("[[rules]]\nname='a'\n[rules.then]\nqueue='leads'")
    book = Rulebook(path, QUEUES)
    seen: list[Rules] = []
    book.on_change = seen.append
    good = book.rules
    path.write_text("[[rules]]\nname='a'\n[rules.then]\nqueue='nowhere'")
    book.reload()
    assert book.rules is good and "no queue 'nowhere'" in book.problems[0] and not seen
    path.write_text("[[rules]]\nname='b'")
    book.reload()
    assert book.rules.rules == (Rule(name="b"),) and not book.problems and seen == [book.rules]


def test_no_file_means_no_rules() -> None:
    assert Rulebook(None, QUEUES).rules.decide(Facts(text="x")).then == Then()
