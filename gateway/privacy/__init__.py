"""What must not be read by everybody: sealing at rest here, masking in the readable copy in masking.py."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import DeskgateError, SettingsError
from gateway.privacy.masking import Finding, Masked, mask, scan
from gateway.privacy.numbers import is_card, is_iban

__all__ = [
    "CHUNK",
    "CannotOpen",
    "Finding",
    "Masked",
    "Seal",
    "installation_key",
    "is_card",
    "is_iban",
    "mask",
    "scan",
]

#: Larger payloads go to the blob table in sealed chunks of this many bytes.
CHUNK = 64 * 1024


class CannotOpen(DeskgateError):
    """The payload was sealed with a key that is not here, or was changed."""


class NoKey(CannotOpen):
    """The payload was sealed with a key that is not here; bring it back in DESKGATE_OLD_KEYS."""


class Seal:
    """AES-GCM with one installation key; the key's id travels in front, so that keys can be rotated."""

    def __init__(self, key: bytes, older: tuple[bytes, ...] = ()) -> None:
        self._ciphers = {_key_id(each): AESGCM(each) for each in (key, *older)}
        self._id = _key_id(key)
        self._root = key

    @property
    def id(self) -> str:
        """Names the current key without telling it: eight hexadecimal digits."""
        return self._id.hex()

    def knows(self, key_id: str) -> bool:
        """Whether the key of this name is here, as the current one or an older one."""
        return bytes.fromhex(key_id) in self._ciphers

    def seal(self, plain: bytes, context: bytes = b"") -> bytes:
        """key id (4) + nonce (12) + ciphertext; `context` must be the same when it is opened."""
        nonce = os.urandom(12)
        return self._id + nonce + self._ciphers[self._id].encrypt(nonce, plain, context)

    def open(self, sealed: bytes, context: bytes = b"") -> bytes:
        """The plain bytes. Raises CannotOpen."""
        cipher = self._ciphers.get(sealed[:4])
        if cipher is None:
            raise NoKey
        try:
            return cipher.decrypt(sealed[4:16], sealed[16:], context)
        except (InvalidTag, ValueError) as error:  # ValueError: cut off within the nonce
            raise CannotOpen from error

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose (a connector's tokens, cookies), independent of the others."""
        return hmac.digest(self._root, f"deskgate/{purpose}".encode(), "sha256")

    def seal_file(self, content: bytes) -> tuple[str, tuple[bytes, ...]]:
        """The SHA-256 of a file and its sealed chunks."""
        digest = hashlib.sha256(content).hexdigest()
        starts = range(0, max(len(content), 1), CHUNK)
        return digest, tuple(
            self.seal(content[start : start + CHUNK], f"{digest}/{number}".encode())
            for number, start in enumerate(starts)
        )

    def open_file(self, sha256: str, parts: list[bytes]) -> bytes:
        """The file of seal_file. Raises CannotOpen."""
        return b"".join(self.open(part, f"{sha256}/{n}".encode()) for n, part in enumerate(parts))


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"id" + key).digest()[:4]


def installation_key(text: str, path: Path) -> bytes:
    """The key from the environment (64 hex digits), else from the 0600 file, made at the first start."""
    if text:
        return _parse_key(text, "DESKGATE_KEY")
    if not path.exists():
        _make_key(path)
    if path.stat().st_mode & 0o077:
        raise SettingsError([f"{path}: others may read the installation key. Run: chmod 600 {path}"])
    return _parse_key(path.read_text(), str(path))


def _make_key(path: Path) -> None:
    """Whole or not at all: replicas that start together all read the one that was first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(made, path)
    finally:
        made.unlink()


def _parse_key(text: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise SettingsError([f"{where}: the installation key must be 64 hexadecimal digits (32 bytes)."])
    return key
