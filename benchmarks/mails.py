"""Generated support mails as real clients write them: HTML beside the text, signatures, quoted history, threads."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

ADDRESS = "support@example.com"
REPLIES = 0.3  #: share of mails that answer an earlier one of the same person

_TALK = (
    "I have been a customer for some years and never had any trouble until now.",
    "The weather here is fine, but that does not help me, I am afraid.",
    "I already looked at the page with the questions and did not find it.",
    "My colleague says that it worked for her last month on the same computer.",
    "Please write to me and do not call, as I am in meetings most of the day.",
)


def mails(questions: list[str], now: datetime, seed: int = 7) -> Iterator[bytes]:
    """One mail a question, in the order in which they came."""
    rng = random.Random(seed)
    earlier: list[tuple[str, str, str]] = []
    for number, question in enumerate(questions):
        answered = rng.choice(earlier) if earlier and rng.random() < REPLIES else None
        sender = answered[0] if answered else f"customer{number}@example.org"
        subject = (
            f"Re: {answered[2]}" if answered else f"About my {question.split()[-4].strip('?')} ({number})"
        )
        mail = _mail(rng, sender, subject, question, now, number)
        if answered:
            mail["In-Reply-To"] = mail["References"] = answered[1]
        else:
            earlier.append((sender, mail["Message-ID"], subject))
        yield mail.as_bytes()


def _mail(
    rng: random.Random, sender: str, subject: str, question: str, now: datetime, number: int
) -> EmailMessage:
    mail = EmailMessage()
    mail["Received"] = f"from mx{number % 9}.example.org by mail.example.com; {format_datetime(now)}"
    mail["From"], mail["To"], mail["Subject"] = f"Customer {number} <{sender}>", ADDRESS, subject
    mail["Date"], mail["Message-ID"] = format_datetime(now), f"<{number}.{rng.random()}@example.org>"
    paragraphs = [question, *rng.sample(_TALK, 3)]
    text = (
        "\n\n".join(paragraphs)
        + f"\n\nBest regards\nCustomer {number}\n\n-- \nCustomer {number}\nSome Street 1\n"
    )
    if subject.startswith("Re:"):
        text += "\nOn Monday, Support wrote:\n" + "\n".join(f"> {line}" for line in _TALK * 3) + "\n"
    mail.set_content(text)
    if number % 2:
        shown = "".join(f"<p style='margin:0'>{line}</p>" for line in text.splitlines() if line)
        mail.add_alternative(f"<html><body><div dir='ltr'>{shown}</div></body></html>", subtype="html")
    return mail
