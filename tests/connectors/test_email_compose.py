"""A Post as a mail: threading headers, marks of automatic mail, both texts, files, and nothing injected."""

from __future__ import annotations

import email
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.email.compose import Composed, compose, one_line
from connectors.email.settings import Settings
from gateway.errors import Undeliverable
from gateway.model import Attachment, Button, Choice, ChoiceAction, Post, SendKind
from tests.fakes_email import KEY, NOW, post

SETTINGS = Settings(address="support@shop.test")
HEADERS = frozenset(
    b"message-id in-reply-to references from to subject date mime-version content-type".split()
)


def composed(outgoing: Post, files: dict[str, bytes] | None = None, **given: Any) -> Composed:
    settings = SETTINGS.model_copy(update=given)
    return compose(outgoing, settings=settings, key=KEY, company="Acme Shop", now=NOW, files=files or {})


def mail(outgoing: Post, files: dict[str, bytes] | None = None, **given: Any) -> EmailMessage:
    parsed = email.message_from_bytes(composed(outgoing, files, **given).raw, policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def body(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_an_answer_threads_under_the_mail_it_answers() -> None:
    answer = mail(
        post(references=("mid:first@c.test", "subj:DG-42", "mid:dg-3-x@shop.test", "mid:second@c.test"))
    )
    assert answer["In-Reply-To"] == "<second@c.test>"
    assert answer["References"] == "<first@c.test> <dg-3-x@shop.test> <second@c.test>"
    assert answer["Subject"] == "Re: Where is my parcel? [DG-42]"
    assert answer["From"] == "Acme Shop <support@shop.test>"
    assert answer["To"] == "ana@customer.test"


def test_what_we_wrote_since_is_not_what_is_answered() -> None:
    keys = ("mid:first@c.test", "mid:dg-3-x@shop.test", "mid:second@c.test", "mid:dg-4-x@shop.test")
    answer = mail(post(references=keys, answers="mid:second@c.test"))
    assert answer["In-Reply-To"] == "<second@c.test>"
    assert answer["References"] == "<first@c.test> <dg-3-x@shop.test> <second@c.test>"
    unasked = mail(post(references=keys[1:2]))
    assert unasked["In-Reply-To"] == "<dg-3-x@shop.test>"


def test_a_first_mail_is_no_reply() -> None:
    first = mail(post(subject=""))
    assert first["Subject"] == "Acme Shop [DG-42]"
    assert first["In-Reply-To"] is None


@pytest.mark.parametrize("subject", ["Re: RE[2]: AW: Hi [DG-42]", "Hi [DG-42] [DG-42]", "回复：Hi", "Hi"])
def test_prefix_and_reference_stand_once(subject: str) -> None:
    assert mail(post(subject=subject, references=("mid:a@b",)))["Subject"] == "Re: Hi [DG-42]"


def test_long_and_broken_references_stay_readable() -> None:
    long = "x" * 200 + "@mail.test"
    ids = [f"mid:{n}.{long}" for n in range(30)]
    answer = mail(post(references=(ids[0], "mid:a b@c", "mid:évil@c", "mid:x>\r\nBcc: v@v.test", *ids[1:])))
    found = str(answer["References"]).split()
    assert len(found) == 20
    assert found[0] == f"<0.{long}>" and found[-1] == f"<29.{long}>"
    assert answer["Bcc"] is None


def test_the_same_post_has_the_same_message_id() -> None:
    first, again, other = composed(post()), composed(post("Other words")), composed(post(id=8))
    assert first.message_id == again.message_id != other.message_id
    assert first.message_id.startswith("dg-7-") and first.message_id.endswith("@shop.test")
    assert f"Message-ID: <{first.message_id}>".encode() in first.raw


@pytest.mark.parametrize(
    ("kind", "automatic"), [(SendKind.ANSWER, True), (SendKind.NOTICE, True), (SendKind.AGENT, False)]
)
def test_only_our_automatic_mail_says_so(kind: SendKind, automatic: bool) -> None:
    sent = mail(post(kind=kind))
    assert sent["Auto-Submitted"] == ("auto-replied" if automatic else None)
    assert sent["X-Auto-Response-Suppress"] == ("All" if automatic else None)


def test_the_reply_address_carries_the_key() -> None:
    made = composed(post(reply_key="abcdef234567"))
    parsed = mail(post(reply_key="abcdef234567"))
    assert parsed["Reply-To"] == "Acme Shop <support+abcdef234567@shop.test>"
    assert made.sender == "support+abcdef234567@shop.test"
    assert body(parsed, "plain").endswith("[DG-42/abcdef234567]\n")


def test_without_plus_addressing_the_address_is_plain() -> None:
    parsed = mail(post(reply_key="abcdef234567"), plus_addressing=False)
    assert parsed["Reply-To"] is None
    assert "[DG-42/abcdef234567]" in body(parsed, "html")


def test_text_and_html_say_the_same() -> None:
    parsed = mail(post("Your parcel **left** us.\n\nSee [the article](https://shop.test/kb/x)."))
    assert parsed.get_content_type() == "multipart/alternative"
    assert "https://shop.test/kb/x" in body(parsed, "plain")
    assert "<strong>left</strong>" in body(parsed, "html")


def test_buttons_are_links_a_line_each_before_what_is_quoted() -> None:
    choice = Choice(action=ChoiceAction.RATE, value="1", ticket=42)
    buttons = (
        Button(label='1 <"&', choice=choice, link="https://shop.test/help/choice/a?b&c"),
        Button(label="2", choice=choice, link="https://shop.test/help/choice/d"),
        Button(label="unlinked", choice=choice),
    )
    parsed = mail(post("How was it?", buttons=buttons, quote="Mia:\nWhere?"), quote=True)
    plain, html = body(parsed, "plain"), body(parsed, "html")
    assert 'How was it?\n\n1 <"&: https://shop.test/help/choice/a?b&c\n2: https://' in plain
    assert "unlinked" not in plain + html
    assert 'href="https://shop.test/help/choice/a?b&amp;c"' in html and ">1 &lt;&quot;&amp;</a>" in html
    assert plain.index("help/choice/d") < plain.index("> Where?")


def test_html_in_a_text_is_shown_not_run() -> None:
    assert "<script>" not in body(mail(post("<script>alert(1)</script>")), "html")


def test_a_quote_is_put_below_where_wanted() -> None:
    said = "Mia, 2026-03-02 09:00 UTC:\nWhere is *it*?\n\nSee [here](http://a.test)"
    quoting = mail(post(quote=said), quote=True)
    plain = body(quoting, "plain")
    assert "Mia, 2026-03-02 09:00 UTC:" in plain and "> Where is *it*?" in plain
    assert "<blockquote" in body(quoting, "html") and ">here<" not in body(quoting, "html")
    assert "Where is" not in body(mail(post(quote=said)), "plain")


def test_files_travel_with_a_safe_name() -> None:
    files = {"aa": b"%PDF-1.7", "bb": b"From: a@b\r\n\r\nhi"}
    attachments = (
        Attachment(filename="../инвойс\r\n.pdf", content_type="application/pdf", size=8, sha256="aa"),
        Attachment(filename="", content_type="message/rfc822", size=17, sha256="bb"),
    )
    first, second = mail(post(attachments=attachments), files).iter_attachments()
    assert first.get_filename() == ".._инвойс .pdf" and first.get_content() == b"%PDF-1.7"
    assert second.get_content_type() == "application/octet-stream" and second.get_content() == files["bb"]


def test_a_reply_never_leaves_without_its_file() -> None:
    gone = (Attachment(filename="bill.pdf", size=10, sha256="aa"),)
    with pytest.raises(Undeliverable) as refused:
        composed(post(attachments=gone))
    assert refused.value.reason == "file-missing"


def test_a_mail_over_the_limit_is_not_sent() -> None:
    files = {"aa": bytes(100_000)}
    with pytest.raises(Undeliverable) as refused:
        composed(post(attachments=(Attachment(filename="a", size=1, sha256="aa"),)), files, max_mail=90_000)
    assert refused.value.reason == "too-big"


@pytest.mark.parametrize(
    "to", ["", "unknown-12ab", "@shop.test", "ana@", "a b@c.test", "a@b.test,c@d.test", "a@b\r\nBcc: c@d"]
)
def test_what_is_no_address_is_undeliverable(to: str) -> None:
    with pytest.raises(Undeliverable) as refused:
        composed(post(to=to))
    assert refused.value.reason == "no-address"


@pytest.mark.parametrize(
    ("to", "recipient", "utf8"),
    [
        ("dots..@docomo.test", "dots..@docomo.test", False),
        ("ana@müller.test", "ana@xn--mller-kva.test", False),
        ("jožica@shop.test", "jožica@shop.test", True),
    ],
)
def test_unusual_addresses_are_written_as_servers_want_them(to: str, recipient: str, utf8: bool) -> None:
    made = composed(post(to=to))
    assert (made.recipient, made.utf8) == (recipient, utf8)


@given(st.text(max_size=300), st.text(max_size=60), st.text(max_size=300))
def test_no_text_from_outside_makes_a_header(subject: str, name: str, text: str) -> None:
    made = composed(post(text, subject=subject, references=(f"mid:{subject}",)), name=name)
    head, _, _ = made.raw.partition(b"\r\n\r\n")
    names = {
        line.split(b":")[0].lower() for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))
    }
    assert names <= HEADERS
    assert all(len(line) <= 998 for line in made.raw.split(b"\r\n"))


