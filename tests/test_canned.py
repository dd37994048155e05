"""Canned replies: checked at load, filled in for a ticket, harmless whoever wrote them."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from gateway.canned import MAX_OUTPUT, VARIABLES, CannedBook, load, offered, parse, render
from gateway.errors import ArticleError
from gateway.model import Identity, TicketView
from gateway.settings import load as load_settings
from tests.world import World

ROOT = Path(__file__).parent.parent


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/deskgate.db"


def reply(body: str, front: str = "title: Hello") -> bytes:
    return f"---\n{front}\n---\n{body}\n".encode()


BAD = [
    (b"Hello", "There is no front matter."),
    (reply("Hello", "queues: [general]"), "There is no title."),
    (reply("Hello", "title: x\ncolour: red"), "There is no field 'colour'."),
    (reply("Hello", "title: x\nqueues: [sales]"), "There is no queue 'sales'. Choose among general, orders."),
    (reply("Hello", "title: x\nlanguage: de"), "Its name says sl, its front matter de."),
    (reply(""), "The reply is empty."),
    (reply("{{ name }}"), "There is no variable 'name'. Use one of requester, agent"),
    (reply("{{ requester"), "The template is not valid, line 1"),
    (reply("{% for x in 'abc' %}{{ x }}{% endfor %}"), "A reply may not use for."),
    (reply("{{ 'x' * 10000000 }}"), "A reply may not use mul."),
    (reply("{{ agent.__class__ }}"), "A reply may not use getattr."),
    (reply("{{ range(9) }}"), "A reply may not use call."),
    (reply("{% include '/etc/passwd' %}"), "A reply may not use include."),
    (reply("{{ agent | tojson }}"), "There is no filter 'tojson'."),
    (reply("ÿ").replace("ÿ".encode(), b"\xff"), "is not UTF-8"),
]


@pytest.mark.parametrize(("raw", "problem"), BAD, ids=[problem for _, problem in BAD])
def test_a_bad_reply_is_refused_with_the_remedy(raw: bytes, problem: str) -> None:
    with pytest.raises(ArticleError) as refused:
        parse(Path("canned/hello.sl.md"), raw, ("general", "orders"))
    assert problem in str(refused.value) and str(refused.value).startswith("canned/hello.sl.md: ")


def test_values_bring_no_markup_and_no_flood() -> None:
    canned = parse(Path("a.md"), reply("Hello {{ requester }}!"), ())
    assert (
        render(canned, {"requester": "[Mia](http://evil.example)\n<b>"})
        == "Hello Mia (http://evil.example) b!"
    )
    with pytest.raises(jinja2.TemplateRuntimeError):
        render(canned, {"requester": "x" * MAX_OUTPUT})


def test_the_requesters_language_is_offered_then_the_house_language(tmp_path: Path) -> None:
    (tmp_path / "hello.md").write_bytes(reply("Hello {{ agent }}", "title: Hello\nlanguage: en"))
    (tmp_path / "hello.sl.md").write_bytes(reply("Zdravo {{ agent }}"))
    (tmp_path / "money.md").write_bytes(reply("Paid", "title: Paid\nqueues: [orders]"))
    shelf = load(tmp_path, ("general", "orders"))
    assert shelf.problems == ()
    texts = {
        (queue, language): [
            r.text for r in offered(shelf, VARIABLES, queue=queue, languages=(language, "en"))
        ]
        for queue in ("general", "orders")
        for language in ("sl", "de")
    }
    assert texts == {
        ("general", "sl"): ["Zdravo Ana"],
        ("general", "de"): ["Hello Ana"],
        ("orders", "sl"): ["Zdravo Ana", "Paid"],
        ("orders", "de"): ["Hello Ana", "Paid"],
    }


def test_a_broken_edit_keeps_the_last_good_version(tmp_path: Path) -> None:
    (tmp_path / "hello.md").write_bytes(reply("Hello"))
    book = CannedBook(tmp_path, ())
    (tmp_path / "hello.md").write_bytes(reply("{{ oops }}"))
    book.reload()
    assert render(book.shelf.replies["hello"], {}) == "Hello"
    assert (
        "There is no variable 'oops'" in book.shelf.problems[0]
        and "good version stays" in book.shelf.problems[0]
    )
    (tmp_path / "hello.md").write_bytes(reply("Hello again"))
    book.reload()
    assert (render(book.shelf.replies["hello"], {}), book.shelf.problems) == ("Hello again", ())


def test_the_shipped_replies_are_good_in_every_language_of_the_shop() -> None:
    settings = load_settings(ROOT / "config.toml", {})
    shelf = load(ROOT / "canned", settings.queues)
    assert shelf.problems == ()
    names = {canned.name for canned in shelf.replies.values()}
    for name in names:
        languages = {canned.language for canned in shelf.replies.values() if canned.name == name}
        assert languages == set(settings.site.languages), name


async def test_a_surface_gets_them_filled_in_for_its_ticket(world: World, tmp_path: Path) -> None:
    (tmp_path / "hello.md").write_bytes(reply("Hello {{ requester }}, {{ reference }} is with {{ agent }}."))
    shelf = load(tmp_path, ())
    world.host.shelf = lambda: shelf
    await world.say("a person, please")
    query = TicketView(actor=Identity(kind="agent", value="ana"), ticket=1)
    assert [r.text for r in await world.host.canned(query)] == ["Hello Mia, DG-1 is with Ana."]
