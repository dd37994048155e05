"""Secrets in what people write: keys and tokens by their form, passwords and one-time codes by the words before them.

Words are found by plain search and looked at in place, so that the work stays linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.privacy.credential_words import CODES, ORDINARY, PASSWORDS, WEAK

_TOKEN = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"
    r"|gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}|glpat-[A-Za-z0-9_-]{15,64}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,200}|xapp-[A-Za-z0-9-]{10,200}"
    r"|[srp]k_(?:live|test)_[A-Za-z0-9]{10,200}|whsec_[A-Za-z0-9+/=]{16,100}"
    r"|sk-(?:[a-z]{2,10}-)?[A-Za-z0-9_-]{20,200}|AIza[A-Za-z0-9_-]{30,45}|ya29\.[A-Za-z0-9_-]{20,300}"
    r"|SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}|(?:npm|hf|shpat|shpss|dop_v1|pypi|lin_api)[_-][A-Za-z0-9_-]{20,200}"
    r"|eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,1000}"
    r"|\d{8,10}:AA[A-Za-z0-9_-]{30,40}"
    r")"
)
_BEARER = re.compile(
    r"\b(?:bearer|basic)\s+(?P<value>[A-Za-z0-9._~+/-]{16,2000}={0,2})(?![A-Za-z0-9])", re.IGNORECASE
)
_IN_LINK = re.compile(
    r"://[^\s/:@]{1,64}:(?P<password>[^\s/@]{3,128})@"
    r"|[?&](?:access_?token|token|api_?key|key|password|passwd|pwd|secret|code|sig(?:nature)?)=(?P<value>[^\s&#\"'<>]{6,2000})",
    re.IGNORECASE,
)
_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_END = "-----END "
#: A private key without an end is cut off after this many characters.
_LONGEST_KEY = 12_000

_LINK = (
    r"(?:\s+(?:is|was|are|ist|war|lautet|lautete|heißt|es|era|je|bila|bil|bilo|se glasi|was set to|set to|to)"
    r"(?=[\s:\"'“„«*`])|\s*(?:=>|->|→|:|=|：|＝|是|为|為|叫))"
)
_FILLER = r"(?:\s+(?!(?:is|was|are|ist|war|lautet|es|era|je|bila|bilo)\b)[^\s:=：\d]{1,20}){0,6}?"
_OPEN = r"[\s*_`\"'“”„‘’«»「『(\[]{0,4}"
_STATED = re.compile(
    rf"s?[)\]]?{_FILLER}(?P<link>{_LINK})(?P<open>{_OPEN})(?:(?:now|still|jetzt|ahora|zdaj|currently)\s+)?"
    r"(?P<value>[^\s\"“”„«»「」『』，。；、！？<>]{3,128})(?P<after>\s*\S?)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"s?\s{1,2}[\"'“„«「](?P<value>[^\s\"'“”»」]{4,64})[\"'”“»」]")
_BESIDE = re.compile(rf"s?{_OPEN}\s?(?P<value>[!-~]{{4,128}})", re.IGNORECASE)
_CODE = re.compile(
    rf"s?(?:{_LINK}|[^\d\n.!?。！？]{{0,40}}?{_LINK})?[\s*_`\"'“”„「(\[:：#,，-]{{0,4}}"
    r"(?P<value>\d{3}[ -]\d{3,4}|\d{3,10}|(?=[A-Z-]*\d)[A-Z0-9]{2,5}(?:-[A-Z0-9]{2,6})?)"
    r"(?![A-Za-z0-9]|[.,]\d|\s?(?:€|\$|eur|usd|%|times|mal|veces|krat|days|hours|minutes|min\b|minut))",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[^\W\d_]+")
_ENDS = ".,;:?!)]}'’*`"
_HAN = re.compile(r"[\u3400-\u9fff]")


def credentials(text: str) -> Iterator[tuple[int, int]]:
    """Where keys, tokens, passwords and one-time codes stand."""
    yield from (match.span() for match in _TOKEN.finditer(text))
    yield from (match.span("value") for match in _BEARER.finditer(text) if _looks_secret(match["value"]))
    for match in _IN_LINK.finditer(text):
        yield match.span("password" if match["password"] else "value")
    yield from _private_keys(text)
    lowered = _lower(text)
    for word in (code for code in CODES if code in lowered):
        yield from _said_code(text, lowered, word)
    for word in (password for password in PASSWORDS if password in lowered):
        yield from _said_password(text, lowered, word)


def _private_keys(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    while match := _BEGIN.search(text, at):
        end = text.find(_END, match.end(), match.end() + _LONGEST_KEY)
        stop = text.find("-----", end + len(_END), end + 80) + 5 if end >= 0 else 0
        at = stop if stop > end >= 0 else min(len(text), match.end() + _LONGEST_KEY)
        yield match.start(), at


def _said_code(text: str, lowered: str, word: str) -> Iterator[tuple[int, int]]:
    for end in _places(lowered, word):
        match = _CODE.match(text, end, end + 160)
        if match and sum(c.isdecimal() for c in match["value"]) >= 3:
            yield match.span("value")


def _said_password(text: str, lowered: str, word: str) -> Iterator[tuple[int, int]]:
    for end in _places(lowered, word):
        stated = _STATED.match(text, end, end + 320)
        if stated and (span := _password_in(stated, weak=word in WEAK)):
            yield span
            continue
        quoted = _QUOTED.match(text, end, end + 80)
        if quoted and quoted["value"].lower() not in ORDINARY:
            yield quoted.span("value")
            continue
        beside = _BESIDE.match(text, end, end + 160)
        if beside and _looks_secret(value := beside["value"].rstrip(_ENDS)):
            yield beside.start("value"), beside.start("value") + len(value)


def _password_in(match: re.Match[str], *, weak: bool) -> tuple[int, int] | None:
    """The place of a stated password, None when an ordinary word or sentence follows."""
    value, link = match["value"], match["link"].strip().lower()
    bare = value.rstrip(_ENDS)
    start = match.start("value")
    if len(bare) < 3 or bare.startswith("[") or (_HAN.search(bare) and not bare[:3].isascii()):
        return None
    bare = _HAN.split(bare)[0]
    quoted = any(c in "\"'“”„‘’«»`「『" for c in match["open"])
    if _looks_secret(bare) or (quoted and bare.lower() not in ORDINARY):
        # A value that ends in marks may own them: "Summer!!" is a password, "wrong!" was turned away above.
        kept = len(value.rstrip(".,;:?)]}'’*`")) if not _HAN.search(value) else len(bare)
        return start, start + max(kept, len(bare))
    if weak or link == "to" or not _PLAIN.fullmatch(bare) or bare.lower() in ORDINARY:
        return None
    # A plain word is a password only when the sentence ends with it.
    ends = len(value) > len(bare) or not match["after"].strip() or "\n" in match["after"]
    ends = ends or match["after"].strip() in ",.;)!"
    return (start, start + len(bare)) if ends and len(bare) >= 4 else None


def _looks_secret(value: str) -> bool:
    """Digits or signs among letters, as no word has; no link, no address, no number alone, no placeholder."""
    if (
        len(value) < 4
        or "[" in value
        or value.startswith(("http", "www."))
        or ("@" in value and "." in value.rpartition("@")[2])
    ):
        return False
    letters = sum(c.isalpha() for c in value)
    digits = sum(c.isdecimal() for c in value)
    signs = sum(c in "!#$%^&*_+=~@€§?" for c in value)
    if digits and letters:
        return True
    if digits == len(value):
        return len(value) >= 4
    mixed = (
        letters > 5
        and any(c.isupper() for c in value[1:])
        and any(c.islower() for c in value)
        and "-" not in value
    )
    return (letters > 2 and bool(signs or digits)) or mixed


def _places(lowered: str, word: str) -> Iterator[int]:
    """Where a word ends each time it stands for itself."""
    at = lowered.find(word)
    while at >= 0:
        end = at + len(word)
        before, after = lowered[at - 1 : at], lowered[end : end + 1]
        if _HAN.match(word) or not (
            before.isalpha() or (after.isalpha() and lowered[end : end + 2] not in ("s ", "s:"))
        ):
            yield end
        at = lowered.find(word, end)


def _lower(text: str) -> str:
    """Lower case, each character in its place."""
    lowered = text.lower()
    return (
        lowered
        if len(lowered) == len(text)
        else "".join(low if len(low := c.lower()) == 1 else c for c in text)
    )
