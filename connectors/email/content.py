"""Which parts of a mail are its text and which are attachments."""

import re

from msgspec import Struct

from connectors.email.charsets import decode
from connectors.email.cms import signed_content
from connectors.email.mime import Part, parse
from connectors.email.tnef import is_tnef, open_tnef
from gateway.text.html import MAX_HTML, has_marked_quotes, html_to_quoted_text, html_to_text
from gateway.text.reply import split_reply


class MailAttachment(Struct, frozen=True, kw_only=True):
    """A file that came with a mail."""

    filename: str
    content_type: str
    size: int
    content: bytes
    #: Shown inside the text (a picture with a Content-ID).
    inline: bool
    content_id: str | None
    #: Why its content was left out, or None when it is all there.
    skipped: str | None


class Content(Struct, frozen=True, kw_only=True):
    """A mail's text, in two forms, and its attachments."""

    body: str
    #: The same with quotes of HTML as "> " lines.
    quoted: str
    attachments: tuple[MailAttachment, ...]


def read_content(root: Part, defects: list[str]) -> Content:
    """Text and attachments of a mail; plain text is preferred where it says as much as the HTML."""
    reader = _Reader(defects)
    reader.read(root, top=True)
    body = "\n\n".join(t for t, _ in reader.texts).strip("\n")
    quoted = "\n\n".join(q for _, q in reader.texts).strip("\n")
    if reader.encrypted and not body:
        defects.append(
            f"could not be read: it is encrypted ({reader.encrypted}), open the original with its key"
        )
    return Content(body=body, quoted=quoted, attachments=tuple(reader.attachments))


class _Reader:
    """Gathers texts and attachments while it goes through the parts in order."""

    def __init__(self, defects: list[str]) -> None:
        self.defects = defects
        self.texts: list[tuple[str, str]] = []
        self.attachments: list[MailAttachment] = []
        self.encrypted = ""  # how, where something is
        self.opened = 0  # signed blocks, which may nest

    def read(self, part: Part, *, top: bool = False) -> None:
        if part.content_type.startswith("multipart/") and part.children:
            if part.content_type == "multipart/encrypted":  # RFC 3156
                self.encrypted = "PGP"
            if part.content_type == "multipart/alternative":
                self.read_alternative(part)
            elif part.content_type == "multipart/related":
                self.read(part.children[0])
                for child in part.children[1:]:  # RFC 2387: what goes with the root is no text of its own
                    self.attach_all(child)
            else:
                for child in part.children:
                    self.read(child)
        elif self.is_text(part, top=top):
            self.texts.append(_read_text(part, self.defects))
        else:
            self.attach(part)

    def read_alternative(self, part: Part) -> None:
        """The plain text, unless it is empty or says less than the HTML; files inside either are attachments."""
        before = len(self.texts)
        chosen: dict[str, list[tuple[str, str]]] = {}
        for child in part.children:
            mark = len(self.texts)
            self.read(child)
            if len(self.texts) > mark:
                kind = "plain" if child.content_type == "text/plain" else "html"
                chosen.setdefault(kind, self.texts[mark:])
        del self.texts[before:]
        self.texts.extend(_better(chosen.get("plain", []), chosen.get("html", [])))

    def attach_all(self, part: Part) -> None:
        for leaf in part.walk():
            if not leaf.children:
                self.attach(leaf)

    def is_text(self, part: Part, *, top: bool) -> bool:
        if part.content_type not in ("text/plain", "text/html", "text/enriched") and not (
            top and part.content_type.startswith("multipart/")
        ):
            return False
        if part.disposition == "attachment":
            return False
        return not part.filename or top

    def attach(self, part: Part) -> None:
        content = part.content()
        if part.content_type in _TNEF_TYPES or part.filename.lower() == "winmail.dat":
            return self.attach_tnef(part, content)
        if part.content_type in _CMS_TYPES or part.filename.lower().endswith(".p7m"):
            signed = signed_content(content) if self.opened < _MOST_OPENED else None
            if signed is not None:
                self.opened += 1
                return self.read(parse(signed, self.defects))
            self.encrypted = "S/MIME"
        content_id = re.sub(rb"[<>\s]", b"", part.raw("content-id")).decode("latin-1") or None
        inline = (
            part.disposition != "attachment" and bool(content_id) and part.content_type.startswith("image/")
        )
        return self.add(
            _named(part, content), part.content_type, content, inline=inline, content_id=content_id
        )

    def attach_tnef(self, part: Part, content: bytes) -> None:
        """The files in a winmail.dat instead of it; its text only where the mail has no other."""
        opened = open_tnef(content) if is_tnef(content) else None
        if opened is None or not (opened.files or opened.text or opened.html):
            reason = (
                "winmail.dat holds formatting only" if opened is not None else "winmail.dat cannot be opened"
            )
            self.add(part.filename or "winmail.dat", part.content_type, content, skipped=reason)
            return
        for k, file in enumerate(opened.files, 1):
            self.add(file.name or f"attachment-{k}", file.content_type or _GUESSED, file.content)
        if not any(text.strip() for text, _ in self.texts) and (opened.text or opened.html):
            self.texts.append(
                _both(opened.html) if not opened.text else (opened.text.replace("\r\n", "\n"),) * 2
            )

    def add(
        self,
        filename: str,
        content_type: str,
        content: bytes,
        *,
        inline: bool = False,
        content_id: str | None = None,
        skipped: str | None = None,
    ) -> None:
        self.attachments.append(
            MailAttachment(
                filename=_safe_name(filename),
                content_type=content_type,
                size=len(content),
                content=content,
                inline=inline,
                content_id=content_id,
                skipped=skipped,
            )
        )


