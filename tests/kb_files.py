"""Small knowledge bases for the tests of `deskgate kb`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

QUESTIONS = {
    "track-order": "\n".join(
        (
            "where is my order",
            "track my parcel",
            "when will my package arrive",
            "I have not received my order yet",
            "is my parcel on its way",
            "my order is late",
            "tracking number please",
            "follow my shipment",
        )
    ),
    "return-item": "\n".join(
        (
            "how do I return an item",
            "send something back",
            "return a product I bought",
            "how can I give goods back",
            "I want to return my shoes",
            "return label for my goods",
            "returning things I bought",
            "bring back an article",
        )
    ),
    "reset-password": "\n".join(
        (
            "I forgot my password",
            "reset my password",
            "cannot log in to my account",
            "password does not work",
            "new password please",
            "login fails",
            "locked out of my account",
            "my login password is gone",
        )
    ),
}


def write(folder: Path, name: str, body: str = "The answer.", **front: Any) -> Path:
    """One article; questions are given as lines."""
    questions = str(front.pop("questions", QUESTIONS.get(name, f"about {name}"))).split("\n")
    fields = {"title": name.capitalize(), "language": "en", **front}
    lines = [f"{key}: {value}" for key, value in fields.items() if value is not None]
    asked = [f"  - {question!r}" for question in questions]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.md"
    path.write_text("\n".join(["---", *lines, "questions:", *asked, "---", body, ""]), "utf-8")
    return path


def shop(folder: Path) -> Path:
    """Three good articles."""
    for name in QUESTIONS:
        write(folder, name)
    return folder
