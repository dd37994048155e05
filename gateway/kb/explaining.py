"""`deskgate ask --jsonl --explain`: the lines of `ask --jsonl`, each with what its decision rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from bot.answer import Bot, Question
from bot.ask import ask_lines


def explained_lines(bot: Bot, lines: Iterable[str], language: str | None = None) -> Iterator[str]:
    """One line of JSON for each question, with `explain`: language, nearest phrasing, shared words, score, threshold.

    Raises ValueError naming the line that is no question.
    """
    for number, line in enumerate(lines, 1):
        try:
            for decision in ask_lines(bot, [line], language):
                text = msgspec.json.decode(line)["text"]
                reply = bot.reply(Question(text=text, language=language))
                made: dict[str, Any] = msgspec.json.decode(decision)
                made["explain"] = {"language": reply.language, **msgspec.to_builtins(reply.evidence)}
                yield msgspec.json.encode(made).decode()
        except ValueError as error:
            raise ValueError(str(error).replace("line 1:", f"line {number}:", 1)) from error
