"""Buttons as links, for channels that have none: a signed choice that only a form on its page can make.

Opening the link does nothing: mail scanners open links. The same choice always has the same link.
"""

from __future__ import annotations

import base64
import binascii
import hmac

import msgspec

from gateway.model import Choice

#: Bytes of the signature that a link carries.
_SIGNED = 12
PATH = "/help/choice/"


def sign(secret: bytes, choice: Choice) -> str:
    """A choice as one word for a link."""
    body = msgspec.json.encode((choice.ticket, choice.action, choice.value))
    return base64.urlsafe_b64encode(_mark(secret, body) + body).decode().rstrip("=")


def read(secret: bytes, token: str) -> Choice | None:
    """The choice in a link, None when we never made it."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    mark, body = raw[:_SIGNED], raw[_SIGNED:]
    if not hmac.compare_digest(mark, _mark(secret, body)):
        return None
    ticket, action, value = msgspec.json.decode(body)
    return msgspec.convert({"action": action, "value": value, "ticket": ticket}, Choice)


def _mark(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, b"choice/" + body, "sha256")[:_SIGNED]