_CMS_TYPES = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_MOST_OPENED = 3
_TNEF_TYPES = ("application/ms-tnef", "application/vnd.ms-tnef")
_GUESSED = "application/octet-stream"


def _safe_name(name: str) -> str:
    """A file name without directions to other directories and without signs that turn its end round."""
    name = re.sub(
        r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", name.replace("\\", "/").rpartition("/")[2]
    )
    return name.strip().lstrip(".") if len(name) <= 200 else name.strip().lstrip(".")[:140] + name[-60:]


def _better(plain: list[tuple[str, str]], html: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The text of the HTML, which senders make first, with the quotes of the plain text, which are marked by custom.

    Where only the HTML has marked quotes, or the plain text says nothing, everything is the HTML's.
    """
    if not any(t.strip() for t, _ in html):
        return plain or html
    if not any(t.strip() for t, _ in plain):
        return html
    body, marked = ("\n\n".join(texts) for texts in zip(*html, strict=True))
    quoted = "\n\n".join(q for _, q in plain)
    if marked != body and not split_reply(quoted).quoted:
        quoted = marked
    return [(body, quoted)]


def _read_text(part: Part, defects: list[str]) -> tuple[str, str]:
    data = part.content()
    charset = part.params.get("charset", "")
    if part.content_type == "text/html":
        html = decode(data, charset or _html_charset(data))
        if len(html) > MAX_HTML:
            defects.append(f"HTML cut at {MAX_HTML} characters")
        return _both(html)
    text = decode(data, charset).replace("\x00", "")
    if part.params.get("format", "").lower() == "flowed":
        text = _unflow(text, part.params.get("delsp", "").lower() == "yes")
    return text, text


def _both(html: str) -> tuple[str, str]:
    text = html_to_text(html)
    return text, html_to_quoted_text(html) if has_marked_quotes(html) else text


_META = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE)


def _html_charset(data: bytes) -> str:
    match = _META.search(data, 0, 4_000)
    return match.group(1).decode("ascii") if match else ""


def _unflow(text: str, delete_space: bool) -> str:
    """Lines that were broken by the sender's program joined again (RFC 3676)."""
    out: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        rest = (
            line[depth:].removeprefix(" ")
            if depth
            else line.removeprefix(" ")
            if line.startswith(" ")
            else line
        )
        if open_depth == depth and line != "-- ":
            out[-1] += rest
        else:
            out.append(line)
        flows = line.endswith(" ") and line.lstrip("> ") not in ("-- ", "--", "")
        open_depth = depth if flows else -1
        if flows and delete_space:
            out[-1] = out[-1][:-1]
    return "\n".join(out)


def _named(part: Part, content: bytes) -> str:
    if part.filename:
        return part.filename
    if part.content_type == "message/rfc822":
        return (parse(content[:100_000]).text("subject")[:80] or "message") + ".eml"
    return _NAMES.get(part.content_type, "")


_NAMES = {
    "text/calendar": "invite.ics",
    "message/delivery-status": "delivery-status.txt",
    "message/global-delivery-status": "delivery-status.txt",
    "text/rfc822-headers": "headers.txt",
    "message/feedback-report": "report.txt",
    "text/vcard": "contact.vcf",
    "text/x-vcard": "contact.vcf",
    "application/pgp-signature": "signature.asc",
    "application/pkcs7-signature": "smime.p7s",
}
