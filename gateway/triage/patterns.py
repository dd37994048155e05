"""Regular expressions that an admin wrote: matched in linear time by RE2, so that no text can stall a decision.

RE2 knows neither backreferences nor look-around; the standard library's engine takes seconds for `(a+)+$` on 30
letters, and no cap on the text's length mends that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: Longer expressions are refused; RE2's memory for one is bounded beside.
LONGEST = 1000


class Pattern:
    """A compiled expression; letters match in either case."""

    def __init__(self, source: str, compiled: Any) -> None:
        self.source, self._compiled = source, compiled

    def finditer(self, text: str) -> Iterator[Any]:
        """Every match, with span() in code points."""
        return iter(self._compiled.finditer(text))

    def search(self, text: str) -> bool:
        """Whether it occurs anywhere."""
        return self._compiled.search(text) is not None


def compiled(source: str) -> Pattern:
    """The expression, ready. Raises ValueError with what is wrong and the remedy."""
    if len(source) > LONGEST:
        raise ValueError(f"the expression is longer than {LONGEST} characters; split it")
    try:
        import re2  # type: ignore[import-untyped]
    except ImportError:
        raise ValueError(
            "regular expressions need the package google-re2; install it, or use `text`"
        ) from None
    options = re2.Options()
    options.case_sensitive, options.log_errors, options.max_mem = False, False, 8 << 20
    try:
        return Pattern(source, re2.compile(source, options))
    except re2.error as error:
        said = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"not an expression that RE2 knows ({said}); correct it") from None
