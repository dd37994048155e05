"""The shipped configuration over a weekend and a clock change: level by level to the leads, whatever the door."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main

ROOT = Path(__file__).parent.parent
DOORS = ("email", "webchat", "slack", "telegram")
FRIDAY = "2026-03-27T16:50:00+01:00"


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What happens to one person by each door whom nobody answers until Tuesday."""
    folder = tmp_path_factory.mktemp("story")
    said = [
        {"at": FRIDAY, "connector": door, "from": f"mia-{door}@example.com", "text": "a person, please"}
        for door in DOORS
    ]
    said += [
        {"at": "2026-03-31T07:00:00+02:00", "tick": True},
        *(
            {
                "at": "2026-03-31T08:30:00+02:00",
                "agent": "U1",
                "verb": "resolve",
                "ticket": f"last of mia-{door}@example.com",
                "text": "Here I am.",
            }
            for door in DOORS
        ),
        {"at": "2026-03-31T09:00:00+02:00", "tick": True},
    ]
    script, out = folder / "script.jsonl", folder / "out.jsonl"
    script.write_text("\n".join(map(json.dumps, said)), "utf-8")
    with pytest.MonkeyPatch.context() as patch, out.open("w") as file:
        patch.chdir(ROOT)
        patch.setattr("sys.stdout", file)
        assert main(["simulate", str(script), "--config", "config.toml"]) == 0
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()]


def of(lines: list[dict[str, Any]], door: str) -> list[dict[str, Any]]:
    """Everything about the ticket that came by this door."""
    ticket = next(line["ticket"] for line in lines if line["to"] == f"mia-{door}@example.com")
    return [line for line in lines if line["ticket"] == ticket]


@pytest.mark.parametrize("door", DOORS)
def test_it_climbs_to_the_leads_and_everybody_is_told(lines: list[dict[str, Any]], door: str) -> None:
    mine = of(lines, door)
    steps = [(line["at"], line["queue"], line["tier"]) for line in mine if line["kind"] == "escalation"]
    assert [(queue, tier) for _, queue, tier in steps][:3] == [("general", 1), ("technical", 2), ("leads", 3)]
    # Four hours of working time: an hour and ten on Friday, the rest on Saturday from nine.
    assert datetime.fromisoformat(steps[1][0]) == datetime.fromisoformat("2026-03-28T11:50:00+01:00")
    # Two more of them: until one on Saturday, and from eight on Monday, an hour earlier for the sun.
    assert datetime.fromisoformat(steps[2][0]) == datetime.fromisoformat("2026-03-30T08:50:00+02:00")

    told = [line["text"] for line in mine if line["kind"] == "reply" and line["to"].startswith("mia")]
    assert "You will hear from us on Saturday, 28 March, at 11:50 (CET) at the latest." in told[0]
    assert "It is now with Technical support." in told[1] and "Monday, 30 March, at 08:50 (CEST)" in told[1]
    assert "It is now with Team leads." in told[2]
    assert any(line["kind"] == "alarm" and line["to"] == "leads" for line in mine)
    assert [line["queue"] for line in mine if line["kind"] == "card"][:3] == ["general", "technical", "leads"]
    assert any("breach" in line["text"] for line in mine if line["kind"] == "sla")
    assert "Here I am." in told[-1] and "as resolved" in told[-1] and "from 1 (not at all)" in told[-1]


def test_every_door_is_told_the_same(lines: list[dict[str, Any]]) -> None:
    def words(door: str) -> list[str]:
        mine = of(lines, door)
        number = mine[0]["ticket"]
        return [line["text"].replace(number, "DG") for line in mine if line["to"].startswith("mia")]

    assert all(words(door) == words("email") for door in DOORS)
