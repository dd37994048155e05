"""Hard rules: a wish for a person, verdicts, thanks and small talk, in every shipped language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.signals import small_talk, thanks_only, wants_human, yes_or_no

WISHES = """
a person, please
I want to talk to a human
speak to an agent
can i speak with a real person?
humna please
tlak to a human
AGENT
let me speak to someone
I don't want to talk to a bot
put me through to customer service please
Ich möchte mit einem Menschen sprechen
mit eienm Mitarbeitr sprechen
Mensch bitte
kann ich mit jemandem reden
quiero hablar con una persona
páseme con un operador por favor
persona real por favor
rad bi govoril s človekom
povežite me z operaterjem
clovek prosim
rabim človeka
转人工
我要人工客服
我想和真人说话
轉人工客服
我想跟客服人員說話
""".strip().splitlines()

OTHERS = """
is a human resources form available
how do I transfer money to a person
can I add another person to my account
where is my order
the person at the door refused the parcel
can someone else pick up my parcel
my manager wants an invoice
ist eine Person genug
puede otra persona recoger mi pedido
ali lahko paket prevzame druga oseba
人工智能是什么
客服电话是多少
I was told by an agent that my refund is coming
how can i contact customer service
""".strip().splitlines()


@pytest.mark.parametrize("text", WISHES)
def test_a_wish_for_a_person_is_understood(text: str) -> None:
    assert wants_human(text)


@pytest.mark.parametrize("text", OTHERS)
def test_other_mentions_of_people_are_no_wish(text: str) -> None:
    assert not wants_human(text)


def test_a_wish_at_the_end_of_a_long_text_is_seen() -> None:
    assert wants_human("my parcel is late and wet. " * 200 + "Please let me talk to a human.")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("yes thanks", True),
        ("that helpd", True),
        ("no problem, it works", True),
        ("ja, danke", True),
        ("sí, gracias", True),
        ("da, hvala", True),
        ("dela, hvala", True),
        ("有用，谢谢", True),
        ("解決了", True),
        ("no", False),
        ("that did not help", False),
        ("still not working", False),
        ("No, I still can't log in to my account because the link in the mail is dead", False),
        ("Das hat nicht geholfen", False),
        ("no me ayudó", False),
        ("to mi ni pomagalo", False),
        ("沒有幫助", False),
        ("没用", False),
        ("where is my order?", None),
        ("I have no order number", None),
        ("not sure which size to take", None),
        ("no thanks", None),
        ("", None),
    ],
)
def test_verdicts_on_an_answer(text: str, verdict: bool | None) -> None:
    assert yes_or_no(text) is verdict


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Hello there!", "greeting"),
        ("helo", "greeting"),
        ("guten tag", "greeting"),
        ("živjo", "greeting"),
        ("您好，在吗", "greeting"),
        ("thanks a lot", "thanks"),
        ("thnaks", "thanks"),
        ("gracias por su ayuda", "thanks"),
        ("hvala lepa", "thanks"),
        ("謝謝", "thanks"),
        ("bye", "bye"),
        ("nasvidenje", "bye"),
        ("hi where is my order", ""),
        ("thank you but it still fails", ""),
    ],
)
def test_small_talk(text: str, kind: str) -> None:
    assert small_talk(text) == kind
    assert thanks_only(text) is (kind == "thanks")


@pytest.mark.parametrize(
    "text",
    [
        "Thank you, that worked!",
        "Perfect, thanks for the quick help!",
        "Thanks!\n\nAna Novak",
        "Vielen Dank für die schnelle Hilfe und schönen Tag noch",
        "Hat geklappt, danke!",
        "Gracias, ya funciona",
        "Perfecto, muchas gracias por la rápida respuesta. Un saludo",
        "Hvala, zdaj dela",
        "Najlepša hvala za hiter odgovor, lep pozdrav",
        "谢谢，已经解决了",
        "太好了，謝謝你們的幫忙",
        "👍",
        "🙏🙏",
    ],
)
def test_thanks_with_courtesies_ask_nothing(text: str) -> None:
    assert thanks_only(text)


@pytest.mark.parametrize(
    "text",
    [
        "Thanks, but it still doesn't work",
        "Thanks. Please also cancel my order",
        "Thanks. Where is my order?",
        "Thanks for nothing",
        "No thanks",
        "Danke, aber das hilft nicht",
        "Danke für nichts",
        "gracias por nada",
        "Hvala, ampak še vedno ne dela",
        "谢谢，但是还没解决",
        "👍 but where is it",
        "ok",
        "",
    ],
)
def test_thanks_with_anything_else_are_read(text: str) -> None:
    assert not thanks_only(text)


@given(st.text(max_size=400))
def test_any_text_is_judged(text: str) -> None:
    assert wants_human(text) in (True, False)
    assert yes_or_no(text) in (True, False, None)
    assert small_talk(text) in ("", "greeting", "thanks", "bye")


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "no " * 300_000,
        "talk to " * 100_000,
        "谢" * 300_000,
        "geht es " * 29,
        "thanks for help " * 15,
    ],
)
@pytest.mark.timeout(60)
def test_long_texts_cost_little(text: str) -> None:
    assert not wants_human(text)
    yes_or_no(text)
    small_talk(text)
    thanks_only(text)
