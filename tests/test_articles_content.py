"""The sample shop's articles and test questions: complete, consistent, and fair to a matcher."""

import datetime as dt
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import frontmatter
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

FOLDER = Path(__file__).parent.parent / "kb_articles"
FIELDS = {"title", "questions", "keywords", "language", "topic", "audience", "owner", "review_by", "queue"}
OPTIONAL = {"sample", "may_answer"}
LANGUAGES = ["en", "sl", "zh-Hans", "zh-Hant"]
#: What the versions of one slug must agree on.
SHARED = ["audience", "owner", "review_by", "queue", "may_answer", "sample"]
HOSTS = re.compile(r"(?<![\w.-])[\w.-]+\.(?:com|org|net|eu|si|cn|tw|io|shop|example)\b")
OUR_HOST = re.compile(r"(?:[\w-]+\.)?(?:lindenandfox\.example|example\.com)")
PHONES = re.compile(r"(?<![\w-])\d{3}-\d{3,4}(?:-\d{4})?\b")
#: The same letters in both Chinese scripts: one of the other script in a file is a slip.
SIMPLIFIED = set("订单货账码录设发们这问题请输选择邮链")
TRADITIONAL = set("訂單貨帳碼錄設發們這問題請輸選擇郵鏈")


def load(path: Path) -> dict[str, Any]:
    post = frontmatter.loads(path.read_text(encoding="utf-8"))
    return {**post.metadata, "body": post.content}


def tokens(body: str) -> list[Token]:
    """The blocks and the inline tokens of a body, flat, in order."""
    blocks = MarkdownIt("commonmark").parse(body)
    return [inner for block in blocks for inner in [block, *(block.children or [])]]


def links(body: str) -> list[str]:
    return [str(token.attrs["href"]) for token in tokens(body) if token.type == "link_open"]


def folded(text: str) -> str:
    """Lower case without punctuation, so that two spellings of one phrasing are equal."""
    return " ".join(re.findall(r"\w+", text.casefold()))


ARTICLES = {path.stem: load(path) for path in sorted(FOLDER.glob("*.md"))}
ASKED = [
    json.loads(line) for line in (FOLDER / "test_questions.jsonl").read_text(encoding="utf-8").splitlines()
]
each_article = pytest.mark.parametrize("name", ARTICLES)


@each_article
def test_front_matter_is_complete(name: str) -> None:
    article = ARTICLES[name]
    assert FIELDS <= article.keys() <= FIELDS | OPTIONAL | {"body"}
    assert article["sample"] is True
    assert article["audience"] in {"public", "agents"}
    assert article["queue"] in {"general", "orders", "payments", "technical"}
    assert set(article.get("may_answer", [])) <= {"billing", "account"}
    assert type(article["review_by"]) is dt.date


@each_article
def test_texts_stay_texts_in_yaml(name: str) -> None:
    article = ARTICLES[name]
    values = [article[field] for field in ("title", "language", "topic", "owner")]
    values += article["questions"] + article["keywords"]
    assert all(isinstance(value, str) and value.strip() == value != "" for value in values)


@each_article
def test_name_is_the_slug_and_the_language(name: str) -> None:
    slug, _, suffix = name.partition(".")
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert ARTICLES[name]["language"] == (suffix or "en")
    assert slug in ARTICLES


@each_article
def test_versions_agree(name: str) -> None:
    original = ARTICLES[name.partition(".")[0]]
    assert [ARTICLES[name].get(field) for field in SHARED] == [original.get(field) for field in SHARED]


@each_article
def test_enough_questions(name: str) -> None:
    questions = [folded(question) for question in ARTICLES[name]["questions"]]
    assert 8 <= len(set(questions)) == len(questions) <= 14


@each_article
def test_body_begins_with_an_answer_and_has_sections(name: str) -> None:
    found = tokens(ARTICLES[name]["body"])
    assert found[0].type == "paragraph_open"
    headings = [token.tag for token in found if token.type == "heading_open"]
    assert 2 <= len(headings) <= 5
    assert set(headings) == {"h2"}


