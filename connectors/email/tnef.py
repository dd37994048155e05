"""Opens winmail.dat, in which Outlook hides text and attachments from everybody else ([MS-OXTNEF]).

Own reader, because it must stop at its limits: counts and lengths in the file are a stranger's claims.
"""

import struct
from collections.abc import Iterator

from msgspec import Struct

from connectors.email.charsets import codec_name, decode

_SIGNATURE, _MAX_ATTRIBUTES, _MAX_PROPERTIES = 0x223E9F78, 4_000, 400

# Attributes ([MS-OXTNEF] 2.1.3.2) and MAPI properties ([MS-OXPROPS]) that are read.
_BODY, _DATA, _TITLE, _RENDERING, _MESSAGE, _ATTACHMENT, _CODEPAGE = (
    0x800C,
    0x800F,
    0x8010,
    0x9002,
    0x9003,
    0x9005,
    0x9007,
)
_P_BODY, _P_HTML, _P_NAME, _P_LONG_NAME, _P_MIME, _P_OBJECT = 0x1000, 0x1013, 0x3704, 0x3707, 0x370E, 0x3701
_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_BYTES, _TEXT, _UNICODE, _OBJECT = 0x102, 0x1E, 0x1F, 0xD


class TnefFile(Struct, kw_only=True):
    """One file out of the wrapping."""

    name: str = ""
    content_type: str = ""
    content: bytes = b""


class Tnef(Struct, kw_only=True):
    """What was in a winmail.dat."""

    files: list[TnefFile]
    text: str = ""
    html: str = ""


def is_tnef(data: bytes) -> bool:
    """Whether the bytes begin as a winmail.dat does."""
    return len(data) > 6 and struct.unpack_from("<I", data)[0] == _SIGNATURE


def open_tnef(data: bytes) -> Tnef:
    """Text and files in a winmail.dat; a broken one gives what stands before the break."""
    found = Tnef(files=[])
    charset = "cp1252"
    for name, value in _attributes(data):
        if name == _CODEPAGE and len(value) >= 4:
            charset = codec_name(f"cp{struct.unpack_from('<I', value)[0]}") or charset
        elif name == _RENDERING:
            found.files.append(TnefFile())
        elif name == _BODY:
            found.text = found.text or decode(value.rstrip(b"\0"), charset)
        elif name == _MESSAGE:
            _read_message(found, value, charset)
        elif found.files:
            _read_file(found.files[-1], name, value, charset)
    return found


def _read_message(found: Tnef, value: bytes, charset: str) -> None:
    for kind, prop, data in _properties(value):
        if prop == _P_HTML:
            found.html = found.html or decode(data.rstrip(b"\0"), charset)
        elif prop == _P_BODY:
            found.text = found.text or _string(kind, data, charset)


def _read_file(file: TnefFile, name: int, value: bytes, charset: str) -> None:
    if name == _TITLE:
        file.name = file.name or decode(value.rstrip(b"\0"), charset)
    elif name == _DATA:
        file.content = value
    elif name == _ATTACHMENT:
        for kind, prop, data in _properties(value):
            if prop == _P_LONG_NAME or (prop == _P_NAME and not file.name):
                file.name = _string(kind, data, charset)
            elif prop == _P_MIME:
                file.content_type = _string(kind, data, charset).lower()
            elif prop == _P_OBJECT and not file.content:
                file.content = data


def _string(kind: int, data: bytes, charset: str) -> str:
    if kind == _UNICODE:
        return data.decode("utf-16-le", "replace").rstrip("\0")
    return decode(data.rstrip(b"\0"), charset)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 6
    for _ in range(_MAX_ATTRIBUTES):
        if at + 11 > len(data):
            return
        _, name, _, length = struct.unpack_from("<BHHI", data, at)
        yield name, data[at + 9 : at + 9 + length]
        at += 9 + length + 2


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Kind, id and first value of the MAPI properties in an attribute ([MS-OXTNEF] 2.1.3.4)."""
    at = 4
    for _ in range(_MAX_PROPERTIES):
        if at + 4 > len(data):
            return
        kind, prop = struct.unpack_from("<HH", data, at)
        at = _after_name(data, at + 4) if prop >= 0x8000 else at + 4
        many, kind = bool(kind & 0x1000), kind & 0xEFFF
        if kind in (_BYTES, _TEXT, _UNICODE, _OBJECT):
            value, at = _variable(data, at)
        elif kind in _FIXED:
            count = _number(data, at) if many else 1
            at += 4 * many
            value, at = data[at : at + _FIXED[kind]], at + _FIXED[kind] * min(count, len(data))
        else:
            return
        yield kind, prop, value[16:] if kind == _OBJECT else value


def _after_name(data: bytes, at: int) -> int:
    """Past the name of a property that has no number of its own."""
    if _number(data, at + 16) == 0:
        return at + 24
    return at + 24 + _padded(_number(data, at + 20))


def _variable(data: bytes, at: int) -> tuple[bytes, int]:
    count, at = _number(data, at), at + 4
    first = b""
    for k in range(min(count, _MAX_PROPERTIES)):
        length, at = _number(data, at), at + 4
        first = data[at : at + length] if k == 0 else first
        at += _padded(length)
    return first, at


def _number(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<I", data, at)[0]) if at + 4 <= len(data) else 0


def _padded(length: int) -> int:
    return (length + 3) & ~3
