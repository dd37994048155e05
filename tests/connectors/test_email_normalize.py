"""Raw mail as inputs: who, where, what it refers to, and never an exception."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.email import normalize, reply_key
from connectors.email.settings import Settings
from gateway.model import Address, Delivery, Message
from tests.fakes_email import KEY, NOW

SETTINGS = Settings(address="support@shop.test", aliases=("help@shop.test",))
TOKEN = "abcdef234567"


def raw(text: str = "Where is my parcel?", **headers: str) -> bytes:
    fields = {
        "From": "Ana Novak <Ana@Customer.test>",
        "To": "support@shop.test",
        "Subject": "Parcel",
        "Date": "Mon, 02 Mar 2026 08:59:00 +0000",
        "Message-ID": "<one@customer.test>",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"{head}\r\n{text}\r\n".encode()


def read(data: bytes, **given: Any) -> Message:
    [delivery] = deliveries(data, **given)
    assert isinstance(delivery.input, Message)
    assert delivery.raw == data
    return delivery.input


def deliveries(data: bytes, **given: Any) -> list[Delivery]:
    key = normalize.body_key(data)
    options = {"account": "support", "settings": SETTINGS, "key": KEY, "delivery_key": key} | given
    return normalize.normalize(data, NOW, **options)


def test_a_mail_is_a_message_from_its_sender() -> None:
    message = read(raw())
    assert message.address == Address(connector="email", account="support", conversation="ana@customer.test")
    assert (message.sender.kind, message.sender.value, message.sender.name) == (
        "email",
        "ana@customer.test",
        "Ana Novak",
    )
    assert not message.sender.verified
    assert message.message_key == "mid:one@customer.test"
    assert (message.subject, message.text, message.full_text) == ("Parcel", "Where is my parcel?", "")
    assert message.recipients == ("support@shop.test",)
    assert (message.automatic, message.unreadable, message.bounce) == ("", "", None)


def test_keys_come_strongest_first() -> None:
    data = raw(
        f"No.\r\n\r\n> Try this.\r\n> [DG-42/{TOKEN}]",
        To=f"Shop <support+{TOKEN[::-1]}@shop.test>",
        Subject="Re: Parcel [DG-42]",
        In_Reply_To="<dg-3-x@shop.test>",
        References="<zero@customer.test> <dg-3-x@shop.test>",
    )
    assert read(data).refers_to == (
        f"ref:{TOKEN[::-1]}",
        "mid:dg-3-x@shop.test",
        "mid:zero@customer.test",
        f"ref:{TOKEN}",
        "subj:DG-42",
    )


@pytest.mark.parametrize("header", ["To", "Cc", "Delivered_To", "X_Original_To"])
def test_the_reply_key_counts_wherever_the_address_stands(header: str) -> None:
    assert read(raw(**{header: f"support+{TOKEN}@shop.test"})).refers_to == (f"ref:{TOKEN}",)


def test_the_reply_key_counts_when_only_the_envelope_has_it() -> None:
    message = read(raw(), envelope_to=(f"HELP+{TOKEN.upper()}@shop.test",))
    assert message.refers_to == (f"ref:{TOKEN}",)
    assert message.recipients == ("support@shop.test",)


def test_the_newest_part_is_the_text_and_the_whole_stays() -> None:
    message = read(
        raw("No.\r\n\r\nOn Mon, Mar 2, 2026 at 8:00 AM Shop <support@shop.test> wrote:\r\n> Hello")
    )
    assert message.text == "No."
    assert "> Hello" in message.full_text


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, ""),
        ({"Auto_Submitted": "no"}, ""),
        ({"Auto_Submitted": "auto-replied"}, "auto-submitted"),
        ({"List_Id": "<news.shop.test>"}, "list"),
        ({"X_Deskgate": "supplier.test"}, "auto-submitted"),
        ({"From": "support@shop.test"}, "own"),
        ({"From": f"help+{TOKEN}@SHOP.test"}, "own"),
        ({"Message_ID": f"<{reply_key.message_id(KEY, 5, 'shop.test')}>"}, "own"),
        ({"Message_ID": "<dg-5-000000000000000000000000@shop.test>"}, ""),
    ],
)
def test_machines_are_told_apart(headers: dict[str, str], why: str) -> None:
    assert read(raw(**headers)).automatic == why


def test_a_report_names_the_mail_that_came_back() -> None:
    identifier = reply_key.message_id(KEY, 5, "shop.test")
    report = (
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n"
        "Final-Recipient: rfc822; gone@customer.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{identifier}>\r\nSubject: x\r\n\r\n--b--"
    )
    kind = "multipart/report; report-type=delivery-status; boundary=b"
    message = read(raw(report, From="Mailer <mailer-daemon@mx.test>", MIME_Version="1.0", Content_Type=kind))
    assert message.bounce is not None
    assert message.bounce.permanent == ("gone@customer.test",)
    assert message.bounce.original_key == f"mid:{identifier}"
    assert message.automatic


@pytest.mark.parametrize(
    ("date", "at"),
    [
        ("Mon, 02 Mar 2026 08:00:00 +0000", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ("Mon, 02 Mar 2026 10:00:00 +0200", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ("Tue, 03 Mar 2026 08:00:00 +0000", NOW),
        ("Thu, 01 Jan 1970 00:00:00 +0000", NOW),
        ("yesterday", NOW),
        ("", NOW),
    ],
)
def test_the_date_is_believed_only_where_it_can_be(date: str, at: datetime) -> None:
    assert read(raw(Date=date)).at == at


def test_copies_by_different_ways_have_one_version() -> None:
    data = raw()
    other_way = b"Received: from mx2.test by mx1.test; Mon, 02 Mar 2026 08:59:30 +0000\r\n" + data
    assert read(data).version == read(other_way).version
    assert read(data).version != read(raw("Something else")).version
    assert read(data).delivery_key != read(other_way).delivery_key


def test_what_was_left_in_the_mailbox_is_said() -> None:
    message = read(raw(""), left_out="The mail has 40 MB, more than the 25 MB taken.")
    assert message.unreadable == "The mail has 40 MB, more than the 25 MB taken."
    assert message.subject == "Parcel"


def test_senders_without_an_address_are_not_one_person() -> None:
    one, two = read(raw(From="")), read(raw("Other", From=""))
    assert one.sender.value != two.sender.value
    assert "@" not in one.address.conversation


def test_times_and_texts_are_whole_for_an_empty_mail() -> None:
    message = read(b"")
    assert message.at == NOW
    assert message.text == ""


@given(st.binary(max_size=2000))
def test_any_bytes_become_one_message_with_the_bytes(data: bytes) -> None:
    message = read(data)
    assert NOW - timedelta(days=3) <= message.at <= NOW
    assert message.sender.value


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=400))
def test_any_headers_become_one_message(subject: str, sender: str, references: str) -> None:
    message = read(raw("x", Subject=subject, From=sender, References=references, In_Reply_To=references))
    assert len(message.refers_to) < 60
    assert all(len(key.splitlines()) == 1 for key in message.refers_to)


@pytest.mark.parametrize(
    ("to", "cc", "copied"),
    [
        ("support@shop.test", "noa@customer.test", False),
        ("noa@customer.test", "Support@Shop.test", True),
        ("noa@customer.test", "support+abcdef234567@shop.test", True),
        ("support@shop.test", "support@shop.test", False),
        ("noa@customer.test", "tim@customer.test", False),
    ],
)
def test_whether_we_only_get_a_copy(to: str, cc: str, copied: bool) -> None:
    assert read(raw(To=to, Cc=cc)).copied is copied
