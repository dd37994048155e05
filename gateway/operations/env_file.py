"""The file of secrets beside config.toml: `.env`, read by every command; the environment itself wins."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path

NAME = ".env"
#: Other names in the file are for other programs.
_OURS = "DESKGATE_"


def read_into(environ: MutableMapping[str, str], config: Path) -> list[str]:
    """Adds our variables of the file beside `config` that are not set yet; what is wrong with the file."""
    path = config.parent / NAME
    if not path.is_file():
        return []
    from dotenv import dotenv_values  # late: most commands start without such a file

    values = dotenv_values(path, interpolate=False, encoding="utf-8")
    for name, value in values.items():
        if name.startswith(_OURS) and value:
            environ.setdefault(name, value)
    if path.stat().st_mode & 0o077:
        return [f"Others may read {path}, which holds secrets. Run: chmod 600 {path}"]
    return []
