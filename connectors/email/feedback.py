"""Complaints: a provider reports that somebody called our mail unwanted (ARF, RFC 5965)."""

from __future__ import annotations

from msgspec import Struct

from connectors.email.headers import addresses, message_ids
from connectors.email.mime import Part, parse

#: Kinds of reports that are complaints by people; "not-spam" and reports of failed authentication (RFC 6591) are none.
_COMPLAINTS = frozenset(("abuse", "fraud", "opt-out", "opt-out-list", "virus", "other"))
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global")


class Complaint(Struct, frozen=True, kw_only=True):
    """Who complained ("" where the provider does not say) about which mail of ours."""

    address: str
    original_message_id: str


def is_feedback(root: Part) -> bool:
    """Whether the mail is a feedback report of any kind."""
    return any(part.content_type == "message/feedback-report" for part in root.walk())


def read_complaint(root: Part) -> Complaint | None:
    """What a person's complaint says; None for other reports and where it names no mail."""
    parts = list(root.walk())
    report = next((part for part in parts if part.content_type == "message/feedback-report"), None)
    if report is None:
        return None
    fields = parse(report.content()[:20_000] + b"\n\n")
    kind = fields.raw("feedback-type").decode("latin-1").strip().lower()
    returned = next((parse(p.content()[:200_000]) for p in parts if p.content_type in _RETURNED), None)
    original = next(iter(message_ids(returned.all("message-id"))), "") if returned is not None else ""
    if kind not in _COMPLAINTS or not original:
        return None
    named = [*fields.all("original-rcpt-to"), *fields.all("removal-recipient")]
    found = next((address for _, address in addresses(named) if "@" in address), "")
    return Complaint(address=found.lower(), original_message_id=original)
