"""The bot over a small shop: answers, choices, hand-offs, languages, mails, and hard bounds."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.answer import _THOUGHT, Answer, Bot, Clarify, HandOff, Question, Reason, Reply
from bot.article_file import sections
from bot.articles import Article, Library, load
from bot.model import Model, Ranked

SHOP = {
    "track-order": (
        "Where is my order?",
        "where is my order;track my parcel;when does my parcel arrive;order still not here;parcel is late;"
        "has my order shipped;tracking number;where is my package now",
    ),
    "cancel-order": (
        "Can I cancel my order?",
        "cancel my order;i want to cancel;stop my order;ordered by mistake;undo my purchase;"
        "how can I cancel what I bought;call off the order",
    ),
    "return-item": (
        "How do I return an item?",
        "return an item;send it back;how do returns work;return label;it does not fit and I want to return it;"
        "where do I send a return",
    ),
    "reset-password": (
        "I forgot my password",
        "forgot my password;reset password;cannot log in;change password;password link does not arrive;locked out",
    ),
    "gift-cards": (
        "Gift cards",
        "buy a gift card;redeem a voucher;gift card balance;my voucher code does not work;use two gift cards",
    ),
    "invoice": (
        "Where is my invoice?",
        "invoice;get a receipt;bill for my company;invoice with VAT number;download invoice as PDF",
    ),
}
SLOVENIAN = {
    "track-order": (
        "Kje je moje naročilo?",
        "kje je moje naročilo;kje je moj paket;kdaj pride paket;sledenje pošiljki",
    ),
    "cancel-order": ("Preklic naročila", "prekliči naročilo;rad bi storniral;kako prekličem nakup"),
}


def article(slug: str, title: str, asked: str, language: str = "en", **fields: object) -> Article:
    body = str(fields.pop("body", f"About {slug}."))
    name = slug if language == "en" else f"{slug}.{language}"
    return Article(
        slug=slug,
        name=name,
        title=title,
        language=language,
        questions=tuple(asked.split(";")),
        body=body,
        sections=sections(body),
        revision="1",
        **fields,  # type: ignore[arg-type]
    )


def shop(*more: Article) -> Library:
    english = [article(slug, *texts) for slug, texts in SHOP.items()]
    slovenian = [article(slug, *texts, language="sl") for slug, texts in SLOVENIAN.items()]
    return Library(articles=(*english, *slovenian, *more), revision="r1")


BOT = Bot.build(shop()).train()


def ask(text: str, **fields: object) -> Reply:
    return BOT.reply(Question(text=text, **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("where is my order", "track-order"),
        ("Where is my ordr?? ", "track-order"),
        ("how do i cancel my order", "cancel-order"),
        ("I forgot my pasword", "reset-password"),
        ("kje je moje narocilo", "track-order.sl"),
    ],
)
def test_a_clear_question_is_answered(text: str, name: str) -> None:
    reply = ask(text)
    assert isinstance(reply, Answer)
    assert [p.article for p in reply.passages] == [name]
    assert reply.evidence.phrasing
    assert reply.evidence.words
    assert reply.confidence >= reply.evidence.threshold
    assert reply.evidence.library == "r1"


@pytest.mark.parametrize(
    "text",
    [
        "what is the weather like tomorrow",
        "do you sell bicycles for children",
        "asdf qwer zxcv",
        "lorem ipsum dolor sit amet",
        "ali imate službo zame",
        "我想买一辆车",
    ],
)
def test_what_no_article_covers_is_not_answered(text: str) -> None:
    assert not isinstance(ask(text), Answer)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.EMPTY),
        ("  \n\t ", Reason.EMPTY),
        ("🙂", Reason.EMPTY),
        ("?!", Reason.EMPTY),
        ("\x00\x07\u202e\u200b", Reason.EMPTY),
        ("let me talk to a human", Reason.WANTS_HUMAN),
        ("cancel my order, but I want to speak to a person", Reason.WANTS_HUMAN),
        ("hello", Reason.SMALL_TALK),
        ("x " * 50_000, Reason.TOO_LONG),
    ],
)
def test_hand_offs_say_why(text: str, reason: Reason) -> None:
    reply = ask(text)
    assert isinstance(reply, HandOff)
    assert reply.reason is reason


def test_no_articles_and_one_article() -> None:
    empty = Bot.build(Library()).train()
    assert empty.reply(Question(text="where is my order")) == HandOff(reason=Reason.NO_ARTICLES)
    assert empty.search("order") == []
    single = Bot.build(Library(articles=(article("a", *SHOP["track-order"]),))).train()
    assert not isinstance(single.reply(Question(text="do you sell bicycles")), Answer)


def test_a_choice_is_offered_once() -> None:
    near = [
        article("card-lost", "Lost card", "my card is lost;my card is gone;lost my card;cannot find my card"),
        article(
            "card-stolen", "Stolen card", "my card is stolen;card was taken;stolen card;someone stole my card"
        ),
        article(
            "card-broken", "Broken card", "my card is broken;card does not work;broken card;card is damaged"
        ),
    ]
    bot = Bot.build(shop(*near)).train()
    reply = bot.reply(Question(text="my card"))
    assert isinstance(reply, Clarify)
    assert 2 <= len(reply.options) <= 3
    assert isinstance(bot.reply(Question(text="my card", may_clarify=False)), HandOff)


MAIL = """Dear support team,

