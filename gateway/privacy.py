"""What must not be read by everybody: sealing at rest, and masking in the readable copy."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import DeskgateError, SettingsError

#: Larger payloads go to the blob table in sealed chunks of this many bytes.
CHUNK = 64 * 1024


class CannotOpen(DeskgateError):
    """The payload was sealed with a key that is not here, or was changed."""


class Seal:
    """AES-GCM with one installation key; the key's id travels in front, so that keys can be rotated."""

    def __init__(self, key: bytes, older: tuple[bytes, ...] = ()) -> None:
        self._ciphers = {_key_id(each): AESGCM(each) for each in (key, *older)}
        self._id = _key_id(key)
        self._root = key

    def seal(self, plain: bytes, context: bytes = b"") -> bytes:
        """key id (4) + nonce (12) + ciphertext; `context` must be the same when it is opened."""
        nonce = os.urandom(12)
        return self._id + nonce + self._ciphers[self._id].encrypt(nonce, plain, context)

    def open(self, sealed: bytes, context: bytes = b"") -> bytes:
        """The plain bytes. Raises CannotOpen."""
        cipher = self._ciphers.get(sealed[:4])
        if cipher is None:
            raise CannotOpen
        try:
            return cipher.decrypt(sealed[4:16], sealed[16:], context)
        except InvalidTag as error:
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
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
    if path.stat().st_mode & 0o077:
        raise SettingsError([f"{path}: others may read the installation key. Run: chmod 600 {path}"])
    return _parse_key(path.read_text(), str(path))


def _parse_key(text: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise SettingsError([f"{where}: the installation key must be 64 hexadecimal digits (32 bytes)."])
    return key


# ---------------------------------------------------------------- masking


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A sensitive value: what it is and where, in code points, end exclusive."""

    kind: str
    start: int
    end: int


class Masked(msgspec.Struct, frozen=True, kw_only=True):
    """The readable copy and what was taken out of it."""

    text: str
    found: tuple[Finding, ...] = ()


_CARD = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")
_IBAN = re.compile(r"(?<!\w)[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,4})?(?!\w)")
_CARD_STARTS = re.compile(r"^(?:4|5[1-5]|2[2-7]|3[47]|3[068]|6(?:011|5|4[4-9])|35|62)")


def scan(text: str) -> tuple[Finding, ...]:
    """Payment cards (issuer range and Luhn) and IBANs (length and mod 97), in order of place."""
    cards = [_finding("card", match) for match in _CARD.finditer(text) if is_card(match.group())]
    ibans = [_finding("iban", match) for match in _IBAN.finditer(text) if is_iban(match.group())]
    return tuple(sorted(cards + ibans, key=lambda finding: finding.start))


def _finding(kind: str, match: re.Match[str]) -> Finding:
    return Finding(kind=kind, start=match.start(), end=match.end())


def mask(text: str) -> Masked:
    """The text with each finding replaced by its kind in brackets."""
    found = scan(text)
    parts, at = [], 0
    for finding in found:
        if finding.start < at:
            continue
        parts += [text[at : finding.start], f"[{finding.kind}]"]
        at = finding.end
    return Masked(text="".join((*parts, text[at:])), found=found)


def is_card(text: str) -> bool:
    """A payment card number: an issuer's range, 13 to 19 digits, ISO/IEC 7812 check digit."""
    digits = re.sub(r"\D", "", text)
    if not 13 <= len(digits) <= 19 or not _CARD_STARTS.match(digits) or len(set(digits)) < 2:
        return False
    doubled = [int(d) * 2 for d in digits[-2::-2]]
    total = sum(int(d) for d in digits[-1::-2]) + sum(d - 9 if d > 9 else d for d in doubled)
    return total % 10 == 0


def is_iban(text: str) -> bool:
    """An IBAN by ISO 13616: 15 to 34 characters whose rearranged number is 1 modulo 97."""
    plain = text.replace(" ", "").upper()
    if not 15 <= len(plain) <= 34:
        return False
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(c, 36)) for c in turned)) % 97 == 1
