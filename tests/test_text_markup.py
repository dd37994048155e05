"""Markdown in every channel's form: nothing typed can ping, run or break out, and tags are balanced."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from gateway.text.markup import (
    escape,
    from_mrkdwn,
    from_telegram,
    split,
    to_html,
    to_mail,
    to_mail_html,
    to_mrkdwn,
    to_plain,
    to_telegram_html,
    to_wary_html,
)

TABLE = "| Size | Price |\n|---|---|\n| 密码 | 10 |\n| L | 9 |"


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("a **b** *c* ~~d~~ `e`", "<p>a <strong>b</strong> <em>c</em> <s>d</s> <code>e</code></p>\n"),
        ("<script>x</script>", "<p>&lt;script&gt;x&lt;/script&gt;</p>\n"),
        (
            "[x](https://a.example/?b=1&c=2)",
            '<p><a href="https://a.example/?b=1&amp;c=2" rel="noopener nofollow">x</a></p>\n',
        ),
        ("[x](/kb/returns)", '<p><a href="/kb/returns" rel="noopener nofollow">x</a></p>\n'),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
        ("[x](data:text/html,y)", "<p>[x](data:text/html,y)</p>\n"),
        ("[x](//evil.example)", "<p>[x](//evil.example)</p>\n"),
        (
            "see https://a.example/b.",
            '<p>see <a href="https://a.example/b" rel="noopener nofollow">https://a.example/b</a>.</p>\n',
        ),
        (
            "![p](https://a.example/p.png)",
            '<p><a href="https://a.example/p.png" rel="noopener nofollow">p</a></p>\n',
        ),
        ("a\nb", "<p>a<br>\nb</p>\n"),
    ],
)
def test_web_html(markdown: str, html: str) -> None:
    assert to_html(markdown) == html


def test_mail_html_carries_its_styles() -> None:
    html = to_mail_html(f"> a\n\n{TABLE}")
    assert '<blockquote style="' in html
    assert '<td style="border' in html
    assert "<img" not in to_mail_html("![p](https://a.example/p.png)")


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("# Title\n\na **b** [c](https://a.example)", "Title\n\na b c (https://a.example)"),
        ("<https://a.example> <me@a.example>", "https://a.example me@a.example"),
        ("- a\n- b\n  1. c\n  2. d", "- a\n- b\n    1. c\n    2. d"),
        (TABLE, "Size | Price\n-----+------\n密码 | 10\nL    | 9"),
        ("```py\nx = 1\n```", "x = 1"),
        ("> a\n>\n> b", "> a\n>\n> b"),
    ],
)
def test_plain(markdown: str, plain: str) -> None:
    assert to_plain(markdown) == plain


@pytest.mark.parametrize(
    ("markdown", "mrkdwn"),
    [
        ("a **b** *c* ~~d~~ `e`", "a *b* _c_ ~d~ `e`"),
        ("# Title *x*", "*Title _x_*"),
        (
            "<!channel> <!here|here> <@U123> <#C1>",
            "&lt;!channel&gt; &lt;!here|here&gt; &lt;@U123&gt; &lt;#C1&gt;",
        ),
        ("`<!channel>`", "`&lt;!channel&gt;`"),
        ("[x](https://a.example/?b=1&c=2)", "<https://a.example/?b=1&amp;c=2|x>"),
        ("[https://bank.example](https://evil.example)", "https://bank.example (<https://evil.example>)"),
        ("[bank.example/login](https://evil.example)", "bank.example/login (<https://evil.example>)"),
        ("[a|b>](https://a.example/x|y)", "<https://a.example/x%7Cy|a|b&gt;>"),
        ("- a\n  - b", "• a\n    • b"),
        ("```\n<!channel> ``\n```", "```\n&lt;!channel&gt; ``\n```"),
        (TABLE, "```\nSize | Price\n-----+------\n密码 | 10\nL    | 9\n```"),
        ("[x](/local)", "x"),
    ],
)
def test_mrkdwn(markdown: str, mrkdwn: str) -> None:
    assert to_mrkdwn(markdown) == mrkdwn


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("a **b** *c* ~~d~~ `e<`", "a <b>b</b> <i>c</i> <s>d</s> <code>e&lt;</code>"),
        ("# T", "<b>T</b>"),
        ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"),
        ("[x](https://a.example/?b=1&c=2)", '<a href="https://a.example/?b=1&amp;c=2">x</a>'),
        ("[bank.example](https://evil.example)", "bank.example (https://evil.example)"),
        ("> a\n> > b", "<blockquote>a\n\nb</blockquote>"),
        ("```py\nx<1\n```", '<pre><code class="language-py">x&lt;1</code></pre>'),
    ],
)
def test_telegram_html(markdown: str, html: str) -> None:
    assert to_telegram_html(markdown) == html


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("Hi <@U1|bob> and <@U2>", "Hi @bob and @U2"),
        ("*b* _i_ ~s~ `c`", "**b** *i* ~~s~~ `c`"),
        ("<https://a.example|words> <https://a.example>", "[words](https://a.example) <https://a.example>"),
        ("&lt;b&gt; &amp; snake_case_word 2*3*4", r"\<b\> & snake\_case\_word 2\*3\*4"),
        ("&gt; q\n• item", "> q\n- item"),
        ("<!channel> <!subteam^S1|@team> <#C1|general>", "@channel @team #general"),
        ("```x = <https://a.example>```", "```\nx = https://a.example\n```"),
    ],
)
def test_from_slack(text: str, markdown: str) -> None:
    assert from_mrkdwn(text) == markdown


@pytest.mark.parametrize(
    ("text", "entities", "markdown"),
    [
        ("😀 bold", [{"type": "bold", "offset": 3, "length": 4}], "😀 **bold**"),
        (
            "a link",
            [{"type": "text_link", "offset": 2, "length": 4, "url": "https://a.example"}],
            "a [link](https://a.example)",
        ),
        ("a link", [{"type": "text_link", "offset": 2, "length": 4, "url": "javascript:x"}], "a link"),
        (
            "ab",
            [{"type": "bold", "offset": 0, "length": 2}, {"type": "italic", "offset": 1, "length": 1}],
            "**a*b***",
        ),
        ("x*y", [], r"x\*y"),
        ("x", [{"type": "bold", "offset": 0, "length": 9}], "x"),
        ("x=1", [{"type": "pre", "offset": 0, "length": 3, "language": "py"}], "\n```py\nx=1\n```\n"),
        ("bold ", [{"type": "bold", "offset": 0, "length": 5}], "**bold** "),
    ],
)
def test_from_telegram(text: str, entities: list[dict[str, object]], markdown: str) -> None:
    assert from_telegram(text, entities) == markdown


def test_a_long_text_is_cut_where_a_reader_would_pause() -> None:
    assert split("One two three four.\n\nThree four five six seven.", 40) == [
        "One two three four.",
        "Three four five six seven.",
    ]
    assert split("First sentence here. Second sentence follows it.", 40) == [
        "First sentence here.",
        "Second sentence follows it.",
    ]
    assert split("", 40) == []


def test_a_cut_fence_is_closed_and_opened_again() -> None:
    pieces = split("```py\n" + "x = 1\n" * 30 + "```\n\nafter", 60)
    assert all(piece.count("```") == 2 for piece in pieces[:-1])
    assert all(piece.startswith("```py") for piece in pieces[:-1])
    assert pieces[-1].endswith("after")


def test_a_limit_too_small_for_a_fence_is_refused() -> None:
    with pytest.raises(ValueError, match="40"):
        split("x", 39)


MARKDOWN = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *(
                    "**",
                    "*",
                    "_",
                    "~~",
                    "`",
                    "```\n",
                    "[",
                    "](",
                    ")",
                    "<",
                    ">",
                    "<!channel>",
                    "<@U1>",
                    "&",
                    "&lt;",
                    "!",
                    "|",
                    "\n",
                    "\n\n",
                    "> ",
                    "- ",
                ),
                *(
                    "javascript:",
                    "JaVaScript:",
                    "https://a.example/",
                    "data:",
                    "&#106;avascript:",
                    "<script>",
                    "\\",
                    "1. ",
                    "# ",
                    "\t",
                    "| - |",
                    '"',
                    "'",
                ),
            ]
        ),
        st.text(max_size=8),
    ),
    max_size=40,
).map("".join)


class _Balance(HTMLParser):
    """Fails on a tag that is closed in the wrong order, and keeps every link."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.links: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("br", "hr", "img"):
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        assert all(not name.startswith("on") for name, _ in attrs)

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@given(MARKDOWN)
def test_html_is_balanced_and_runs_nothing(markdown: str) -> None:
    for render in (to_html, to_mail_html, to_telegram_html):
        checker = _Balance()
        checker.feed(render(markdown))
        checker.close()
        assert checker.open == []
        assert all(
            not re.match(r"\s*(javascript|data|vbscript|file):", link, re.IGNORECASE)
            for link in checker.links
        )


