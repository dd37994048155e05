"""Masking: what is sensitive and what only looks so. Sealing: what a wrong key, place or bit does."""

from __future__ import annotations

import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SettingsError
from gateway.privacy import CHUNK, CannotOpen, Seal, installation_key, is_card, is_iban, mask, scan

# Test numbers as the card schemes and the registry of ISO 13616 publish them; no real account is among them.
CARDS = {
    "visa": "4111111111111111",
    "visa, second": "4012888888881881",
    "visa, 13 digits": "4222222222222",
    "mastercard": "5555555555554444",
    "mastercard, 2-series": "2223003122003222",
    "amex": "378282246310005",
    "discover": "6011111111111117",
    "discover, 65": "6510000000000133",
    "diners": "30569309025904",
    "diners, 38": "38520000023237",
    "jcb": "3530111333300000",
    "unionpay": "6212345678901265",
    "unionpay, 19 digits": "6212345678900000003",
}
IBANS = {
    "Slovenia": "SI56191000000123438",
    "Austria": "AT611904300234573201",
    "Belgium": "BE68539007547034",
    "Bulgaria": "BG80BNBG96611020345678",
    "Croatia": "HR1210010051863000160",
    "Cyprus": "CY17002001280000001200527600",
    "Germany": "DE89370400440532013000",
    "Spain": "ES9121000418450200051332",
    "France": "FR1420041010050500013M02606",
    "Great Britain": "GB29NWBK60161331926819",
    "Hungary": "HU42117730161111101800000000",
    "Italy": "IT60X0542811101000000123456",
    "Malta": "MT84MALT011000012345MTLCAST001S",
    "Netherlands": "NL91ABNA0417164300",
    "Norway": "NO9386011117947",
    "Poland": "PL61109010140000071219812874",
    "Switzerland": "CH9300762011623852957",
    "Saint Lucia": "LC55HEMM000100010012001200023015",
}


def grouped(text: str, gap: str = " ") -> str:
    return gap.join(text[at : at + 4] for at in range(0, len(text), 4))


# ---------------------------------------------------------------- found


@pytest.mark.parametrize("number", CARDS.values(), ids=CARDS)
@pytest.mark.parametrize("gap", ["", " ", "-"])
def test_a_card_of_every_brand_is_masked(number: str, gap: str) -> None:
    masked = mask(f"My card is {grouped(number, gap)}, please check.")
    assert masked.text == "My card is [card], please check."
    assert [finding.kind for finding in masked.found] == ["card"]


@pytest.mark.parametrize("number", IBANS.values(), ids=IBANS)
@pytest.mark.parametrize("gap", ["", " "])
def test_an_iban_of_every_length_is_masked(number: str, gap: str) -> None:
    assert mask(f"Pay to {grouped(number, gap)}, please.").text == "Pay to [iban], please."
    assert mask(f"Pay to {grouped(number.lower(), gap)}, please.").text == "Pay to [iban], please."


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("4111 1111 1111 1111", "[card]"),
        ("card:4111111111111111.", "card:[card]."),
        ("(4111111111111111)", "([card])"),
        ("4111111111111111/5555555555554444", "[card]/[card]"),
        ("378282246310005\n4111 1111 1111 1111\n", "[card]\n[card]\n"),
        ("3782 822463 10005", "[card]"),
        ("IBAN: SI56 1910 0000 0123 438", "IBAN: [iban]"),
        ("SI56191000000123438 and 4111111111111111", "[iban] and [card]"),
        ("我的卡号是 4111 1111 1111 1111，谢谢", "我的卡号是 [card]，谢谢"),
        ("🦊🦊 4111111111111111 🦊", "🦊🦊 [card] 🦊"),
        ("", ""),
    ],
)
def test_where_a_value_may_stand(text: str, masked: str) -> None:
    assert mask(text).text == masked


# ---------------------------------------------------------------- left alone


@pytest.mark.parametrize(
    "text",
    [
        "My order is 1234567890123456",
        "Order 4111111111111112 is late",  # one digit off
        "Order no. 2026-0302-0001-7734",
        "Tracking 1Z999AA10123456784",
        "Tracking RR123456785SI",
        "Tracking 00340434161094042557",
        "Tracking 9400 1000 0000 0000 0000 00",
        "Tracking 612999AA10123456784",
        "Call +386 40 123 456 or 00386 1 234 56 78",
        "Call +1 (555) 010-9999 or +49 30 901820",
        "At 2026-03-02T09:00:00.000Z",
        "At 20260302090000 or 1772442000 or 1772442000000",
        "Invoice 2026/0000411111111111",
        "0000 0000 0000 0000",
        "4444444444444444",
        "Serial 41111111111111111111111",  # too long to be a card
        "411111111111",  # too short
        "x4111111111111111",  # part of a word
        "SI56191000000123439",  # one digit off
        "SI00 1910 0000 0123 438",
        "XSI56191000000123438",
        "DE12 is a road and so is SI56",
        "https://example.org/a/4b5c6d7e8f",
        "The 12 of 345 in 6789 at 1011 and 1213",
    ],
)
def test_what_only_looks_sensitive_is_left_alone(text: str) -> None:
    assert mask(text).text == text
    assert mask(text).found == ()


