"""A Post as a mail: headers, plain text, HTML and attachments as bytes. Pure; knows no server."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.headerregistry import Address as MailAddress
from email.message import MIMEPart
from email.policy import SMTP, SMTPUTF8, EmailPolicy
from email.utils import format_datetime
from html import escape as as_html
from typing import Any

import msgspec

from connectors.email import reply_key
from connectors.email.automatic import OWN_FIELD
from connectors.email.settings import Settings
from gateway.errors import Undeliverable
from gateway.model import Attachment, Button, Post, SendKind, reference
from gateway.text.markup import escape, to_mail, to_mail_html, to_plain
from gateway.text.reply import strip_subject

_MAX_REFERENCES = 20
_MAX_QUOTE = 20_000  # characters of the mail that is answered
_ID = re.compile(r"[!-;=?-~]{1,240}")  # visible ASCII without < and >
#: What may stand in a header as it is: an address with or without a name; other texts are looked at below.
_ADDRESS = re.compile(r"[\w+=-]+(?:\.[\w+=-]+)*@[\w.-]+", re.ASCII)
_NAME = re.compile(r"[\w ]*", re.ASCII)
_LINE = 78
_LONG_LINE = re.compile(rb"[^\n]{79}")  # with its CR
_Value = str | MailAddress | tuple[MailAddress, ...]
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
    policy = SMTPUTF8 if utf8 else SMTP
    fields = [
        *_address_fields(settings, company, recipient, reply_to, copies),
        ("Subject", _subject(post, company)),
    ]
    fields += [("Date", format_datetime(now)), *_marks(post, settings), ("MIME-Version", "1.0")]
    identifier = reply_key.message_id(key, post.id, _wire(settings.address).rpartition("@")[2])
    head = b"".join(_field(name, value, policy) for name, value in fields)
    raw = _identity_headers(identifier, post) + head + _content(post, settings, identifier, files)
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


def _address_fields(
    settings: Settings, company: str, recipient: str, reply_to: str, copies: tuple[str, ...]
) -> Iterator[tuple[str, _Value]]:
    name, own = one_line(settings.name or company), _wire(settings.address)
    yield "From", _address(name, own)
    yield "To", _address("", recipient)
    if reply_to != own:
        yield "Reply-To", _address(name, reply_to)
    if copies:
        yield "Cc", tuple(_quoted_address("", address) for address in copies)


def _address(name: str, address: str) -> str | MailAddress:
    if not (_ADDRESS.fullmatch(address) and _NAME.fullmatch(name)):
        return _quoted_address(name, address)
    return f"{name} <{address}>" if name else address


def _quoted_address(name: str, address: str) -> MailAddress:
    """Quotes local parts that need it, such as the "dots.." of Japanese phone companies."""
    local, _, domain = address.rpartition("@")
    return MailAddress(name, username=local, domain=domain)


def _field(name: str, value: _Value, policy: EmailPolicy[Any]) -> bytes:
    """A header; the library, which is slow, folds and encodes only what is long or not plain ASCII."""
    line = f"{name}: {value}"
    if isinstance(value, str) and len(line) <= _LINE and _is_plain(value):
        return f"{line}\r\n".encode("ascii")
    return policy.fold_binary(*policy.header_store_parse(name, value))


def _is_plain(value: str) -> bool:
    return value.isascii() and value.isprintable() and value.strip() == value and "=?" not in value


def _subject(post: Post, company: str) -> str:
    mark = f"[{reference(post.ticket)}]"
    topic = strip_subject(one_line(post.subject).replace(mark, " "))[:250] or one_line(company)
    prefix = "Re: " if _message_ids(post.references) else ""
    return f"{prefix}{topic} {mark}" if post.ticket else f"{prefix}{topic}"


def _marks(post: Post, settings: Settings) -> Iterator[tuple[str, str]]:
    """RFC 3834 section 5, the word that Exchange heeds, and the one by which Deskgates know each other."""
    if post.kind is not SendKind.AGENT:
        yield "Auto-Submitted", "auto-replied"
        yield "X-Auto-Response-Suppress", "All"
        yield OWN_FIELD, _wire(settings.address).rpartition("@")[2]


def _with_links(plain: str, html: str, buttons: tuple[Button, ...]) -> tuple[str, str]:
    """Both forms with the links that stand for buttons: a line each, and in HTML large enough for a thumb."""
    links = [(each.label, each.link) for each in buttons if each.link]
    if not links:
        return plain, html
    shown = "\n".join(f"{label}: {link}" for label, link in links)
    drawn = "\n".join(
        f'<a href="{as_html(to)}" style="{_BUTTON}">{as_html(label)}</a>' for label, to in links
    )
    return f"{plain}\n\n{shown}", f'{html}<p style="margin:0 0 1em">{drawn}</p>\n'


_BUTTON = (
    "display:inline-block;margin:0 4px 6px 0;padding:8px 14px;border:1px solid #8a8a8a;border-radius:6px;"
    "color:#1a4fa3;text-decoration:none"
)


def _quoted(post: Post, settings: Settings) -> str:
    """What is answered, as Markdown; "" where it is not wanted."""
    if not (settings.quote and post.quote.strip()):
        return ""
    whose, _, said = post.quote[:_MAX_QUOTE].partition("\n")
    # What the person wrote stays what it is: nothing in it becomes a link or a heading of ours.
    lines = [f"> {line}".rstrip() for line in escape(said).splitlines()]
    return "\n\n".join((escape(whose), "\n".join(lines)))


def _signed(plain: str, html: str, settings: Settings) -> tuple[str, str]:
    """Both forms with the account's signature; mail programs fold what follows the dashes (RFC 3676 section 4.3)."""
    if not settings.signature.strip():
        return plain, html
    small = f'<div class="signature" style="color:#6b6b6b">-- <br>{to_mail_html(settings.signature)}</div>'
    return f"{plain}\n\n-- \n{to_plain(settings.signature).rstrip()}", f"{html}\n{small}"


