"""What stands in a mail's header fields: addresses, message ids, date."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from connectors.email.charsets import decode_words

MAX_ADDRESSES, MAX_IDS = 1_000, 400

_ID = re.compile(rb"<([^<>\s]{1,998})>")
_BARE_ID = re.compile(rb"[^\s<>,;]{1,900}@[^\s<>,;]{1,250}")


def message_ids(values: Iterable[bytes]) -> tuple[str, ...]:
    """The message ids in some fields, in order and once each, without angle brackets (RFC 5322 section 3.6.4)."""
    found: dict[str, None] = {}
    for value in values:
        value = value[-60_000:]
        # A long id may be folded in the middle by programs that count characters.
        ids = _ID.findall(re.sub(rb"\n[ \t]+", b"", value)) if value.count(b"<") == 1 else _ID.findall(value)
        for raw in ids or _BARE_ID.findall(value):
            # Unicode has more line ends than ASCII; none may travel in a key.
            found.setdefault("".join(raw.decode("utf-8", "replace").split()), None)
    return tuple(list(found)[:5] + list(found)[5:][-MAX_IDS:])


def addresses(values: Iterable[bytes], charset: str = "") -> list[tuple[str, str]]:
    """Name and address of every mailbox in some fields (RFC 5322 section 3.4, and what is sent instead of it)."""
    found: list[tuple[str, str]] = []
    for value in values:
        for item in _items(value[:500_000]):
            pair = _mailbox(item, charset)
            if pair[1]:
                found.append(pair)
            if len(found) > MAX_ADDRESSES:
                return found
    return found


def date(value: bytes) -> datetime | None:
    """The moment that a Date field tells, in UTC, or None when it tells none."""
    if usual := _USUAL_DATE.fullmatch(value):
        return _moment(*usual.groups())
    text = re.sub(r"\s+", " ", value[:200].decode("latin-1")).strip()
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


_USUAL_DATE = re.compile(
    rb"(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) "
    rb"([+-])([01]\d)([0-5]\d)(?: \([A-Z]{1,5}\))?"
)
_MONTHS = {m: n for n, m in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}


def _moment(day: bytes, month: bytes, *rest: bytes) -> datetime | None:
    """What RFC 5322 section 3.3 writes, without the library's patience."""
    year, hour, minute, second, sign, hours, minutes = rest
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    try:
        local = datetime(
            int(year), _MONTHS.get(month, 0), int(day), int(hour), int(minute), int(second), tzinfo=UTC
        )
        return local - offset if sign == b"+" else local + offset
    except (ValueError, OverflowError):
        return None


def _items(value: bytes) -> Iterable[bytes]:
    """The list taken apart at commas and semicolons that stand in no quotes, brackets or comment."""
    start = 0
    quoted = False
    angle = comment = 0
    for match in _SIGN.finditer(value):
        sign = match.group()
        if sign == b'"':
            quoted = not quoted
        elif quoted or len(sign) == 2:
            continue
        elif sign == b"<":
            angle = 1
        elif sign == b">":
            angle = 0
        elif sign == b"(":
            comment += 1
        elif sign == b")":
            comment = max(0, comment - 1)
        elif not (angle or comment):
            yield value[start : match.start()]
            start = match.end()
    rest = value[start:]
    if quoted or angle or comment:  # an unclosed sign must not swallow the whole list
        yield from re.split(rb"[,;]", rest)
    else:
        yield rest


_SIGN = re.compile(rb'\\.|["<>(),;]', re.DOTALL)
_ANGLE = re.compile(rb"<([^<>]*)>?")
_COMMENT = re.compile(rb"\(([^()]*)\)")
_ADDRESS = re.compile(rb"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+")


#: Nearly every mailbox: plain words, or none, and an address in brackets.
_USUAL = re.compile(rb"(?:\"([\w .-]*)\"|([\w .-]*?))\s*<([\w.+-]+@[\w.-]+)>", re.ASCII)


def _mailbox(item: bytes, charset: str) -> tuple[str, str]:
    item = item.strip()
    if not item:
        return "", ""
    if usual := _USUAL.fullmatch(item):
        name = usual.group(1) or usual.group(2) or b""
        return " ".join(name.decode("ascii").split()), usual.group(3).decode("ascii")
    angles = _ANGLE.findall(item[:5_000])
    if angles:
        name = item.partition(b"<")[0]
        return _name(_after_group(name), charset), _address(_best(angles), charset)
    comment = b" ".join(_COMMENT.findall(item[:5_000]))
    bare = _after_group(_COMMENT.sub(b" ", item[:5_000])).strip()
    plain = _ADDRESS.findall(bare)
    if plain and b"=?" not in bare:
        name = bare.replace(plain[-1], b" ").strip() or comment
        return _name(name, charset), _address(plain[-1], charset)
    text = decode_words(bare, charset).strip().strip("'\"")
    inner = re.search(r"<([^<>\s]+@[^<>\s]+)>|([^\s<>]+@[^\s<>]+)", text)
    if inner:
        return text[: inner.start()].strip(" \"'"), inner.group(1) or inner.group(2)
    return "", "" if " " in text or text.lower() == "undisclosed-recipients" else text


def _best(angles: list[bytes]) -> bytes:
    """Of several bracketed texts the last that holds an address."""
    return next((a for a in reversed(angles) if b"@" in a), angles[-1])


def _after_group(name: bytes) -> bytes:
    """Without the name of a group ("friends: a@example.com")."""
    head, colon, rest = name.rpartition(b":")
    return rest if colon and b'"' not in head and b"=?" not in head and b"@" not in head else name


def _name(raw: bytes, charset: str) -> str:
    raw = raw.strip()
    if raw.startswith(b'"'):
        raw = re.sub(rb"\\(.)", rb"\1", raw.strip(b'"'))
    return " ".join(decode_words(raw, charset).replace('"', "").split()).strip("'")


def _address(raw: bytes, charset: str) -> str:
    text = decode_words(raw, charset).strip()
    text = re.sub(r"(?i)^mailto:", "", text)
    if text.startswith("@") and ":" in text:  # an obsolete route
        text = text.rpartition(":")[2]
    return re.sub(r"\s+", "", text).strip("'\"<>,;")
