"""`deskgate kb publish`: a draft into the folder of the articles, once it is good and nothing gets worse by it."""

from __future__ import annotations

import re
import shutil
import tempfile
from datetime import date
from pathlib import Path

from bot.article_file import parse
from gateway.kb import Unusable
from gateway.kb.check import check
from gateway.kb.findings import Finding

_DRAFT = re.compile(rb"^draft[ \t]*:[^\n]*\n", re.MULTILINE)
_FRONT = re.compile(rb"\A(?:\xef\xbb\xbf)?---[ \t]*\r?\n.*?^---[ \t]*\r?$", re.MULTILINE | re.DOTALL)


def live_form(raw: bytes) -> bytes:
    """The file without `draft: …` in its front matter; nothing else changes."""
    front = _FRONT.match(raw)
    return _DRAFT.sub(b"", front[0]) + raw[front.end() :] if front else raw


def put(draft: Path, folder: Path, *, replace: bool) -> Path:
    """Writes the live form of `draft` into `folder` and removes the draft. Raises Unusable, ArticleError."""
    target = folder / draft.name
    raw = live_form(draft.read_bytes())
    parse(target, raw, "")
    if target.resolve() == draft.resolve():
        draft.write_bytes(raw)
        return target
    try:
        with target.open("wb" if replace else "xb") as file:
            file.write(raw)
    except FileExistsError as error:
        raise Unusable(f"{target} is there already. Say --replace to put the draft in its place.") from error
    except OSError as error:
        raise Unusable(f"{target} cannot be written ({error.strerror}).") from error
    draft.unlink()
    return target


def new_errors(draft: Path, folder: Path, today: date) -> list[Finding]:
    """What `kb check` finds wrong with the article once it is live, and did not find before."""
    before = {str(finding) for finding in check(folder, today, matcher=False)[1]}
    with tempfile.TemporaryDirectory() as scratch:
        trial = Path(scratch) / "kb"
        shutil.copytree(folder, trial, ignore=shutil.ignore_patterns("drafts", ".*"))
        (trial / draft.name).write_bytes(live_form(draft.read_bytes()))
        found = check(trial, today, matcher=False)[1]
    return [
        f for f in found if str(f) not in before and (f.where.startswith(draft.stem) or f.severity == "error")
    ]