def _content(post: Post, settings: Settings, identifier: str, files: Mapping[str, bytes]) -> bytes:
    plain, html = _body(post, settings)
    seed = identifier.partition("@")[0]
    both = _multipart("alternative", seed, [_text(plain, "plain"), _text(html, "html")])
    attached = [_file(attachment, files) for attachment in post.attachments]
    return _multipart("mixed", seed, [both, *attached]) if attached else both


def _multipart(kind: str, seed: str, parts: list[bytes]) -> bytes:
    """Parts between boundaries that hold the keyed hash of the Message-ID, so that no text can forge one."""
    mark = f"=_{kind[:3]}_{seed}".encode("ascii")
    head = b'Content-Type: multipart/%b;\r\n boundary="%b"\r\n\r\n' % (kind.encode("ascii"), mark)
    return head + b"".join(b"--%b\r\n%b\r\n" % (mark, part) for part in parts) + b"--%b--\r\n" % mark


def _text(text: str, kind: str) -> bytes:
    """As it is, or in quoted-printable, or base64 for a script whose letters would nearly all be encoded."""
    content = b"\r\n".join(text.encode().splitlines()) + b"\r\n"
    if content.isascii() and not _LONG_LINE.search(content):
        encoding, lines = "7bit", content
    elif len(content) > 1.3 * len(text):
        encoding, lines = "base64", base64.encodebytes(content).replace(b"\n", b"\r\n")
    else:
        encoding, lines = "quoted-printable", binascii.b2a_qp(content, istext=True)
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode("ascii") + lines


def _body(post: Post, settings: Settings) -> tuple[str, str]:
    plain, html = _with_links(*to_mail(post.text), post.buttons)
    if quoted := _quoted(post, settings):
        below = to_mail(quoted)
        plain, html = f"{plain}\n\n{below[0]}", html + below[1]
    mark = reply_key.body_mark(post.ticket, post.reply_key)
    lang = post.language if re.fullmatch(r"[A-Za-z-]{2,20}", post.language) else "en"
    plain, html = _signed(plain.rstrip("\n"), html, settings)
    small = f'<p style="color:#6b6b6b;font-size:12px">{mark}</p>\n' if mark else ""
    page = f'<!DOCTYPE html>\n<html lang="{lang}"><body>\n{html}\n{small}</body></html>\n'
    return plain + (f"\n\n{mark}\n" if mark else "\n"), page


def _file(attachment: Attachment, files: Mapping[str, bytes]) -> bytes:
    main, _, sub = _content_type(attachment.content_type).partition("/")
    name = one_line(attachment.filename.replace("/", "_").replace("\\", "_"))[:150] or "attachment"
    content = files.get(attachment.sha256, attachment.content)
    if not content and attachment.size:
        raise Undeliverable("file-missing", f"The file “{name}” is no longer kept, so nothing was sent.")
    part = MIMEPart(policy=SMTP)
    part.set_content(content, maintype=main, subtype=sub, filename=name, disposition="attachment")
    return part.as_bytes()


def _content_type(declared: str) -> str:
    """A plain type/subtype; containers travel as bytes, since what is inside is not ours to re-encode."""
    declared = declared.partition(";")[0].strip().lower()
    composite = declared.startswith(("message/", "multipart/"))
    return declared if _TYPE.fullmatch(declared) and not composite else "application/octet-stream"


def _identity_headers(identifier: str, post: Post) -> bytes:
    """Message-ID and the thread, folded by hand: the library encodes long ids as words, which breaks threads."""
    ids = _chain(post)
    lines = [f"Message-ID: <{identifier}>"]
    if ids:
        kept = [ids[0], *ids[1:][-(_MAX_REFERENCES - 1) :]]
        lines += [f"In-Reply-To: <{ids[-1]}>", "References: " + "\r\n ".join(f"<{one}>" for one in kept)]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _chain(post: Post) -> list[str]:
    """The mail that is answered and those before it (RFC 5322 section 3.6.4); else our own, which this one follows.

    What we wrote since is not in it: the answered mail does not come from there, and programs show what References
    end with as the mail that is answered.
    """
    before = list(post.references)
    if post.answers in before:
        before = [*before[: before.index(post.answers)], post.answers]
    return _message_ids(tuple(before))


def _message_ids(references: tuple[str, ...]) -> list[str]:
    """The Message-IDs among the keys, without <>, in order, each once; what is no id is left out."""
    found = [key.removeprefix("mid:").strip("<>") for key in references if key.startswith("mid:")]
    return list(dict.fromkeys(one for one in found if _ID.fullmatch(one)))