@given(MARKDOWN)
def test_telegram_gets_only_tags_it_knows(markdown: str) -> None:
    tags = set(re.findall(r"</?([a-z-]+)", to_telegram_html(markdown)))
    assert tags <= {"b", "i", "s", "code", "pre", "a", "blockquote"}


@given(MARKDOWN)
def test_nothing_typed_becomes_a_control_sequence_of_slack(markdown: str) -> None:
    for sequence in re.findall(r"<([^>]*)>?", to_mrkdwn(markdown)):
        assert re.match(r"(?:https?://|mailto:)", sequence, re.IGNORECASE)


@given(
    st.text(
        alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp", "Cs", "Co"])
        | st.sampled_from("\n *_`#>-.1")
    )
)
def test_escaped_text_renders_as_itself(text: str) -> None:
    lines = [line.rstrip() for line in to_plain(escape(text)).split("\n") if line.strip()]
    assert lines == [line.rstrip() for line in text.split("\n") if line.strip()]


@given(
    st.text(),
    st.lists(
        st.fixed_dictionaries(
            {
                "type": st.sampled_from(["bold", "code", "pre", "url", "text_link"]),
                "offset": st.integers(-2, 30),
                "length": st.integers(-2, 30),
            }
        )
    ),
)
def test_any_entities_can_be_read(text: str, entities: list[dict[str, object]]) -> None:
    assert isinstance(from_telegram(text, entities), str)


