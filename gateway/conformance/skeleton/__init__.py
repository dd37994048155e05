"""A working connector to start from: `deskgate connectors new NAME` writes it as a package of its own."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

from connectors import registry
from gateway.errors import DeskgateError

#: What each file is called, and where it comes from.
FILES = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "deskgate_{name}/__init__.py": "package.py.txt",
    "deskgate_{name}/payloads.py": "payloads.py.txt",
    "tests/service.py": "service.py.txt",
    "tests/test_{name}.py": "test.py.txt",
}


class CannotCreate(DeskgateError):
    """The skeleton cannot be written; the text says why and the remedy."""


def write(name: str, to: Path) -> Path:
    """Writes the package `deskgate-NAME` below `to` and returns its folder. Raises CannotCreate."""
    if not re.fullmatch(r"[a-z][a-z0-9]{1,30}", name) or keyword.iskeyword(name):
        raise CannotCreate(f"{name!r} is no name for a channel. Take two to thirty small letters and digits.")
    if name in registry():
        raise CannotCreate(f"There is a channel {name} already. Take another name.")
    folder = to / f"deskgate-{name}"
    if folder.exists():
        raise CannotCreate(f"{folder} is there already. Remove it, or give another folder with --to.")
    words = {"name": name, "title": name.capitalize(), "NAME": name.upper()}
    for target, source in FILES.items():
        path = folder / target.format(name=name)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (Path(__file__).parent / source).read_text("utf-8")
        path.write_text(Template(text).substitute(words), "utf-8")
    return folder
