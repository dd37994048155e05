"""Keys in reply addresses, in Message-IDs and in quoted text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.email import reply_key
from tests.fakes_email import KEY

OURS = ("support@shop.test", "help+web@shop.test")


def test_a_key_travels_in_the_address() -> None:
    address = reply_key.reply_address("support@shop.test", "abcdef234567")
    assert address == "support+abcdef234567@shop.test"
    assert reply_key.keys_in([address], OURS) == ["abcdef234567"]


@pytest.mark.parametrize("key", ["", "a b", "abc\r\ndef", "x" * 60, "abc", "a@bcdef"])
def test_what_is_no_key_stays_out_of_the_address(key: str) -> None:
    assert reply_key.reply_address("support@shop.test", key) == "support@shop.test"


@pytest.mark.parametrize(
    ("recipient", "keys"),
    [
        ("Support+ABCDEF23@SHOP.test", ["abcdef23"]),
        ("help+web+abcdef23@shop.test", ["abcdef23"]),
        ("help+web@shop.test", []),
        ("support@shop.test", []),
        ("support+abcdef23@other.test", []),
        ("other+abcdef23@shop.test", []),
        ("nonsense", []),
        ("", []),
    ],
)
def test_only_plus_forms_of_our_addresses_carry_keys(recipient: str, keys: list[str]) -> None:
    assert reply_key.keys_in([recipient], OURS) == keys


@pytest.mark.parametrize(
    ("address", "ours"),
    [("SUPPORT@shop.test", True), ("support+x@shop.test", True), ("supports@shop.test", False), ("", False)],
)
def test_our_addresses_are_known_in_any_case_and_with_a_plus_part(address: str, ours: bool) -> None:
    assert reply_key.is_ours(address, OURS) is ours


@given(st.integers(min_value=1, max_value=2**62))
def test_a_message_id_is_the_same_each_time_and_leads_back(row: int) -> None:
    identifier = reply_key.message_id(KEY, row, "shop.test")
    assert identifier == reply_key.message_id(KEY, row, "shop.test")
    assert reply_key.outbox_id_of(KEY, f"<{identifier}>") == row
    assert reply_key.outbox_id_of(b"another key", identifier) == 0
    assert reply_key.outbox_id_of(KEY, identifier.replace(f"dg-{row}-", f"dg-{row + 1}-")) == 0


@given(st.text())
def test_no_text_is_mistaken_for_our_message_id(text: str) -> None:
    assert reply_key.outbox_id_of(KEY, text) == 0
    assert reply_key.keys_in([text], OURS) == [] or "+" in text


def test_a_quoted_mail_carries_the_key_back() -> None:
    mark = reply_key.body_mark(42, "abcdef234567")
    assert mark == "[DG-42/abcdef234567]"
    assert reply_key.keys_in_body(f"No.\n\n> Hello\n> {mark}\n") == ["abcdef234567"]
    assert reply_key.body_mark(42, "") == ""
