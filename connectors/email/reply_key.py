"""Our own marks in mail: the key in a reply address and the keyed Message-ID. Pure; knows no tickets."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

from gateway.model import Cursor, reference

#: Value of plus_cursor where mail to plus addresses does not arrive.
REFUSED = "refused"

_KEY = re.compile(r"[a-z0-9_-]{6,48}")
_BODY_MARK = re.compile(r"\[DG-\d{1,19}/([a-z0-9_-]{6,48})\]")
_OURS = re.compile(r"dg-(\d{1,19})-([0-9a-f]{24})@.+", re.IGNORECASE)


def reply_address(address: str, key: str) -> str:
    """support@example.com and a key as support+key@example.com (RFC 5233 subaddressing); without a key the address."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{key}@{domain}" if _KEY.fullmatch(key) and len(local) + len(key) < 64 else address


def plus_cursor(account: str, *, arrives: bool) -> Cursor:
    """What doctor found out about an account's plus addresses, for whoever sends."""
    return Cursor(name=f"email/{account}/plus", value="arrives" if arrives else REFUSED)


def is_ours(address: str, ours: Iterable[str]) -> bool:
    """Whether an address is one of ours (lower-cased) or a plus form of one."""
    mine = tuple(ours)
    return address.lower() in mine or any(_plus_part(address, one) for one in mine)


def keys_in(recipients: Iterable[str], ours: Iterable[str]) -> list[str]:
    """The keys that plus forms of our addresses carry, in order, each once; lower-cased, as relays may do too."""
    mine = tuple(ours)
    parts = [_plus_part(recipient.lower(), one) for recipient in recipients for one in mine]
    return list(dict.fromkeys(part for part in parts if _KEY.fullmatch(part)))


def body_mark(ticket: int, key: str) -> str:
    """A line for the end of our mails, "[DG-42/key]", that a quoting reply carries back; "" without a key."""
    return f"[{reference(ticket)}/{key}]" if _KEY.fullmatch(key) and ticket else ""


def keys_in_body(text: str) -> list[str]:
    """The keys of our lines that a text quotes, in order, each once, at most five."""
    return list(dict.fromkeys(_BODY_MARK.findall(text)))[:5]


def message_id(secret: bytes, outbox_id: int, domain: str) -> str:
    """The Message-ID of an outbox row, without <>; the same at every attempt and not to be guessed."""
    return f"dg-{outbox_id}-{_sign(secret, outbox_id)}@{domain}"


def outbox_id_of(secret: bytes, candidate: str) -> int:
    """The outbox row whose Message-ID this is, 0 when we never made it. A relay's other domain is allowed."""
    match = _OURS.fullmatch(candidate.strip("<>"))
    if match is None:
        return 0
    row = int(match[1])
    return row if hmac.compare_digest(_sign(secret, row), match[2].lower()) else 0


def _plus_part(address: str, own: str) -> str:
    local, _, domain = address.rpartition("@")
    own_local, _, own_domain = own.rpartition("@")
    if domain.lower() != own_domain or not local.lower().startswith(f"{own_local}+"):
        return ""
    return local[len(own_local) + 1 :]


def _sign(secret: bytes, outbox_id: int) -> str:
    return hmac.new(secret, b"message-id:%d" % outbox_id, hashlib.sha256).hexdigest()[:24]
