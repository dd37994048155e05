"""Cards and forms: whatever is in a ticket, Slack takes them, and nothing in them pings anybody."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.slack import preview
from connectors.slack.blocks import fold, weight
from connectors.slack.card import BUTTONS, fallback, render
from connectors.slack.memory import MAX_TYPED, Memory
from connectors.slack.modals import closing_form, preview_form, reply_form, verb_form
from connectors.slack.more import more_form
from connectors.slack.sending import comment, spoken
from gateway.desk.verbs import FORMS
from gateway.errors import InvalidPayload
from gateway.model import (
    CannedReply,
    Card,
    Entry,
    EntryKind,
    Field,
    FieldKind,
    Option,
    Post,
    SendKind,
    SendState,
    Ticket,
    TicketPage,
    Verb,
    VerbForm,
)
from tests.fakes_slack import CARD, desk_address
from tests.slack_limits import check_message, check_modal, is_harmless, texts

HOSTILE = (
    "<!channel> <!here|x> <@U0ANN> <#C0DESK> <!subteam^S1>",
    "@here @channel @everyone",
    "[bank](https://evil.example) [x](javascript:alert(1)) <https://a.example|https://b.example>",
    "&lt;!channel&gt; &amp;lt; &#60;!here&#62;",
    "```\n<!channel>\n",
    "* _ ~ ` unbalanced **bold _and",
    "\u202e\u200b\u0000\ufeff" + "&" * 4000,
    "[" * 3000,
    "> " * 500,
    "> " * 50_000,
    "- x\n\n" * 9000,
    "<" * 9000,
    "信" * 9000,
    "🙂" * 4000,
    "|a|b|\n|-|-|\n" + "|<!here>|x|\n" * 300,
    "word " * 12000,
    "",
    "   \n\n ",
)
anything = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=400),
    st.text(alphabet="<>!@#&*_`~|[]() \n-a", max_size=400),
    st.text(alphabet="<&>", max_size=200).map(lambda text: text * 40),
)
cards = st.builds(
    Card,
    ticket=st.integers(1, 10**12),
    reference=st.just("DG-1"),
    title=anything,
    requester=anything,
    fields=st.lists(st.tuples(anything, anything), max_size=30).map(tuple),
    body=anything,
    why=anything,
    actions=st.lists(st.sampled_from(Verb), max_size=12).map(tuple),
    link=st.one_of(anything, st.just("https://desk.example/t/1"), st.just("http://[bad")),
)


@settings(max_examples=60, deadline=None)
@given(cards)
def test_every_card_is_within_the_documented_limits_and_pings_nobody(card: Card) -> None:
    blocks = render(card)
    check_message(blocks)
    assert all(is_harmless(text) for text in texts(blocks))
    assert is_harmless(fallback(card))
    assert 0 < len(fallback(card)) <= 4000


@settings(max_examples=60, deadline=None)
@given(anything, anything)
def test_every_message_is_within_the_limits_and_pings_nobody(author: str, text: str) -> None:
    post = Post(address=desk_address("1.1"), kind=SendKind.AGENT, ticket=1, text=text, author=author)
    blocks, complete = spoken(post)
    check_message(blocks)
    assert all(is_harmless(said) for said in texts(blocks))
    assert is_harmless(comment(post, [author]))
    assert len(comment(post, [author])) <= 3900
    assert complete or weight(blocks) > 100


def form(name: str, to: str) -> VerbForm:
    """A form with a field of every kind, whose words are all hostile."""
    options = tuple(Option(value=str(n), label=f"{to} {n}") for n in range(130))
    kinds = [
        Field(name=f"{kind}-{name}", kind=kind, label=to or "x", hint=to, options=options)
        for kind in FieldKind
    ]
    text = Field(name="text", kind=FieldKind.TEXT, label="Text", required=True)
    return VerbForm(verb=Verb.REPLY, title=name or "Reply", explain=to, fields=(text, *kinds), preview=True)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=MAX_TYPED), anything, st.text(max_size=300))
def test_every_form_is_within_the_limits_and_remembers_its_text(text: str, to: str, problem: str) -> None:
    memory = Memory(
        ticket=10**15,
        version=10**6,
        channel="C0123456789",
        thread="1764000000.000100",
        verb="escalate",
        source=10**11,
        files=("F0123456789",) * 5,
        text=text,
    )
    canned = [CannedReply(name=f"n{n}", title=to, language="en", text=to) for n in range(120)]
    every = form("Reply", to)
    for view in (
        reply_form(memory, every, "DG-999999999999", to, canned=canned, beside=problem),
        preview_form(memory, "DG-999999999999", to, problem, files=(to,), doing=problem),
        verb_form(memory, every, "DG-1", {"text": text, "line-Reply": to, "choice-Reply": "5"}, problem),
        closing_form("Not possible", problem),
    ):
        check_modal(view)
        assert all(is_harmless(said) for said in texts(view))
    assert Memory.unpacked(memory.packed()) == memory


@settings(max_examples=40, deadline=None)
@given(anything, st.sampled_from(SendState))
def test_more_is_within_the_limits_whatever_the_ticket_holds(said: str, state: SendState) -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    ticket = Ticket(id=10**12, version=1, subject=said, created_at=at, updated_at=at)
    entries = tuple(
        Entry(id=n, kind=EntryKind.REPLY, at=at, author=said, text=said, state=state, send=n, reason=said)
        for n in range(1, 9)
    )
    page = TicketPage(
        ticket=ticket, requester=said, entries=entries, events=(), legs=(), participants=(),
        verbs=tuple(FORMS.values()),
    )  # fmt: skip
    view = more_form(Memory(ticket=ticket.id), page)
    check_modal(view)
    assert all(is_harmless(text) for text in texts(view))


@pytest.mark.parametrize("packed", ["", "x", "1 2 C 3", "1 2 C 3 0 4\ntext", "one 2 C 3 0\n", "1 2 C 3 x\n"])
def test_a_form_that_is_not_ours_is_refused(packed: str) -> None:
    with pytest.raises(InvalidPayload):
        Memory.unpacked(packed)


def test_the_card_shows_who_what_why_and_the_allowed_buttons_only() -> None:
    blocks = render(msgspec.structs.replace(CARD, actions=(Verb.REPLY, Verb.RESOLVE, Verb.TAG)))
    shown = str(blocks)
    assert blocks[0]["text"]["text"] == "DG-42 · Where is my parcel?"
    assert "Cy Customer" in shown and "nothing came" in shown and "did not help" in shown
    assert [b["action_id"] for b in blocks[-1]["elements"]] == ["reply", "resolve", "more", "open"]
    assert {b.get("value") for b in blocks[-1]["elements"]} == {"42", None}


def test_a_card_without_actions_and_link_has_no_empty_row_of_buttons() -> None:
    blocks = render(msgspec.structs.replace(CARD, actions=(), link="javascript:alert(1)"))
    assert all(block["type"] != "actions" for block in blocks)


def test_every_button_has_a_verb_of_its_own() -> None:
    assert len({label for label, _ in BUTTONS.values()}) == len(BUTTONS)


def test_a_long_text_is_folded_after_about_seven_hundred_characters() -> None:
    blocks, complete = fold("A sentence of some length. " * 200, 9000)
    lengths = [len(block["text"]["text"]) for block in blocks]
    assert complete
    assert 600 < lengths[0] <= 700
    assert sum(lengths) > 5300


def test_a_text_beyond_the_room_is_reported_as_incomplete() -> None:
    blocks, complete = fold("word " * 5000, 9000)
    assert not complete
    assert weight(blocks) <= 9000 + 200


def test_cards_and_forms_can_be_looked_at_as_a_page(tmp_path: Path) -> None:
    """Kept as a file too: `pytest --basetemp=… -k looked_at` and open it in a browser."""
    memory = Memory(ticket=42, text="It is **on the van** <!channel>", files=("F1",))
    canned = [CannedReply(name="van", title="On the van", language="en", text="It is on the van.")]
    forms = [
        reply_form(
            memory, FORMS[Verb.REPLY], "DG-42", "Mia, by Telegram", canned=canned, beside="Ben is at it."
        ),
        preview_form(memory, "DG-42", "Mia, by Telegram", files=("van.png",)),
        *(verb_form(Memory(ticket=42), each, "DG-42") for each in FORMS.values() if each.fields),
    ]
    shown = preview.page([preview.message(render(CARD)), *map(preview.modal, forms)])
    (tmp_path / "slack.html").write_text(shown)
    assert "DG-42 · Where is my parcel?" in shown and "van.png" in shown and "<!channel>" not in shown
    assert "<div>(" not in shown, "every kind of block that we use is drawn"
