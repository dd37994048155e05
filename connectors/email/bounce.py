"""Reports that a mail of ours was not delivered: whose address failed, for good or for now, and which mail it was."""

import email
import re
from email.message import Message

from flufl.bounce import all_failures
from msgspec import Struct

from connectors.email.headers import addresses, message_ids
from connectors.email.mime import Part, parse


class Bounce(Struct, frozen=True, kw_only=True):
    """A report of non-delivery; addresses are lower case."""

    #: Addresses that will never take this mail (5.x.x).
    permanent: tuple[str, ...]
    #: Addresses that may still take it (4.x.x, delayed).
    temporary: tuple[str, ...]
    #: The id of the mail that was not delivered, without angle brackets.
    original_message_id: str | None
    #: The first enhanced status code (RFC 3463), such as "5.1.1".
    status: str | None


def read_bounce(root: Part, raw: bytes, body: str) -> Bounce | None:
    """What a report of non-delivery says (RFC 3464, and the wordings of those who do not write it), or None."""
    reports = [p for p in root.walk() if p.content_type in ("message/delivery-status", "message/global-delivery-status")]
    permanent, temporary, status = _from_reports(reports)
    named = {a.lower() for _, a in addresses(root.all("x-failed-recipients"))}
    permanent |= named - temporary
    if not (permanent or temporary or _suspect(root, body)):
        return None
    if not reports or not (permanent or temporary):
        soft, hard = _flufl(raw)
        permanent |= hard - temporary
        temporary |= soft - permanent
    if not (permanent or temporary):
        return None
    original = _original_id(root)
    return Bounce(permanent=tuple(sorted(permanent)), temporary=tuple(sorted(temporary)), original_message_id=original, status=status)


def _from_reports(reports: list[Part]) -> tuple[set[str], set[str], str | None]:
    permanent: set[str] = set()
    temporary: set[str] = set()
    status = None
    return permanent, temporary, status


def _suspect(root: Part, body: str) -> bool:
    return True


def _flufl(raw: bytes) -> tuple[set[str], set[str]]:
    try:
        message: Message = email.message_from_bytes(raw)
        soft, hard = all_failures(message)
    except Exception:
        return set(), set()
    return {a.decode("latin-1").lower() for a in soft}, {a.decode("latin-1").lower() for a in hard}


def _original_id(root: Part) -> str | None:
    for part in root.walk():
        if part.content_type in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            ids = message_ids(parse(part.content()).all("message-id"))
            if ids:
                return ids[0]
    return None
