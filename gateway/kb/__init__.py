"""Tools for those who write the articles: check, try, preview, import, and what became of the answers."""

from __future__ import annotations

from collections.abc import Callable

from gateway.errors import DeskgateError

#: Called with (done, all) while something long is running.
Progress = Callable[[int, int], None]


class Unusable(DeskgateError):
    """A file or an argument cannot be used; the text says what is wrong and the remedy."""


def quiet(done: int, everything: int) -> None:
    """Shows nothing."""
