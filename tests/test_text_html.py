"""HTML into text and into safe HTML."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.html import MAX_HTML, html_to_quoted_text, html_to_text, safe_link, sanitize


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree"),
        ('<a href="https://a.example/x">words</a>', "words (https://a.example/x)"),
        ('<a href="https://a.example/">a.example</a>', "a.example"),
        ('<a href="mailto:me@a.example">me@a.example</a>', "me@a.example"),
        ('<a href="javascript:x">words</a>', "words"),
        ('<a href="https://a.example"><img src="x.png"></a>after', "after"),
        ("a<script>b</script><style>c</style>d", "ad"),
        ('a<div style="display: none">b</div><span hidden>c</span>', "a"),
        ('a<span style="font-size:0px">b</span><span style="font-size:0.9em">c</span>', "ac"),
        ("a\u200bb\u00adc", "abc"),
        ("<title>t</title>x", "x"),
        ("", ""),
    ],
)
def test_text(html: str, text: str) -> None:
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    "quote",
    [
        '<div class="gmail_quote">old</div>',
        '<blockquote type="cite">old</blockquote>',
        '<blockquote style="border-left:1px solid blue">old</blockquote>',
        '<div class="yahoo_quoted">old</div>',
        '<div id="divRplyFwdMsg">From: x</div><div>old</div>',
        '<hr id="stopSpelling">Subject: x<br>old',
        '<div name="quote">old</div>',
        '<div class="ntes-mailmaster-quote">old</div>',
    ],
)
def test_marked_quotes_are_dropped_or_marked(quote: str) -> None:
    html = f"<div>new</div>{quote}"
    assert html_to_text(html, drop_quotes=True) == "new"
    assert "old" in html_to_text(html)
    assert "old" not in html_to_quoted_text(html).split("\n")[0]


def test_an_indented_paragraph_is_no_quote() -> None:
    html = '<blockquote style="margin:0 0 0 40px;border:none">mine</blockquote>'
    assert html_to_text(html, drop_quotes=True) == "mine"


def test_a_forwarded_mail_is_no_quote() -> None:
    html = '<div class="gmail_quote">---------- Forwarded message ---------<br>From: Joe<br>mine</div>'
    assert "mine" in html_to_text(html, drop_quotes=True)


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ("<p onclick=x>a</p>", "<p>a</p>"),
        ("a<script>b</script>", "a"),
        ("<a href=javascript:x>a</a>", '<a rel="noopener nofollow">a</a>'),
        ('<a href="https://a.example">a</a>', '<a href="https://a.example" rel="noopener nofollow">a</a>'),
        ('<img src="http://track.example/1.gif">a', "a"),
        ('<form action="x"><input name=a>b</form>', "b"),
        ('<p style="position:fixed">a</p>', "<p>a</p>"),
    ],
)
def test_safe_html(html: str, safe: str) -> None:
    assert sanitize(html) == safe


@pytest.mark.parametrize(
    "tag",
    ["<div>", "<b>", "<font>", "<blockquote type=cite>", "<table><tr><td>", "<a href=https://a.example>"],
)
def test_nesting_without_end_is_flattened(tag: str) -> None:
    assert "end" in sanitize(tag * 3_000 + "end")
    assert "end" in html_to_text(tag * 3_000 + "end")


def test_only_so_much_html_is_read() -> None:
    assert len(html_to_text("a" * (MAX_HTML + 100))) == MAX_HTML


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://a.example", True),
        ("mailto:a@b.example", True),
        ("/kb/returns", True),
        ("#part", True),
        ("javascript:alert(1)", False),
        (" JavaScript:alert(1)", False),
        ("data:text/html,x", False),
        ("//evil.example", False),
        ("\\\\evil.example", False),
        ("https://[broken", False),
    ],
)
def test_links_that_may_be_shown(url: str, is_safe: bool) -> None:
    assert safe_link(url) is is_safe


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *(
                    "<div>",
                    "</div>",
                    "<p>",
                    "<a href=",
                    "javascript:x",
                    "https://a.example",
                    ">",
                    "<",
                    '"',
                    "'",
                    "<script>",
                    "</script>",
                    "<svg>",
                ),
                *(
                    "<style>",
                    "<!--",
                    "-->",
                    "<math>",
                    "<template>",
                    " onload=x",
                    "<img src=x ",
                    "<iframe>",
                    "&lt;",
                    "&#x6a;",
                    "<blockquote type=cite>",
                ),
            ]
        ),
        st.text(max_size=5),
    ),
    max_size=40,
).map("".join)


@given(PIECES)
def test_whatever_comes_in_nothing_runs(html: str) -> None:
    safe = sanitize(html)
    assert not re.search(r"<\s*(?:script|style|iframe|svg|math|img|template|form)\b", safe, re.IGNORECASE)
    assert not re.search(r"<[^>]*\s(?:on\w+|style)\s*=", safe, re.IGNORECASE)
    assert not re.search(r'href="\s*(?:javascript|data):', safe, re.IGNORECASE)


@given(PIECES)
def test_any_html_can_be_read(html: str) -> None:
    assert "\ue000" not in html_to_quoted_text(html)
    assert isinstance(html_to_text(html, drop_quotes=True), str)
