"""A mail's bytes into a tree of parts, in linear time and without an error for any bytes.

Knows the shape of mail (RFC 5322, RFC 2045-2047, RFC 2231) and nothing of what is in it. The standard library's parser
reads line by line and its new policy raises on real mail; this one cuts at boundaries and stops at its limits.
"""

import binascii
import re
from collections.abc import Iterator

from msgspec import Struct

from connectors.email.charsets import decode, decode_words

MAX_BYTES, MAX_PARTS, MAX_DEPTH = 25 * 1024 * 1024, 200, 30
_MAX_HEADER_BYTES, _MAX_FIELDS = 512 * 1024, 2_000


class Part(Struct, kw_only=True):
    """One part of a mail; a multipart has children, every other part has a body as it came."""

    fields: tuple[tuple[str, bytes], ...]
    content_type: str
    params: dict[str, str]
    body: bytes
    children: list["Part"]
    disposition: str = ""
    #: The first character set that the mail names anywhere, for fields with bare eight-bit text.
    hint: str = ""
    filename: str = ""
    #: The first field of each name: most fields that are asked for are not there.
    named: dict[str, bytes] = {}

    def all(self, name: str) -> list[bytes]:
        """The raw values of every field of that lower-case name."""
        return [value for key, value in self.fields if key == name] if name in self.named else []

    def raw(self, name: str) -> bytes:
        """The raw value of the first field of that name, or nothing."""
        return self.named.get(name, b"")

    def text(self, name: str) -> str:
        """The first field of that name with encoded words decoded, on one line."""
        return " ".join(decode_words(self.raw(name), self.params.get("charset") or self.hint).split())

    def walk(self) -> Iterator["Part"]:
        """This part and all below, in the order of the mail."""
        yield self
        for child in self.children:
            yield from child.walk()

    def content(self) -> bytes:
        """The body with its transfer encoding undone; what cannot be decoded is kept as it came."""
        return _transfer_decoded(self.body, self.raw("content-transfer-encoding").strip().lower())


def parse(raw: bytes, defects: list[str] | None = None) -> Part:
    """The tree of a mail's parts; what was cut or mended is added to defects."""
    defects = defects if defects is not None else []
    if len(raw) > MAX_BYTES:
        defects.append(f"cut at {MAX_BYTES} of {len(raw)} bytes")
        raw = raw[:MAX_BYTES]
    raw = normalise(raw)
    root = _Parser(defects).part(raw, 0, "text/plain")
    named = _CHARSET.search(raw, 0, 50_000)
    root.hint = named.group(1).decode("ascii") if named is not None else ""
    return root


_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)


def normalise(raw: bytes) -> bytes:
    """The bytes with LF line ends and without what some programs put before the header."""
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n") if b"\n" in raw else raw.replace(b"\r", b"\n")
    return raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\n\x00")


class _Parser:
    """Counts parts while it descends, so that a mail of a million parts costs no more than one of two hundred."""

    def __init__(self, defects: list[str]) -> None:
        self.defects = defects
        self.parts = 0
        self.patience = 200

    def part(self, raw: bytes, depth: int, default: str) -> Part:
        self.parts += 1
        fields, body = self.header(raw)
        named = dict(reversed(fields))
        content_type, params = _typed(named.get("content-type", b""), default)
        disposition, extra = _typed(named.get("content-disposition", b""), "")
        part = Part(
            fields=fields,
            content_type=content_type,
            params=params,
            body=body,
            children=[],
            disposition=disposition,
            filename=extra.get("filename") or params.get("name") or "",
            named=named,
        )
        if content_type.startswith("multipart/"):
            self.descend(part, depth)
        return part

    def descend(self, part: Part, depth: int) -> None:
        boundary = part.params.get("boundary", "") or _guessed_boundary(part.body)
        if depth >= MAX_DEPTH:
            self.defects.append(f"parts nested deeper than {MAX_DEPTH} are not opened")
            return
        default = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
        for piece in _pieces(part.body, boundary):
            if self.parts >= MAX_PARTS:
                self.defects.append(f"parts after the first {MAX_PARTS} are not opened")
                return
            part.children.append(self.part(piece, depth + 1, default))
        if not part.children:
            self.defects.append("multipart without parts")

    def header(self, raw: bytes) -> tuple[tuple[tuple[str, bytes], ...], bytes]:
        """The fields of a header block and what follows it."""
        if raw.startswith(b"\n"):
            return (), raw[1:]
        end = raw.find(b"\n\n", 0, _MAX_HEADER_BYTES)
        if end < 0 and len(raw) > _MAX_HEADER_BYTES:
            self.defects.append("header block is too long")
            end = _MAX_HEADER_BYTES
        block, body = (raw, b"") if end < 0 else (raw[:end], raw[end + 2 :])
        return self.fields(block, body)

    def fields(self, block: bytes, body: bytes) -> tuple[tuple[tuple[str, bytes], ...], bytes]:
        found: list[tuple[str, list[bytes]]] = []
        lines = block.split(b"\n")
        for k, line in enumerate(lines):
            match = _FIELD.match(line)
            if match is not None and len(found) < _MAX_FIELDS:
                found.append((match.group(1).decode("ascii").lower(), [line[match.end() :]]))
            elif found and line[:1] in (b" ", b"\t"):
                found[-1][1].append(line)
            elif line.strip() and not line.startswith((b"From ", b">From ")):
                if not self.goes_on(lines[k + 1 :], {name for name, _ in found}):
                    body = b"\n".join(lines[k:]) + (b"\n\n" + body if body else b"")
                    self.defects.append("header block ends without an empty line")
                    break
                self.defects.append("line in the header that is no field")
        return tuple((name, b"\n".join(v).strip()) for name, v in found), body

    def goes_on(self, lines: list[bytes], seen: set[str]) -> bool:
        """Whether fields that every mail has, and that have not come yet, follow a line that is none."""
        if not self.patience:
            return False
        self.patience -= 1
        names = (m.group(1).decode("ascii").lower() for m in map(_FIELD.match, lines[:200]) if m)
        return any(name in _PROOF and name not in seen for name in names)


