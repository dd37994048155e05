"""The words with which mail programs announce quotes, forwards and signatures, by language.

Words only; what follows from them is decided in gateway.text.reply.
"""

import re
from enum import StrEnum

#: Stands in extracted HTML where the answered message begins (a private-use character).
ORIGINAL_MARK = "\ue002"


def _phrases(row: str) -> list[str]:
    return row.split(" | ")


class Label(StrEnum):
    """What a line of a copied mail header tells."""

    SENDER = "sender"
    DATE = "date"
    RECIPIENT = "recipient"
    SUBJECT = "subject"


#: Labels of copied headers (Outlook, Exchange, Apple Mail, QQ, 163), without regard to their language.
LABELS: dict[str, Label] = {
    word: label
    for label, words in {
        Label.SENDER: "from von de da van od från fra lähettäjä от от кого feladó kimden gönderen "
        "expediteur expéditeur "
        "remitente mittente afzender nadawca remetente pošiljatelj "
        "发件人 寄件者 寄件人 發件人 差出人 送信者 보낸사람",
        Label.DATE: "sent date gesendet datum envoyé envoyée enviado enviada fecha inviato data "
        "verzonden wysłano wysłane poslano "
        "skickat sendt dato lähetetty päiväys отправлено дата odesláno odoslané elküldve dátum tarih "
        "gönderildi trimis "
        "发送时间 日期 寄件日期 傳送時間 发送日期 時間 时间 送信日時 日付 日時",
        Label.RECIPIENT: "to an à a para aan do za prima komu till til vastaanottaja kopia кому "
        "címzett kime alıcı către cc kopie copie "
        "cópia copia kp dw kopija 收件人 收件者 抄送 副本 宛先 受信者",
        Label.SUBJECT: "subject betreff objet asunto oggetto onderwerp temat assunto zadeva predmet "
        "předmět ämne emne aihe тема tárgy "
        "konu subiect 主题 主題 主旨 件名 题目",
    }.items()
    for word in words.split()
} | {
    "reply to": Label.RECIPIENT,
    "reply-to": Label.RECIPIENT,
    "от кого": Label.SENDER,
    "date d'envoi": Label.DATE,
    "enviado el": Label.DATE,
    "enviada em": Label.DATE,
    "enviado em": Label.DATE,
    "data wysłania": Label.DATE,
    "sent at": Label.DATE,
    "date sent": Label.DATE,
}

#: Between rules of dashes: the message that is answered follows.
ORIGINAL = frozenset(
    _phrases(
        "original message | original | original email | reply message | replied message | previous message | "
        "ursprüngliche nachricht | originalnachricht | original-nachricht | original nachricht | "
        "ursprüngliche e-mail | message d'origine | message d’origine | message original | message initial | "
        "courriel original | mensaje original | messaggio originale | messaggio original | "
        "oorspronkelijk bericht | oorspronkelijke bericht | origineel bericht | oryginalna wiadomość | "
        "wiadomość oryginalna | pierwotna wiadomość | mensagem original | izvirno sporočilo | "
        "originalno sporočilo | prvotno sporočilo | izvorna poruka | originalna poruka | "
        "izvorna originalna poruka | originalmeddelande | ursprungligt meddelande | oprindelig meddelelse | "
        "original meddelelse | opprinnelig melding | alkuperäinen viesti | исходное сообщение | "
        "původní zpráva | pôvodná správa | eredeti üzenet | orijinal mesaj | özgün ileti | mesaj original | "
        "原始邮件 | 原始郵件 | 原邮件 | 原始信件 | 原始訊息 | 回复的原邮件 | 回复的邮件 | "
        "回覆的原郵件 | 元のメッセージ | 元のメール | オリジナルメッセージ | "
        "previous discussion | previous replies"
    )
)

#: Between rules of dashes or ending in a colon: a mail that is passed on follows, and is part of what the sender says.
FORWARDED = frozenset(
    _phrases(
        "forwarded message | forwarded email | forwarded by | begin forwarded message | "
        "begin forwarded mail | weitergeleitete nachricht | weitergeleitete mail | "
        "anfang der weitergeleiteten nachricht | anfang der weitergeleiteten e-mail | message transféré | "
        "message transmis | début du message transféré | début du message réexpédié | mensaje reenviado | "
        "mensaje enviado | inicio del mensaje reenviado | messaggio inoltrato | inizio messaggio inoltrato | "
        "doorgestuurd bericht | begin doorgestuurd bericht | begin van doorgestuurd bericht | "
        "przekazana wiadomość | wiadomość przekazana dalej | treść przekazanej wiadomości | "
        "początek przekazywanej wiadomości | początek przekazanej wiadomości | mensagem encaminhada | "
        "mensagem reencaminhada | início da mensagem encaminhada | início da mensagem reencaminhada | "
        "posredovano sporočilo | začetek posredovanega sporočila | proslijeđena poruka | "
        "početak proslijeđene poruke | vidarebefordrat meddelande | vidarebefordrat brev | "
        "videresendt meddelelse | videresendt besked | videresendt melding | välitetty viesti | "
        "пересылаемое сообщение | přeposlaná zpráva | továbbított üzenet | iletilen mesaj | "
        "转发的邮件 | 转发邮件 | "
        "已转发的邮件 | 转发的信息 | 转发邮件信息 | 转发信息 | 轉寄的郵件 | 轉寄郵件 | 轉寄訊息 | "
        "轉寄的訊息 | 开始转发的邮件 | 下面是被转发的邮件 | 以下是轉寄的郵件 | "
        "轉寄信件 | 転送メッセージ | 転送されたメッセージ | 転送メール | 以下、転送メール"
    )
)

