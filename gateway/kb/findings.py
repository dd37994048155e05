"""What is wrong with a knowledge base, as its authors read it."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from typing_extensions import override


class Severity(StrEnum):
    """An error keeps an article from being read or leads customers astray; a warning can wait."""

    ERROR = "error"
    WARNING = "warning"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to mend: `where` is the article's file name or the folder."""

    severity: Severity
    where: str
    code: str  #: short name of the check, such as "dead_link"
    problem: str
    remedy: str

    @override
    def __str__(self) -> str:
        return f"{self.severity}: {self.where}: {self.problem} {self.remedy}"


def error(where: str, code: str, problem: str, remedy: str) -> Finding:
    return Finding(severity=Severity.ERROR, where=where, code=code, problem=problem, remedy=remedy)


def warning(where: str, code: str, problem: str, remedy: str) -> Finding:
    return Finding(severity=Severity.WARNING, where=where, code=code, problem=problem, remedy=remedy)
