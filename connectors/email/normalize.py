"""Raw mail as inputs of the core. Pure: bytes and times in, values out; never raises for what a mail holds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from connectors.email import reply_key
from connectors.email.authentication import dmarc
from connectors.email.automatic import AUTO_SUBMITTED, OWN
from connectors.email.parse import Mail, MailAttachment, parse_mail
from connectors.email.settings import Settings
from gateway import model
from gateway.model import Address, Delivery, Identity, Message
from gateway.text.forward import original_sender

#: The Date header counts as the time of the mail when it is this much before its arrival, and not after it.
_TRUSTED_DELAY = timedelta(days=3)
#: A mail that took less than this came when it arrived; else a quick answer would stand before the question.
_USUAL_DELAY = timedelta(minutes=2)
_MAX_REFERENCES = 40
_PROGRAM = "application/x-msdownload"  # what begins so is one, whatever it is called
_SUBJECT_MARK = re.compile(r"\[(DG-\d{1,19})\]")


def normalize(
    raw: bytes,
    now: datetime,
    *,
    account: str,
    settings: Settings,
    key: bytes,
    delivery_key: str,
    envelope_to: tuple[str, ...] = (),
    left_out: str = "",
    imported: bool = False,
) -> list[Delivery]:
    """One mail as one Message, with its raw bytes.

    now           when it arrived
    delivery_key  uid_key(…) or body_key(raw)
    envelope_to   recipients that SMTP named, which the headers may not
    imported      it is from before we were connected
    left_out      why `raw` holds the headers only, "" when it is the whole mail
    """
    mail = parse_mail(raw)
    unreadable = left_out or _unread(mail)
    vouched = dmarc(mail.authentication, settings.authserv, mail.from_address)
    by_form = _by_form(mail, settings, vouched)
    sender = _sender(mail, raw, by_form)
    message = Message(
        connector="email",
        account=account,
        delivery_key=delivery_key,
        at=_when(mail.date, now),
        address=Address(connector="email", account=account, conversation=sender.value),
        sender=sender,
        text="" if unreadable else mail.reply,
        full_text=mail.body if unreadable or mail.body != mail.reply else "",
        subject=mail.subject,
        language=settings.language,
        attachments=tuple(_attachment(one) for one in mail.attachments),
        message_key=_mid(mail.message_id),
        version=_version(mail),
        refers_to=_refers_to(mail, (*mail.to, *mail.cc, *mail.delivered_to, *envelope_to), settings),
        recipients=_lower((*mail.to, *mail.cc)),
        copied=_named(mail.cc, settings) and not _named(mail.to, settings),
        vouched=vouched,
        automatic="" if by_form else _automatic(mail, settings, key),
        bounce=_bounce(mail),
        unreadable=unreadable,
        forwarded_from=_forwarded_from(mail),
        imported=imported,
    )
    return [Delivery(input=message, raw=raw)]


def uid_key(validity: int, uid: int) -> str:
    """The delivery key of a mail fetched by IMAP."""
    return f"{validity}:{uid}"


def body_key(raw: bytes) -> str:
    """The delivery key of a mail that came by SMTP: the same bytes twice are one delivery, whoever they were for."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _when(date: datetime | None, now: datetime) -> datetime:
    """The Date header where it tells more than the moment of arrival: it counts whole seconds of another clock."""
    late = date is not None and now - _TRUSTED_DELAY <= date <= now - _USUAL_DELAY
    return date if date is not None and late else now


def _by_form(mail: Mail, settings: Settings, vouched: str) -> bool:
    """A form wrote it for the person in Reply-To. Whoever forges the form's address speaks for nobody."""
    known = mail.from_address.lower() in settings.trusted_forms and len(mail.reply_to) == 1
    return known and vouched != "fail" and not mail.bounce and "@" in mail.reply_to[0]


def _sender(mail: Mail, raw: bytes, by_form: bool) -> Identity:
    if by_form:
        return Identity(kind="email", value=mail.reply_to[0].lower(), name="")
    return Identity(kind="email", value=_sender_value(mail.from_address, raw), name=mail.from_name)


def _sender_value(address: str, raw: bytes) -> str:
    """The lower-cased address; for a mail that names none a word of its own, so that no two strangers are one."""
    return address.lower() or f"unknown-{hashlib.sha256(raw).hexdigest()[:16]}"


def _mid(message_id: str) -> str:
    bare = message_id.strip().strip("<>")
    return f"mid:{bare}" if bare else ""


def _version(mail: Mail) -> str:
    """A hash of what people see: alike for two copies of a mail that took different ways."""
    digest = hashlib.sha256()
    for part in (mail.from_address, mail.subject, mail.body):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    for attachment in mail.attachments:
        digest.update(hashlib.sha256(attachment.content).digest())
    return digest.hexdigest()[:32]


def _refers_to(mail: Mail, recipients: Iterable[str], settings: Settings) -> tuple[str, ...]:
    """Keys of what is answered, strongest first: reply address, headers (newest first), mark in a quote, subject."""
    headers = [*mail.in_reply_to, *reversed(mail.references)][:_MAX_REFERENCES]
    keys = [f"ref:{key}" for key in reply_key.keys_in(recipients, settings.ours)]
    keys += [_mid(one) for one in headers]
    keys += [f"ref:{key}" for key in reply_key.keys_in_body(mail.body)]
    keys += [f"subj:{mark}" for mark in _SUBJECT_MARK.findall(mail.subject)]
    return tuple(dict.fromkeys(key for key in keys if key))


def _automatic(mail: Mail, settings: Settings, key: bytes) -> str:
    if reply_key.is_ours(mail.from_address, settings.ours) or reply_key.outbox_id_of(key, mail.message_id):
        return OWN
    if mail.automatic == OWN:  # another installation's: never answered, but people shall see what it says
        return AUTO_SUBMITTED
    return mail.automatic or ("bounce" if mail.bounce else "feedback" if mail.feedback else "")


def _forwarded_from(mail: Mail) -> Identity | None:
    found = original_sender(mail.body, subject=mail.subject)
    return Identity(kind="email", value=found[1], name=found[0]) if found else None


def _unread(mail: Mail) -> str:
    return next((defect for defect in mail.defects if defect.startswith("could not be read")), "")


def _bounce(mail: Mail) -> model.Bounce | None:
    if mail.complaint is not None:
        return model.Bounce(
            permanent=(mail.complaint.address,) if mail.complaint.address else (),
            original_key=_mid(mail.complaint.original_message_id),
            complaint=True,
        )
    if mail.bounce is None:
        return None
    return model.Bounce(
        permanent=tuple(mail.bounce.permanent),
        temporary=tuple(mail.bounce.temporary),
        original_key=_mid(mail.bounce.original_message_id or ""),
        status=mail.bounce.status or "",
    )


def _attachment(part: MailAttachment) -> model.Attachment:
    return model.Attachment(
        filename=part.filename,
        content_type=_PROGRAM if part.content[:2] == b"MZ" else part.content_type,
        size=part.size,
        skipped=part.skipped or "",
        inline=part.inline,
        content=part.content,
    )


def _named(addresses: Iterable[str], settings: Settings) -> bool:
    return any(reply_key.is_ours(address, settings.ours) for address in addresses)


def _lower(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address.lower() for address in addresses if address))
