"""Numbers by which states name people: found by form, checked by python-stdnum where it knows the scheme.

A scheme whose numbers look like others' numbers counts only after a word that says what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import NamedTuple

from stdnum.br import cpf
from stdnum.ch import ssn as ahv
from stdnum.cn import ric
from stdnum.es import dni, nie
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.mx import curp
from stdnum.si import emso
from stdnum.us import ssn

from gateway.privacy.numbers import is_part, named_otherwise

#: Digits in the shortest number that counts. Where no line has so many near each other, as in most texts, no form
#: needs to be looked for.
FEWEST = 5
_NUMBER = re.compile(rf"\d(?:[^\n\d]{{0,40}}\d){{{FEWEST - 1}}}")


class _Scheme(NamedTuple):
    """The form of a number that alone says enough, and its check."""

    form: re.Pattern[str]
    check: Callable[[str], bool]


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])", re.IGNORECASE)


def _is_taiwanese(number: str) -> bool:
    """Letter, sex digit, seven digits and a check digit (Ministry of the Interior, Taiwan)."""
    letters = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
    first = letters.index(number[0].upper()) + 10
    weighed = zip((8, 7, 6, 5, 4, 3, 2, 1, 1), map(int, number[1:]), strict=True)
    return (first // 10 + first % 10 * 9 + sum(w * d for w, d in weighed)) % 10 == 0


def _anything(number: str) -> bool:
    return True


_SCHEMES: tuple[_Scheme, ...] = (
    _Scheme(_form(r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])[09]\d{2}\d{6}"), emso.is_valid),
    _Scheme(_form(r"\d{2}\.?\d{3}\.?\d{3}[ -]?[A-HJ-NP-TV-Z]"), dni.is_valid),
    _Scheme(_form(r"[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z]"), nie.is_valid),
    _Scheme(_form(r"\d{3}-\d{2}-\d{4}"), ssn.is_valid),
    _Scheme(_form(r"\d{6}(?:19|20)\d{2}(?:0[1-9]|1[0-2])\d{2}\d{3}[\dX]"), ric.is_valid),
    _Scheme(_form(r"\d{6} (?:19|20)\d{6} \d{3}[\dX]"), ric.is_valid),
    _Scheme(_form(r"[A-Z][1289]\d{8}"), _is_taiwanese),
    _Scheme(_form(r"756[. ]\d{4}[. ]\d{4}[. ]\d{2}"), ahv.is_valid),
    _Scheme(_form(r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]"), codicefiscale.is_valid),
    _Scheme(_form(r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d"), curp.is_valid),
    _Scheme(_form(r"\d{3}\.\d{3}\.\d{3}-\d{2}"), cpf.is_valid),
    _Scheme(_form(r"\d{6}-[1-8]\d{6}"), lambda number: rrn.is_valid(number, allow_future=False)),
    _Scheme(_form(r"[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]"), _anything),
)
#: Words that say that a person's number of state follows; what follows is masked though no scheme is known.
_NAMED = re.compile(
    r"(?:social security|national (?:id|insurance|identity|identification)|passport|driver'?s?(?:ing)? licen[cs]e|"
    r"\bssn\b|\bnino\b|\bni number|identity card|id card|personal id\b|tax(?:payer)? (?:id|identification|number|file)|"
    r"\btin\b|\bitin\b|\bnhs number|medicare|"
    r"steuer-?id\w*|steuernummer|steueridentifikationsnummer|identifikationsnummer|\bidnr\b|personalausweis\w*|"
    r"ausweis-?n\w+|reisepass\w*|sozialversicherungs\w*|rentenversicherungs\w*|krankenversichertennummer|"
    r"f[uü]hrerschein\w*|aufenthaltstitel\w*|"
    r"\bdni\b|\bnie\b|\bnif\b|pasaporte|seguridad social|c[eé]dula|documento (?:nacional )?de identidad|"
    r"carn[eé]t? de (?:conducir|identidad)|\bcurp\b|\brfc\b|\brut\b|\bcuil\b|\bcpf\b|"
    r"\bem[sš]o\b|mati[cč]n[aoei]\w* [sš]tevilk\w*|dav[cč]n[aoei]\w* [sš]tevilk\w*|osebn[aoei]\w* izkaznic\w*|"
    r"potn(?:i|ega|em|im) list\w*|zdravstven[aoei]\w* izkaznic\w*|"
    r"[sš]tevilk\w* zavarovan\w*|vozni[sš]k\w* dovoljenj\w*|"
    r"\boib\b|\bpesel\b|"
    r"身份证|身分證|身份證|护照|護照|社保|社会保障|健保卡|居留证|居留證|台胞证|台胞證|驾照|駕照|统一编号|統一編號|证件号|證件號)",
    re.IGNORECASE,
)
#: The words between the name and the number, then a number with at least five digits.
_FOLLOWS = re.compile(
    r"[\w'’.\-()/&]{0,20}(?:[\s:#=,，：是为為]{1,4}(?!\[)(?:(?!\d)[\w'’.\-()]{1,14})?){0,4}[\s:#=，：是为為号號码碼(（]*"
    r"(?P<number>(?<![A-Za-z0-9])[A-Za-z]{0,4}[ -]?\d(?:[ ./-]?[A-Za-z0-9]){4,21}?)"
    r"(?=[^A-Za-z0-9 ./-]|[ ./-]+(?!\d)|$)",
)


def national_ids(text: str) -> Iterator[tuple[int, int]]:
    """Where numbers stand by which a state names a person."""
    if _NUMBER.search(text) is None:
        return
    yield from _named(text)
    for scheme in _SCHEMES:
        for match in scheme.form.finditer(text):
            start, end = match.span()
            if not (is_part(text, start, end) or named_otherwise(text, start)) and scheme.check(match[0]):
                yield start, end


def _named(text: str) -> Iterator[tuple[int, int]]:
    for name in _NAMED.finditer(text):
        follows = _FOLLOWS.match(text, name.end(), name.end() + 120)
        if (
            follows
            and sum(c.isdecimal() for c in follows["number"]) >= FEWEST
            and not _is_date(follows["number"])
        ):
            yield follows.span("number")


def _is_date(number: str) -> bool:
    parts = re.split(r"[ ./-]+", number.strip())
    try:
        numbers = sorted((int(part) for part in parts), reverse=True)
        return len(numbers) == 3 and bool(date(numbers[0], 1, 1)) and 1900 < numbers[0] < 2100
    except ValueError:
        return False
