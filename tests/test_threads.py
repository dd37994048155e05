"""Which ticket a message continues: every branch as a line of a table, each with the reason that people see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.case import Case, Claim, Folder
from gateway.model import Address, Identity, Leg, Message, Participant, Side, Status, Ticket
from gateway.policy import Policy
from gateway.threads import Join, Thread, choose, conversation_keys
from tests.world import make_policy

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POLICY: Policy = make_policy()
MIA = Identity(kind="email", value="mia@example.org")
EVE = Identity(kind="email", value="eve@example.org")
MAIL = Address(connector="mail", account="main", conversation="mia@example.org")
CHAT = Address(connector="chat", account="main", conversation="mia")
VISITOR = Identity(kind="chat", value="mia")
CHANNEL = Address(connector="team", account="main", conversation="C1", thread="17.5")


def message(**fields: Any) -> Message:
    given: dict[str, Any] = {
        "connector": "mail",
        "account": "main",
        "delivery_key": "d1",
        "at": NOW,
        "address": MAIL,
        "sender": MIA,
        "text": "And now?",
        "message_key": "mid:2@example.org",
        "version": "1",
    }
    return Message(**{**given, **fields})


def chat(**fields: Any) -> Message:
    return message(**{"connector": "chat", "address": CHAT, "sender": VISITOR, **fields})


def case(
    *keys: str, people: tuple[Identity, ...] = (MIA, VISITOR), at: Address = MAIL, **fields: Any
) -> Case:
    """What is known: ticket 7, which all these keys name."""
    given: dict[str, Any] = {
        "id": 7,
        "version": 1,
        "created_at": NOW,
        "updated_at": NOW,
        "subject": "My order",
    }
    folder = Folder(
        ticket=Ticket(**{**given, **fields}),
        legs=(Leg(id=1, side=Side.REQUESTER, address=at),),
        participants=tuple(Participant(identity=person) for person in people),
    )
    return Case(
        claim=Claim(stream="s", fence="f", rows=()),
        keys=dict.fromkeys(keys, 7),
        folders={7: folder},
        seen={"mid:1@example.org": {"1": 7}},
    )


KNOWN = ("mid:1@example.org", "ref:abc", "subj:DG-7", f"at:{CHAT.key}", f"at:{CHANNEL.key}")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (message(refers_to=("mid:1@example.org",)), "It answers a mail of DG-7."),
        (message(refers_to=("ref:abc",)), "It came to the reply address of DG-7."),
        (message(refers_to=("subj:DG-7",)), "It names the reference of DG-7."),
        (message(refers_to=("mid:unknown", "ref:abc")), "It came to the reply address of DG-7."),
        (chat(), "It came by the conversation of DG-7."),
        (chat(subject="anything"), "It came by the conversation of DG-7."),
    ],
)
def test_what_continues_a_ticket(said: Message, reason: str) -> None:
    assert choose(said, case(*KNOWN), POLICY) == Thread(join=Join.CONTINUES, ticket=7, reason=reason)


@pytest.mark.parametrize(
    "said",
    [
        message(),
        message(refers_to=("mid:unknown", "ref:wrong")),
        message(subject="Re: My order"),  # a subject alone is no key
        chat(address=Address(connector="chat", account="main", conversation="noa")),
        chat(address=Address(connector="chat", account="other", conversation="mia")),
    ],
)
def test_what_refers_to_nothing_we_know_is_new(said: Message) -> None:
    assert choose(said, case(*KNOWN), POLICY).join is Join.NEW


def test_the_strongest_key_wins() -> None:
    both = case("ref:abc", "subj:DG-7")
    said = message(refers_to=("ref:abc", "subj:DG-7"))
    assert "reply address" in choose(said, both, POLICY).reason
    # a key whose ticket was erased does not hide the next one
    erased = Case(claim=both.claim, keys={"ref:old": 3, "subj:DG-7": 7}, folders=both.folders)
    assert choose(message(refers_to=("ref:old", "subj:DG-7")), erased, POLICY).ticket == 7


# ---------------------------------------------------------------- strangers and closed tickets


@pytest.mark.parametrize("key", ["mid:1@example.org", "ref:abc", "subj:DG-7"])
def test_a_key_alone_lets_no_stranger_in(key: str) -> None:
    found = choose(message(sender=EVE, refers_to=(key,)), case(*KNOWN), POLICY)
    assert (found.join, found.ticket) == (Join.RELATED, 7)
    assert "not on that ticket" in found.reason


def test_the_same_name_in_another_kind_of_channel_is_a_stranger() -> None:
    same = Identity(kind="chat", value="mia@example.org")
    assert choose(message(sender=same, refers_to=("ref:abc",)), case(*KNOWN), POLICY).join is Join.RELATED


def test_in_a_shared_thread_the_place_is_the_membership() -> None:
    colleague = Identity(kind="team", value="T1:U2")
    said = message(connector="team", address=CHANNEL, sender=colleague)
    assert choose(said, case(*KNOWN, at=CHANNEL), POLICY).join is Join.CONTINUES
    elsewhere = case(*KNOWN, at=Address(connector="team", account="main", conversation="C1", thread="9"))
    assert choose(said, elsewhere, POLICY).join is Join.RELATED


def test_the_same_conversation_without_a_thread_is_no_membership() -> None:
    said = chat(sender=Identity(kind="chat", value="somebody else"))
    assert choose(said, case(*KNOWN, at=CHAT), POLICY).join is Join.RELATED


@pytest.mark.parametrize("said", [message(refers_to=("ref:abc",)), chat()])
def test_a_closed_ticket_stays_closed(said: Message) -> None:
    found = choose(said, case(*KNOWN, status=Status.CLOSED), POLICY)
    assert found == Thread(join=Join.RELATED, ticket=7, reason="DG-7 is closed.")


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.CLOSED])
def test_every_other_status_is_continued(status: Status) -> None:
    assert choose(message(refers_to=("ref:abc",)), case(*KNOWN, status=status), POLICY).join is Join.CONTINUES


# ---------------------------------------------------------------- silence


@pytest.mark.parametrize(
    ("silence", "join"),
    [
        (timedelta(hours=24), Join.CONTINUES),
        (timedelta(hours=24, seconds=1), Join.RELATED),
        (timedelta(days=30), Join.RELATED),
    ],
)
def test_a_chat_begins_anew_after_silence(silence: timedelta, join: Join) -> None:
    assert choose(chat(at=NOW + silence), case(*KNOWN), POLICY).join is join


def test_silence_is_told_in_hours() -> None:
    assert choose(chat(at=NOW + timedelta(hours=50)), case(*KNOWN), POLICY).reason == (
        "The chat was silent for 50 hours."
    )


@pytest.mark.parametrize(
    "said",
    [
        message(refers_to=("ref:abc",), at=NOW + timedelta(days=90)),
        message(connector="team", address=CHANNEL, at=NOW + timedelta(days=90)),
    ],
)
def test_silence_ends_no_mail_and_no_thread(said: Message) -> None:
    assert choose(said, case(*KNOWN, at=CHANNEL), POLICY).join is Join.CONTINUES


# ---------------------------------------------------------------- the subject

#: How mail programs mark a reply or a forward, by language.
PREFIXES = {
    "English": ("Re:", "RE:", "re:", "Fwd:", "FW:", "Re[2]:", "Re(3):", "Re^2:", "Re :", "Re: Re: Fwd:"),
    "Slovenian": ("Odg:", "ODG:", "Posr:"),
    "Simplified Chinese": ("回复:", "回复：", "答复：", "转发：", "转发:"),
    "Traditional Chinese": ("回覆:", "回覆：", "轉寄：", "轉寄:"),
    "German": ("AW:", "Aw:", "Antwort:", "WG:", "AW: WG:", "AW: Re:"),
    "Spanish": ("RE:", "RV:", "Rv:"),
    "Portuguese": ("RES:", "ENC:"),
    "French": ("RE :", "TR:", "Tr :"),
    "Italian": ("R:", "RIF:", "I:"),
    "Dutch": ("Antw:", "Doorst:"),
    "Scandinavian": ("SV:", "Sv:", "VS:", "VB:", "VL:"),
    "Polish and Czech": ("Odp:", "PD:", "FW:"),
    "Hungarian": ("Vá:", "Továbbítás:"),
    "Croatian": ("Odg:", "Proslj:"),
    "Turkish": ("YNT:", "İLT:"),
    "Korean": ("회신:", "전달:"),
    "Greek": ("ΑΠ:", "ΣΧΕΤ:", "ΠΡΘ:"),
    "Hebrew": ("השב:", "הועבר:"),
    "Icelandic and Indonesian": ("FS:", "BLS:", "TRS:"),
    "Vietnamese": ("Trả lời:", "Chuyển tiếp:"),
    "Arabic": ("رد:",),
    "Russian and Ukrainian": ("Отв:", "Пер:", "Відп:"),
    "Japanese": ("返信:", "転送:", "Re：", "RE：", "Fwd："),
}
SAME_SUBJECT = [(language, prefix) for language, prefixes in PREFIXES.items() for prefix in prefixes]


@pytest.mark.parametrize(("language", "prefix"), SAME_SUBJECT)
@pytest.mark.parametrize("gap", [" ", ""])
def test_a_prefix_changes_no_subject(language: str, prefix: str, gap: str) -> None:
    said = message(subject=f"{prefix}{gap}My order", refers_to=("ref:abc",))
    assert choose(said, case(*KNOWN), POLICY).join is Join.CONTINUES


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "   ",
        "my ORDER",
        "My  order ",
        "Re: My order [DG-7]",
        "[DG-7] My order",
        "AW: [DG-7] My order",
        "回复：My order [DG-7]",
        "Re: [DG-7] Re: My order",
    ],
)
def test_the_same_subject_in_other_clothes(subject: str) -> None:
    said = message(subject=subject, refers_to=("ref:abc",))
    assert choose(said, case(*KNOWN), POLICY).join is Join.CONTINUES


@pytest.mark.parametrize("subject", ["A return", "Re: A return", "My order 2", "Report: My order", "Reply"])
def test_another_subject_is_another_matter(subject: str) -> None:
    found = choose(message(subject=subject, refers_to=("ref:abc",)), case(*KNOWN), POLICY)
    assert (found.join, found.ticket) == (Join.RELATED, 7)
    assert found.reason == "It came to the reply address of DG-7, but under another subject."


def test_a_ticket_without_a_subject_takes_any() -> None:
    """A chat that went on by mail has none."""
    said = message(subject="Re: Your chat with us", refers_to=("ref:abc",))
    assert choose(said, case(*KNOWN, subject=""), POLICY).join is Join.CONTINUES


# ---------------------------------------------------------------- copies


def test_the_same_message_again_is_a_copy_whatever_else_it_says() -> None:
    said = message(message_key="mid:1@example.org", sender=EVE, subject="Other", refers_to=("ref:abc",))
    assert choose(said, case(*KNOWN, status=Status.CLOSED), POLICY) == Thread(
        join=Join.COPY, ticket=7, reason="The same message again."
    )


def test_the_same_id_with_other_content_is_kept() -> None:
    assert choose(message(message_key="mid:1@example.org", version="2"), case(), POLICY).join is Join.NEW


def test_a_message_without_a_key_is_never_a_copy() -> None:
    nameless = case()
    seen = Case(claim=nameless.claim, folders=nameless.folders, seen={"": {"1": 7}})
    assert choose(message(message_key=""), seen, POLICY).join is Join.NEW


# ---------------------------------------------------------------- what is a place


@pytest.mark.parametrize(
    ("address", "keys"),
    [
        (CHAT, (f"at:{CHAT.key}",)),  # a channel without threads: the place is the conversation
        (MAIL, ()),  # a channel with threads, none named
        (CHANNEL, (f"at:{CHANNEL.key}",)),
        (Address(connector="new", account="x", conversation="1"), ()),  # an account we know nothing of
    ],
)
def test_when_the_place_is_a_key(address: Address, keys: tuple[str, ...]) -> None:
    assert conversation_keys(message(address=address), POLICY) == keys


# ---------------------------------------------------------------- forged senders


def test_a_sender_that_fails_dmarc_never_joins_a_ticket() -> None:
    thread = choose(message(refers_to=("ref:abc",), vouched="fail"), case(*KNOWN), POLICY)
    assert (thread.join, thread.ticket) == (Join.RELATED, 7)
    assert thread.reason.endswith("but the mail host takes its sender for forged.")


@pytest.mark.parametrize("vouched", ["pass", "none", "", "temperror"])
def test_whoever_is_not_called_forged_joins(vouched: str) -> None:
    said = message(refers_to=("ref:abc",), vouched=vouched)
    assert choose(said, case(*KNOWN), POLICY).join is Join.CONTINUES
