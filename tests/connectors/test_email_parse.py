"""Reading mail: one fixture a rule, written for it, and what must hold for any bytes."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from hypothesis import given
from hypothesis import strategies as st

from connectors.email.automatic import is_out_of_office
from connectors.email.cms import signed_content
from connectors.email.headers import MAX_ADDRESSES, addresses, date, message_ids
from connectors.email.mime import MAX_BYTES, MAX_PARTS
from connectors.email.parse import Mail, parse_mail
from connectors.email.parse_cli import mail_lines

FIXTURES = Path(__file__).parent / "fixtures" / "email"
ALL = sorted(FIXTURES.glob("*.eml"))


def read(name: str) -> Mail:
    return parse_mail((FIXTURES / f"{name}.eml").read_bytes())


def test_an_ordinary_mail() -> None:
    mail = read("message__plain")
    assert (mail.from_name, mail.from_address) == ("Ana Novak", "ana@home.example")
    assert mail.message_id == "one@home.example"
    assert mail.in_reply_to == ("a@shop.example",)
    assert mail.references == ("z@shop.example", "a@shop.example")
    assert mail.reply_to == ("ana@work.example",)
    assert mail.to == ("support@shop.example",)
    assert mail.cc == ("bob@home.example", "ivo@home.example")
    assert mail.delivered_to == ("support@shop.example",)
    assert mail.date is not None and mail.date.isoformat() == "2025-03-04T08:12:00+00:00"
    assert mail.body == "Where is my order?\n\n-- \nAna"
    assert mail.reply == "Where is my order?"
    assert (mail.automatic, mail.bounce, mail.defects) == (None, None, ())


@pytest.mark.parametrize(
    ("name", "subject", "body"),
    [
        ("message__cr_only", "Old Mac", "First line.\nSecond line."),
        ("message__no_blank_line", "No empty line", "This is the text already.\nAnd more."),
        ("message__broken_header_line", "Broken", "Text."),
        ("message__empty", "", ""),
        ("message__two_from", "x", "Text"),
        ("charset__latin2_declared_wrongly", "x", "Grüße aus Köln"),
        ("charset__unknown", "x", "Grüße"),
        ("charset__gb2312_superset", "x", "朱镕基㐀"),
        ("charset__iso2022jp_circled_digits", "x", "① and あ"),
        ("charset__subject_split_character", "订单", "Text"),
        ("charset__subject_eight_bit", "ツール", "Text"),
        ("html__only", "HTML", "Hello,\n\nsee my order (https://shop.example/o/17)."),
        ("html__charset_in_meta", "HTML", "Žluťoučký"),
        ("alternative__plain_and_html", "x", "Plain words"),
        ("alternative__empty_plain", "x", "Only here"),
        ("alternative__missing_end", "x", "Plain words"),
        ("multipart__without_parts", "x", "Just text."),
        ("multipart__boundary_not_named", "x", "Hello"),
    ],
)
def test_subject_and_text(name: str, subject: str, body: str) -> None:
    mail = read(name)
    assert (mail.subject, mail.body) == (subject, body)


def test_the_sender_is_the_one_with_an_address() -> None:
    assert read("message__two_from").from_address == "zhang@home.example"
    assert read("message__two_from").from_name == "张三"


@pytest.mark.parametrize(
    "name", ["reply__html_gmail", "reply__html_apple", "reply__html_outlook", "reply__html_yahoo"]
)
def test_the_newest_part_of_html(name: str) -> None:
    mail = read(name)
    assert mail.reply == "It still fails."
    assert "Try again." in mail.body


def test_a_forwarded_html_mail_is_kept_whole() -> None:
    assert "It is broken." in read("reply__html_gmail_forward").reply


def test_flowed_lines_are_joined() -> None:
    assert read("reply__format_flowed").reply == "This is one sentence."


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("attachment__rfc2231_name", [("Račun 17.pdf", 4, None)]),
        ("attachment__rfc2047_name", [("发票.png", 4, None)]),
        ("attachment__path_in_name", [("passwd", 1, None)]),
        ("attachment__nested_mail", [("Inner one.eml", 87, None)]),
        ("attachment__calendar", [("invite.ics", 29, None)]),
        ("attachment__broken_base64", [("a.pdf", 4, None)]),
        ("attachment__winmail_dat", [("Račun.pdf", 8, None)]),
        ("attachment__winmail_dat_broken", [("winmail.dat", 3, "winmail.dat cannot be opened")]),
        ("multipart__boundary_not_named", [("a.pdf", 4, None)]),
    ],
)
def test_attachments(name: str, files: list[tuple[str, int, str | None]]) -> None:
    assert [(a.filename, a.size, a.skipped) for a in read(name).attachments] == files


def test_a_picture_in_the_text_is_told_from_an_attachment() -> None:
    (picture,) = read("attachment__inline_picture").attachments
    assert picture.inline and picture.content_id == "p1@x"
    assert not read("attachment__rfc2047_name").attachments[0].inline


@pytest.mark.parametrize(
    ("name", "permanent", "temporary", "status"),
    [
        ("bounce__dsn_permanent", ("ana@home.example",), (), "5.1.1"),
        ("bounce__dsn_delayed", (), ("ana@home.example",), "4.4.1"),
        ("bounce__dsn_gave_up", (), ("ana@home.example",), "4.4.7"),
        ("bounce__dsn_two_recipients", ("ana@home.example",), ("bob@home.example",), "5.1.1"),
        ("bounce__failed_recipients_field", ("ana@home.example",), (), None),
        ("bounce__words_only", ("ana@home.example",), (), "5.1.1"),
        ("bounce__provider_json", ("ana@home.example",), (), None),
    ],
)
def test_bounces(
    name: str, permanent: tuple[str, ...], temporary: tuple[str, ...], status: str | None
) -> None:
    mail = read(name)
    assert mail.bounce is not None and mail.automatic is not None
    assert (mail.bounce.permanent, mail.bounce.temporary, mail.bounce.status) == (
        permanent,
        temporary,
        status,
    )


@pytest.mark.parametrize("name", ["bounce__dsn_permanent", "bounce__words_only"])
def test_a_bounce_names_the_mail_that_failed(name: str) -> None:
    bounce = read(name).bounce
    assert bounce is not None and bounce.original_message_id == "ours@shop.example"


def test_a_person_who_quotes_a_bounce_sent_none() -> None:
    mail = read("bounce__quoted_by_a_person")
    assert mail.bounce is None and mail.automatic is None


def test_a_complaint_is_no_bounce() -> None:
    mail = read("feedback__complaint")
    assert mail.feedback and mail.bounce is None and mail.automatic == "feedback"
    assert mail.complaint is not None and mail.complaint.address == "mia@example.org"
    assert mail.complaint.original_message_id == "ours@shop.example"
    assert (hidden := read("feedback__address_left_out").complaint) is not None and hidden.address == ""
    assert read("feedback__authentication_failed").complaint is None


@pytest.mark.parametrize(
    ("name", "reason", "auto_reply"),
    [
        ("automatic__auto_submitted", "auto-submitted", True),
        ("automatic__human_auto_submitted_no", None, False),
        ("automatic__suppress", "suppress", True),
        ("automatic__precedence_bulk", "precedence", False),
        ("automatic__precedence_auto_reply", "precedence", True),
        ("automatic__list", "list", False),
        ("automatic__empty_return_path", "empty-return-path", False),
        ("automatic__own", "own", False),
        ("automatic__x_autoreply", "suppress", True),
    ],
)
def test_machines(name: str, reason: str | None, auto_reply: bool) -> None:
    mail = read(name)
    assert (mail.automatic, mail.auto_reply) == (reason, auto_reply)


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Automatic reply: My order", ""),
        ("Out of office: My order", ""),
        ("Automatische Antwort: Bestellung", ""),
        ("Abwesenheitsnotiz", ""),
        ("Réponse automatique : Commande", ""),
        ("Respuesta automática: Pedido", ""),
        ("Risposta automatica: Ordine", ""),
        ("Automatisch antwoord: Bestelling", ""),
        ("Automatyczna odpowiedź: Zamówienie", ""),
        ("Resposta automática: Pedido", ""),
        ("Samodejni odgovor: Naročilo", ""),
        ("Automatski odgovor: Narudžba", ""),
        ("自动答复: 订单", ""),
        ("自動回覆: 訂單", ""),
        ("自動返信: 注文", ""),
        ("Re: x", "Hello,\n\nI am currently out of the office until Monday."),
        ("Re: x", "Ich bin derzeit nicht im Büro."),
        ("Re: x", "Bonjour,\nJe suis actuellement absente jusqu'à lundi."),
        ("Re: x", "Estaré fuera de la oficina hasta el lunes."),
        ("Re: x", "Sono fuori ufficio fino a lunedì."),
        ("Re: x", "Ik ben momenteel niet op kantoor."),
        ("Re: x", "Jestem obecnie na urlopie."),
        ("Re: x", "Estarei ausente até segunda-feira."),
        ("Re: x", "Trenutno sem na dopustu."),
        ("Re: x", "Trenutno sam na godišnjem odmoru."),
        ("Re: x", "您好，我目前正在休假。"),
        ("Re: x", "我現在不在辦公室。"),
        ("Re: x", "ただいま不在にしております。"),
    ],
)
def test_absence_notes_in_every_language(subject: str, body: str) -> None:
    assert is_out_of_office(subject, body)


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Where is my order?", "I was out of the office when it came."),
        ("Automatic coffee machine broken", "It is broken."),
        ("Re: x", "The shop assistant said: I am on it."),
        ("Antwort", "Ich bin nicht zufrieden."),
        ("Re: x", "When will I be able to return it?"),
        ("Holiday booking", "We booked a holiday."),
    ],
)
def test_people_are_no_machines(subject: str, body: str) -> None:
    assert not is_out_of_office(subject, body)


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        (b"a@x.example", [("", "a@x.example")]),
        (b'"Novak, Ana" <a@x.example>, b@x.example', [("Novak, Ana", "a@x.example"), ("", "b@x.example")]),
        (b"Friends: a@x.example, b@x.example;", [("", "a@x.example"), ("", "b@x.example")]),
        (b"a@x.example (Ana Novak)", [("Ana Novak", "a@x.example")]),
        (b"=?utf-8?Q?Ana_Ra=C4=8D?= <a@x.example>", [("Ana Rač", "a@x.example")]),
        (b'"a@y.example" <a@x.example>', [("a@y.example", "a@x.example")]),
        (b"<a@x.example", [("", "a@x.example")]),
        (b'"unclosed <a@x.example>, b@x.example', [("unclosed", "a@x.example"), ("", "b@x.example")]),
        (b"undisclosed-recipients:;", []),
        (b"MAILER-DAEMON", [("", "MAILER-DAEMON")]),
        (b"<mailto:a@x.example>", [("", "a@x.example")]),
        (b"", []),
    ],
)
def test_addresses(value: bytes, pairs: list[tuple[str, str]]) -> None:
    assert addresses([value]) == pairs


def test_message_ids_in_every_shape() -> None:
    assert message_ids([b"<a@x> <b@x>\n\t<a@x>"]) == ("a@x", "b@x")
    assert message_ids([b"a@x.example"]) == ("a@x.example",)
    assert message_ids([b"<>", b"<", b""]) == ()


def test_a_mail_of_too_many_parts_is_read_up_to_the_limit() -> None:
    part = b"--m\nContent-Type: application/pdf; name=a.pdf\n\nx\n"
    mail = parse_mail(b"Content-Type: multipart/mixed; boundary=m\n\n" + part * 5_000 + b"--m--")
    assert len(mail.attachments) < MAX_PARTS
    assert any("200" in defect for defect in mail.defects)


def test_a_mail_to_too_many_people_is_read_up_to_the_limit() -> None:
    mail = parse_mail(b"To: " + b", ".join(b"a%d@x.example" % i for i in range(5_000)) + b"\n\nx")
    assert len(mail.to) == MAX_ADDRESSES
    assert any("1000" in defect for defect in mail.defects)


def test_a_mail_too_large_is_cut() -> None:
    mail = parse_mail(b"Subject: x\n\n" + b"a" * (MAX_BYTES + 10))
    assert mail.subject == "x"
    assert any("cut" in defect for defect in mail.defects)


def test_parts_nested_without_end_are_opened_to_a_depth() -> None:
    raw = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(500))
    assert any("nested" in defect for defect in parse_mail(raw).defects)


def test_html_too_large_is_cut_and_said_so() -> None:
    mail = parse_mail(b"Content-Type: text/html\n\n" + b"<p>word</p>" * 60_000)
    assert any("HTML" in defect for defect in mail.defects)


def test_lines_of_the_command(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in mail_lines([str(ALL[0]), str(tmp_path / "missing.eml")])]
    assert set(lines[0]) == {
        *("file", "from_address", "subject", "body", "reply", "attachments", "in_reply_to", "references"),
        *("auto_reply", "bounce", "defects"),
    }
    assert set(lines[1]) == {"file", "error"}


@given(st.binary(max_size=2_000))
def test_any_bytes_are_read(raw: bytes) -> None:
    mail = parse_mail(raw)
    assert not any("could not be read" in defect for defect in mail.defects)


@given(st.sampled_from(ALL), st.lists(st.tuples(st.integers(0, 3_000), st.binary(max_size=6)), max_size=12))
def test_any_damage_to_a_mail_is_survived(path: Path, damage: list[tuple[int, bytes]]) -> None:
    raw = path.read_bytes()
    for at, new in damage:
        at %= len(raw) + 1
        raw = raw[:at] + new + raw[at + len(new) // 2 :]
    mail = parse_mail(raw)
    assert not any("could not be read" in defect for defect in mail.defects)
    assert json.loads(next(iter(mail_lines([str(path)]))))["file"] == str(path)


_PIECES = [
    *(
        b"\n",
        b"\n\n",
        b"\r",
        b"--b\n",
        b"--b--\n",
        b": ",
        b"Content-Type: ",
        b"multipart/mixed; boundary=b",
        b"multipart/report",
    ),
    *(
        b"message/rfc822",
        b"message/delivery-status",
        b"text/html",
        b"; charset=",
        b"hex",
        b"utf-16",
        b"hz",
        b"rot13",
        b"\x1b$B",
        b"=?x?b?",
        b"?=",
    ),
    *(
        b"Subject",
        b"From",
        b"Final-Recipient: rfc822;a@b",
        b"Action: failed",
        b"Content-Transfer-Encoding: ",
        b"base64",
        b"quoted-printable",
    ),
    *(
        b"x-uuencode",
        b"application/ms-tnef",
        b"\x78\x9f\x3e\x22",
        b"filename*0*=",
        b"%C4",
        b'"',
        b"<",
        b">",
        b"(",
        b"\\",
        b"\x00",
        b"\xff",
    ),
]


@given(st.lists(st.one_of(st.sampled_from(_PIECES), st.binary(max_size=4)), max_size=60))
def test_any_arrangement_of_mail_words_is_read(pieces: list[bytes]) -> None:
    mail = parse_mail(b"".join(pieces))
    assert not any("could not be read" in defect for defect in mail.defects)


@given(st.integers(0, 4_000_000_000), st.integers(-719, 719))
def test_the_everyday_date_is_what_the_library_reads(seconds: int, minutes: int) -> None:
    moment = datetime.fromtimestamp(seconds, timezone(timedelta(minutes=minutes)))
    text = format_datetime(moment)
    for written in (text, f"{text} (CEST)", text.partition(", ")[2], text.replace(" ", "  "), f"{text} x"):
        assert date(written.encode()) == moment
    assert date(b"Mon, 32 Mar 2026 10:00:00 +0100") is None


@given(
    st.text(alphabet="abcABC09 .-", max_size=20),
    st.from_regex(r"[a-z0-9.+_-]{1,9}@[a-z0-9.-]{1,9}", fullmatch=True),
)
def test_the_everyday_address_is_what_is_read_of_it_with_a_comment(name: str, address: str) -> None:
    named = " ".join(name.split())
    for written in (
        f"{name} <{address}>",
        f'"{name}" <{address}>',
        f"<{address}>",
        f"{name} (x) <{address}>",
    ):
        ((found, at),) = addresses([written.encode()])
        assert at == address
        assert found in (named, "", f"{named} (x)".strip())


# ---------------------------------------------------------------- signed and encrypted

INNER = b"Content-Type: text/plain; charset=utf-8\r\n\r\nWo ist mein P\xc3\xa4ckchen?\r\n"


def smime(block: bytes) -> bytes:
    """A mail that is nothing but this block (RFC 8551 section 3.5.2)."""
    head = b"From: Ana <ana@home.example>\r\nSubject: Parcel\r\nMIME-Version: 1.0\r\n"
    kind = (
        b'Content-Type: application/pkcs7-mime; name="smime.p7m"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    )
    return head + kind + base64.encodebytes(block)


def signed(content: bytes) -> bytes:
    """As Outlook sends it with clear text signing switched off."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Ana")])
    day = datetime(2026, 3, 2, tzinfo=UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day + timedelta(days=1))
    made = pkcs7.PKCS7SignatureBuilder().set_data(content)
    made = made.add_signer(built.sign(key, hashes.SHA256()), key, hashes.SHA256())
    return made.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


