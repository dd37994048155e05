"""A Post as a mail: headers, plain text, HTML and attachments as bytes. Pure; knows no server."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

import msgspec

from connectors.email import reply_key
from connectors.email.automatic import OWN_FIELD
from connectors.email.settings import Settings
from gateway.errors import Undeliverable
from gateway.model import Attachment, Post, SendKind, reference
from gateway.text.markup import to_mail_html, to_plain
from gateway.text.reply import strip_subject

_MAX_REFERENCES = 20
_ID = re.compile(r"[!-;=?-~]{1,240}")  # visible ASCII without < and >
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,100}")


class Composed(msgspec.Struct, frozen=True, kw_only=True):
    """A mail ready to be sent; `raw` has CRLF line ends."""

    message_id: str  #: without <>
    sender: str  #: for the envelope: where bounces come back
    recipient: str
    copies: tuple[str, ...]  #: who else gets it; their refusal is no reason not to send it
    utf8: bool  #: an address needs SMTPUTF8 (RFC 6531)
    raw: bytes


def compose(
    post: Post, *, settings: Settings, key: bytes, company: str, now: datetime, files: Mapping[str, bytes]
) -> Composed:
    """The mail that says this post; its Message-ID is the same at every call for the same post.

    files: the attachments' bytes by sha256. Raises Undeliverable("no-address" | "file-missing" | "too-big").
    """
    recipient = _wire(_recipient(post.address.conversation))
    reply_to = _wire(_reply_address(post, settings))
    copies = _copies(post, recipient)
    utf8 = not all(address.isascii() for address in (recipient, reply_to, *copies))
    mail = EmailMessage(policy=SMTPUTF8 if utf8 else SMTP)
    _address_headers(mail, settings, company, recipient, reply_to)
    if copies:
        mail["Cc"] = tuple(_header_address("", address) for address in copies)
    mail["Subject"] = _subject(post, company)
    mail["Date"] = format_datetime(now)
    if post.kind is not SendKind.AGENT:
        _mark_automatic(mail, settings)
    _body(mail, post, settings)
    _attach(mail, post.attachments, files)
    identifier = reply_key.message_id(key, post.id, _wire(settings.address).rpartition("@")[2])
    raw = _identity_headers(identifier, post.references) + mail.as_bytes()
    if len(raw) > settings.max_mail:
        raise Undeliverable(
            "too-big", f"The mail would be {len(raw) // 1024} KB, more than this account sends."
        )
    return Composed(
        message_id=identifier, sender=reply_to, recipient=recipient, copies=copies, utf8=utf8, raw=raw
    )


def one_line(value: str) -> str:
    """A header value from outside on one line: control characters and runs of white space become one space."""
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())


def _recipient(conversation: str) -> str:
    local, at, domain = conversation.rpartition("@")
    if not (local and at and domain) or re.search(r"[\s<>,;\x00-\x1f\x7f]", conversation):
        raise Undeliverable("no-address", "There is no mail address to send this to.")
    return conversation


def _copies(post: Post, recipient: str) -> tuple[str, ...]:
    """Who gets a copy of an agent's reply. What is automatic goes to one person; a broken address is left out."""
    if post.kind is not SendKind.AGENT:
        return ()
    found: dict[str, None] = {}
    for address in post.cc:
        with contextlib.suppress(Undeliverable):
            found[_wire(_recipient(address))] = None
    found.pop(recipient, None)
    return tuple(found)


