"""Newest part of a mail: every client and language we promise, and what must hold for any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text import reply as reply_module
from gateway.text.reply import REPLY_MARKER, is_forward_subject, newest_reply, split_reply, strip_subject

#: Lines with which a mail program announces the quoted mail, as its maker writes them. The names and words are ours.
HEADERS = {
    "gmail en": "On Tue, Mar 4, 2025 at 9:12 AM Mia Berg <mia@shop.example> wrote:",
    "gmail en wrapped": "On Tue, Mar 4, 2025 at 9:12 AM Support of the Example Shop <\nmia@shop.example> wrote:",
    "apple en": "On 4 Mar 2025, at 09:12, Mia Berg <mia@shop.example> wrote:",
    "thunderbird en": "On 3/4/25 09:12, Mia Berg wrote:",
    "yahoo en": "On Tuesday, March 4, 2025 at 09:12:44 AM GMT+1, Mia Berg <mia@shop.example> wrote:",
    "outlook mobile en": 'On Tue, Mar 4, 2025 at 9:12 AM +0100, "Mia Berg" <mia@shop.example> wrote:',
    "163 en": 'At 2025-03-04 09:12:44, "Mia Berg" <mia@shop.example> wrote:',
    "zoho en": "---- On Tue, 04 Mar 2025 09:12:44 +0100 mia@shop.example wrote ----",
    "gmail de": "Am Di., 4. März 2025 um 09:12 Uhr schrieb Mia Berg <mia@shop.example>:",
    "gmail de name first": "Mia Berg <mia@shop.example> schrieb am Di., 4. März 2025,\n09:12:",
    "apple de": "Am 04.03.2025 um 09:12 schrieb Mia Berg <mia@shop.example>:",
    "thunderbird de": "Am 04.03.25 um 09:12 schrieb Mia Berg:",
    "gmail fr": "Le mar. 4 mars 2025 à 09:12, Mia Berg <mia@shop.example> a écrit :",
    "gmail fr wrapped": "Le mar. 4 mars 2025 à 09:12, Mia Berg du service des clients <mia@shop.example> a\nécrit :",
    "thunderbird fr": "Le 04/03/2025 à 09:12, Mia Berg a écrit :",
    "gmail es": "El mar, 4 mar 2025 a las 9:12, Mia Berg (<mia@shop.example>) escribió:",
    "apple es": "El 4 mar 2025, a las 9:12, Mia Berg <mia@shop.example> escribió:",
    "gmail it": "Il giorno mar 4 mar 2025 alle ore 09:12 Mia Berg <mia@shop.example> ha scritto:",
    "thunderbird it": "Il 04/03/2025 09:12, Mia Berg ha scritto:",
    "gmail nl": "Op di 4 mrt 2025 om 09:12 schreef Mia Berg <mia@shop.example>:",
    "apple nl": "Op 4 mrt 2025, om 09:12 heeft Mia Berg <mia@shop.example> het volgende geschreven:",
    "gmail pl": "wt., 4 mar 2025 o 09:12 Mia Berg <mia@shop.example> napisał(a):",
    "thunderbird pl": "W dniu 4.03.2025 o 09:12, Mia Berg pisze:",
    "gmail pt": "Em ter., 4 de mar. de 2025 às 09:12, Mia Berg <mia@shop.example> escreveu:",
    "gmail pt portugal": "Mia Berg <mia@shop.example> escreveu (terça, 4/03/2025 à(s) 09:12):",
    "thunderbird pt": "Em 04/03/2025 09:12, Mia Berg escreveu:",
    "gmail sl": "V V tor., 4. mar. 2025 ob 09:12 je oseba Mia Berg <mia@shop.example> napisala:",
    "apple sl": "Dne 4. mar. 2025 ob 09:12 je Mia Berg <mia@shop.example> napisal/a:",
    "thunderbird sl": "V 4. 03. 25 09:12 je Mia Berg napisal:",
    "gmail hr": "uto, 4. ožu 2025. u 09:12 Mia Berg <mia@shop.example> napisao je:",
    "apple hr": "Dana 4. ožu 2025., u 09:12, Mia Berg <mia@shop.example> napisao/la je:",
    "thunderbird hr": "Dana 04. 03. 2025. u 09:12 Mia Berg piše:",
    "gmail zh-Hans": "Mia Berg <mia@shop.example> 于2025年3月4日周二 09:12写道：",
    "apple zh-Hans": "在 2025年3月4日，09:12，Mia Berg <mia@shop.example> 写道：",
    "thunderbird zh-Hans": "在 2025/3/4 9:12, Mia Berg 写道:",
    "163 zh-Hans": '在 2025-03-04 09:12:44，"Mia Berg" <mia@shop.example> 写道：',
    "gmail zh-Hant": "Mia Berg <mia@shop.example> 於 2025年3月4日 週二 上午9:12寫道：",
    "apple zh-Hant": "於 2025年3月4日 上午9:12，Mia Berg <mia@shop.example> 寫道：",
    "thunderbird zh-Hant": "Mia Berg 於 2025/3/4 上午 09:12 寫道:",
    "gmail ja": "2025年3月4日(火) 9:12 Mia Berg <mia@shop.example>:",
    "apple ja": "2025/03/04 9:12、Mia Berg <mia@shop.example>のメール:",
    "thunderbird ja": "On 2025/03/04 9:12, Mia Berg wrote:",
    "thunderbird ja words": "2025/03/04 9:12、Mia Berg さんは書きました:",
    "gmail da": "Den tirs. 4. mar. 2025 kl. 09.12 skrev Mia Berg <mia@shop.example>:",
    "gmail sv": "Den tis 4 mars 2025 kl 09:12 skrev Mia Berg <mia@shop.example>:",
}

#: Copied fields and rules; all that follows is the mail that is answered.
BLOCKS = {
    "outlook desktop en": "From: Mia <m@a.example>\nSent: Tuesday, March 4, 2025 9:12 AM\nTo: Ana\nSubject: RE: Order",
    "outlook web en": "________________________________\n"
    "From: Mia Berg\nSent: Tuesday, March 4, 2025 9:12\nTo: Ana\nSubject: Order",
    "outlook bold": "*From:* Mia Berg [mailto:mia@shop.example]\n"
    "*Sent:* Tuesday, March 4, 2025 9:12\n*To:* Ana\n*Subject:* Order",
    "outlook old en": "-----Original Message-----\nFrom: Mia Berg\nSent: Tuesday",
    "outlook de": "Von: Mia <m@a.example>\nGesendet: Dienstag, 4. März 2025 09:12\nAn: Ana\nBetreff: AW: Bestellung",
    "outlook old de": "-----Ursprüngliche Nachricht-----\nVon: Mia Berg",
    "outlook fr": "De : Mia <m@a.example>\nEnvoyé : mardi 4 mars 2025 09:12\nÀ : Ana\nObjet : RE: Commande",
    "outlook es": "De: Mia <m@a.example>\nEnviado: martes, 4 de marzo de 2025 9:12\nPara: Ana\nAsunto: RE: Pedido",
    "outlook it": "Da: Mia <m@a.example>\nInviato: martedì 4 marzo 2025 09:12\nA: Ana\nOggetto: R: Ordine",
    "outlook nl": "Van: Mia <m@a.example>\nVerzonden: dinsdag 4 maart 2025 09:12\nAan: Ana\nOnderwerp: RE: Bestelling",
    "outlook pl": "Od: Mia <m@a.example>\nWysłano: wtorek, 4 marca 2025 09:12\nDo: Ana\nTemat: RE: Zamówienie",
    "outlook pt": "De: Mia <m@a.example>\n"
    "Enviada em: terça-feira, 4 de março de 2025 09:12\nPara: Ana\nAssunto: RES: Pedido",
    "outlook sl": "Od: Mia <m@a.example>\nPoslano: torek, 4. marec 2025 09:12\nZa: Ana\nZadeva: RE: Naročilo",
    "outlook hr": "Od: Mia <m@a.example>\nPoslano: utorak, 4. ožujka 2025. 09:12\nPrima: Ana\nPredmet: RE: Narudžba",
    "outlook zh-Hans": "发件人: Mia <m@a.example>\n发送时间: 2025年3月4日 9:12\n收件人: Ana\n主题: 回复: 订单",
    "outlook zh-Hant": "寄件者: Mia <m@a.example>\n寄件日期: 2025年3月4日 上午 09:12\n收件者: Ana\n主旨: RE: 訂單",
    "outlook ja": "差出人: Mia <m@a.example>\n送信日時: 2025年3月4日 9:12\n宛先: Ana\n件名: RE: 注文",
    "qq": '------------------ 原始邮件 ------------------\n发件人: "Mia" <m@a.example>;\n发送时间: 2025年3月4日',
    "163": "---- 回复的原邮件 ----\n| 发件人 | Mia<mia@shop.example> |",
    "our marker": REPLY_MARKER,
    "lotus block without rule": "From: Mia <m@a.example>\nTo: Ana\nDate: 04.03.2025 09:12\nSubject: Order",
}

FORWARDS = {
    "gmail en": "---------- Forwarded message ---------",
    "apple en": "Begin forwarded message:",
    "thunderbird de": "-------- Weitergeleitete Nachricht --------",
    "apple fr": "Début du message réexpédié :",
    "gmail es": "---------- Forwarded message ---------",
    "apple es": "Inicio del mensaje reenviado:",
    "thunderbird it": "-------- Messaggio Inoltrato --------",
    "thunderbird nl": "-------- Doorgestuurd bericht --------",
    "thunderbird pl": "-------- Przekazana wiadomość --------",
    "thunderbird pt": "-------- Mensagem encaminhada --------",
    "thunderbird sl": "-------- Posredovano sporočilo --------",
    "thunderbird hr": "-------- Proslijeđena poruka --------",
    "163": "-------- 转发邮件信息 --------",
    "thunderbird zh-Hant": "-------- 轉寄郵件 --------",
    "thunderbird ja": "-------- 転送メッセージ --------",
}

MOBILE = [
    "Sent from my iPhone",
    "Get Outlook for Android<https://aka.ms/x>",
    "Sent from Yahoo Mail for iPhone",
    "Von meinem iPhone gesendet",
    "Gesendet von Outlook für iOS",
    "Envoyé de mon iPhone",
    "Enviado desde mi iPhone",
    "Inviato da iPhone",
    "Verzonden vanaf mijn iPhone",
    "Wysłane z iPhone'a",
    "Enviado do meu iPhone",
    "Poslano z mojega iPhona",
    "Poslano s mog iPhonea",
    "发自我的iPhone",
    "從我的 iPhone 傳送",
    "iPhoneから送信",
]


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_quote_under_its_header_is_left_out(header: str) -> None:
    parts = split_reply(f"It still does not work.\nSee 3 below.\n\n{header}\n\n> Please try again.\n> Mia\n")
    assert parts.newest == "It still does not work.\nSee 3 below."
    assert "Please try again." in parts.quoted


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_text_under_a_header_is_quoted_even_without_marks(header: str) -> None:
    assert (
        newest_reply(f"It still does not work.\n{header}\n\nPlease try again.\nMia\n")
        == "It still does not work."
    )


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_everything_under_copied_fields_is_left_out(block: str) -> None:
    assert (
        newest_reply(f"It still does not work.\n\n{block}\n\nPlease try again.\n")
        == "It still does not work."
    )


@pytest.mark.parametrize("line", FORWARDS.values(), ids=FORWARDS)
def test_a_forwarded_mail_is_kept_whole(line: str) -> None:
    text = f"What shall I tell him?\n\n{line}\nFrom: Joe\nSubject: Broken\n\nIt is broken.\n\n-- \nJoe"
    assert "It is broken." in newest_reply(text)
    assert newest_reply(text).startswith("What shall I tell him?")


def test_a_forward_of_outlook_is_known_by_its_subject() -> None:
    text = "Please help him.\n\nFrom: Joe\nSent: Monday\nTo: me\nSubject: Broken\n\nIt is broken."
    assert "It is broken." in newest_reply(text, subject="FW: Broken")
    assert newest_reply(text, subject="Re: Broken") == "Please help him."


@pytest.mark.parametrize("line", MOBILE)
def test_a_line_of_the_telephone_is_a_signature(line: str) -> None:
    assert split_reply(f"Thanks, that helped.\n\n{line}\n").signature == line
    assert newest_reply(f"Thanks, that helped.\n\n{line}\n") == "Thanks, that helped."


@pytest.mark.parametrize(
    ("text", "newest"),
    [
        ("Hello\n-- \nAna\nExample Ltd", "Hello"),
        ("Hello\n--\nAna", "Hello"),
        ("Hello\n____________\nlist@lists.example\nhttp://lists.example", "Hello"),
        (
            "Hello\n\nBest regards,\nAna Novak\nExample Ltd\nTel: +386 1 234 56 78\nwww.example.com",
            "Hello\n\nBest regards,\nAna Novak",
        ),
        (
            "Hallo\n\nMit freundlichen Grüßen\n\nAna Novak\nVertrieb\n+49 30 1234567",
            "Hallo\n\nMit freundlichen Grüßen\n\nAna Novak",
        ),
        ("Hello\n\nBest regards\nAna", "Hello\n\nBest regards\nAna"),
        (
            "Sent from my desk, which is nicer than a telephone.",
            "Sent from my desk, which is nicer than a telephone.",
        ),
        ("List:\n-- one\n-- two", "List:\n-- one\n-- two"),
        ("-- \nonly a signature", "-- \nonly a signature"),
    ],
)
def test_signatures(text: str, newest: str) -> None:
    assert newest_reply(text) == newest


@pytest.mark.parametrize(
    ("text", "newest"),
    [
        ("> Which size?\nForty.\n> Which colour?\nBlue.", "> Which size?\nForty.\n> Which colour?\nBlue."),
        (
            "On 3/4/25 09:12, Mia wrote:\n> Which size?\nForty.\n> Which colour?\nBlue.",
            "> Which size?\nForty.\n> Which colour?\nBlue.",
        ),
        ("Hi,\nOn 3/4/25 09:12, Mia wrote:\n> Which size?\n\nForty.", "Hi,\n> Which size?\n\nForty."),
        ("On 3/4/25 09:12, Mia wrote:\n> Which size?\n\nForty.", "Forty."),
        ("> Which size?\n\nForty.", "> Which size?\n\nForty."),
        ("Forty.\n\n> Which size?\n", "Forty."),
        (f"Forty.\n> {'long ' * 14}\nwrapped\n> more\n", "Forty."),
        ("> only a quote", "> only a quote"),
        ("On 3/4/25 09:12, Mia wrote:\n> only a quote", "On 3/4/25 09:12, Mia wrote:\n> only a quote"),
        ("", ""),
    ],
)
def test_answers_between_quotes(text: str, newest: str) -> None:
    assert newest_reply(text) == newest


@pytest.mark.parametrize(
    "text",
    [
        "On Monday I wrote:\nplease cancel my order.\nNothing happened.",
        "As I wrote on 4 March 2025 at 09:12:\nplease cancel.",
        "Ich schrieb am 4.3.2025 um 9:12:\nbitte stornieren.",
        "The screen shows:\nFrom: Ljubljana\nTo: Vienna\nand no price.",
        "My order: 2025-03-04 09:12, number 17:\nwhere is it?",
        "I paid on 3/4/25:\n- 10 for the book\n- 5 for the pen",
        "From: what I see the page is broken.\nTo me it is clear.",
        "x -> y\na > b",
        "Regards are fine, but where is my parcel? Call +386 1 234 56 78.",
    ],
)
def test_ordinary_sentences_stay(text: str) -> None:
    assert newest_reply(text) == text


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("Re: Order", "Order"),
        ("RE[2]: AW: Order", "Order"),
        ("Re: Fwd: FW: Order", "Order"),
        ("WG: SV: VS: Order", "Order"),
        ("Antw: Odg: RV: TR: Order", "Order"),
        ("回复：订单", "订单"),
        ("答复: 回覆： 转发：訂單", "訂單"),
        ("轉寄: 訂單", "訂單"),
        ("Re(3): Re^2: Order", "Order"),
        ("  Re :  Order   17 ", "Order 17"),
        ("Reorder: two boxes", "Reorder: two boxes"),
        ("Refund", "Refund"),
        ("", ""),
    ],
)
def test_a_subject_without_prefixes(subject: str, bare: str) -> None:
    assert strip_subject(subject) == bare


@pytest.mark.parametrize(
    ("subject", "is_forward"),
    [("Fwd: a", True), ("WG: a", True), ("转发：a", True), ("Re: Fwd: a", False), ("a", False)],
)
def test_a_forward_by_its_subject(subject: str, is_forward: bool) -> None:
    assert is_forward_subject(subject) is is_forward


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *HEADERS.values(),
                *BLOCKS.values(),
                *FORWARDS.values(),
                *MOBILE,
                "-- ",
                "> a",
                "",
                "From: a",
                "wrote:",
            ]
        ),
        st.text(max_size=40),
    ),
    max_size=30,
)


@given(LINES)
def test_nothing_is_invented_and_something_remains(lines: list[str]) -> None:
    text = "\n".join(lines)
    parts = split_reply(text)
    assert bool(parts.newest.strip()) == bool(text.replace("\ue002", "").strip()) or not parts.newest.strip(
        "\n"
    )
    known = {
        line.rstrip()
        for line in text.replace("\ue002", "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    }
    assert {line.rstrip() for line in parts.newest.split("\n")} <= known | {""}


@pytest.mark.parametrize(
    "unit",
    [
        "a\n",
        "> a\n",
        "On 1.1.2025 10:00 a@b wrote:\n",
        "From: a\n",
        "Best regards\n",
        "wrote:\n",
        "a\n> b\n",
        "-- \n",
    ],
)
def test_the_work_grows_with_the_text_and_no_faster(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in looks at a line, not in seconds: twice the text may cost little more than twice the looks."""
    looks = 0
    real = reply_module._Scan._is_quoted

    def counted(self: reply_module._Scan, i: int) -> bool:
        nonlocal looks
        looks += 1
        return real(self, i)

    monkeypatch.setattr(reply_module._Scan, "_is_quoted", counted)
    counts = []
    for size in (2_000, 4_000, 8_000):
        looks = 0
        newest_reply(unit * size)
        counts.append(looks)
    assert counts[1] <= 2.2 * counts[0] + 5_000
    assert counts[2] <= 2.2 * counts[1] + 5_000
