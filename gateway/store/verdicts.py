"""What readers of help pages said: counts for an article's revision and day, and nothing of who said it."""

from __future__ import annotations

import msgspec

from gateway.store.tx import Tx

#: Milliseconds of a day; counts are kept by days of UTC.
DAY = 86_400_000


class PageVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """How often a page was said to have helped, and not."""

    article: str
    revision: str
    helped: int
    misled: int


def count(tx: Tx, article: str, revision: str, at: int, *, helped: bool) -> None:
    """One more reader of this revision said yes or no."""
    tx.run(
        "INSERT INTO page_verdicts (article, revision, day, helped, misled) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (article, revision, day) DO UPDATE SET helped = page_verdicts.helped + excluded.helped, "
        "misled = page_verdicts.misled + excluded.misled",
        (article, revision, at // DAY, int(helped), int(not helped)),
    )


def since(tx: Tx, at: int) -> list[PageVerdict]:
    """What was said from that day (milliseconds) on, by article and revision."""
    found = tx.all(
        "SELECT article, revision, SUM(helped), SUM(misled) FROM page_verdicts WHERE day >= ? "
        "GROUP BY article, revision ORDER BY article, revision",
        (at // DAY,),
    )
    return [
        PageVerdict(article=row[0], revision=row[1], helped=int(row[2]), misled=int(row[3])) for row in found
    ]
