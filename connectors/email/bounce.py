"""Reports that a mail of ours was not delivered: whose address failed, for good or for now, and which mail it was."""

import email
import json
import logging
import re
from collections.abc import Iterable

from flufl.bounce import all_failures
from msgspec import Struct

from connectors.email import bounce_words as words
from connectors.email.charsets import decode, decode_words
from connectors.email.headers import addresses, message_ids
from connectors.email.mime import Part, normalise, parse


class Bounce(Struct, frozen=True, kw_only=True):
    """A report of non-delivery; addresses are lower case, and both lists are empty when none could be found."""

    #: Addresses that will never take this mail (5.x.x).
    permanent: tuple[str, ...]
    #: Addresses that may still take it (4.x.x, delayed).
    temporary: tuple[str, ...]
    #: The id of the mail that was not delivered, without angle brackets.
    original_message_id: str | None
    #: The first enhanced status code (RFC 3463), such as "5.1.1".
    status: str | None


class _Failures(Struct):
    permanent: set[str]
    temporary: set[str]

    def __bool__(self) -> bool:
        return bool(self.permanent or self.temporary)


def read_bounce(root: Part, raw: bytes, body: str, *, absence: bool = False) -> Bounce | None:
    """What a report of non-delivery says (RFC 3464, and the wordings of those who do not write it), or None.

    A mail is taken for one by who sent it and how it is built, never by its words alone: people quote bounces.
    An absence note is none, whoever sent it.
    """
    parts = list(root.walk())
    kinds = {p.content_type for p in parts}
    if "message/feedback-report" in kinds:
        return None
    reports = [p.content() for p in parts if p.content_type in _REPORTS]
    failures = _from_reports(reports) or _from_provider(root, body)
    if not failures and root.raw("x-failed-recipients"):
        failures = _Failures({a.lower() for _, a in addresses(root.all("x-failed-recipients"))}, set())
    if not failures and (absence or not _suspect(root, kinds, body)):
        return None
    if not failures:
        failures = _from_texts(root, raw, body)
    permanent, temporary = sorted(failures.permanent), sorted(failures.temporary - failures.permanent)
    return Bounce(
        permanent=tuple(permanent),
        temporary=tuple(temporary),
        original_message_id=_original_id(root, parts, body),
        status=_status(reports, body),
    )


_REPORTS = ("message/delivery-status", "message/global-delivery-status")


# -- reports that machines write


def _from_reports(reports: Iterable[bytes]) -> _Failures:
    found = _Failures(set(), set())
    for report in reports:
        for block in re.split(rb"\n[ \t]*\n", report[:500_000])[:2_000]:
            _add_recipient(found, _block_fields(block))
    return found