#: Ways in which people really write these values.
WRITTEN = {
    "card, then the expiry date": "4111 1111 1111 1111 12/27",
    "card, then its code": "4111 1111 1111 1111 123",
    "card, after a number": "Order 5 4111 1111 1111 1111",
    "card, after Chinese": "卡号4111111111111111",
    "card, before Chinese": "4111111111111111是我的卡",
    "card, in full-width digits": "４１１１１１１１１１１１１１１１",
    "card, no-break spaces": "4111\u00a01111\u00a01111\u00a01111",
    "card, thin spaces": "4111\u20091111\u20091111\u20091111",
    "card, two spaces": "4111  1111  1111  1111",
    "card, dots": "4111.1111.1111.1111",
    "card, en dashes": "4111–1111–1111–1111",
    "card, a dash after it": "4111111111111111- mine",
    "card, over two lines": "4111 1111\n1111 1111",
    "card, an underscore before": "card_4111111111111111",
    "maestro": "6759649826438453",
    "iban, then a word": "AT61 1904 3002 3457 3201 please",
    "iban, then a word (Belgium)": "BE68 5390 0754 7034 is mine",
    "iban, then a word (Spain)": "ES91 2100 0418 4502 0005 1332 por favor",
    "iban, after Chinese": "账号DE89370400440532013000",
    "iban, dashes": "DE89-3704-0044-0532-0130-00",
    "iban, no-break spaces": "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000",
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_other_ways_of_writing_a_value(text: str) -> None:
    assert "[card]" in mask(text).text or "[iban]" in mask(text).text


@pytest.mark.parametrize("text", ["", "41", "4111 1111 1111", "4" * 20, "abc", "1234567890123"])
def test_no_card(text: str) -> None:
    assert not is_card(text)


@pytest.mark.parametrize("text", ["", "SI56", "SI5619100000012343", "SI56" + "0" * 40, "AA00000000000000"])
def test_no_iban(text: str) -> None:
    assert not is_iban(text)


# ---------------------------------------------------------------- what always holds

VALUES = st.sampled_from(
    # Thirteen digits in a row are a card only where a word says so: most are article numbers.
    [grouped(n, gap) for n in CARDS.values() for gap in ("", " ", "-") if gap or len(n) > 13]
    + [grouped(n, gap) for n in IBANS.values() for gap in ("", " ")]
)
PROSE = st.text(
    alphabet=st.characters(exclude_categories=["Nd", "L", "Pd", "Cs", "Pc"]), max_size=12
) | st.sampled_from(["hello", "žluťoučký", "你好", "🦊", "order 7", "12/27", "+386 40 123 456"])
#: Texts with values in them, each apart from what stands beside it.
TEXTS = st.lists(PROSE | VALUES, max_size=8).map("; ".join)
ANYTHING = st.text() | TEXTS | st.text(alphabet="0123456789 -ADEIST[]\n", max_size=60)


@given(ANYTHING)
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = mask(text).text
    assert mask(once).text == once


@given(st.lists(PROSE, max_size=4), VALUES, st.lists(PROSE, max_size=4))
def test_a_value_is_found_and_gone_whatever_stands_around_it(
    before: list[str], value: str, after: list[str]
) -> None:
    masked = mask("; ".join([*before, value, *after]))
    assert len(masked.found) == 1
    assert value not in masked.text
    assert masked.text.count("[card]") + masked.text.count("[iban]") == 1


@given(ANYTHING)
def test_no_found_value_is_left(text: str) -> None:
    masked = mask(text)
    for finding in masked.found:
        assert text[finding.start : finding.end] not in masked.text


@given(ANYTHING)
def test_findings_are_code_points_in_order_inside_the_text(text: str) -> None:
    found = scan(text)
    assert list(found) == sorted(found, key=lambda finding: finding.start)
    for finding in found:
        assert 0 <= finding.start < finding.end <= len(text)
        check = is_card if finding.kind == "card" else is_iban
        assert check(text[finding.start : finding.end])


@pytest.mark.parametrize(
    "part",
    [
        "1 ",
        "4",
        "4111 ",
        "DE89 ",
        "password ",
        "password is a b c ",
        "密码",
        "eyJaaaa.",
        "passport ",
        "pin ",
        "?key=",
    ],
)
def test_the_work_grows_with_the_text_and_no_faster(part: str) -> None:
    def seconds(length: int) -> float:
        text = part * (length // len(part))
        begun = time.thread_time()
        scan(text)
        return time.thread_time() - begun

    seconds(1000)
    assert seconds(160_000) < 40 * max(seconds(20_000), 0.002)


def test_an_offset_counts_an_emoji_once() -> None:
    (finding,) = scan("🦊👩‍👧 4111111111111111")
    assert (finding.start, finding.end) == (5, 21)


@given(st.text(alphabet=st.characters(exclude_categories=["Nd", "Cs"])))
def test_a_text_without_digits_is_never_changed(text: str) -> None:
    assert mask(text).text == text


# ---------------------------------------------------------------- sealing

KEY, OTHER = b"k" * 32, b"o" * 32
PLAIN = st.binary(max_size=300)


@given(PLAIN, st.binary(max_size=20))
def test_what_was_sealed_can_be_opened(plain: bytes, context: bytes) -> None:
    seal = Seal(KEY)
    assert seal.open(seal.seal(plain, context), context) == plain


def test_the_same_text_is_sealed_differently_each_time() -> None:
    seal = Seal(KEY)
    assert seal.seal(b"plain") != seal.seal(b"plain")
    assert b"plain" not in seal.seal(b"plain")


@given(PLAIN)
def test_a_wrong_key_opens_nothing(plain: bytes) -> None:
    with pytest.raises(CannotOpen):
        Seal(OTHER).open(Seal(KEY).seal(plain))


@given(PLAIN, st.binary(max_size=20), st.binary(max_size=20))
def test_a_wrong_context_opens_nothing(plain: bytes, context: bytes, other: bytes) -> None:
    if context != other:
        with pytest.raises(CannotOpen):
            Seal(KEY).open(Seal(KEY).seal(plain, context), other)


@given(PLAIN, st.data())
def test_one_flipped_bit_is_noticed(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(Seal(KEY).seal(plain))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CannotOpen):
        Seal(KEY).open(bytes(sealed))


@given(PLAIN, st.data())
def test_a_cut_payload_is_noticed(plain: bytes, data: st.DataObject) -> None:
    sealed = Seal(KEY).seal(plain)
    length = data.draw(st.integers(16, len(sealed) - 1))
    with pytest.raises(CannotOpen):
        Seal(KEY).open(sealed[:length])


@pytest.mark.parametrize("length", [4, 5, 11])
def test_a_payload_cut_within_its_nonce_is_noticed(length: int) -> None:
    with pytest.raises(CannotOpen):
        Seal(KEY).open(Seal(KEY).seal(b"plain")[:length])


@pytest.mark.parametrize("sealed", [b"", b"x", b"garbage that nobody sealed"])
def test_what_nobody_sealed_cannot_be_opened(sealed: bytes) -> None:
    with pytest.raises(CannotOpen):
        Seal(KEY).open(sealed)


def test_after_a_rotation_the_old_is_opened_and_the_new_key_seals() -> None:
    old, rotated = Seal(KEY), Seal(OTHER, (KEY,))
    assert rotated.open(old.seal(b"then")) == b"then"
    with pytest.raises(CannotOpen):
        old.open(rotated.seal(b"now"))


def test_derived_keys_are_independent_of_each_other() -> None:
    seal = Seal(KEY)
    derived = {seal.derive(purpose) for purpose in ("connector/mail", "connector/chat", "cookies")}
    assert len(derived) == 3 and all(len(key) == 32 for key in derived) and KEY not in derived
    assert seal.derive("cookies") == Seal(KEY, (OTHER,)).derive("cookies") != Seal(OTHER).derive("cookies")


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_a_file_is_sealed_in_chunks(size: int) -> None:
    content = os.urandom(size)
    digest, parts = Seal(KEY).seal_file(content)
    assert len(parts) == max(1, -(-size // CHUNK))
    assert Seal(KEY).open_file(digest, list(parts)) == content


def test_the_chunks_of_a_file_cannot_change_places() -> None:
    digest, (first, second) = Seal(KEY).seal_file(b"x" * (CHUNK + 1))
    with pytest.raises(CannotOpen):
        Seal(KEY).open_file(digest, [second, first])
    other, _ = Seal(KEY).seal_file(b"y")
    with pytest.raises(CannotOpen):
        Seal(KEY).open_file(other, [first])


# ---------------------------------------------------------------- the installation key


def test_a_key_file_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "var" / "deskgate.key"
    key = installation_key("", path)
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert installation_key("", path) == key


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_file_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "deskgate.key"
    installation_key("", path)
    path.chmod(mode)
    with pytest.raises(SettingsError, match=f"chmod 600 {path}"):
        installation_key("", path)


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "deskgate.key"
    assert installation_key("ab" * 32, path) == b"\xab" * 32
    assert not path.exists()


@pytest.mark.parametrize("text", ["ab", "ab" * 31, "ab" * 33, "xy" * 32, " "])
def test_a_key_that_is_none_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"DESKGATE_KEY: .*64 hexadecimal digits"):
        installation_key(text, tmp_path / "deskgate.key")
    path = tmp_path / "damaged.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match=r"damaged\.key: .*64 hexadecimal digits"):
        installation_key("", path)


def test_all_that_start_at_once_use_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as starters:
        keys = set(starters.map(lambda _: installation_key("", tmp_path / "key"), range(16)))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
