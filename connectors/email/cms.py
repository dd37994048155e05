"""The mail inside a signed S/MIME message that is one block (RFC 8551 section 3.5.2). The signature is not judged.

Reads just enough BER (X.690) to get there; nothing is decrypted.
"""

from collections.abc import Iterator

_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_SEQUENCE, _CONTEXT_0, _OCTETS, _OCTETS_IN_PIECES = 0x30, 0xA0, 0x04, 0x24
_OPEN, _END = 0x80, b"\x00\x00"
_MAX_DEPTH = 12


def signed_content(data: bytes) -> bytes | None:
    """What was signed, or None when it is anything else: encrypted, broken, a signature alone."""
    try:
        return _content(data)
    except (ValueError, IndexError):
        return None


def _content(data: bytes) -> bytes | None:
    message = _inside(data, 0, len(data), _SEQUENCE)
    if data[message[0] : message[0] + len(_SIGNED_DATA)] != _SIGNED_DATA:
        return None
    signed = _inside(data, *_inside(data, *message, _CONTEXT_0), _SEQUENCE)
    capsule = _inside(data, *signed, _SEQUENCE)
    return b"".join(_octets(data, *_inside(data, *capsule, _CONTEXT_0), 0))


def _inside(data: bytes, start: int, end: int, tag: int) -> tuple[int, int]:
    """Where the content of the first element with this tag lies. Raises ValueError."""
    for found, first, last, _ in _elements(data, start, end, 0):
        if found == tag:
            return first, last
    raise ValueError("no such element")


def _octets(data: bytes, start: int, end: int, depth: int) -> Iterator[bytes]:
    for tag, first, last, _ in _elements(data, start, end, depth):
        if tag == _OCTETS:
            yield data[first:last]
        elif tag == _OCTETS_IN_PIECES:
            yield from _octets(data, first, last, depth + 1)


def _elements(data: bytes, start: int, end: int, depth: int) -> Iterator[tuple[int, int, int, int]]:
    """Tag, start and end of the content, and what follows, of each element. Raises ValueError for what is cut off.

    An open-ended element (X.690 section 8.1.3.6) ends at two zero bytes, which are looked for.
    """
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    at = start
    while at < end and data[at : at + 2] != _END:
        tag, length, first = data[at], data[at + 1], at + 2
        if length == _OPEN:
            last = max((after for *_, after in _elements(data, first, end, depth + 1)), default=first)
            at = last + len(_END)
        else:
            if length > _OPEN:
                size = length - _OPEN
                length, first = int.from_bytes(data[first : first + size], "big"), first + size
            last = at = first + length
        if at > end:
            raise ValueError("cut off")
        yield tag, first, last, at
