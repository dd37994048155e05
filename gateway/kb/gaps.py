"""Questions that no article answered, alike ones together: what to write next, most asked first."""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from gateway.clock import to_ms
from gateway.kb import Progress, quiet
from gateway.kb.sources import Found
from gateway.store.knowledge import Unanswered
from gateway.text.normal import fold, is_unspaced, ngrams, tokens
from gateway.text.question import read

#: Causes of a hand-off that an article could have prevented.
CAUSES = ("no_match", "low_confidence", "unclear", "not_helped", "partly")
#: Questions that are clustered; the newest are kept.
MOST = 20_000
#: So many questions must come together before a word that many share counts less.
_FEW = 50
#: Cosine from which two questions are about the same.
ALIKE = 0.3
_LONGEST = 300
#: Phrasings that a draft begins with.
_PHRASINGS = 14
#: A feature of more groups than this tells nothing; and how many groups one question is compared with.
_COMMON, _COMPARED = 400, 40


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One unanswered question, without greeting and signature, masked as it was stored."""

    text: str
    ticket: int
    at: datetime
    cause: str
    language: str
    nearest: str = ""


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Questions that are about the same: the most typical first."""

    questions: tuple[Asked, ...]

    @property
    def tickets(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(asked.ticket for asked in self.questions))

    @property
    def title(self) -> str:
        return self.questions[0].text

    @property
    def language(self) -> str:
        return Counter(asked.language for asked in self.questions).most_common(1)[0][0]

    @property
    def causes(self) -> list[tuple[str, int]]:
        return Counter(asked.cause for asked in self.questions).most_common()

    @property
    def nearest(self) -> str:
        """The article that came nearest most often, "" when none did."""
        found = Counter(asked.nearest for asked in self.questions if asked.nearest)
        return found.most_common(1)[0][0] if found else ""

    @property
    def phrasings(self) -> list[str]:
        """The different ways in which it was asked."""
        return list({fold(asked.text): asked.text for asked in reversed(self.questions)}.values())[::-1]


class Gaps(msgspec.Struct, frozen=True, kw_only=True):
    """All gaps, the most asked first, and what was left out of them."""

    gaps: tuple[Gap, ...]
    questions: int
    private: int  #: on tickets that hold a private matter: never shown here
    unreadable: int  #: erased, or without words


class Source(Protocol):
    """The store, as far as gaps read it."""

    async def unanswered(self, since: int, after: int) -> list[Unanswered]: ...


async def gaps(store: Source, since: datetime, progress: Progress = quiet) -> Gaps:
    """What was asked from `since` on and not answered."""
    questions: list[Asked] = []
    private = unreadable = after = 0
    while page := await store.unanswered(to_ms(since), after):
        for each in page:
            if each.cause not in CAUSES:
                continue
            private += each.protected
            found = [] if each.protected else _questions(each)
            unreadable += not (found or each.protected)
            questions += found
        after = page[-1].id
        questions = questions[-MOST:]
    return Gaps(
        gaps=tuple(cluster(questions, progress)),
        questions=len(questions),
        private=private,
        unreadable=unreadable,
    )


def _questions(each: Unanswered) -> list[Asked]:
    """What was asked: the open parts where the rest was answered, else the whole without courtesies."""
    texts = each.open if each.cause == "partly" else (read(each.asked).text,)
    return [
        Asked(
            text=" ".join(text.split())[:_LONGEST],
            ticket=each.ticket,
            at=each.at,
            cause=each.cause,
            language=each.language,
            nearest=each.nearest,
        )
        for text in texts
        if tokens(fold(text[:_LONGEST]))
    ]


# ---------------------------------------------------------------- alike ones together


def cluster(questions: Sequence[Asked], progress: Progress = quiet) -> list[Gap]:
    """Groups of alike questions of one language, largest first; each question is in exactly one."""
    groups: list[list[int]] = []
    vectors = _vectors([asked.text for asked in questions])
    by_language: dict[str, list[int]] = defaultdict(list)
    for i, asked in enumerate(questions):
        by_language[asked.language].append(i)
    done = 0
    for members in by_language.values():
        leaders = _Leaders()
        for i in members:
            leaders.add(i, vectors[i])
            done += 1
            if done % 500 == 0 or done == len(questions):
                progress(done, len(questions))
        groups += leaders.groups
    found = [Gap(questions=_typical_first(questions, group, vectors)) for group in groups]
    return sorted(found, key=lambda gap: (-len(gap.tickets), gap.questions[0].at, gap.title))


