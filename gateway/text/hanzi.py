"""Chinese characters that differ between the two scripts, as the traditional one and its simplified form."""

from __future__ import annotations

PAIRS: dict[str, str] = {}
TO_SIMPLIFIED = str.maketrans(PAIRS)