#: "... wrote:" directly before the colon that ends the line.
END_VERBS = tuple(
    _phrases(
        "wrote | writes | schrieb | schrieb via | a écrit | ha escrit | écrivait | escribió | escribio | "
        "ha scritto | scrive | schreef | geschreven | het volgende geschreven | het volgende | napisał | "
        "napisała | napisał(a) | napisał/a | napisała/napisał | pisze | escreveu | escreveu o seguinte | "
        "je napisal | je napisala | je napisal/a | je napisal(a) | napisal | napisala | napisao | "
        "napisala je | napisao je | je napisao | napisao/la je | piše | je pisal | je pisala | skrev | "
        "skrev følgende | kirjoitti | написал | написала | написал(а) | пишет | napsal | napsala | "
        "napsal(a) | napísal | napísal(a) | írta | yazdı | şunu yazdı | a scris | 写道 | 寫道 | "
        "写到 | 寫到 | 写 | "
        "寫 | の書き込み | 書きました | さんは書きました | さんが書きました | のメール | "
        "のメッセージ | さんからのメール"
    )
)

#: "... schrieb am Fr., 28. Apr. 2017 um 11:53 Uhr:": the verb stands in the middle, the line still ends in a colon.
MID_VERBS = re.compile(
    r"(?<!\w)(?:schrieb|schreef|skrev|heeft|je oseba|napisał\(?a?\)?|a écrit|escribió|ha scritto|"
    r"escreveu|wrote|написала?|"
    r"kirjoitti|je)(?!\w)|于.{4,40}写道|於.{4,40}寫道",
    re.IGNORECASE,
)

#: First words of a reply header, to find where one that is wrapped over several lines begins.
INTRO = re.compile(
    r"(?:on|at|am|le|el|il|op|em|dne|dana|dňa|v|w dniu|den|a|na|u|le lun|the|in message)\s+\S|[在於于从從]\s*\S|"
    r"\d{1,4}\s*[-./年]\s*\d{1,2}|\d{1,2}[.:]\d\d|"
    r"(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim|lunes|martes|"
    r"miércoles|jueves|viernes|"
    r"sábado|domingo|pon|wt|śr|czw|pt|sob|niedz|tor|sre|čet|pet|ned|uto|sri|sub|ons|tors|fre|lör|sön|"
    r"tir|lør|man)[a-zäöüéíáóčšž]*[.,]?\s",
    re.IGNORECASE,
)

#: The writer speaks of an own earlier text: an ordinary sentence.
FIRST_PERSON = re.compile(
    r"(?<!\w)(?:i|we|you|they|he|she|have|has|as i|ich|wir|sie|ik|wij|jeg|vi)\s+(?:already\s+|also\s+|"
    r"just\s+)?(?:wrote|written|schrieb|schrieben|schreef|skrev)(?!\w)|"
    r"(?:schrieb|schreef|skrev)\s+(?:ich|wir|ik|wij|jag|jeg|vi)(?!\w)|(?:j['’]ai|nous avons|vous avez|"
    r"j['’])\s*(?:écrit|ecrit)|"
    r"(?:ho|abbiamo)\s+scritto|我写|我寫|您写|我们写",
    re.IGNORECASE,
)

#: Proof that a line is a header rather than a sentence: an address, a time, or a date in digits.
EVIDENCE = re.compile(
    r"\S@\S|\d{1,2}[:.時时点點h]\s?\d{2}|\d{4}\s?年|(?:19|20)\d\d|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}|"
    r"\d{1,2}\s?月\s?\d{1,2}"
)

#: A date, a time and an address, then a colon: Gmail in Japanese writes no verb.
DATE_ADDRESS = re.compile(r"(?:19|20)\d\d.{2,40}?\d{1,2}[:.]\d\d.{0,120}<[^<>\s]{3,120}>\s*[:：]$")

#: "2016-03-03 17:21 GMT+01:00 Some One": Gmail until 2016, in every language.
DATE_GMT = re.compile(r"(?:19|20)\d\d-\d\d-\d\d \d\d?:\d\d GMT[+-]\d\d?:\d\d\s+\S")