def _block_fields(block: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in block.split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon and not line[:1].isspace():
            fields.setdefault(name.strip().lower().decode("latin-1"), decode_words(value.strip()))
    return fields


def _add_recipient(found: _Failures, fields: dict[str, str]) -> None:
    """One recipient's block: what the codes say goes before what the server does about it."""
    address = next(filter(None, (_recipient(fields.get(name, "")) for name in _RECIPIENTS)), "")
    action = fields.get("action", "").lower()
    code = fields.get("status", "").lstrip()[:1]
    if not address or not action.startswith(("fail", "error", "delay")):
        return
    for_now = action.startswith("delay") or (code == "4" and not action.startswith("error"))
    (found.temporary if for_now else found.permanent).add(address)


_RECIPIENTS = ("original-recipient", "final-recipient", "x-actual-recipient")


def _recipient(value: str) -> str:
    """The address in "rfc822; user@example.com", without xtext (RFC 3461 section 4) and brackets."""
    value = value.rpartition(";")[2] if ";" in value else value
    value = (
        re.sub(r"\+([2-7][0-9A-F])(?=[^@]*@)", lambda m: chr(int(m.group(1), 16)), value)
        if "+3D" in value
        else value
    )
    address = value.partition(" (")[0].strip().strip("<>\"' ").lower()
    return address if "@" in address and " " not in address else ""


def _from_provider(root: Part, body: str) -> _Failures:
    """Amazon SES, whose notifications are JSON in a mail (https://docs.aws.amazon.com/ses/ "Notification contents")."""
    found = _Failures(set(), set())
    if not root.text("from").rstrip(">").endswith(
        "@sns.amazonaws.com"
    ) or '"notificationType' not in body.replace("\\", ""):
        return found
    try:
        notice, _ = json.JSONDecoder(strict=False).raw_decode(body[:200_000], body.index("{"))
        inner = json.JSONDecoder(strict=False).decode(notice["Message"]) if "Message" in notice else notice
        kind = found.permanent if inner["bounce"]["bounceType"] == "Permanent" else found.temporary
        kind.update(str(r["emailAddress"]).lower() for r in inner["bounce"]["bouncedRecipients"][:200])
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    return found


# -- reports that people are to read


def _suspect(root: Part, kinds: set[str], body: str) -> bool:
    """Whether sender, envelope and wording together are those of a report of non-delivery."""
    if root.content_type == "multipart/report" and "delivery-status" in root.params.get(
        "report-type", "delivery-status"
    ):
        return bool(kinds & {*_REPORTS, "message/rfc822", "text/rfc822-headers"})
    head = body[:6_000]
    sender = root.text("from")
    named = words.SUBJECT.search(root.text("subject")) is not None
    if words.STRONG_SENDER.search(sender) or not sender.strip(" <>"):
        return named or _says(head)
    silent = root.raw("return-path").strip() == b"<>" or b"mailer-daemon" in root.raw("return-path").lower()
    if words.SENDER.search(sender):
        return (named and silent) or ((named or silent) and _says(head)) or _is_returned(kinds, head)
    if silent:
        return (named or _STANDARD.search(head) is not None) and _says(head)
    return named and _REFUSAL.search(head) is not None and _says(head)


def _says(head: str) -> bool:
    """Whether the wording is that of a report: costly to ask, so asked last."""
    return words.TEXT.search(head) is not None or words.COPY.search(head) is not None


#: Words that nobody but a server uses.
_STANDARD = re.compile(
    r"could not be delivered to|(?<!\d)55\d[ -]|following recipients?|permanent fatal|undeliverable",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"^.{0,400}?(?:permanent (?:fatal )?error|undeliverable|not deliver|"
    r"could not be delivered|not be reached|unable to deliver|"
    r"you are not a member|duplicated message-id|did not reach|transcript of session|returned (?:to sender|message)|"
    r"(?<!\d)55\d[ -])",
    re.IGNORECASE | re.DOTALL,
)


def _is_returned(kinds: set[str], head: str) -> bool:
    """Without a telling subject: a server's refusal at the top, with the mail or the dialogue of the servers."""
    told = "message/rfc822" in kinds or "RCPT TO" in head or words.REFUSED.search(head) is not None
    return told and _REFUSAL.search(head[:600]) is not None


def _from_texts(root: Part, raw: bytes, body: str) -> _Failures:
    text = "\n".join([body, *(_texts_beside(root))])[:100_000]
    copy = words.COPY.search(text)
    notice = text[: copy.start()] if copy is not None and copy.start() > 0 else text
    fields = [
        _block_fields(block.encode()) for block in re.split(r"\n[ \t]*\n", text) if "Recipient" in block
    ]
    found = _Failures(set(), set())
    for block in fields:
        _add_recipient(found, block)
    return found or _flufl(raw) or _named(root, notice, text)


def _texts_beside(root: Part) -> list[str]:
    return [
        decode(p.content()[:50_000], p.params.get("charset", ""))
        for p in root.walk()
        if p.content_type in _STATUS_TEXTS
    ]


_STATUS_TEXTS = ("text/delivery-status", "message/delivery-status", "text/rfc822-headers")


#: Bytes of a notice that are searched for wordings; the refused mail that follows is of no interest.
_LOOKED_AT = 60_000


#: It logs a traceback for a header that it cannot take; we have readers of our own for such mail.
logging.getLogger("flufl.bounce").disabled = True


def _flufl(raw: bytes) -> _Failures:
    try:
        soft, hard = all_failures(email.message_from_bytes(normalise(raw[:_LOOKED_AT])))
    except Exception:  # a reader of strangers' wordings; what it cannot take is read by ours
        return _Failures(set(), set())
    return _Failures(
        {a.decode("latin-1").lower() for a in hard}, {a.decode("latin-1").lower() for a in soft - hard}
    )


def _named(root: Part, notice: str, text: str) -> _Failures:
    """Addresses in the notice itself, by the words round them."""
    own = {a.lower() for name in ("from", "to", "return-path") for _, a in addresses(root.all(name))}
    found: set[str] = set()
    for pattern in (words.ALONE, words.REFUSED, words.NAMED):
        found = {a.strip(".").lower() for a in pattern.findall(notice[:20_000])[:200]} - own
        found = {a for a in found if not words.SENDER.search(a)}
        if found:
            break
    if not found:
        found = {
            a.strip(".").lower()
            for a in re.findall(
                r"^[ \t]*To:.{0,80}?<?([^\s<>:,;]{1,120}@[^\s<>,;]{1,120})>?", text, re.MULTILINE
            )
        } - own
    later = words.DELAYED.search(f"{root.text('subject')}\n{notice[:3_000]}") is not None
    return _Failures(set(), found) if later else _Failures(found, set())


# -- which mail it was


def _original_id(root: Part, parts: list[Part], body: str) -> str | None:
    for part in parts:
        if part.content_type in (
            "message/rfc822",
            "text/rfc822-headers",
            "message/rfc822-headers",
            "message/global",
        ):
            ids = message_ids(parse(part.content()[:200_000]).all("message-id"))
            if ids:
                return ids[0]
    match = re.search(
        r"^[ \t>]*Message-ID:[ \t]*<([^<>\s]{1,900})>", body[:100_000], re.IGNORECASE | re.MULTILINE
    )
    if match is not None:
        return match.group(1)
    return next(iter(message_ids([*root.all("in-reply-to"), *root.all("references")[:1]])), None)


_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")


def _status(reports: list[bytes], body: str) -> str | None:
    for text in (*(r.decode("latin-1") for r in reports), body):
        fields = re.findall(
            r"^status:[ \t]*([245]\.\d{1,3}\.\d{1,3})", text[:50_000], re.IGNORECASE | re.MULTILINE
        )
        match = _STATUS.search(text[:20_000]) if not fields else None
        if fields or match:
            return (
                next((f for f in fields if f[0] != "2"), fields[0])
                if fields
                else match.group(1)
                if match
                else None
            )
    return None