def in_pieces(content: bytes) -> bytes:
    """As Apple Mail and others write it: open ends, and the content in pieces."""
    pieces = b"".join(b"\x04" + bytes([len(p)]) + p for p in (content[:9], content[9:]))
    capsule = b"\x30\x80\x06\x09" + bytes.fromhex("2a864886f70d010701") + b"\xa0\x80\x24\x80" + pieces
    signed = b"\x30\x80\x02\x01\x01\x31\x00" + capsule + b"\0\0" * 3 + b"\x31\x00" + b"\0\0"
    return b"\x30\x80\x06\x09" + bytes.fromhex("2a864886f70d010702") + b"\xa0\x80" + signed + b"\0\0" * 2


@pytest.mark.parametrize("block", [signed(INNER), in_pieces(INNER)], ids=["one block", "in pieces"])
def test_a_mail_that_is_one_signed_block_is_read(block: bytes) -> None:
    mail = parse_mail(smime(block))
    assert (mail.body, mail.attachments, mail.defects) == ("Wo ist mein Päckchen?", (), ())


def test_signatures_that_nest_are_opened_a_few_times() -> None:
    twice, often = signed(smime(signed(INNER))), signed(INNER)
    for _ in range(8):
        often = signed(smime(often))
    assert parse_mail(smime(twice)).body == "Wo ist mein Päckchen?"
    assert [one.filename for one in parse_mail(smime(often)).attachments] == ["smime.p7m"]


@pytest.mark.parametrize(
    ("raw", "how"),
    [
        (smime(b"\x30\x80\x06\x09" + bytes.fromhex("2a864886f70d010703") + b"\xa0\x80\x30\x80"), "S/MIME"),
        (smime(signed(INNER)[:60]), "S/MIME"),
        (smime(b"\x30\x80" * 5000), "S/MIME"),
        (
            b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\n\n--b\n'
            b"Content-Type: application/pgp-encrypted\n\nVersion: 1\n--b\n"
            b"Content-Type: application/octet-stream; name=encrypted.asc\n\n-----BEGIN PGP MESSAGE-----\n--b--\n",
            "PGP",
        ),
    ],
)
def test_what_is_encrypted_is_said_and_kept(raw: bytes, how: str) -> None:
    mail = parse_mail(raw)
    assert mail.defects == (f"could not be read: it is encrypted ({how}), open the original with its key",)
    assert mail.attachments and not mail.body


@given(st.binary(max_size=200))
def test_any_block_is_no_crash(block: bytes) -> None:
    head = b"\x30\x80\x06\x09" + bytes.fromhex("2a864886f70d010702")
    for data in (block, head + block):
        assert signed_content(data) is None or isinstance(signed_content(data), bytes)
