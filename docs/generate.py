"""Writes docs/settings.md from the settings classes and the command table of README.md: `make docs`."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

sys.path.insert(0, str(Path(__file__).parent.parent))

from connectors import REGISTRY
from gateway.cli import make_parser
from gateway.settings import Settings

ROOT = Path(__file__).parent.parent
HEAD = """# Every setting

This page is written by `make docs` from the classes that check `config.toml`. Everything has a default unless it says
*required*. Secrets never stand in the file: set the environment variable that is named here, for example
`DESKGATE_CONNECTORS__SLACK__MAIN__BOT_TOKEN`. Any other setting can be given the same way
(`DESKGATE_SERVER__PORT=9000`), and the environment wins.
"""


def settings_page() -> str:
    """The whole of docs/settings.md."""
    parts = [HEAD]
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            parts.append(_table(f"[{name}]", kind))
    for name, field in Settings.model_fields.items():
        inner = get_args(field.annotation)[-1:]
        if inner and isinstance(inner[0], type) and issubclass(inner[0], BaseModel):
            parts.append(_table(f"[{name}.NAME]", inner[0]))
    for name, place in sorted(REGISTRY.items()):
        module = importlib.import_module(place.partition(":")[0])
        parts.append(_table(f"[connectors.{name}.ACCOUNT]", module.Settings))
    return "\n".join(parts)


def _table(heading: str, model: type[BaseModel]) -> str:
    rows = [
        f"| `{name}` | {_default(name, field)} | {_cell(field.description)} |"
        for name, field in model.model_fields.items()
    ]
    return "\n".join((f"## {heading}", "", "| key | default | meaning |", "|---|---|---|", *rows, ""))


def _default(name: str, field: Any) -> str:
    if "Secret" in str(field.annotation):
        return "*environment*"
    if field.default is PydanticUndefined:
        return "*required*" if field.default_factory is None else ""
    value = field.default
    if value is None:
        return ""
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, tuple):
        value = list(value)
    shown = str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
    return f"`{shown}`"


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def commands() -> Iterator[tuple[str, str]]:
    """Every command with its one-line help, nested ones by their full name."""
    yield from _commands(make_parser(), "deskgate")


def _commands(parser: argparse.ArgumentParser, prefix: str) -> Iterator[tuple[str, str]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help for choice in action._choices_actions}
            for name, inner in action.choices.items():
                nested = list(_commands(inner, f"{prefix} {name}"))
                yield from nested or [(f"{prefix} {name}", helps.get(name) or "")]


def command_table() -> str:
    """The rows between the marks in README.md."""
    return "\n".join(f"| `{name}` | {help_} |" for name, help_ in commands())


def readme(text: str) -> str:
    """README.md with its command table made anew."""
    head, begin, rest = text.partition("<!-- commands -->\n")
    _, end, tail = rest.partition("<!-- end of commands -->")
    return f"{head}{begin}| command | what it does |\n|---|---|\n{command_table()}\n{end}{tail}"


if __name__ == "__main__":
    (ROOT / "docs/settings.md").write_text(settings_page(), "utf-8")
    path = ROOT / "README.md"
    path.write_text(readme(path.read_text("utf-8")), "utf-8")