I hope this message finds you well. I have been a customer for years.

{}

Thanks in advance for your help.

Kind regards,
Ana Kovač
Acme Ltd.

On Tue, 3 Mar 2026 at 10:12, Support <help@example.com> wrote:
> how do I reset my password
"""


def test_a_mail_is_read_for_what_it_asks() -> None:
    reply = ask(MAIL.format("Where is my order?"))
    assert isinstance(reply, Answer)
    assert [p.article for p in reply.passages] == ["track-order"]
    assert reply.passages[0].question == "Where is my order?"
    assert not reply.unanswered


def test_two_questions_get_two_passages() -> None:
    reply = ask(MAIL.format("Where is my order?\n\nAlso, I forgot my password."))
    assert isinstance(reply, Answer)
    assert {p.article for p in reply.passages} == {"track-order", "reset-password"}


def test_a_question_left_open_is_named() -> None:
    reply = ask(MAIL.format("Where is my order?\n\nDo you sell bicycles for children?"))
    assert isinstance(reply, Answer)
    assert reply.unanswered == ("Do you sell bicycles for children?",)


def test_the_version_in_the_language_of_the_question_is_quoted() -> None:
    reply = ask("kje je moj paket")
    assert isinstance(reply, Answer)
    assert reply.language == "sl"
    assert not reply.other_language


def test_another_language_is_used_only_when_none_fits_and_said() -> None:
    reply = ask("reset password", language="sl")
    assert isinstance(reply, Answer)
    assert reply.passages[0].language == "en"
    assert reply.other_language is (reply.language != "en")


@pytest.mark.parametrize(
    "fields", [{"draft": True}, {"retired": True}, {"audience": "agents"}, {"expires": date(2026, 1, 1)}]
)
def test_what_is_not_live_is_never_quoted(fields: dict[str, object]) -> None:
    hidden = article("bicycles", "Bicycles", "do you sell bicycles;bicycle for children;buy a bike", **fields)
    bot = Bot.build(shop(hidden), today=date(2026, 1, 2)).train()
    reply = bot.reply(Question(text="do you sell bicycles"))
    assert not isinstance(reply, Answer)
    assert "bicycles" not in {c.name for c in (*reply.candidates, *bot.search("bicycles"))}


def test_a_long_article_is_quoted_by_its_section() -> None:
    body = (
        "Intro. " * 60
        + "\n\n## Refund by bank transfer\n\nThree days.\n\n## Refund by card\n\nAt once.\n"
        + "x " * 200
    )
    long = article("refund", "Refunds", "refund;money back;refund by card;refund by bank transfer", body=body)
    reply = Bot.build(shop(long)).train().reply(Question(text="refund by bank transfer"))
    assert isinstance(reply, Answer)
    passage = reply.passages[0]
    assert (passage.section, passage.anchor, passage.text) == (
        "Refund by bank transfer",
        "refund-by-bank-transfer",
        "Three days.",
    )


@pytest.mark.parametrize("trained", [False, True])
def test_every_phrasing_of_the_articles_is_answered_by_its_article(trained: bool) -> None:
    bot = BOT if trained else Bot.build(shop())
    for own in shop().articles:
        for asked in own.questions:
            reply = bot.reply(Question(text=asked, language=own.language))
            assert isinstance(reply, Answer), asked
            assert reply.passages[0].slug == own.slug


def test_search_finds_while_typing() -> None:
    assert BOT.search("pass", "en", 3)[0].name == "reset-password"
    assert BOT.search("prekli", "sl")[0].name == "cancel-order.sl"
    assert BOT.search(" ") == []


def test_an_untrained_bot_answers_what_is_plain() -> None:
    quick = Bot.build(shop())
    reply = quick.reply(Question(text="where is my order"))
    assert isinstance(reply, Answer)
    assert not isinstance(quick.reply(Question(text="do you sell bicycles")), Answer)


def test_the_same_articles_give_the_same_replies() -> None:
    again = Bot.build(shop()).train()
    for text in ("where is my order", "my parcel", "hello", "refund"):
        assert again.reply(Question(text=text)) == ask(text)


HOSTILE = [
    "order " * 1900,
    "w" * 11_000,
    "(" * 11_000,
    "a?" * 5900,
    "\u202eredro ym si erehw",
    "מתי ההזמנה שלי תגיע where is my order متى يصل طلبي",
    "\x00\x01where\x02 is my order\x1b[31m",
    "订" * 11_000,
    "> " * 5900,
    "hi, " * 2900,
    "On Tue wrote:\n" * 850,
    "۝" * 5000,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_have_an_outcome_in_time(text: str) -> None:
    started = process_time()
    reply = ask(text)
    assert isinstance(reply, (Answer, Clarify, HandOff))
    assert process_time() - started < 1  # a guard against blow-ups, not a measurement


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=400))
def test_any_text_has_an_outcome_on_one_scale(text: str) -> None:
    reply = ask(text)
    assert 0 <= reply.confidence <= 1
    confidences = [c.confidence for c in reply.candidates]
    assert confidences == sorted(confidences, reverse=True)
    if isinstance(reply, Answer):
        assert reply.confidence >= reply.evidence.threshold
    else:
        assert not isinstance(reply, Clarify) or 2 <= len(reply.options) <= 3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.EMPTY),
        ("\u200b \x00\n", Reason.EMPTY),
        ("😀", Reason.EMPTY),
        ("w" * 1_000_000, Reason.TOO_LONG),
        ("where is my order? " * 6000, Reason.TOO_LONG),
        ("(a+)+$" * 20_000, Reason.TOO_LONG),
        ("ה" * 150_000, Reason.TOO_LONG),
    ],
)
def test_what_cannot_be_a_question_goes_to_a_person(text: str, reason: Reason) -> None:
    reply = ask(text)
    assert isinstance(reply, HandOff) and reply.reason is reason


def test_a_folder_of_ten_thousand_articles_with_a_broken_one(tmp_path: Path) -> None:
    first = tmp_path / "m00000.md"
    first.write_text(
        "---\ntitle: Models\nlanguage: en\nquestions: [how do i reset a model]\n---\nHold it.\n", "utf-8"
    )
    for i in range(1, 10_000):
        (tmp_path / f"m{i:05}.md").hardlink_to(first)
    (tmp_path / "broken.md").write_text("---\ntitle: [\n---\n", "utf-8")
    library = load(tmp_path)
    assert len(library.articles) == 10_000
    (problem,) = library.problems
    assert problem.path.name == "broken.md" and problem.remedy


def test_more_articles_than_a_head_can_hold_are_answered_by_their_nearest_phrasing() -> None:
    articles = tuple(
        Article(slug=f"m{i}", name=f"m{i}", title=f"Model {i:04}", language="en", body="Hold it.",
                questions=(f"how do i reset model {i:04}",))
        for i in range(2000)
    )  # fmt: skip
    bot = Bot.build(Library(articles=articles, revision="many")).train()
    found = bot.reply(Question(text="how do i reset model 0471"))
    assert isinstance(found, Answer) and found.passages[0].article == "m471"
    assert isinstance(bot.reply(Question(text="do you sell umbrellas")), HandOff)


def test_other_languages_are_tried_for_a_bounded_part_of_a_long_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    articles = [
        Article(
            slug=s,
            name=f"{s}.{tag}",
            title=s,
            language=tag,
            questions=(f"{s} {tag} one", f"{s} {tag} two"),
            body=s,
        )
        for s in ("alpha", "beta")
        for tag in ("en", "de", "es", "sl", "it", "fr")
    ]
    made = Bot.build(Library(articles=tuple(articles), revision="r"))
    asked: list[str] = []
    plain = Model.rank

    def counted(self: Model, folded: str, *more: int, **fields: Any) -> Ranked:
        asked.append(self.articles[0].language)
        return plain(self, folded, *more, **fields)

    monkeypatch.setattr(Model, "rank", counted)
    text = "\n\n".join(
        f"Is there any word on matter number {n} yet? It is about thing {n}." for n in range(9)
    )
    made.reply(Question(text=text, language="en"))
    assert len([tag for tag in asked if tag == "en"]) > 12
    assert max(asked.count(tag) for tag in ("de", "es", "sl", "it", "fr")) <= _THOUGHT + 1


def test_every_process_gives_the_same_answer_to_the_last_digit() -> None:
    """Sets are ordered anew in each process; a replay and another replica must decide alike all the same."""
    program = (
        "from pathlib import Path; from bot.answer import Bot, Question; from bot.articles import load\n"
        "bot = Bot.build(load(Path('kb_articles'))).train()\n"
        "for said in ('where is my parcel', 'kako vrnem izdelek', 'refund to my card please', '退款要幾天'):\n"
        "    print(bot.reply(Question(text=said, languages=('en', 'sl', 'zh-Hant'))))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[1],
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