#: Fields whose presence below a broken line proves that the header goes on there.
_PROOF = frozenset(
    ("from", "to", "subject", "date", "message-id", "content-type", "mime-version", "received")
)

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")


def _pieces(body: bytes, boundary: str) -> Iterator[bytes]:
    """The bytes between boundary lines; the end of the body ends the last one when its mark is missing."""
    if not boundary:
        return
    line = re.compile(
        rb"(?:^|\n)--" + re.escape(boundary.encode("latin-1", "replace")) + rb"(--)?[ \t]*(?=\n|$)"
    )
    start = None
    for match in line.finditer(body):
        if start is not None:
            yield body[start : match.start()]
        start = None if match.group(1) else match.end() + 1
    if start is not None and start < len(body):
        yield body[start:]


_BOUNDARY_LINE = re.compile(rb"(?:^|\n)--([^\s].{0,69}?)[ \t]*\n(?=[Cc]ontent-)")


def _guessed_boundary(body: bytes) -> str:
    match = _BOUNDARY_LINE.search(body, 0, 100_000)
    return match.group(1).decode("latin-1") if match else ""


_PARAM = re.compile(rb';\s*([^\s=;"]{1,80})\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.DOTALL)


def _typed(value: bytes, default: str) -> tuple[str, dict[str, str]]:
    """A type and its parameters, continued and encoded ones put together (RFC 2231)."""
    value = value[:20_000]
    kind, more, _ = value.partition(b";")
    name = kind.decode("latin-1").strip().lower()
    if default and not _TYPE.fullmatch(name):
        name = {"text": "text/plain", "html": "text/html"}.get(name, default)
    return name, _joined(_PARAM.findall(value)) if more else {}


_TYPE = re.compile(r"[!-~]{1,100}/[!-~]{1,150}")


def _joined(found: list[tuple[bytes, bytes, bytes]]) -> dict[str, str]:
    pieces: dict[str, list[tuple[int, bool, bytes]]] = {}
    params: dict[str, str] = {}
    for key, quoted, bare in found[:200]:
        name, star, rest = key.decode("latin-1").lower().partition("*")
        raw = re.sub(rb"\\(.)", rb"\1", quoted) if quoted else bare.strip().strip(b'"')
        if not star:
            params.setdefault(name, " ".join(decode_words(raw).split()))
            continue
        number = rest.rstrip("*")
        pieces.setdefault(name, []).append((int(number) if number.isdigit() else 0, key.endswith(b"*"), raw))
    for name, parts in pieces.items():
        params[name] = _rfc2231(sorted(parts))
    return params


def _rfc2231(parts: list[tuple[int, bool, bytes]]) -> str:
    charset, data = "", b""
    for k, (_, encoded, raw) in enumerate(parts):
        if encoded and k == 0 and raw.count(b"'") >= 2:
            head, _, raw = raw.split(b"'", 2)
            charset = head.decode("latin-1")
        data += _unpercent(raw) if encoded else raw
    return " ".join(decode(data, charset).split())


def _unpercent(raw: bytes) -> bytes:
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: binascii.unhexlify(m.group(1)), raw)


_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def _transfer_decoded(body: bytes, encoding: bytes) -> bytes:
    if encoding.startswith(b"base64"):
        return base64_decoded(body)
    if encoding.startswith(b"quoted-printable"):
        return binascii.a2b_qp(body)
    if encoding in (b"x-uuencode", b"uuencode", b"x-uue", b"uue"):
        return uudecoded(body)
    return body


def base64_decoded(body: bytes) -> bytes:
    """What base64 stands for; signs that do not belong are passed over, a missing end is supplied."""
    try:
        return binascii.a2b_base64(body)
    except binascii.Error:
        clean = _NOT_BASE64.sub(b"", body)
        clean = clean[: len(clean) - (len(clean) % 4 == 1)]
        return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))


def uudecoded(body: bytes) -> bytes:
    """What the lines between "begin" and "end" stand for; a broken line is passed over."""
    start = re.search(rb"(?:^|\n)begin [0-7]{3,4} [^\n]*\n", body)
    out = []
    for line in body[start.end() if start else 0 :].split(b"\n"):
        if line.strip() == b"end":
            break
        try:
            out.append(binascii.a2b_uu(line[: 1 + ((((line[0] - 32) & 63) + 2) // 3) * 4] if line else b" "))
        except binascii.Error:
            continue
    return b"".join(out)
