"""Which files Mastodon shows with a post, and how many together: pictures by fours, sound and films alone. Pure.

Source: docs.joinmastodon.org/user/posting#media and entities/Instance, "configuration".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.model import Attachment

#: Bytes that agents may send together: what a server takes of one picture unless it says otherwise.
MAX_FILE = 16_000_000


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What this server takes; the defaults are Mastodon's own."""

    picture: int = 16_777_216  #: bytes
    film: int = 103_809_024  #: bytes, of sound too
    together: int = 4  #: pictures in one post
    description: int = 1500  #: characters
    kinds: frozenset[str] = frozenset()  #: content types, empty: any picture, sound or film


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file with its bytes."""

    listed: Attachment
    data: bytes

    @property
    def is_picture(self) -> bool:
        return self.listed.content_type.startswith("image/")


def read_limits(instance: Mapping[str, Any]) -> Limits:
    """The limits in docs.joinmastodon.org/entities/Instance; what is missing there is Mastodon's default."""
    configuration = _object(instance, "configuration")
    media, statuses = _object(configuration, "media_attachments"), _object(configuration, "statuses")
    usual, kinds = Limits(), media.get("supported_mime_types")
    return Limits(
        picture=_number(media, "image_size_limit", usual.picture),
        film=_number(media, "video_size_limit", usual.film),
        together=_number(statuses, "max_media_attachments", usual.together),
        description=_number(media, "description_limit", usual.description),
        kinds=frozenset(map(str, kinds)) if isinstance(kinds, list) else frozenset(),
    )


def fits(file: File, limits: Limits) -> bool:
    """Whether the server takes it."""
    kind = file.listed.content_type
    known = kind in limits.kinds if limits.kinds else kind.startswith(("image/", "video/", "audio/"))
    return known and 0 < len(file.data) <= (limits.picture if file.is_picture else limits.film)


def groups(files: Sequence[File], limits: Limits) -> list[list[File]]:
    """The files in order, parted into what goes with one post."""
    parted: list[list[File]] = []
    for file in files:
        last = parted[-1] if parted else []
        if last and file.is_picture and last[0].is_picture and len(last) < limits.together:
            last.append(file)
        else:
            parted.append([file])
    return parted


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, Mapping) else {}


def _number(value: Mapping[str, Any], name: str, usual: int) -> int:
    found = value.get(name)
    return found if isinstance(found, int) and found > 0 else usual