@given(st.text())
def test_what_slack_sends_never_becomes_raw_html(text: str) -> None:
    assert "<script" not in to_html(from_mrkdwn(text)).lower()


@given(st.text(alphabet="ab .。\n", max_size=400), st.integers(40, 90))
def test_pieces_are_short_and_lose_no_words(text: str, limit: int) -> None:
    pieces = split(text, limit)
    assert all(len(piece) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(st.text(alphabet="ab \n`~", max_size=400), st.integers(40, 90))
def test_pieces_with_fences_are_short(text: str, limit: int) -> None:
    for piece in split(text, limit):
        assert len(piece) <= limit


@given(MARKDOWN)
def test_long_marks_are_plain_text(markdown: str) -> None:
    huge = markdown + "[" * 5_000
    assert "<a " not in to_telegram_html(huge)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[your bank](http://evil.test/x)", "(http://evil.test/x)"),
        ("[https://bank.test](https://evil.test)", "(https://evil.test)"),
        ("<https://bank.test>", ""),
        ("https://bank.test", ""),
        ("[mia@example.org](mailto:mia@example.org)", ""),
        ("[look](https://xn--pple-43d.test)", "(https://xn--pple-43d.test)"),
        ("[look](https://\u0430pple.test)", "(https://xn--pple-43d.test)"),
        ("[**bold** words](https://a.test)", "(https://a.test)"),
        ("[a](javascript:alert(1))", ""),
        ("[a](https://a.test/<script>)", "(https://a.test/%3Cscript%3E)"),
    ],
)
def test_what_strangers_wrote_shows_where_its_links_lead(written: str, shown: str) -> None:
    html = to_wary_html(written)
    assert shown in html and "<script>" not in html
    assert html.count("(http") == bool(shown)


def test_pictures_of_strangers_are_never_loaded() -> None:
    html = to_wary_html("![receipt](https://tracker.test/1.gif) <img src=https://tracker.test/2.gif>")
    assert "<img" not in html


@given(st.text(alphabet="ab[](){}*_`>#|-\n: .1/", max_size=80))
def test_a_mails_two_forms_are_those_of_each(markdown: str) -> None:
    assert to_mail(markdown) == (to_plain(markdown), to_mail_html(markdown))
