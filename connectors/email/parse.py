"""A mail's bytes into what the desk shows and the core decides on. Never raises."""

from datetime import datetime

from msgspec import Struct

from connectors.email import headers, mime
from connectors.email.automatic import BOUNCE, FEEDBACK, automatic_reason, is_auto_reply, is_out_of_office
from connectors.email.bounce import Bounce, read_bounce
from connectors.email.content import MailAttachment, read_content
from connectors.email.feedback import Complaint, is_feedback, read_complaint
from gateway.text.reply import newest_reply

__all__ = ["Bounce", "Mail", "MailAttachment", "parse_mail"]


class Mail(Struct, frozen=True, kw_only=True):
    """A mail as read; ids are without angle brackets, addresses as written."""

    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    from_address: str
    from_name: str
    reply_to: tuple[str, ...]
    to: tuple[str, ...]
    cc: tuple[str, ...]
    #: Where it was delivered: Delivered-To, X-Original-To, Envelope-To.
    delivered_to: tuple[str, ...]
    subject: str
    #: In UTC; None when the mail names none that can be read.
    date: datetime | None
    #: The full readable text.
    body: str
    #: The newest part of it.
    reply: str
    attachments: tuple[MailAttachment, ...]
    #: A machine's answer, such as an absence note.
    auto_reply: bool
    #: Why a machine sent it, one of connectors.email.automatic's reasons, or None for a person's.
    automatic: str | None
    bounce: Bounce | None
    #: A provider's report about a mail of ours (RFC 5965).
    feedback: bool
    #: What it says, when a person complained.
    complaint: Complaint | None
    #: The values of Authentication-Results, topmost first, unjudged.
    authentication: tuple[str, ...]
    #: What was cut, mended or left unread, in words.
    defects: tuple[str, ...]


def parse_mail(raw: bytes) -> Mail:
    """Read a mail; for any bytes there is a Mail, if need be one whose defects say that nothing could be read."""
    defects: list[str] = []
    try:
        return _read(raw, defects)
    except Exception as error:  # one mail must never stop the queue: it becomes a ticket with the raw file
        defects.append(f"could not be read: {type(error).__name__}")
        return _unread(raw, defects)


def _read(raw: bytes, defects: list[str]) -> Mail:
    root = mime.parse(raw, defects)
    charset = root.params.get("charset") or root.hint
    subject = root.text("subject")
    content = read_content(root, defects)
    sender = _sender(root, charset)
    absence = is_out_of_office(subject, content.body)
    bounce = read_bounce(root, raw, content.body, absence=absence)
    feedback = is_feedback(root)
    reason = automatic_reason(root, absence=absence) or (BOUNCE if bounce else FEEDBACK if feedback else None)
    everyone = {name: headers.addresses(root.all(name), charset) for name in ("reply-to", "to", "cc")}
    if any(len(found) > headers.MAX_ADDRESSES for found in everyone.values()):
        defects.append(f"addresses after the first {headers.MAX_ADDRESSES} are left out")
    reply_to, to, cc = (tuple(a for _, a in found[: headers.MAX_ADDRESSES]) for found in everyone.values())
    return Mail(
        message_id=next(iter(headers.message_ids(root.all("message-id"))), ""),
        in_reply_to=headers.message_ids(root.all("in-reply-to")),
        references=headers.message_ids(root.all("references")),
        from_address=sender[1],
        from_name=sender[0],
        reply_to=reply_to,
        to=to,
        cc=cc,
        delivered_to=tuple(
            dict.fromkeys(a for _, a in headers.addresses(v for n in _DELIVERED for v in root.all(n)))
        ),
        subject=subject,
        date=headers.date(root.raw("date")),
        body=content.body,
        reply=newest_reply(content.quoted, subject=subject),
        attachments=content.attachments,
        auto_reply=is_auto_reply(root, reason),
        automatic=reason,
        bounce=bounce,
        feedback=feedback,
        complaint=read_complaint(root) if feedback else None,
        authentication=tuple(v.decode("utf-8", "replace") for v in root.all("authentication-results")[:20]),
        defects=tuple(dict.fromkeys(defects)),
    )


def _sender(root: mime.Part, charset: str) -> tuple[str, str]:
    """The first mailbox with a real address; forged and broken mail has several From fields."""
    found = headers.addresses(root.all("from"), charset) + headers.addresses(root.all("sender"), charset)
    return next((pair for pair in found if "@" in pair[1]), found[0] if found else ("", ""))


_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to")


def _unread(raw: bytes, defects: list[str]) -> Mail:
    text = raw[:100_000].decode("utf-8", "replace").replace("\x00", "")
    return Mail(
        message_id="",
        in_reply_to=(),
        references=(),
        from_address="",
        from_name="",
        reply_to=(),
        to=(),
        cc=(),
        delivered_to=(),
        subject="",
        date=None,
        body=text,
        reply=text,
        attachments=(),
        auto_reply=False,
        automatic=None,
        bounce=None,
        feedback=False,
        complaint=None,
        authentication=(),
        defects=tuple(defects),
    )
