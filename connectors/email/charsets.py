"""Bytes of mail into text: declared, wrong, unknown and missing character sets, and encoded words (RFC 2047)."""

import binascii
import codecs
import re
from functools import lru_cache

from resiliparse.parse.encoding import detect_encoding

#: What mail programs write for each of Python's codecs: supersets, misspellings, names of other systems.
_NAMES = {
    "gb18030": "gb2312 gb_2312-80 gb_2312 gbk x-gbk cp936 ms936 csgb2312",
    "big5hkscs": "big5 x-big5 big-5 cn-big5 big5-hkscs csbig5",
    "cp932": "shift_jis shift-jis sjis x-sjis windows-31j ms932 cswindows31j",
    "cp949": "ks_c_5601-1987 ks_c_5601 euc-kr x-windows-949 ksc5601 korean",
    "cp1252": "iso-8859-1 latin1 iso8859-1 us-ascii ascii ansi_x3.4-1968 ansi x-user-defined "
    "windows-1252http-equivcontent-type",
    "cp1254": "iso-8859-9 latin5",
    "cp874": "iso-8859-11 tis-620 windows-874",
    "iso-8859-8": "iso-8859-8-i iso-8859-8-e",
    "iso-8859-6": "iso-8859-6-i iso-8859-6-e",
    "mac_roman": "x-mac-roman macintosh mac",
    "mac_cyrillic": "x-mac-cyrillic",
    "utf-8": "utf8 utf-8mb4 utf8mb4 x-unicode-2-0-utf-8 unicode",
    "cp850": "cp-850 ibm-850",
    "hz": "hz-gb-2312",
}
_ALIASES = {name: codec for codec, names in _NAMES.items() for name in names.split()}
#: Codecs of Python that are no character sets, and UTF-7, which lets markup hide from every filter: mail programs and
#: browsers no longer read it either (https://encoding.spec.whatwg.org/#security-background).
_NO_CHARSETS = frozenset(
    "rot13 rot_13 hex hex_codec base64 base64_codec bz2 zlib uu quopri idna punycode undefined unicode_escape "  # noqa: SIM905
    "raw_unicode_escape mbcs oem utf-7 utf7 utf_7".split()
)
_JAPANESE = (
    "iso-2022-jp",
    "iso2022_jp",
    "csiso2022jp",
    "iso-2022-jp-1",
    "iso-2022-jp-ms",
    "cp50220",
    "cp50221",
)
#: Sets in which bytes below 128 do not stand for themselves.
_SHIFTED = ("hz", "hz-gb-2312", "utf-16", "utf-16le", "utf-16be", "utf-16-le", "utf-16-be", "utf-32")
#: Declarations that say nothing once a byte is above 127.
_WEAK = (
    "",
    "us-ascii",
    "ascii",
    "ansi_x3.4-1968",
    "unknown-8bit",
    "x-unknown",
    "unknown",
    "default",
    "8bit",
    "binary",
)


def decode(data: bytes, charset: str = "") -> str:
    """The text of some bytes; never fails.

    In this order: the declared set, UTF-8, a guess, and at last the declared set with marks for what is unreadable.
    UTF-8 goes before a declared Latin-1, which senders claim for everything and which fits any bytes.
    """
    declared = charset.strip().strip("'\"").lower()
    codec = codec_name(declared)
    if declared in _JAPANESE or (not codec and b"\x1b$" in data):
        return _iso2022jp(data)
    if data.isascii() and declared not in _SHIFTED:
        return data.decode("ascii")
    if declared in _WEAK:
        codec = ""
    for name in ("utf-8", codec) if codec in ("", "cp1252") else (codec, "utf-8"):
        try:
            return data.decode(name or "utf-8")
        except UnicodeDecodeError:
            continue
    return data.decode(codec or _detected(data), "replace")


@lru_cache(256)
def codec_name(charset: str) -> str:
    """Python's name for a declared character set, a superset where senders mean that, or nothing when unknown."""
    name = charset.strip().strip("'\"").lower().split("*")[0]
    name = _ALIASES.get(name, name)
    if not name or name in _NO_CHARSETS or "\x00" in name or len(name) > 60:
        return ""
    try:
        info = codecs.lookup(name)
        "".encode(name)
    except (LookupError, ValueError, UnicodeError):
        return ""
    return info.name


def _detected(data: bytes) -> str:
    try:
        name = str(detect_encoding(data[:20_000]) or "")
    except (ValueError, UnicodeError):
        name = ""
    codec = codec_name(name)
    try:
        data.decode(codec or "cp1252")
    except UnicodeDecodeError:
        return "cp1252"
    return codec or "cp1252"


_JIS = re.compile(rb"\x1b(\$[@B]|\$\([DOPQ]|\([BJIH])([^\x1b]*)")


def _iso2022jp(data: bytes) -> str:
    """ISO-2022-JP with the vendors' characters (circled digits and the like) that Python's own codec refuses."""
    start = data.find(b"\x1b")
    if start < 0:
        return _eight_bit_japanese(data)
    out = [data[:start].decode("utf-8", "replace")]
    for escape, run in _JIS.findall(data[start:]):
        if escape in (b"$@", b"$B"):
            out.append(_jis_rows(run))
        elif escape == b"(I":
            out.append(bytes(b | 0x80 for b in run).decode("cp932", "replace"))
        else:
            out.append(run.decode("utf-8", "replace"))
    return "".join(out)


def _eight_bit_japanese(data: bytes) -> str:
    for codec in ("utf-8", "cp932", "euc_jp"):
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            continue
    return data.decode("cp932", "replace")


def _jis_rows(run: bytes) -> str:
    """Pairs of seven-bit bytes, through Shift_JIS, of which Microsoft's set knows the vendors' rows."""
    out = bytearray()
    k = 0
    while k < len(run):
        high, low = run[k], run[k + 1] if k + 1 < len(run) else 0
        if not (0x21 <= high <= 0x7E and 0x21 <= low <= 0x7E):
            out.append(high & 0x7F)
            k += 1
            continue
        second = low + (0x1F if low < 0x60 else 0x20) if high & 1 else low + 0x7E
        first = (high - 0x21) // 2 + 0x81
        out += bytes((first if first <= 0x9F else first + 0x40, second))
        k += 2
    return out.decode("cp932", "replace")


_WORD = re.compile(rb"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")


def decode_words(raw: bytes, charset: str = "") -> str:
    """A field's text with encoded words decoded; a character split over two words is put together again."""
    raw = raw[:100_000]
    if b"=?" not in raw:
        return decode(raw, charset)
    out: list[str] = []
    held, held_set = b"", ""
    at = 0
    for match in _WORD.finditer(raw):
        between = raw[at : match.start()]
        word_set = match.group(1).decode("latin-1").split("*")[0].lower()
        if between.strip() or word_set != held_set:
            out.append(decode(held, held_set))
            held = b""
            if between.strip() or (at == 0 and between):
                out.append(decode(between, charset))
        held, held_set = held + _word(match.group(2), match.group(3)), word_set
        at = match.end()
    return "".join([*out, decode(held, held_set), decode(raw[at:], charset)])


def _word(kind: bytes, text: bytes) -> bytes:
    if kind in b"qQ":
        return binascii.a2b_qp(text.replace(b"_", b" "), header=False)
    clean = re.sub(rb"[^A-Za-z0-9+/]", b"", text)
    clean = clean[: len(clean) - (len(clean) % 4 == 1)]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
