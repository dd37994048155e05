"""Every deliberate exception, named by what its reader must do. Imports nothing of ours.

DeskgateError
├── SettingsError      the admin edits config.toml or the environment
├── ArticleError       the author edits an article
├── InvalidPayload     the peer sent what its service does not document (answered 4xx, counted)
├── Refused            this person may not do this, or not now; the text is shown to them
├── Retryable          try the same send again, later
├── Undeliverable      stop trying this send; the reason is shown to the agent
└── StoreError         the database; the caller backs off and nothing is marked dead
    ├── Conflict       somebody else wrote first: read and decide again
    └── SchemaTooNew   an older program met a newer database
"""

from __future__ import annotations

from pathlib import Path


class DeskgateError(Exception):
    """Something went wrong that Deskgate foresaw."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class SettingsError(DeskgateError):
    """The settings cannot be used; `problems` lists every one with file, key and remedy."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class ArticleError(DeskgateError):
    """An article cannot be used: which file, what is wrong, and what to do."""

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        self.path, self.problem, self.remedy = path, problem, remedy
        super().__init__(f"{path}: {problem} {remedy}")


class InvalidPayload(DeskgateError):
    """The payload is not what the service documents."""


class Refused(DeskgateError):
    """This cannot be done by this person now; the text says why and is safe to show."""


class Retryable(DeskgateError):
    """The channel did not take it this time.

    after   seconds the service asked us to wait, None when it named none
    bucket  what the service limits (account, channel or method), "" when only this message waits
    """

    def __init__(self, reason: str, *, after: float | None = None, bucket: str = "") -> None:
        self.reason, self.after, self.bucket = reason, after, bucket
        super().__init__(reason)


class Undeliverable(DeskgateError):
    """The channel will never take it; `reason` is a short word, `detail` one sentence for the agent."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
        super().__init__(detail or reason)


class Uncertain(DeskgateError):
    """The peer fell silent after it may have taken the message; only a second look can tell."""


class StoreError(DeskgateError):
    """The database failed; wait and try again, nothing is lost."""


class Conflict(StoreError):
    """Somebody else wrote first; read and decide again."""


class SchemaTooNew(StoreError):
    """This database was written by a newer Deskgate; start that version instead."""
