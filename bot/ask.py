"""`deskgate ask`: questions in as JSON lines, decisions out; also runs as `python -m bot.ask`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from bot.answer import Answer, Bot, Clarify, HandOff, Question, Reply
from bot.articles import load


class _Line(msgspec.Struct):
    text: str
    id: msgspec.Raw = msgspec.Raw(b"null")


class _Decision(msgspec.Struct):
    id: msgspec.Raw
    action: str
    article: str | None
    confidence: float
    candidates: list[tuple[str, float]]
    reason: str


def ask_lines(bot: Bot, lines: Iterable[str], language: str | None = None) -> Iterator[str]:
    """Yield one line of JSON for each line `{"id": ..., "text": ...}`, in order.

    Raises ValueError naming the line that is no such object.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            asked = msgspec.json.decode(line, type=_Line)
        except msgspec.DecodeError as error:
            raise ValueError(f'line {number}: {error}; write {{"id": 1, "text": "..."}}') from error
        reply = bot.reply(Question(text=asked.text, language=language))
        yield msgspec.json.encode(_decision(asked.id, reply)).decode()


def explain(reply: Reply) -> str:
    """Return for people what was decided and what it rests on."""
    head = _head(reply)
    evidence = reply.evidence
    lines = [
        head,
        f"language {reply.language or 'unknown'}; confidence {reply.confidence:.2f},"
        f" answered from {evidence.threshold:.2f}",
        f"nearest phrasing: {evidence.phrasing or '-'}",
        f"shared words: {', '.join(evidence.words) or '-'}; score {evidence.score:.2f},"
        f" ahead by {evidence.margin:.2f}",
        *(f"  {c.confidence:.2f}  {c.name}  {c.title}" for c in reply.candidates),
    ]
    if isinstance(reply, Answer):
        lines += [
            part for p in reply.passages for part in ("", f"{p.title} ({p.article}@{p.revision})", p.text)
        ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer a question given on the command line, or JSON lines on standard input."""
    options = _options(arguments)
    library = load(options.kb)
    for problem in library.problems:
        sys.stderr.write(f"{problem.path}: {problem.problem} {problem.remedy}\n")
    bot = Bot.build(library).train()
    bot = bot if options.plain else bot.deepen()
    if not options.jsonl:
        sys.stdout.write(
            explain(bot.reply(Question(text=" ".join(options.text), language=options.lang))) + "\n"
        )
        return 0
    try:
        for line in ask_lines(bot, sys.stdin, options.lang):
            sys.stdout.write(line + "\n")
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ask", description="Ask the knowledge base.")
    parser.add_argument("--kb", type=Path, default=Path("kb_articles"), help="folder of articles")
    parser.add_argument("--lang", default=None, help="language of the questions, when known")
    parser.add_argument("--jsonl", action="store_true", help="read JSON lines from standard input")
    parser.add_argument("--plain", action="store_true", help="leave out the encoders of the [semantic] extra")
    parser.add_argument("text", nargs="*", help="the question")
    return parser.parse_args(arguments)


def _decision(identity: msgspec.Raw, reply: Reply) -> _Decision:
    action, article, reason = _outcome(reply)
    return _Decision(
        id=identity,
        action=action,
        article=article,
        confidence=round(reply.confidence, 6),
        candidates=[(c.name, round(c.confidence, 6)) for c in reply.candidates],
        reason=reason,
    )


def _outcome(reply: Reply) -> tuple[str, str | None, str]:
    match reply:
        case Answer(passages=passages):
            return "answer", passages[0].article, "confident"
        case Clarify():
            return "clarify", None, "several_fit"
        case HandOff(reason=reason):
            return "handoff", None, str(reason)


def _head(reply: Reply) -> str:
    match reply:
        case Answer(passages=passages):
            return "answer: " + ", ".join(f"{p.article}@{p.revision}" for p in passages)
        case Clarify(options=options):
            return "clarify: " + ", ".join(o.name for o in options)
        case HandOff(reason=reason):
            return f"hand off: {reason}"


if __name__ == "__main__":
    raise SystemExit(main())
