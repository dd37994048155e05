"""Whose word about a sender counts: only the configured host's, only from above, only about the domain people see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.email import normalize
from connectors.email.authentication import dmarc
from connectors.email.settings import Settings
from gateway.model import Message
from tests.fakes_email import KEY, NOW

HOST = "mx.shop.test"
MIA = "mia@customer.test"


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ((f"{HOST}; dmarc=pass header.from=customer.test",), "pass"),
        ((f"{HOST}; dmarc=fail (p=NONE sp=NONE dis=NONE) header.from=customer.test",), "fail"),
        ((f"{HOST} 1; spf=pass smtp.mailfrom=x; dkim=none; DMARC = None",), "none"),
        ((f"{HOST.upper()}; dmarc=pass",), "pass"),
        ((f"{HOST}; spf=pass", f"{HOST}; dmarc=pass"), "pass"),
        ((f"{HOST}; dmarc=pass header.from=evil.test",), "fail"),
        (("other.test; dmarc=pass", f"{HOST}; dmarc=pass"), ""),  # what came with the mail
        (("other.test; dmarc=pass",), ""),
        ((f"{HOST}; spf=pass",), ""),
        ((f"{HOST}; x-note=(dmarc=pass) none",), ""),
        ((f"{HOST}.evil.test; dmarc=pass",), ""),
        ((), ""),
        (("",), ""),
    ],
)
def test_what_the_host_says(values: tuple[str, ...], found: str) -> None:
    assert dmarc(values, HOST, MIA) == found


def test_nobody_is_believed_by_default() -> None:
    assert dmarc((f"{HOST}; dmarc=pass",), "", MIA) == ""


@given(st.lists(st.text(max_size=200), max_size=3))
def test_no_header_is_too_strange(values: list[str]) -> None:
    assert isinstance(dmarc(values, HOST, MIA), str)


def read(raw: str, **given: object) -> Message:
    settings = Settings.model_validate({"address": "support@shop.test", **given})
    (delivery,) = normalize.normalize(
        raw.replace("\n", "\r\n").encode(),
        NOW,
        account="support",
        settings=settings,
        key=KEY,
        delivery_key="1:1",
    )
    assert isinstance(delivery.input, Message)
    return delivery.input


FORM = "From: form@site.test\nReply-To: Mia <Mia@Customer.test>\nAuto-Submitted: auto-generated\nSubject: x\n\nHello\n"


def test_a_trusted_form_writes_for_the_person_in_reply_to() -> None:
    said = read(FORM, trusted_forms=("Form@Site.test",))
    assert (said.sender.value, said.address.conversation, said.automatic) == (MIA, MIA, "")


def test_nobody_elses_reply_to_is_believed() -> None:
    said = read(FORM)
    assert said.sender.value == "form@site.test" and said.automatic


@pytest.mark.parametrize("reply_to", ["", "Reply-To: a@b.test, c@d.test\n", "Reply-To: nobody\n"])
def test_a_form_that_names_no_one_person_speaks_for_itself(reply_to: str) -> None:
    said = read(f"From: form@site.test\n{reply_to}Subject: x\n\nHello\n", trusted_forms=("form@site.test",))
    assert said.sender.value == "form@site.test"


def test_a_forged_form_speaks_for_nobody() -> None:
    said = read(
        f"Authentication-Results: {HOST}; dmarc=fail\n{FORM}",
        trusted_forms=("form@site.test",),
        authserv=HOST,
    )
    assert (said.sender.value, said.vouched) == ("form@site.test", "fail")


def test_a_program_is_known_by_its_first_bytes() -> None:
    said = read(
        "From: a@b.test\nSubject: x\nMIME-Version: 1.0\nContent-Type: application/pdf; name=bill.pdf\n"
        "Content-Disposition: attachment; filename=bill.pdf\nContent-Transfer-Encoding: base64\n\nTVqQAAMAAAA=\n"
    )
    assert said.attachments[0].content_type == "application/x-msdownload"