@given(st.text())
def test_one_line_is_one_line(value: str) -> None:
    assert len(one_line(value).splitlines()) <= 1


def test_the_accounts_signature_stands_below_both_texts_and_above_our_mark() -> None:
    parsed = mail(
        post("Hello", reply_key="abcdef234567"), signature="Your **Acme** team\n[Help](https://acme.test)"
    )
    plain, html = body(parsed, "plain"), body(parsed, "html")
    assert plain.index("Hello") < plain.index("\n-- \nYour Acme team") < plain.index("[DG-42/")
    assert "<strong>Acme</strong>" in html and 'href="https://acme.test"' in html


def test_without_a_signature_there_are_no_dashes() -> None:
    assert "-- " not in body(mail(post("Hello")), "plain")


def test_an_agents_reply_has_its_copies_and_what_is_automatic_has_none() -> None:
    with_copies = post("Hello", cc=("noa@customer.test", "broken", "ana@customer.test"))
    reply = composed(with_copies)
    assert reply.copies == ("noa@customer.test",)
    assert mail(with_copies)["Cc"] == "noa@customer.test"
    for kind in (SendKind.NOTICE, SendKind.ANSWER):
        automatic = post("Hello", kind=kind, cc=("noa@customer.test",))
        assert composed(automatic).copies == () and mail(automatic)["Cc"] is None
