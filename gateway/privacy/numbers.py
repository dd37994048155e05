"""Numbers that must not be read by everybody: payment cards and IBANs. Where they stand, and what only looks so.

Each text is walked once with bounded work a place, so that a megabyte of digits stays a matter of a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: A stretch of digits as people write them: groups with up to two separators between.
_SEPARATOR = r"[ \t\u00a0\u2000-\u200a\u202f\u3000.\-\u2010-\u2015_\r\n]"
_GROUP = re.compile(rf"\d+(?={_SEPARATOR}{{0,2}}(\d)?)")
#: Issuers' ranges of ISO/IEC 7812 with the lengths they use: first digits from, to, lengths.
_ISSUERS: tuple[tuple[int, int, frozenset[int]], ...] = (
    (4, 4, frozenset((13, 16, 19))),
    (51, 55, frozenset((16,))),
    (2221, 2720, frozenset((16,))),
    (2200, 2204, frozenset((16,))),
    (34, 34, frozenset((15,))),
    (37, 37, frozenset((15,))),
    (300, 305, frozenset(range(14, 17))),
    (309, 309, frozenset(range(14, 17))),
    (36, 36, frozenset(range(14, 17))),
    (38, 39, frozenset(range(14, 17))),
    (6011, 6011, frozenset(range(16, 20))),
    (644, 659, frozenset(range(16, 20))),
    (3528, 3589, frozenset(range(16, 20))),
    (62, 62, frozenset(range(16, 20))),
    (5018, 5018, frozenset(range(16, 20))),
    (5020, 5020, frozenset(range(16, 20))),
    (5038, 5038, frozenset(range(16, 20))),
    (5893, 5893, frozenset(range(16, 20))),
    (6304, 6304, frozenset(range(16, 20))),
    (6759, 6763, frozenset(range(16, 20))),
)
#: How cards are grouped when they are grouped at all, beside groups of four.
_GROUPINGS = frozenset(((4, 6, 5), (4, 6, 4), (8, 8), (6, 10), (4, 12), (12, 4), (4, 4, 8), (8, 4, 4)))
_CARD_WORD = re.compile(
    r"card|visa|master|amex|maestro|karte|kartic|tarjeta|kredit|debit|credit|卡", re.IGNORECASE
)
#: What a number is called that is no card: directly before it, no bracket between.
_OTHER_NAME = re.compile(
    r"(?:\b(?:orders?|order ?id|tracking|parcel|shipment|consignment|package|invoice|ticket|case|serial|imei|ean|"
    r"isbn|sku|article|items?|product|model|part|customer|client|"
    r"reference|ref|waybill|awb|barcode|transaction(?: id)?|phone|tel|mobile|"
    r"bestell\w*|auftrags?\w*|sendungs?\w*|sendung|paket\w*|rechnungs?\w*|rechnung|kunden\w*|artikel\w*|serien\w*|"
    r"vorgangs\w*|produkt\w*|modell\w*|telefon\w*|handy\w*|"
    r"pedido|seguimiento|rastreo|env[ií]o|paquete|factura|cliente|referencia|gu[ií]a|serie|producto|modelo|art[ií]culo|tel[eé]fono|m[oó]vil|"
    r"izdel\w+|artik\w+|naro[cč]il\w*|po[sš]ilj\w*|sledenj\w*|sledil\w*|ra[cč]un\w*|paketa?|sklic\w*|serijsk\w*|telefon\w*|stranke)\b"
    r"|订单|訂單|单号|單號|运单|運單|快递|快遞|物流|编号|編號|发票|發票|电话|電話|手机|手機|序列号|序號|商品|产品|產品|型号|型號|货号|貨號)"
    r"[\s:#.,№\-：是为為]*(?:(?:no|nr|num|number|numbers|n[uú]mero|nummer|stevilka|[sš]tevilk\w*|[sš]t|id|code|koda|"
    r"is|ist|lautet|es|je|de|del|with|the|号|號|号码|號碼)[\s:#.,№\-：是为為]*){0,4}$",
    re.IGNORECASE,
)
#: A short number and a slash before it: "2026/000123".
_SHORT_PART = re.compile(r"(?<!\d)\d{1,8}/$")
_IBAN_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}")
_IBAN_GAP = frozenset(" \t\u00a0\u2009\u202f-\u2010\u2011\u2013")
_LENGTHS = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20
EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30
KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24
PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29
VA22 VG24 XK20 YE30
"""
#: Length of an IBAN by country (registry of ISO 13616).
IBAN_LENGTHS = {part[:2]: int(part[2:]) for part in _LENGTHS.split()}