Vector = dict[str, float]


class _Leaders:
    """Groups with the sum of their members' vectors; found by the features that they share."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self._sums: list[Vector] = []
        self._lengths: list[float] = []
        self._holding: dict[str, list[int]] = defaultdict(list)

    def add(self, question: int, vector: Vector) -> None:
        """Puts the question into the group that it is most alike, or into one of its own."""
        best, most = -1, ALIKE
        for group in self._near(vector):
            total = self._sums[group]
            cosine = sum(w * total.get(f, 0.0) for f, w in vector.items()) / self._lengths[group]
            if cosine >= most:
                best, most = group, cosine
        if best < 0:
            best = len(self.groups)
            self.groups.append([])
            self._sums.append({})
            self._lengths.append(0.0)
        self._join(best, question, vector)

    def _join(self, group: int, question: int, vector: Vector) -> None:
        self.groups[group].append(question)
        total = self._sums[group]
        for feature, weight in vector.items():
            if feature not in total:
                self._holding[feature].append(group)
            total[feature] = total.get(feature, 0.0) + weight
        self._lengths[group] = _length(total)

    def _near(self, vector: Vector) -> list[int]:
        """Groups that share most of the question's telling features."""
        shared: dict[int, float] = defaultdict(float)
        for feature, weight in vector.items():
            holding = self._holding.get(feature, ())
            if len(holding) <= _COMMON:
                for group in holding:
                    shared[group] += weight
        return heapq.nlargest(_COMPARED, shared, key=shared.__getitem__)


def _vectors(texts: Sequence[str]) -> list[Vector]:
    """Unit vectors over words and their pieces, rare ones counting most."""
    features = [_features(text) for text in texts]
    spread = Counter(feature for found in features for feature in found)
    return [
        _unit({f: n * math.log(1 + (len(texts) + _FEW) / (spread[f] + 1)) for f, n in found.items()})
        for found in features
    ]


def _features(text: str) -> Vector:
    """Long words count most; their beginnings and inner pieces stand for inflection and typing mistakes."""
    folded = fold(text)
    if is_unspaced(folded):
        return {gram: 1.0 for gram in ngrams(folded) if len(gram) > 1} or dict.fromkeys(tokens(folded), 1.0)
    pieces = {gram: 0.4 for gram in ngrams(folded) if len(gram) == 5 and len(gram.strip()) >= 4}
    # In most languages the words that say nothing are the short ones, and few questions cannot tell it otherwise.
    return {**pieces, **{f"w:{_stem(word)}": min(1.0, len(word) ** 2 / 25) for word in tokens(folded)}}


def _stem(word: str) -> str:
    """The word less an ending of at most two letters, if four are left."""
    return word[: max(4, len(word) - 2)]


def _typical_first(
    questions: Sequence[Asked], group: list[int], vectors: Sequence[Vector]
) -> tuple[Asked, ...]:
    total: Vector = defaultdict(float)
    for i in group:
        for feature, weight in vectors[i].items():
            total[feature] += weight

    def alike(i: int) -> float:
        return sum(weight * total[feature] for feature, weight in vectors[i].items())

    return tuple(questions[i] for i in sorted(group, key=lambda i: (-alike(i), len(questions[i].text), i)))


def _unit(vector: Vector) -> Vector:
    length = _length(vector) or 1.0
    return {feature: weight / length for feature, weight in vector.items()}


def _length(vector: Vector) -> float:
    return math.sqrt(sum(weight * weight for weight in vector.values()))


def shared_by(found: Iterable[Gap], least: int) -> list[Gap]:
    """The gaps that at least `least` tickets share."""
    return [gap for gap in found if len(gap.tickets) >= least]


def drafts(found: Iterable[Gap]) -> Iterator[Found]:
    """An article to be written for each gap: the phrasings are there, the answer is not."""
    for gap in found:
        yield Found(
            source=f"the gap “{gap.title}”",
            title=gap.title[:120],
            questions=tuple(gap.phrasings[:_PHRASINGS]),
            language=gap.language,
            body="Write the answer here: its first paragraph is what the bot quotes.",
        )
