"""`deskgate simulate`: a script goes the real way in simulated time, and what comes out can be relied upon."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.simulation.recorder import channels
from gateway.simulation.script import ScriptError, read_script

ROOT = Path(__file__).parent.parent
STORIES = Path(__file__).parent / "simulations"
KEYS = ["at", "ticket", "kind", "to", "channel", "queue", "tier", "priority", "text", "why"]

SMALL = """
[site]
company = "Linden & Fox"
bot_name = "Fox"
public_url = "https://help.example.com"
[bot]
articles = "{articles}"
[queues.general]
title = "Customer care"
default = true
[queues.orders]
title = "Orders"
slack_channel = "C1"
members = ["U1"]
[connectors.slack.main]
team_id = "T1"
[connectors.email.support]
address = "support@example.com"
outgoing_folder = "{folder}"
smtp_security = "none"
"""

MONDAY = "2026-03-23T09:00:00+01:00"


@pytest.fixture
def config(tmp_path: Path, articles: Path) -> Path:
    """A small shop with the orders queue in Slack; no secret of Slack is set anywhere."""
    true = tmp_path / "articles"  # sample articles do not answer where a channel leaves this machine
    true.mkdir()
    for article in articles.glob("*.md"):
        (true / article.name).write_text(article.read_text("utf-8").replace("sample: true\n", ""), "utf-8")
    file = tmp_path / "config.toml"
    file.write_text(SMALL.format(articles=true, folder=tmp_path / "mail"), "utf-8")
    return file


def script(folder: Path, *lines: dict[str, Any]) -> Path:
    file = folder / "script.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines), "utf-8")
    return file


def played(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> list[dict[str, Any]]:
    """The lines of a simulation that went well."""
    assert main(["simulate", *map(str, arguments)]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def says(
    text: str, at: str = MONDAY, who: str = "mia@example.org", door: str = "email", **more: Any
) -> dict[str, Any]:
    return {"at": at, "connector": door, "from": who, "text": text, **more}


def of(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["kind"] == kind]


STORY = (
    says("Where is my order?", subject="Order"),
    says("That did not help, it is still missing", at="2026-03-23T09:30:00+01:00", subject="Re: Order"),
    {"at": "2026-03-23T10:00:00+01:00", "agent": "U1", "verb": "claim", "ticket": "last of mia@example.org"},
    {
        "at": "2026-03-23T10:05:00+01:00",
        "agent": "U1",
        "verb": "note",
        "ticket": "last",
        "text": "Lost in Graz.",
    },
    {
        "at": "2026-03-23T10:10:00+01:00",
        "agent": "U1",
        "verb": "resolve",
        "ticket": "last",
        "text": "A new one is coming.",
    },
    says("thanks!", at="2026-03-23T11:00:00+01:00", subject="Re: Order"),
    {"at": "2026-04-10T10:00:00+02:00", "tick": True},
)


def test_a_story_goes_the_real_way(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = played(capsys, script(tmp_path, *STORY), "--config", config)

    assert all(list(line) == KEYS for line in lines)
    assert len({line["ticket"] for line in lines}) == 1  # the answer to our mail came back to its ticket
    replies = of(lines, "reply")
    assert [reply["to"] for reply in replies] == ["mia@example.org"] * 3
    assert "tracking link" in replies[0]["text"] and "track-order" in replies[0]["why"]
    assert "U1" in replies[2]["why"] and "A new one is coming." in replies[2]["text"]
    card = of(lines, "card")[0]
    assert (card["channel"], card["to"], card["queue"]) == ("slack", "C1", "orders")
    assert "did not help" in card["why"]
    assert any("Lost in Graz." in note["text"] for note in of(lines, "note"))
    assert not any("Lost in Graz." in reply["text"] for reply in replies)
    assert of(lines, "escalation")[0]["why"]


def test_what_falls_due_happens_at_its_very_time(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reply leaves after the seconds for undo, and a resolved ticket closes after a week, not at the next line."""
    lines = played(capsys, script(tmp_path, *STORY), "--config", config)

    (closed,) = of(lines, "closed")
    assert closed["at"] == "2026-03-30T09:10:00+00:00"
    assert of(lines, "reply")[-1]["at"] == "2026-03-23T09:10:04+00:00"
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)


