"""`kb stats`, `gaps` and `told`: folds over what really happened, on a real database, masked as stored."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.articles import load
from gateway.cli import main
from gateway.cli.kb_answers import since
from gateway.clock import SystemClock, to_ms
from gateway.kb import Unusable
from gateway.kb.gaps import Asked, cluster, drafts, gaps, shared_by
from gateway.kb.importing import write_drafts
from gateway.kb.stats import Fold, stats, told
from gateway.model import ChoiceAction, Event
from gateway.store.knowledge import Unanswered
from tests.world import World

EVER = datetime(2000, 1, 1, tzinfo=UTC)
TRACK = "where is my order"
RETURN = "how do I return an item"


# ---------------------------------------------------------------- stats


def event(kind: str, ticket: int = 1, **data: Any) -> Event:
    return Event(kind=kind, at=EVER, ticket=ticket, data=data)


def answered(*articles: str, ticket: int = 1) -> Event:
    return event("answered", ticket, sources=[{"article": a, "revision": "r1"} for a in articles])


NOT_HELPED = event("escalated", cause="not_helped")
STORIES: list[tuple[str, list[Event], dict[str, tuple[int, int, int, int]]]] = [
    ("nothing", [], {}),
    ("silence", [answered("a")], {"a": (1, 0, 0, 0)}),
    ("yes", [answered("a"), event("helped", article="a")], {"a": (1, 1, 0, 0)}),
    ("no", [answered("a"), NOT_HELPED], {"a": (1, 0, 1, 0)}),
    ("a person", [answered("a"), event("escalated", cause="wants_human")], {"a": (1, 0, 0, 1)}),
    ("partly says nothing yet", [answered("a"), event("escalated", cause="partly")], {"a": (1, 0, 0, 0)}),
    ("both were quoted", [answered("a", "b"), NOT_HELPED], {"a": (1, 0, 1, 0), "b": (1, 0, 1, 0)}),
    ("twice in one answer", [answered("a", "a")], {"a": (1, 0, 0, 0)}),
    ("the last answer is judged", [answered("a"), answered("b"), NOT_HELPED],
     {"a": (1, 0, 0, 0), "b": (1, 0, 1, 0)}),
    ("one verdict an answer", [answered("a"), event("helped"), NOT_HELPED], {"a": (1, 1, 0, 0)}),
    ("taken back", [answered("a"), event("withdrawn"), answered("b")], {"a": (0, 0, 0, 0), "b": (1, 0, 0, 0)}),
    ("another ticket", [answered("a"), event("helped", 2)], {"a": (1, 0, 0, 0)}),
    ("never answered", [NOT_HELPED, event("helped")], {}),
]  # fmt: skip


@pytest.mark.parametrize(("story", "events", "wanted"), STORIES, ids=[s[0] for s in STORIES])
def test_a_verdict_counts_for_the_last_answer(
    story: str, events: list[Event], wanted: dict[str, tuple[int, int, int, int]]
) -> None:
    fold = Fold()
    for each in events:
        fold.take(each)
    assert {u.article: (u.given, u.helped, u.misled, u.person) for u in fold.uses.values()} == wanted
    assert all(use.unknown >= 0 for use in fold.uses.values())


async def test_stats_of_real_conversations(world: World) -> None:
    for who in ("mia", "tom", "zoe"):
        await world.say(TRACK, who)
    await world.say("yes, thank you", "mia")
    await world.press(ChoiceAction.NOT_HELPED, who="tom")
    await world.say(RETURN, "eva")
    (track, back) = await stats(world.store, EVER)
    assert (track.article, track.given, track.helped, track.misled) == ("track-order", 3, 1, 1)
    assert (track.unknown, track.helpful, back.helpful) == (1, 0.5, None)
    assert await stats(world.store, world.clock.now() + timedelta(days=1)) == []


async def test_what_readers_of_a_page_said_stands_beside_it(world: World) -> None:
    at = to_ms(world.clock.now())
    for helped in (True, True, False):
        await world.store.count_page_verdict("return-item", "r1", at, helped=helped)
    await world.store.count_page_verdict("return-item", "r2", at + 86_400_000, helped=False)
    await world.say(TRACK, "mia")
    back, track = await stats(world.store, EVER)
    assert (back.article, back.given, back.page_helped, back.page_misled) == ("return-item", 0, 2, 2)
    assert (back.revisions, track.page_helped, track.given) == ({"r1", "r2"}, 0, 1)
    (later,) = await stats(world.store, world.clock.now() + timedelta(days=1))
    assert (later.page_helped, later.page_misled) == (0, 1)


# ---------------------------------------------------------------- gaps


async def test_gaps_are_what_nobody_could_answer(world: World) -> None:
    await world.say("Hello,\n\ndo you sell gift cards?\n\nBest regards\nMia Maier", "mia", "mail")
    await world.say("can I buy a gift card for my sister", "tom")
    await world.say("is the sofa made of oak or of beech wood", "eva")
    await world.say("a person, please", "ida")
    found = await gaps(world.store, EVER)
    assert [len(gap.tickets) for gap in found.gaps] == [2, 1]
    assert {a.text for a in found.gaps[0].questions} == {
        "do you sell gift cards?",
        "can I buy a gift card for my sister",
    }
    assert found.gaps[0].language == "en" and found.gaps[0].nearest
    assert [len(gap.tickets) for gap in shared_by(found.gaps, 2)] == [2]


async def test_masked_values_stay_out(world: World) -> None:
    await world.say("is my card 4111 1111 1111 1111 accepted for gift cards", "mia")
    await world.say("do you have gift cards, mine was 4111 1111 1111 1111", "tom")
    assert "4111" not in repr(await gaps(world.store, EVER))


class Questions:
    """A store that holds these hand-offs."""

    def __init__(self, *found: Unanswered) -> None:
        self.found = list(found)

    async def unanswered(self, since: int, after: int) -> list[Unanswered]:
        return [each for each in self.found if each.id > after][:2]


def handed(number: int, **fields: Any) -> Unanswered:
    made: dict[str, Any] = {"cause": "no_match", "asked": "gift cards", "language": "en", "protected": False}
    return Unanswered(id=number, ticket=number, at=EVER, **(made | fields))


async def test_what_is_left_out_is_counted() -> None:
    store = Questions(
        handed(1),
        handed(2, protected=True),
        handed(3, asked=""),
        handed(4, asked="???"),
        handed(5, cause="wants_human"),
        handed(6, cause="partly", asked="where is it? and gift cards?", open=("and gift cards?",)),
    )
    found = await gaps(store, EVER)
    assert (found.questions, found.private, found.unreadable) == (2, 1, 2)
    assert [gap.tickets for gap in found.gaps] == [(1, 6)]


async def test_a_gap_becomes_a_draft_once(world: World, tmp_path: Path) -> None:
    await world.say("do you sell gift cards", "mia")
    await world.say("can I buy gift cards", "tom")
    found = await gaps(world.store, EVER)
    made = list(write_drafts(drafts(shared_by(found.gaps, 2)), tmp_path))
    assert len(made) == 1
    (article,) = load(tmp_path).articles
    assert article.draft and set(article.questions) == {"do you sell gift cards", "can I buy gift cards"}
    assert [type(m).__name__ for m in write_drafts(drafts(found.gaps), tmp_path)] == ["Skipped"]


def asked(text: str, ticket: int = 1, language: str = "en") -> Asked:
    return Asked(text=text, ticket=ticket, at=EVER, cause="no_match", language=language)


@pytest.mark.parametrize(
    ("one", "two", "together"),
    [
        ("do you ship to Norway", "can you ship my order to Norway", True),
        ("gift cards", "Gift card!", True),
        ("ali pošiljate na Hrvaško", "pošiljate tudi na Hrvaško?", True),
        ("可以用支付宝吗", "请问支付宝可以用吗", True),
        ("do you ship to Norway", "is the table made of oak", False),
        ("可以用支付宝吗", "沙发是什么木头做的", False),
    ],
)
def test_alike_questions_come_together(one: str, two: str, together: bool) -> None:
    others = [asked(f"{word} something of its own", n) for n, word in enumerate(["red", "old", "big"], 3)]
    found = cluster([asked(one), asked(two, 2), *others])
    assert any(len(gap.questions) == 2 for gap in found) is together


def test_each_question_is_in_one_gap_and_languages_stay_apart() -> None:
    questions = [asked("gift cards", 1), asked("gift cards", 2, "de"), asked("gift cards", 3)]
    found = cluster(questions)
    assert sorted(len(gap.questions) for gap in found) == [1, 2]
    assert sum(len(gap.questions) for gap in found) == 3
    assert cluster([]) == []


def test_thousands_of_questions_are_clustered_in_bounded_work() -> None:
    words = [f"word{n}" for n in range(400)]
    draw = random.Random(7)
    questions = [asked(" ".join(draw.sample(words, 6)), n) for n in range(800)]
    assert sum(len(gap.questions) for gap in cluster(questions)) == 800


# ---------------------------------------------------------------- told


async def test_told_names_who_was_given_which_revision(world: World) -> None:
    await world.say(TRACK, "mia")
    await world.say(TRACK, "tom", "mail")
    await world.say(RETURN, "eva")
    given = [g async for g in told(world.store, "track-order", EVER)]
    assert [(g.requester.value if g.requester else "", g.channel) for g in given] == [
        ("mia", "chat"),
        ("tom@example.org", "mail"),
    ]
    assert {g.state for g in given} <= {"accepted", "delivered"}
    revision = given[0].sources[0][1]
    assert len([g async for g in told(world.store, "track-order", EVER, revision[:6])]) == 2
    assert [g async for g in told(world.store, "track-order", EVER, "0000")] == []
    assert [g async for g in told(world.store, "track_order", EVER)] == []
    assert [g async for g in told(world.store, "%", EVER)] == []


async def test_an_answer_that_never_left_is_told_apart(world: World) -> None:
    await world.take(world.message(TRACK, "mia"))
    await world.intake.handle_ready()
    world.clock.advance(seconds=1)
    await world.say("and one thing more: is the sofa of oak", "mia")
    given = [g async for g in told(world.store, "track-order", EVER)]
    assert given[0].state == "withdrawn"


# ---------------------------------------------------------------- the commands


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T10:00+02:00", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("30d", datetime(2026, 2, 1, tzinfo=UTC)),
        ("99999d", datetime(1970, 1, 2, tzinfo=UTC)),
        ("", datetime(1970, 1, 2, tzinfo=UTC)),
    ],
)
def test_since_is_a_date_or_days(text: str, wanted: datetime) -> None:
    assert since(text, datetime(2026, 3, 3, tzinfo=UTC)) == wanted


@pytest.mark.parametrize("text", ["yesterday", "31.3.2026", "2026-02-30", "-5d"])
def test_since_says_how_to_write_it(text: str) -> None:
    with pytest.raises(Unusable, match="2027-03-31"):
        since(text, SystemClock().now())


def test_the_commands_run_on_an_empty_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'[store]\ndatabase = "sqlite:///{tmp_path}/deskgate.db"\n[queues.general]\ntitle = "Care"\ndefault = true\n',
        "utf-8",
    )
    for command in (
        ["stats"],
        ["gaps", "--draft", "--to", str(tmp_path)],
        ["told", "track-order@abc"],
        ["stats", "--jsonl"],
    ):
        assert main(["kb", *command, "--config", str(config)]) == 0
    out = capsys.readouterr().out
    assert "No article has answered" in out and "0 unanswered questions" in out and "0 people" in out
    assert main(["kb", "told", "@", "--config", str(config)]) == 1
    assert main(["kb", "stats", "--since", "soon", "--config", str(config)]) == 1


def test_ask_explains_each_line_when_asked(
    tmp_path: Path, articles: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = '{"id": 1, "text": "where is my order"}\n\n{"id": 2, "text": "is it oak"}\n'
    (tmp_path / "in").write_text(lines, "utf-8")
    with (tmp_path / "in").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert main(["ask", "--kb", str(articles), "--jsonl", "--explain"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["explain"]["phrasing"] and first["explain"]["language"] == "en"
    assert (first["id"], second["id"]) == (1, 2)