@each_article
def test_body_is_plain_commonmark(name: str) -> None:
    found = tokens(ARTICLES[name]["body"])
    assert not [token for token in found if token.type.startswith("html_")]
    texts = [token.content for token in found if token.type == "text"]
    assert not [text for text in texts if "**" in text or "|" in text]


@each_article
def test_body_is_neither_a_stub_nor_a_manual(name: str) -> None:
    article = ARTICLES[name]
    if article["language"].startswith("zh"):
        assert 250 <= len(re.findall(r"[\u4e00-\u9fff]", article["body"])) <= 900
    else:
        assert 120 <= len(article["body"].split()) <= 350


@each_article
def test_links_lead_to_articles_that_the_reader_may_see(name: str) -> None:
    article = ARTICLES[name]
    for target in links(article["body"]):
        linked = ARTICLES[target.removesuffix(".md")]
        assert target.endswith(".md")
        assert linked["language"] == article["language"]
        assert article["audience"] == "agents" or linked["audience"] == "public"


@each_article
def test_only_reserved_names_and_numbers(name: str) -> None:
    body = ARTICLES[name]["body"]
    assert not [host for host in HOSTS.findall(body) if not OUR_HOST.fullmatch(host)]
    assert not [number for number in PHONES.findall(body) if not re.fullmatch(r"555-01\d\d", number)]


@pytest.mark.parametrize(("language", "foreign"), [("zh-Hans", TRADITIONAL), ("zh-Hant", SIMPLIFIED)])
def test_chinese_scripts_do_not_mix(language: str, foreign: set[str]) -> None:
    texts = [str(article) for article in ARTICLES.values() if article["language"] == language]
    texts += [question["text"] for question in ASKED if question["language"] == language]
    assert not set("".join(texts)) & foreign


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrasing_in_two_articles(language: str) -> None:
    articles = [article for article in ARTICLES.values() if article["language"] == language]
    phrasings = [{folded(text) for text in [article["title"], *article["questions"]]} for article in articles]
    counts = Counter(phrasing for group in phrasings for phrasing in group)
    assert not [phrasing for phrasing, count in counts.items() if count > 1]


def test_numbers_of_articles() -> None:
    counts = Counter(article["language"] for article in ARTICLES.values())
    assert counts["en"] >= 30
    assert all(counts[language] >= 5 for language in LANGUAGES)
    assert sum(article["audience"] == "agents" for article in ARTICLES.values()) == 2


def test_questions_are_well_formed() -> None:
    assert len(ASKED) >= 200
    for question in ASKED:
        assert question.keys() == {"text", "language", "expect"}
        assert question["text"].strip()
        assert question["language"] in LANGUAGES
    assert len({question["text"] for question in ASKED}) == len(ASKED)


def test_a_third_of_the_questions_is_for_people() -> None:
    handed = Counter(question["language"] for question in ASKED if question["expect"] == "handoff")
    asked = Counter(question["language"] for question in ASKED)
    assert 3 * handed.total() >= asked.total()
    assert all(handed[language] >= 10 for language in LANGUAGES)


def test_expected_articles_exist_for_customers_in_their_language() -> None:
    expected = [question for question in ASKED if question["expect"] != "handoff"]
    for question in expected:
        article = ARTICLES[question["expect"]]
        assert (article["language"], article["audience"]) == (question["language"], "public")
    public = {name for name, article in ARTICLES.items() if article["audience"] == "public"}
    assert {question["expect"] for question in expected} == public


def test_no_question_is_copied_from_an_article() -> None:
    known = {
        folded(text) for article in ARTICLES.values() for text in [article["title"], *article["questions"]]
    }
    assert not [question["text"] for question in ASKED if folded(question["text"]) in known]