def _wire(address: str) -> str:
    """The address with its domain in ASCII (RFC 5891), so that only a local part can need SMTPUTF8."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}" if not domain.isascii() else address
    except UnicodeError:
        raise Undeliverable("no-address", "The domain of this mail address cannot exist.") from None


def _reply_address(post: Post, settings: Settings) -> str:
    return reply_key.reply_address(settings.address, post.reply_key if settings.plus_addressing else "")


def _address_headers(
    mail: EmailMessage, settings: Settings, company: str, recipient: str, reply_to: str
) -> None:
    name, own = one_line(settings.name or company), _wire(settings.address)
    mail["From"] = _header_address(name, own)
    mail["To"] = _header_address("", recipient)
    if reply_to != own:
        mail["Reply-To"] = _header_address(name, reply_to)


def _header_address(name: str, address: str) -> MailAddress:
    """Quotes local parts that need it, such as the "dots.." of Japanese phone companies."""
    local, _, domain = address.rpartition("@")
    return MailAddress(name, username=local, domain=domain)


def _subject(post: Post, company: str) -> str:
    mark = f"[{reference(post.ticket)}]"
    topic = strip_subject(one_line(post.subject).replace(mark, " "))[:250] or one_line(company)
    prefix = "Re: " if _message_ids(post.references) else ""
    return f"{prefix}{topic} {mark}" if post.ticket else f"{prefix}{topic}"


def _mark_automatic(mail: EmailMessage, settings: Settings) -> None:
    """RFC 3834 section 5, the word that Exchange heeds, and the one by which Deskgates know each other."""
    mail["Auto-Submitted"] = "auto-replied"
    mail["X-Auto-Response-Suppress"] = "All"
    mail[OWN_FIELD] = _wire(settings.address).rpartition("@")[2]


def _markdown(post: Post, settings: Settings) -> str:
    """The text, and what is answered: what buttons offer elsewhere, the core has said in words."""
    if not (settings.quote and post.quote):
        return post.text
    return post.text + "\n\n" + "\n".join(f"> {line}" for line in post.quote.splitlines())


def _signed(plain: str, html: str, settings: Settings) -> tuple[str, str]:
    """Both forms with the account's signature; mail programs fold what follows the dashes (RFC 3676 section 4.3)."""
    if not settings.signature.strip():
        return plain, html
    small = f'<div class="signature" style="color:#6b6b6b">-- <br>{to_mail_html(settings.signature)}</div>'
    return f"{plain}\n\n-- \n{to_plain(settings.signature).rstrip()}", f"{html}\n{small}"


def _body(mail: EmailMessage, post: Post, settings: Settings) -> None:
    markdown = _markdown(post, settings)
    mark = reply_key.body_mark(post.ticket, post.reply_key)
    lang = post.language if re.fullmatch(r"[A-Za-z-]{2,20}", post.language) else "en"
    plain, html = _signed(to_plain(markdown).rstrip("\n"), to_mail_html(markdown), settings)
    mail.set_content(plain + (f"\n\n{mark}\n" if mark else "\n"))
    small = f'<p style="color:#6b6b6b;font-size:12px">{mark}</p>\n' if mark else ""
    page = f'<!DOCTYPE html>\n<html lang="{lang}"><body>\n{html}\n{small}</body></html>\n'
    mail.add_alternative(page, subtype="html")


def _attach(mail: EmailMessage, attachments: tuple[Attachment, ...], files: Mapping[str, bytes]) -> None:
    for attachment in attachments:
        main, _, sub = _content_type(attachment.content_type).partition("/")
        name = one_line(attachment.filename.replace("/", "_").replace("\\", "_"))[:150] or "attachment"
        content = files.get(attachment.sha256, attachment.content)
        if not content and attachment.size:
            raise Undeliverable("file-missing", f"The file “{name}” is no longer kept, so nothing was sent.")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)


def _content_type(declared: str) -> str:
    """A plain type/subtype; containers travel as bytes, since what is inside is not ours to re-encode."""
    declared = declared.partition(";")[0].strip().lower()
    composite = declared.startswith(("message/", "multipart/"))
    return declared if _TYPE.fullmatch(declared) and not composite else "application/octet-stream"


def _identity_headers(identifier: str, references: tuple[str, ...]) -> bytes:
    """Message-ID and the thread, folded by hand: the library encodes long ids as words, which breaks threads."""
    ids = _message_ids(references)
    lines = [f"Message-ID: <{identifier}>"]
    if ids:
        kept = [ids[0], *ids[1:][-(_MAX_REFERENCES - 1) :]]
        lines += [f"In-Reply-To: <{ids[-1]}>", "References: " + "\r\n ".join(f"<{one}>" for one in kept)]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _message_ids(references: tuple[str, ...]) -> list[str]:
    """The Message-IDs among the keys, without <>, in order, each once; what is no id is left out."""
    found = [key.removeprefix("mid:").strip("<>") for key in references if key.startswith("mid:")]
    return list(dict.fromkeys(one for one in found if _ID.fullmatch(one)))
