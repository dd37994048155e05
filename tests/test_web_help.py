"""The start page, the help centre and the request form, as customers see them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Any

import pytest

from bot.articles import Article, Library, Section
from gateway.kb.stats import Use
from gateway.model import Message
from gateway.web.help_words import TEXTS
from gateway.web.render import prose
from tests.fakes_site import Browser, open_site


def article(name: str, **fields: Any) -> Article:
    slug, _, language = name.partition(".")
    body = str(fields.pop("body", "Text of the article."))
    made: dict[str, Any] = {
        "slug": slug, "name": name, "title": slug.capitalize(), "language": language or "en", "topic": "Topic",
        "body": body, "revision": "abc123", "sections": (Section(heading="", anchor="", body=body),),
    }  # fmt: skip
    return Article(**(made | fields))


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with open_site() as made:
        yield made


async def test_the_start_page_of_a_trial_explains_itself(browser: Browser) -> None:
    text = await browser.text("/")
    for words in (
        "/chat",
        "/help",
        "/desk",
        "help@northwind.example",
        "kb_articles/",
        "chat/widget.js",
        "printed in the terminal",
    ):
        assert words in text


async def test_the_start_page_of_a_company_says_nothing_of_the_program() -> None:
    async with open_site(demo=False) as browser:
        text = await browser.text("/")
        assert "kb_articles" not in text and "terminal" not in text
        assert (await browser.get("/style")).status == 404


@pytest.mark.parametrize(
    ("accepts", "leads_to"),
    [
        ("sl,en;q=0.5", "sl"),
        ("zh-TW", "zh-Hant"),
        ("zh-CN,en", "zh-Hans"),
        ("fr", "en"),
        ("en-GB", "en"),
        ("", "en"),
    ],
)
async def test_help_leads_to_the_readers_language(browser: Browser, accepts: str, leads_to: str) -> None:
    answer = await browser.get("/help", headers={"Accept-Language": accepts}, allow_redirects=False)
    assert answer.headers["Location"] == f"/help/{leads_to}"


async def test_an_article_shows_its_revision_its_languages_and_the_way_to_a_person(browser: Browser) -> None:
    text = await browser.text("/help/en/track-order")
    assert re.search(r"Revision [0-9a-f]{12}", text)
    for words in (
        'hreflang="sl"',
        'id="what-the-status-means"',
        "/help/en/parcel-marked-delivered",
        'href="/chat"',
        "/help/request",
    ):
        assert words in text
    assert ".md" not in text


async def test_an_article_that_has_no_such_language_leads_to_one_that_it_has(browser: Browser) -> None:
    answer = await browser.get("/help/sl/gift-cards", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (302, "/help/en/gift-cards")


@pytest.mark.parametrize(
    "hidden",
    [
        article("secret", audience="agents"),
        article("secret", draft=True),
        article("secret", retired=True),
        article("secret", expires=date(2020, 1, 1)),
    ],
)
async def test_what_is_not_for_customers_does_not_exist(hidden: Article) -> None:
    async with open_site(library=Library(articles=(hidden, article("open")))) as browser:
        assert (await browser.get("/help/en/secret")).status == 404
        for path in (
            "/help/en",
            "/help/en?q=secret",
            "/help/search?q=secret&lang=en",
            "/sitemap.xml",
            "/help/en/open",
        ):
            assert "ecret" not in (await browser.text(path)).replace("?q=secret", "").replace(
                "secret ·", ""
            ).replace('"secret"', "")


async def test_search_works_without_scripts_and_as_you_type(browser: Browser) -> None:
    assert "/help/en/gift-cards" in await browser.text("/help/en?q=gift cards")
    found = await (await browser.get("/help/search?q=gift cards&lang=en")).json()
    assert {"title": "How do gift cards work?", "topic": "Payment", "link": "/help/en/gift-cards"} in found[
        "results"
    ]
    assert await (await browser.get("/help/search?q=&lang=xx")).json() == {"results": []}


async def test_a_search_text_is_shown_as_text(browser: Browser) -> None:
    text = await browser.text('/help/en?q="><script>alert(1)</script>')
    assert "<script>alert" not in text


async def test_an_article_cannot_smuggle_in_markup() -> None:
    body = "<script>alert(1)</script> [x](javascript:alert(1)) <b onclick=x>b</b>"
    async with open_site(library=Library(articles=(article("a", body=body, title="<i>T</i>"),))) as browser:
        text = await browser.text("/help/en/a")
        assert (
            "<script>alert" not in text
            and 'href="javascript' not in text
            and "<b onclick" not in text
            and "<i>T" not in text
        )


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("one\ntwo", "<p>one two</p>"),
        ("one  \ntwo", "<p>one<br>\ntwo</p>"),
        ("one\\\ntwo", "<p>one<br>\ntwo</p>"),
        ("今天\n明天", "<p>今天明天</p>"),
        ("- a\n  b\n- c", "<li>a b</li>"),
    ],
)
def test_lines_that_an_author_wrapped_flow_on(source: str, shown: str) -> None:
    assert shown in prose(source)


async def test_search_engines_get_articles_and_are_kept_from_the_rest(browser: Browser) -> None:
    sitemap = await browser.text("/sitemap.xml")
    assert (
        f"{browser.desk.public_url}/help/zh-Hant/track-order</loc>" in sitemap
        and "fraud-check" not in sitemap
    )
    assert "Disallow: /desk" in await browser.text("/robots.txt")


def test_every_language_has_every_word() -> None:
    english = TEXTS["en"]
    for language, words in TEXTS.items():
        assert words.keys() == english.keys(), language
        assert all(
            set(re.findall(r"{\w+}", words[key])) == set(re.findall(r"{\w+}", english[key]))
            for key in english
        )


# ---------------------------------------------------------------- the request form

GOOD = {"email": "Mara@Example.com", "name": "Mara", "subject": "A chair", "message": "It is broken."}


async def test_the_form_opens_a_request_that_is_answered_by_mail(browser: Browser) -> None:
    form = await browser.form("/help/request")
    answer = await browser.post("/help/request", form | GOOD)
    assert answer.status == 200 and "Mara@Example.com" in await answer.text()
    await browser.post("/help/request", form | GOOD)
    (message,) = [d.input for d in browser.desk.deliveries]
    assert isinstance(message, Message)
    assert message.address.connector == "email" and message.address.account == "support"
    assert (message.sender.value, message.sender.verified) == ("mara@example.com", False)
    assert (message.subject, message.text) == ("A chair", "It is broken.")


@pytest.mark.parametrize(
    "wrong", [{"email": "nobody"}, {"message": "  "}, {"email": "a@b.example\nBcc: x@y.example"}]
)
async def test_a_wrong_form_says_what_is_wrong_and_keeps_what_was_typed(
    browser: Browser, wrong: dict[str, str]
) -> None:
    answer = await browser.post("/help/request", await browser.form("/help/request") | GOOD | wrong)
    text = await answer.text()
    assert answer.status == 422 and "field-problem" in text and "A chair" in text
    assert browser.desk.deliveries == []


async def test_a_machine_that_fills_the_hidden_field_is_thanked_and_ignored(browser: Browser) -> None:
    answer = await browser.post(
        "/help/request", await browser.form("/help/request") | GOOD | {"website": "http://spam"}
    )
    assert answer.status == 200 and browser.desk.deliveries == []


async def test_many_requests_from_one_place_have_to_wait(browser: Browser) -> None:
    answers = [
        await browser.post("/help/request", await browser.form("/help/request") | GOOD) for _ in range(7)
    ]
    assert [a.status for a in answers] == [200] * 6 + [429]


async def test_without_a_mail_account_there_is_no_form() -> None:
    async with open_site(email_account="", email_address="") as browser:
        assert (await browser.get("/help/request")).status == 404
        assert "/help/request" not in await browser.text("/help/en/track-order")


# ---------------------------------------------------------------- errors


async def test_a_page_that_is_not_there_helps(browser: Browser) -> None:
    answer = await browser.get("/nothing")
    text = await answer.text()
    assert answer.status == 404 and "/help" in text and "search" in text


async def test_a_program_gets_a_plain_answer(browser: Browser) -> None:
    answer = await browser.get("/nothing", headers={"Accept": "application/json"})
    assert answer.content_type == "text/plain"


async def test_an_error_of_ours_shows_no_trace_of_the_program(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    browser.desk.sign_in()

    async def fail() -> None:
        raise RuntimeError("secret detail")

    browser.desk.reads.queue_lines = fail  # type: ignore[assignment, method-assign]
    browser.enter()
    answer = await browser.get("/desk")
    assert answer.status == 500 and "secret detail" not in await answer.text()
    assert "secret detail" in caplog.text


# ---------------------------------------------------------------- did this help?


async def test_a_verdict_is_counted_for_the_revision_that_was_read_without_a_cookie() -> None:
    said: list[tuple[str, str, bool]] = []

    async def judge(name: str, revision: str, helped: bool) -> None:
        said.append((name, revision, helped))

    library = Library(articles=(article("returns"),), revision="x")
    async with open_site(library=library, judge=judge) as browser:
        page = await browser.get("/help/en/returns")
        assert "Set-Cookie" not in page.headers and "Did this article help?" in await page.text()
        form = {"helped": "yes", "revision": "abc123"}
        answer = await browser.post("/help/en/returns/helped", form, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/help/en/returns?said=yes#helped")
        assert "Set-Cookie" not in answer.headers
        thanked = await browser.text("/help/en/returns?said=yes")
        assert "Good to hear." in thanked and "Did this article help?" not in thanked
        await browser.post("/help/en/returns/helped", form)  # the same source again on the same day
        await browser.post("/help/en/returns/helped", {"helped": "no", "revision": "older"})
        assert said == [("returns", "abc123", True)]
        browser.desk.clock.move(days=2)
        sorry = await browser.post("/help/en/returns/helped", {"helped": "no", "revision": "abc123"})
        assert "A person can help you" in await sorry.text()
        assert said == [("returns", "abc123", True), ("returns", "abc123", False)]


async def test_what_is_no_verdict_on_a_page_of_ours_counts_nothing() -> None:
    said: list[tuple[str, str, bool]] = []

    async def judge(name: str, revision: str, helped: bool) -> None:
        said.append((name, revision, helped))

    library = Library(articles=(article("returns"), article("secret", audience="agents")), revision="x")
    async with open_site(library=library, judge=judge) as browser:
        form = {"helped": "yes", "revision": "abc123"}
        assert (await browser.post("/help/en/secret/helped", form)).status == 404
        assert (await browser.post("/help/en/returns/helped", {"helped": "maybe"})).status == 404
        elsewhere = {"Origin": "https://evil.example"}
        assert (await browser.post("/help/en/returns/helped", form, headers=elsewhere)).status == 403
        assert (await browser.get("/help/en/returns/helped")).status in (404, 405)
        assert not said
        for _ in range(20):
            await browser.post("/help/en/returns/helped", {"helped": "no", "revision": "older"})
        assert (await browser.post("/help/en/returns/helped", form)).status == 429


async def test_the_desk_shows_how_the_articles_did() -> None:
    async def uses(since: datetime) -> list[Use]:
        return [
            Use(article="returns", given=4, helped=2, page_helped=7, page_misled=3),
            Use(article="gone", given=1),
        ]

    async with open_site(library=Library(articles=(article("returns"),), revision="x"), uses=uses) as browser:
        browser.enter()
        text = " ".join(re.sub(r"<[^>]+>", " ", await browser.text("/desk/articles")).split())
        assert "Returns returns@abc123 4 2 0 0 7 3" in text and "gone no longer there 1" in text
