"""How an answer from one article looks in mail, Slack, Telegram and chat, and its page in the help centre.

The text is made by the same path as a real answer, so that what is shown is what would be sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from bot.answer import Bot
from bot.article_file import parse
from bot.articles import MAX_BYTES, Article, Library, Section, with_languages
from bot.passages import LONGEST, WHOLE, cut
from gateway import tier0
from gateway.case import Folder, Person
from gateway.context import Context
from gateway.draft import Draft
from gateway.kb import Unusable
from gateway.model import Address, Choice, ChoiceAction, Leg, Side, Ticket
from gateway.policy import Policy, QueuePolicy
from gateway.text.links import to_pages
from gateway.text.markup import (
    from_mrkdwn,
    split,
    to_html,
    to_mail_html,
    to_mrkdwn,
    to_plain,
    to_telegram_html,
)
from gateway.text.unwrap import unwrap
from gateway.words import Words

#: Sections that are shown as answers; a longer article should be several.
MOST_SECTIONS = 12
#: Characters of one Telegram message (Bot API, sendMessage).
TELEGRAM = 4096


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer says of its sender."""

    company: str = "Your company"
    bot_name: str = "Assistant"
    public_url: str = "http://127.0.0.1:8080"
    languages: tuple[str, ...] = ("en",)


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One answer in every form. HTML is safe to show."""

    heading: str  #: of the section, "" for the first part
    mail_html: Markup
    mail_text: str
    slack: str  #: mrkdwn as it is sent
    slack_html: Markup
    telegram: str  #: HTML as it is sent
    telegram_html: Markup
    telegram_messages: int
    chat_html: Markup
    buttons: tuple[str, ...]


def read(path: Path) -> Article:
    """The article in a file, live or not. Raises Unusable, or ArticleError naming the field at fault."""
    try:
        raw = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    except OSError as error:
        raise Unusable(f"{path} cannot be read ({error.strerror}). Name an article's file.") from error
    if not raw:
        raise Unusable(f"{path} is empty or has more than {MAX_BYTES} bytes. Name an article's file.")
    article = parse(path, raw, hashlib.sha256(raw).hexdigest()[:12])
    return with_languages([article])[0]


def answers(article: Article, shop: Shop, words: Words, now: datetime) -> Iterator[Shown]:
    """Each part of the article as the answer that quotes it, the opening first."""
    policy = _policy(shop, article.language, words)
    for section in _sections(article):
        alone = msgspec.structs.replace(
            article, sections=(section,), draft=False, retired=False, expires=None, audience="public"
        )
        yield _answer(alone, section, policy, now)


def sheet(article: Article, shop: Shop, words: Words, now: datetime) -> str:
    """A whole HTML document with every form of every part; it loads nothing."""
    parts = [
        (part.heading, Markup(to_html(unwrap(to_pages(part.body, article.language)))))  # noqa: S704 - escapes
        for part in article.sections
    ]
    shown = list(answers(article, shop, words, now))
    hidden = max(0, len(article.sections) - MOST_SECTIONS)
    return _template().render(article=article, shop=shop, shown=shown, parts=parts, hidden=hidden)


def _sections(article: Article) -> Sequence[Section]:
    """What an answer can quote: a short article whole, else one of its sections, cut where answers are cut."""
    whole = Section(heading="", anchor="", body=article.body.strip())
    if len(whole.body) <= WHOLE:
        return [whole]
    parts = [section for section in article.sections if section.body][:MOST_SECTIONS] or [whole]
    return [msgspec.structs.replace(part, body=cut(part.body, LONGEST)) for part in parts]


def _answer(article: Article, section: Section, policy: Policy, now: datetime) -> Shown:
    bot = Bot.build(Library(articles=(article,), revision=article.revision))
    address = Address(connector="preview", account="main", conversation="visitor")
    ticket = Ticket(id=42, language=article.language, created_at=now, updated_at=now)
    leg = Leg(id=1, side=Side.REQUESTER, address=address)
    draft = Draft(Folder(ticket=ticket, legs=(leg,)), now)
    context = Context(now=now, policy=policy, bot=bot, person=Person(greeted=True), language=article.language)
    tier0.attend(draft, context, Choice(action=ChoiceAction.ARTICLE, value=article.name))
    said = draft.entries[-1]
    return forms(section.heading, said.text, tuple(button.label for button in said.buttons))


def forms(heading: str, text: str, buttons: tuple[str, ...]) -> Shown:
    """A Markdown text as each channel shows it."""
    slack, telegram = to_mrkdwn(text), to_telegram_html(text)
    return Shown(
        heading=heading,
        mail_html=Markup(to_mail_html(text)),  # noqa: S704 - each of these escapes and cleans
        mail_text=to_plain(text),
        slack=slack,
        slack_html=Markup(to_html(from_mrkdwn(slack))),  # noqa: S704
        telegram=telegram,
        telegram_html=Markup(telegram),  # noqa: S704
        telegram_messages=len(split(to_plain(text), TELEGRAM)),
        chat_html=Markup(to_html(text)),  # noqa: S704
        buttons=buttons,
    )


def _policy(shop: Shop, language: str, words: Words) -> Policy:
    """What the answering path must know, with nothing behind it."""
    day = timedelta(days=1)
    return Policy(
        revision="preview",
        company=shop.company,
        bot_name=shop.bot_name,
        public_url=shop.public_url,
        privacy_url="",
        languages=tuple(dict.fromkeys((language, *shop.languages))),
        queues={"general": QueuePolicy(name="general", title="Customer care")},
        default_queue="general",
        protected_queue="general",
        accounts={},
        own_addresses=frozenset(),
        blocked=frozenset(),
        bot_enabled=True,
        max_answers=3,
        budget=10,
        budget_window=day,
        idle_window=day,
        max_age=day,
        undo=timedelta(0),
        close_after=day,
        words=words,
        secret=b"",
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("sheet.html")