def test_the_same_script_gives_the_same_lines(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [says("Where is my order?", who=f"Person {n}", door="telegram") for n in range(12)]
    file = script(tmp_path, *many, {"at": "2026-03-31T09:00:00+02:00", "tick": True})
    assert played(capsys, file, "--config", config) == played(capsys, file, "--config", config)


@pytest.mark.parametrize("door", channels())
def test_every_channel_may_be_named_connected_or_not(
    door: str, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = script(
        tmp_path,
        says("Where is my order?", door=door),
        says("And another thing: where is it now?", at="2026-03-23T09:01:00+01:00", door=door, subject=""),
    )
    lines = played(capsys, file, "--config", config)
    assert {line["ticket"] for line in lines} == {lines[0]["ticket"]}
    assert {reply["channel"] for reply in of(lines, "reply")} == {door}


def test_another_configuration_shows_what_would_differ(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.toml"
    other.write_text(config.read_text("utf-8").replace("[bot]", '[bot]\nmode = "off"'), "utf-8")
    file = script(tmp_path, says("Where is my order?"))

    lines = played(capsys, file, "--config", config, "--diff", other)
    mine = [line for line in lines if line["only_in"] == str(config)]
    theirs = [line for line in lines if line["only_in"] == str(other)]
    assert any("tracking link" in line["text"] for line in mine)
    assert any(line["kind"] == "escalation" and "switched off" in line["why"] for line in theirs)
    assert {line["ticket"] for line in lines} == {"DG-1"} and {line["script_line"] for line in lines} == {1}

    assert played(capsys, file, "--config", config, "--diff", config) == []


def test_a_database_of_its_own_may_be_kept_and_played_anew(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, file = tmp_path / "kept.db", script(tmp_path, *STORY)
    first = played(capsys, file, "--config", config, "--db", kept)
    assert played(capsys, file, "--config", config, "--db", kept) == first
    with sqlite3.connect(kept) as database:
        assert database.execute("SELECT COUNT(*) FROM tickets").fetchone() == (1,)
        # Whoever starts Deskgate on it sends nothing.
        assert database.execute("SELECT value FROM flags WHERE name = 'outbox_paused'").fetchone() == ("1",)


@pytest.mark.parametrize("content", [None, "no database"], ids=["another database", "another file"])
def test_a_file_that_no_simulation_made_is_left_alone(
    content: str | None, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path / "theirs.db"
    if content is None:
        with sqlite3.connect(theirs) as database:
            database.execute("CREATE TABLE flags (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
    else:
        theirs.write_text(content)
    before = theirs.read_bytes()

    assert (
        main(["simulate", str(script(tmp_path, *STORY)), "--config", str(config), "--db", str(theirs)]) == 1
    )
    assert "not made by a simulation" in capsys.readouterr().err
    assert theirs.read_bytes() == before


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{", "not JSON"),
        ("[]", "not an object"),
        ('{"connector":"email","from":"a@b.c"}', '"at" is missing'),
        ('{"at":"tomorrow","tick":true}', "is no time"),
        ('{"at":"2026-03-23T09:00:00","tick":true}', "has no zone"),
        ('{"at":"2026-03-23T09:00:00Z"}', "Add one"),
        ('{"at":"2026-03-23T09:00:00Z","connector":"emial","from":"a@b.c"}', "Did you mean email?"),
        ('{"at":"2026-03-23T09:00:00Z","connector":"email"}', '"from" is missing'),
        ('{"at":"2026-03-23T09:00:00Z","connector":"email","from":"a@b.c","txt":"x"}', "Did you mean text?"),
        ('{"at":"2026-03-23T09:00:00Z","connector":"email","from":"a@b.c","text":5}', "must be text"),
        (
            '{"at":"2026-03-23T09:00:00Z","connector":"email","from":"a@b.c","files":"x"}',
            "list of file names",
        ),
        (
            '{"at":"2026-03-23T09:00:00Z","connector":"webchat","from":"a","choice":"helpful"}',
            "Did you mean helped?",
        ),
        ('{"at":"2026-03-23T09:00:00Z","agent":"U1"}', '"verb" is missing'),
        ('{"at":"2026-03-23T09:00:00Z","agent":"U1","verb":"clame"}', "Did you mean claim?"),
        ('{"at":"2026-03-23T09:00:00Z","agent":"U1","verb":"claim","ticket":"Ana\'s"}', "names no ticket"),
        ('{"at":"2026-03-23T09:00:00Z","agent":"U1","verb":"claim","role":"boss"}', "is no role"),
        ('{"at":"2026-03-23T09:00:00Z","agent":"U1","verb":"priority","priority":"huge"}', "huge"),
        ('{"at":"2026-03-22T09:00:00Z","tick":true}', "earlier than in line 1"),
    ],
)
def test_each_mistake_is_named_with_its_line_and_the_remedy(line: str, named: str) -> None:
    with pytest.raises(ScriptError) as raised:
        read_script(f'{{"at":"{MONDAY}","tick":true}}\n\n{line}\n', "story.jsonl", channels())
    (problem,) = raised.value.problems
    assert problem.startswith("story.jsonl:3: ") and named in problem


def test_all_mistakes_are_told_at_once_and_nothing_is_played(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = script(tmp_path, says("Hello"), {"at": MONDAY, "verb": "claim"}, {"at": MONDAY, "agent": "U1"})
    assert main(["simulate", str(file), "--config", str(config)]) == 1
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 2


def test_a_ticket_that_is_not_there_yet_is_a_problem_of_that_line(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claim = {"at": MONDAY, "agent": "U1", "verb": "claim", "ticket": "last of nobody@example.org"}
    assert main(["simulate", str(script(tmp_path, claim, says("Hello"))), "--config", str(config)]) == 1
    out, err = capsys.readouterr()
    assert "script.jsonl:1: there is no ticket" in err
    assert any(json.loads(line)["kind"] == "reply" for line in out.splitlines())  # the rest is played


def test_what_an_agent_may_not_do_is_refused_as_on_the_desk(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = script(
        tmp_path,
        says("a person, please"),
        {"at": MONDAY, "agent": "U1", "verb": "claim"},
        {"at": MONDAY, "agent": "U2", "verb": "claim"},
        {"at": MONDAY, "agent": "U2", "verb": "reply", "text": "Hello"},
        {"at": MONDAY, "agent": "U2", "verb": "undo"},
    )
    lines = played(capsys, file, "--config", config)
    (refused,) = of(lines, "refused")
    assert "has this ticket" in refused["why"]
    assert not any("Hello" in reply["text"] for reply in of(lines, "reply"))  # taken back in time


def test_sensitive_billing_mail(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Masked, in the protected queue, and the requester is told; nobody sees the number anywhere."""
    monkeypatch.chdir(ROOT)
    lines = played(capsys, STORIES / "sensitive_billing_mail.jsonl")
    assert "4111" not in json.dumps(lines)
    card, told = of(lines, "card")[0], of(lines, "reply")[0]
    assert card["queue"] == "protected" and "[card]" in card["text"]
    assert told["to"] == "ana@example.com" and "private matter" in told["text"] and told["why"]
    assert not any(line["why"].startswith("bot") for line in of(lines, "reply"))


def test_angry_customer(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """To the leads, with the reason, by every channel alike; the bot says no more than who has it."""
    monkeypatch.chdir(ROOT)
    lines = played(capsys, STORIES / "angry_customer.jsonl")
    tickets = {line["ticket"] for line in lines}
    assert len(tickets) == 4
    for ticket in tickets:
        its = [line for line in lines if line["ticket"] == ticket]
        first = of(its, "escalation")[0]
        assert (first["queue"], first["priority"]) == ("leads", "high") and "angry" in first["why"]
        assert of(its, "reply")[0]["why"].startswith("automatic")


def test_unanswered_over_a_weekend(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By every channel alike: tier by tier to the leads, in working time; the person and the leads hear each step."""
    monkeypatch.chdir(ROOT)
    lines = played(capsys, STORIES / "unanswered_over_a_weekend.jsonl")
    tickets = {line["ticket"]: line["to"] for line in of(lines, "reply")}
    assert len(tickets) == 4
    for ticket, person in tickets.items():
        its = [line for line in lines if line["ticket"] == ticket]
        steps = of(its, "escalation")
        assert [step["tier"] for step in steps] == [1, 2, 3] and all(step["why"] for step in steps)
        # Four working hours after Friday half past three: Saturday half past ten, when the second tier gets it.
        assert steps[1]["at"].startswith("2026-03-28T09:3") and steps[2]["at"].startswith("2026-03-28T11:3")
        for step in steps[1:]:
            there = [line for line in its if line["at"] == step["at"]]
            (told,) = of(there, "reply")
            assert told["to"] == person and "longer than it should" in told["text"] and told["why"]
            assert of(there, "card")[0]["queue"] == step["queue"]
            assert step["queue"] == "leads" or any(line["to"] == "leads" for line in of(there, "alarm"))
        # The next word is promised in summer time, and comes in working hours, at most twice.
        assert "CEST" in of(its, "reply")[-1]["text"]
        beats = [beat["at"] for beat in of(its, "heartbeat")]
        assert 1 <= len(beats) <= 2 and all("07:00" <= at[11:16] <= "16:00" for at in beats)
        assert of(its, "sla") and all(line["why"] or line["text"] for line in of(its, "sla"))


def test_an_incident_of_twenty(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty people on four channels: proposed, confirmed, more urgent, tried out, and one answer reaches all."""
    monkeypatch.chdir(ROOT)
    lines = played(capsys, STORIES / "incident_of_twenty.jsonl")
    assert of(lines, "incident_proposed")
    joined = {line["ticket"] for line in of(lines, "incident_joined")}
    assert len(joined) == 20
    assert all(line["priority"] == "high" for line in of(lines, "incident_joined"))
    assert of(lines, "reproduced")[0]["queue"] == "leads"  # a fault of the product goes to those who mend it
    answers = [line for line in of(lines, "reply") if "It works again" in line["text"]]
    assert {line["ticket"] for line in answers} == joined and len(answers) == 20
    assert {line["channel"] for line in answers} == {"email", "webchat", "telegram", "slack"}
    assert len({line["to"] for line in answers}) == 20 and all(line["why"] for line in answers)


def test_every_verb_takes_its_details_by_the_names_that_they_have_everywhere(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = {"at": MONDAY, "ticket": "last of mia@example.org"}
    file = script(
        tmp_path,
        says("a person, please"),
        {**at, "agent": "U1", "verb": "claim"},
        {**at, "agent": "U1", "verb": "escalate", "queue": "orders", "cause": "defect", "note": "Here, too."},
        {**at, "agent": "U1", "verb": "transfer", "queue": "general"},
        {
            **at,
            "agent": "U1",
            "verb": "transfer",
            "queue": "general",
            "cause": "wrong_queue",
            "note": "Not ours.",
        },
        {**at, "agent": "U1", "verb": "priority", "priority": "urgent"},
        {**at, "agent": "U1", "verb": "snooze", "until": "2026-03-24T09:00:00+01:00"},
        {"at": "2026-03-24T10:00:00+01:00", "tick": True},
    )
    lines = played(capsys, file, "--config", config)
    _, escalated, transferred = of(lines, "escalation")
    assert escalated["queue"] == "orders" and escalated["why"] == "It looks like a defect of ours"
    assert transferred["queue"] == "general" and transferred["text"].startswith("transferred")
    assert "Add a note" in of(lines, "refused")[0]["why"]
    assert any("Here, too." in note["text"] for note in of(lines, "note"))
    assert any("priority normal → urgent" in line["text"] for line in of(lines, "status"))
    assert [line["at"] for line in lines if line["kind"] == "woke"] == ["2026-03-24T08:00:00+00:00"]
