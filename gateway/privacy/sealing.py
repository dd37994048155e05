"""Between an input and its sealed ledger row: files and large raw bytes go to blobs, the rest is one sealed text."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from gateway.case import Case, Claim, Original, Seen
from gateway.clock import to_ms
from gateway.model import AgentAction, AnyInput, Attachment, Delivery, Edit, Message
from gateway.privacy import CHUNK, CannotOpen, Seal
from gateway.privacy.masking import mask
from gateway.store.ledger import BlobPart, TakeRow

#: How long an album waits for its other parts.
ALBUM = timedelta(seconds=1.5)
#: From this size on, sealing leaves the event loop.
LARGE = 256 * 1024

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyInput)
_seen_decoder = msgspec.json.Decoder(Seen)


async def sealed_row(delivery: Delivery, seal: Seal, now: datetime) -> TakeRow:
    """The row that `take` writes; large deliveries are sealed in a thread."""
    size = len(delivery.raw) + sum(len(file.content) for file in _files(delivery.input))
    if size > LARGE:
        return await asyncio.to_thread(seal_row, delivery, seal, now)
    return seal_row(delivery, seal, now)


def seal_row(delivery: Delivery, seal: Seal, now: datetime) -> TakeRow:
    """Seals the input, its files and its raw bytes."""
    value, blobs = _without_content(delivery.input, seal)
    raw, raw_blob = delivery.raw, ""
    if len(raw) > CHUNK:
        blob = _blob(raw, seal)
        blobs, raw, raw_blob = [*blobs, blob], b"", blob.sha256
    waits = ALBUM if isinstance(value, Message) and value.media_group else timedelta()
    return TakeRow(
        connector=value.connector,
        account=value.account,
        delivery_key=value.delivery_key,
        stream=value.stream,
        kind=str(value.__struct_config__.tag),
        received_at=to_ms(now),
        # 0: at once, whatever another replica's clock says.
        ready_at=to_ms(now + waits) if waits else 0,
        sealed=resealed(value, seal),
        raw=seal.seal(raw, b"raw") if raw else None,
        raw_blob=raw_blob,
        blobs=tuple(blobs),
    )


def unsealed(sealed: bytes, seal: Seal) -> AnyInput:
    """The input of a ledger row. Raises CannotOpen, msgspec.DecodeError."""
    value: AnyInput = _decoder.decode(seal.open(sealed, b"input"))
    return value


def resealed(value: AnyInput, seal: Seal) -> bytes:
    """An input as a ledger row holds it."""
    return seal.seal(_encoded(value), b"input")


def unmasked(lines: Mapping[int, bytes], seal: Seal) -> dict[int, Original]:
    """What masked lines really say, by entry; those that cannot be opened, or hold nothing masked, are left out."""
    found: dict[int, Original] = {}
    for entry, sealed in lines.items():
        with suppress(CannotOpen, msgspec.DecodeError):
            value = unsealed(sealed, seal)
            original = original_of(value)
            if original and mask(f"{original.subject}\n{original.text}\n{original.full_text}").found:
                found[entry] = original
    return found


def original_of(value: AnyInput) -> Original | None:
    """What a person said in an input, unmasked; None where nobody said anything."""
    match value:
        case Message():
            said = value.text if value.text.strip() else value.subject
            return Original(text=said, full_text=value.full_text, subject=value.subject)
        case Edit():
            return Original(text=value.text)
        case AgentAction():
            return Original(text=value.text, subject=value.subject)
        case _:
            return None


def sealed_case(case: Case, seal: Seal) -> bytes:
    """What a turn was decided by, small and sealed; b"" for one that holds half a character."""
    released = tuple(row.id for row in case.claim.rows if row.released)
    bare = msgspec.structs.replace(case, claim=Claim(stream=case.claim.stream, fence="", rows=()))
    try:
        plain = _encoder.encode(Seen(case=bare, released=released))
    except UnicodeEncodeError:
        return b""
    return seal.seal(zlib.compress(plain, 1), b"turn")


def unsealed_case(sealed: bytes, seal: Seal) -> Seen:
    """Raises CannotOpen, msgspec.DecodeError."""
    return _seen_decoder.decode(zlib.decompress(seal.open(sealed, b"turn")))


def _encoded(value: AnyInput) -> bytes:
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        # Half a character (a lone surrogate) came in some text: it is kept as the replacement character.
        plain = json.dumps(msgspec.to_builtins(value), default=str)
        return json.dumps(_whole(json.loads(plain))).encode()


def _whole(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_whole(each) for each in value]
        case dict():
            return {name: _whole(each) for name, each in value.items()}
        case _:
            return value


def _files(value: AnyInput) -> tuple[Attachment, ...]:
    return getattr(value, "attachments", ())


def _without_content(value: AnyInput, seal: Seal) -> tuple[AnyInput, list[BlobPart]]:
    files = _files(value)
    if not files:
        return value, []
    kept, blobs = [], []
    for file in files:
        if file.content and not file.skipped:
            blob = _blob(file.content, seal)
            blobs.append(blob)
            file = msgspec.structs.replace(file, content=b"", sha256=blob.sha256, size=blob.size)
        kept.append(msgspec.structs.replace(file, content=b""))
    return msgspec.structs.replace(value, attachments=tuple(kept)), blobs


def _blob(content: bytes, seal: Seal) -> BlobPart:
    sha256, parts = seal.seal_file(content)
    return BlobPart(sha256=sha256, size=len(content), parts=parts)