def cards(text: str) -> Iterator[tuple[int, int]]:
    """Where payment card numbers stand: grouped or not, checked by issuer, length and check digit."""
    for run in _runs(text):
        at = 0
        while at < len(run):
            last = _card_at(text, run, at)
            if last is not None:
                yield run[at][0], run[last][1]
                at = last
            at += 1


def ibans(text: str) -> Iterator[tuple[int, int]]:
    """Where IBANs stand: as long as their country says, and 1 modulo 97."""
    for match in _IBAN_START.finditer(text):
        length = IBAN_LENGTHS.get(match[0][:2].upper())
        end = _iban_end(text, match.start(), length) if length else 0
        if end and is_iban(text[match.start() : end]):
            yield match.start(), end


def is_card(text: str) -> bool:
    """A payment card number: an issuer's range and length, ISO/IEC 7812 check digit."""
    digits = [int(c) for c in text if c.isdecimal()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) < 2 or not _issued(digits):
        return False
    doubled = (2 * d for d in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """An IBAN by ISO 13616: its country's length, and its rearranged number is 1 modulo 97."""
    plain = "".join(c for c in text if c.isascii() and c.isalnum()).upper()
    if len(plain) != IBAN_LENGTHS.get(plain[:2]):
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def is_part(text: str, start: int, end: int) -> bool:
    """Whether text[start:end] is only a part of a longer word, number, code or link."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if (before and (before[-1] == "+" or _is_word(before[-1]))) or (after and _is_word(after[0])):
        return True
    if len(before) == 2 and before[1] == "-" and _is_word(before[0]):
        return True
    if len(after) == 2 and after[0] == "-" and _is_word(after[1]):
        return True
    return bool(_SHORT_PART.search(text[max(0, start - 10) : start])) or _in_link(text, start)


def named_otherwise(text: str, start: int) -> bool:
    """Whether the words directly before say that this is an order, a parcel, a phone and the like."""
    return bool(_OTHER_NAME.search(text[max(0, start - 48) : start]))


def _runs(text: str) -> Iterator[list[tuple[int, int]]]:
    """Stretches of digit groups, each group as its start and end."""
    run: list[tuple[int, int]] = []
    for match in _GROUP.finditer(text):
        run.append(match.span())
        if match[1] is None:
            yield run
            run = []


def _card_at(text: str, run: list[tuple[int, int]], first: int) -> int | None:
    """The last group of the longest card number that begins with group `first`."""
    found = None
    lengths: list[int] = []
    for last in range(first, min(first + 5, len(run))):
        lengths.append(run[last][1] - run[last][0])
        if sum(lengths) > 19:
            break
        if sum(lengths) >= 13 and _is_grouped_like_a_card(text, run, first, lengths):
            start, end = run[first][0], run[last][1]
            if is_card(text[start:end]) and not is_part(text, start, end):
                found = last
    return found


def _is_grouped_like_a_card(text: str, run: list[tuple[int, int]], first: int, lengths: list[int]) -> bool:
    start = run[first][0]
    if len(lengths) == 1:
        says_card = bool(_CARD_WORD.search(text[max(0, start - 40) : start]))
        return says_card or (lengths[0] > 13 and not named_otherwise(text, start))
    if tuple(lengths) in _GROUPINGS:
        return True
    fours = all(length == 4 for length in lengths[:-1]) and lengths[-1] <= 4
    # Groups of four that go on at either end are a longer number: a parcel's, most often.
    after = first + len(lengths)
    longer = (first and _length(run[first - 1]) == 4) or (after < len(run) and _length(run[after]) == 4)
    return fours and not longer


def _length(group: tuple[int, int]) -> int:
    return group[1] - group[0]


def _issued(digits: list[int]) -> bool:
    lead = "".join(map(str, digits[:4]))
    return any(
        len(digits) in lengths and low <= int(lead[: len(str(low))]) <= high
        for low, high, lengths in _ISSUERS
    )


def _iban_end(text: str, start: int, length: int) -> int:
    """Where `length` letters and digits from `start` end, 0 when they do not stand together."""
    at, seen, gap = start, 0, 0
    while at < len(text) and seen < length:
        if _is_word(text[at]):
            seen, gap = seen + 1, 0
        elif text[at] in _IBAN_GAP and gap < 2:
            gap += 1
        else:
            return 0
        at += 1
    return at if seen == length and not (at < len(text) and _is_word(text[at])) else 0


def _is_word(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _in_link(text: str, start: int) -> bool:
    token = text[max(0, start - 300) : start].rsplit(maxsplit=1)
    last = token[-1] if token and not text[start - 1 : start].isspace() else ""
    return "://" in last or last.lower().startswith("www.")
