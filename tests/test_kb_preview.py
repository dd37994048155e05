"""`kb preview` and the desk's page: an answer in every form, made by the path that answers, and safe to look at."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.articles import load
from gateway import words
from gateway.cli import main
from gateway.errors import ArticleError
from gateway.kb import Unusable
from gateway.kb.preview import Shop, answers, read, sheet
from tests.fakes_site import Browser, open_site
from tests.fakes_web import AGENT
from tests.kb_files import write

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BODY = """Open **Orders**, see [the other one](track-order.md).

## If it is late

Wait *three* days, then:

1. write to us
2. <script>alert(1)</script>
"""
#: Long enough to be quoted by sections.
LONG = BODY + "\nMore. " * 120


def shown(path: Path) -> str:
    return sheet(read(path), Shop(company="Linden & Fox"), words.load(), NOW)


def test_every_channel_shows_each_part(tmp_path: Path) -> None:
    opening, late = answers(read(write(tmp_path, "help", LONG)), Shop(), words.load(), NOW)
    assert (opening.heading, late.heading) == ("", "If it is late")
    assert "<strong>Orders</strong>" in opening.mail_html and "Orders" in opening.mail_text
    assert "*Orders*" in opening.slack and "<http://127.0.0.1:8080/help/en/track-order|" in opening.slack
    assert "<b>Orders</b>" in opening.telegram and "<strong>Orders</strong>" in opening.chat_html
    assert "#if-it-is-late" in late.mail_text and "1. write to us" in late.mail_text
    assert len(opening.buttons) == 3 and opening.telegram_messages == 1


def test_a_short_article_is_quoted_whole(tmp_path: Path) -> None:
    (only,) = answers(read(write(tmp_path, "help", BODY)), Shop(), words.load(), NOW)
    assert only.heading == "" and "If it is late" in only.mail_text


def test_the_words_around_it_are_in_the_articles_language(tmp_path: Path) -> None:
    path = write(tmp_path, "help.sl", "Odgovor.", language="sl", questions="kje je paket")
    (only,) = answers(read(path), Shop(languages=("en",)), words.load(), NOW)
    assert "Vam je to pomagalo" in only.mail_text and only.buttons[1] == "Ne"


def test_the_sheet_holds_all_forms_and_runs_nothing(tmp_path: Path) -> None:
    text = shown(write(tmp_path, "help", BODY, title="'<b>Late</b> & “lost”'"))
    for panel in ("Mail", "Slack", "Telegram", "Web chat", "Help page"):
        assert f'aria-label="{panel}"' in text
    assert "<script" not in text and "<b>Late</b>" not in text and "&lt;b&gt;Late" in text
    assert "http-equiv" in text and not re.search(r'(?:src|href)="(?!http://127\.0\.0\.1:8080|/help/)', text)


@pytest.mark.parametrize(
    ("front", "says"),
    [
        ({"draft": "true"}, "draft: not quoted yet"),
        ({"audience": "agents"}, "customers never see this"),
        ({"retired": "true"}, "no longer quoted"),
        ({"expires": "2020-01-01"}, "expires 2020-01-01"),
    ],
)
def test_an_article_that_is_not_live_is_shown_and_says_so(
    tmp_path: Path, front: dict[str, str], says: str
) -> None:
    text = shown(write(tmp_path, "help", "Secret steps.", **front))
    assert says in text and "Secret steps." in text


def test_an_empty_body_and_very_many_sections_can_be_looked_at(tmp_path: Path) -> None:
    assert "Help page" in shown(write(tmp_path, "help", " "))
    many = "\n\n".join(f"## Part {n}\n\nText {n}, and some more of it." for n in range(30))
    assert "18 more sections" in shown(write(tmp_path, "help", many))


def test_what_is_no_article_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="cannot be read"):
        read(tmp_path / "gone.md")
    (tmp_path / "zip.md").write_bytes(b"PK\x03\x04\xff\xff")
    with pytest.raises(ArticleError, match="not UTF-8"):
        read(tmp_path / "zip.md")
    (tmp_path / "huge.md").write_bytes(b"x" * 1_000_001)
    with pytest.raises(Unusable, match="more than"):
        read(tmp_path / "huge.md")


def test_the_command_writes_one_file_and_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "look.html"
    arguments = ["kb", "preview", str(write(tmp_path, "help")), "--out", str(out)]
    assert main([*arguments, "--config", str(tmp_path / "none.toml")]) == 0
    assert out.as_uri() in capsys.readouterr().out
    assert out.read_text("utf-8").startswith("<!doctype html>")
    assert main([*arguments[:4], str(tmp_path / "help.md/x"), "--config", "none.toml"]) == 1
    assert "--out" in capsys.readouterr().err


# ---------------------------------------------------------------- the desk's page


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    write(tmp_path, "help", BODY)
    write(tmp_path, "inner", "For us.", audience="agents")
    async with open_site(library=load(tmp_path)) as made:
        yield made


async def test_the_desk_lists_articles_and_frames_the_sheet(browser: Browser) -> None:
    browser.enter(AGENT)
    listing = await browser.text("/desk/preview")
    assert 'href="/desk/preview/help"' in listing and "agents only" in listing
    response = await browser.get("/desk/preview/help")
    assert "frame-src 'self'" in response.headers["Content-Security-Policy"]
    assert 'src="/desk/preview/help/sheet"' in await response.text()
    alone = await browser.get("/desk/preview/help/sheet")
    assert "sandbox" in alone.headers["Content-Security-Policy"]
    assert 'aria-label="Telegram"' in await alone.text()
    assert (await browser.get("/desk/preview/gone")).status == 404


@pytest.mark.parametrize("path", ["/desk/preview", "/desk/preview/help", "/desk/preview/inner/sheet"])
async def test_nobody_outside_of_the_desk_sees_it(browser: Browser, path: str) -> None:
    response = await browser.get(path)
    assert response.status in (401, 403) and "For us." not in await response.text()
