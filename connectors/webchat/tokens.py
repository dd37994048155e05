"""Signed names of visitors: the server keeps no sessions, and no one can make up another's name."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

#: A token: purpose, visitor id, seconds since 1970 in hexadecimal, and the first 24 bytes of the HMAC.
_TOKEN = re.compile(r"([vr])\.([A-Za-z0-9_-]{22})\.([0-9a-f]{1,12})\.([A-Za-z0-9_-]{32})", re.ASCII)


class Purpose(StrEnum):
    """What a token is good for; one is never accepted as the other."""

    VISIT = "v"  # kept by the browser
    RESUME = "r"  # travels in a mail and is exchanged for the former


def new_visitor() -> str:
    """A random visitor id of 128 bits."""
    return _text(secrets.token_bytes(16))


def sign(key: bytes, purpose: Purpose, visitor: str, now: datetime) -> str:
    """A token for this visitor, issued now."""
    head = f"{purpose}.{visitor}.{int(now.timestamp()):x}"
    return f"{head}.{_mac(key, head)}"


def read(key: bytes, purpose: Purpose, token: str, now: datetime, valid: timedelta) -> str:
    """The visitor id of a token, "" when it is forged, too old, from the future or for another purpose."""
    match = _TOKEN.fullmatch(token) if len(token) <= 100 else None
    if match is None or match[1] != purpose:
        return ""
    if not hmac.compare_digest(_mac(key, token.rpartition(".")[0]), match[4]):
        return ""
    age = now.timestamp() - int(match[3], 16)
    return match[2] if -60 <= age <= valid.total_seconds() else ""


def _mac(key: bytes, head: str) -> str:
    return _text(hmac.digest(key, f"webchat {head}".encode(), hashlib.sha256)[:24])


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