#: "Sent from my phone", alone on its line.
MOBILE = re.compile(
    r"(?:"
    r"sent (?:from|via|with|using) [^,.!?;:]{2,50}(?:<[^<>\s]{1,200}>|\(https?://[^\s()]{1,200}\))?|"
    r"get (?:outlook|gmail|yahoo mail|bluemail) for .{2,40}|"
    r"(?:von|mit) (?:meinem|meiner|mein) .{2,50} gesendet|gesendet (?:von|mit|aus|über) .{2,70}|"
    r"diese nachricht wurde von meinem .{2,60} gesendet.?|"
    r"envoyé (?:de|depuis|à partir) .{2,60}|télécharge[rz] outlook pour .{2,40}|"
    r"enviado (?:desde|do|de|pelo|a partir) .{2,60}|obtener outlook para .{2,40}|"
    r"obter o outlook para .{2,40}|"
    r"inviato (?:da|dal|con) .{2,60}|ottieni outlook per .{2,40}|"
    r"verzonden (?:vanaf|met|via|vanuit) .{2,60}|verstuurd (?:vanaf|met) .{2,60}|"
    r"outlook voor .{2,30} downloaden|"
    r"wysłan[eoay] (?:z|ze|przy) .{2,60}|pobierz (?:aplikację )?outlook dla .{2,40}|"
    r"poslano (?:z|s|iz|prek) .{2,60}|poslato sa .{2,60}|pridobite outlook za .{2,40}|"
    r"preuzmite outlook za .{2,40}|"
    r"skickat från .{2,60}|sendt fra .{2,60}|отправлено (?:с|из) .{2,60}|lähetetty .{2,60}|"
    r"[发發][自送].{0,20}(?:iphone|ipad|手机|手機|华为|小米|outlook|android|mail|客户端|邮箱).{0,30}|"
    r"(?:从|從|由).{2,40}(?:发送|傳送|寄出|送出|发出|發出)|"
    r".{2,40}から(?:の)?送信(?:されました)?|下载 ?outlook.{0,30}|取得 ?outlook.{0,30}"
    r")[.。]?",
    re.IGNORECASE,
)

#: The last line before a name; only a contact block after it is cut, the greeting itself is the writer's.
CLOSINGS = frozenset(
    _phrases(
        "best regards | kind regards | regards | warm regards | best | best wishes | many thanks | thanks | "
        "thank you | thanks and regards | cheers | sincerely | yours sincerely | yours faithfully | "
        "mit freundlichen grüßen | mit freundlichen grüssen | mit freundlichem gruß | freundliche grüße | "
        "freundliche grüsse | viele grüße | viele grüsse | beste grüße | liebe grüße | mfg | lg | vg | "
        "gruß | danke | cordialement | bien cordialement | bien à vous | merci | salutations | "
        "meilleures salutations | saludos | un saludo | saludos cordiales | atentamente | gracias | "
        "cordiali saluti | distinti saluti | saluti | grazie | un saluto | met vriendelijke groet | "
        "met vriendelijke groeten | vriendelijke groet | groeten | mvg | groet | pozdrawiam | z poważaniem | "
        "z wyrazami szacunku | atenciosamente | cumprimentos | com os melhores cumprimentos | obrigado | "
        "obrigada | abraço | lep pozdrav | lp | s spoštovanjem | hvala | hvala in lep pozdrav | pozdrav | "
        "lijep pozdrav | srdačan pozdrav | s poštovanjem | 此致 | 敬礼 | 敬禮 | 祝好 | 谢谢 | "
        "謝謝 | 顺祝商祺 | 順祝商祺 | "
        "よろしくお願いします | よろしくお願いいたします | 以上 | med vänlig hälsning | "
        "vänliga hälsningar | mvh | hilsen | "
        "med venlig hilsen | med vennlig hilsen | terveisin | с уважением"
    )
)

#: A line of a contact block: a telephone number, an address of the web or of mail, or a label for one.
CONTACT = re.compile(
    r"\S@\S+\.\S|https?://|(?<!\w)www\.|(?<!\w)(?:tel|fon|phone|mobile?|mob|fax|gsm|móvil|telefon|"
    r"telefoon|téléphone|电话|電話|手机|手機|携帯)\s?[.:：]|"
    r"\+\d[\d ()/.-]{6,}|(?<!\d)0\d[\d ()/-]{6,}",
    re.IGNORECASE,
)

#: Subject prefixes of replies and of forwards.
REPLY_PREFIXES = (
    "re|aw|sv|vs|antw|antwort|odg|odp|rif|r|res|ynt|vá|回复|回覆|答复|答覆|返信|"
    "ilt|i̇lt|회신|απ|σχετ|השב|bls|trả lời|رد|отв|відп"
)
FORWARD_PREFIXES = (
    "fwd|fw|wg|rv|tr|enc|i|pd|doorst|vb|vl|posr|proslj|转发|轉寄|轉發|転送|"
    "továbbítás|전달|πρθ|הועבר|fs|trs|chuyển tiếp|пер|إعادة توجيه"
)
