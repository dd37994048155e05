"""The few words that the connector itself says to customers; everything else comes from the core."""

from __future__ import annotations

from collections.abc import Mapping

Words = Mapping[str, str]

CONTINUE: Words = {
    "en": "Continue in private",
    "sl": "Nadaljuj zasebno",
    "zh-Hans": "转到私聊继续",
    "zh-Hant": "轉到私聊繼續",
    "de": "Privat fortsetzen",
    "es": "Continuar en privado",
}
NOT_YOURS: Words = {
    "en": "These buttons are for the person who asked.",
    "sl": "Ti gumbi so za osebo, ki je vprašala.",
    "zh-Hans": "这些按钮只供提问者使用。",
    "zh-Hant": "這些按鈕只供提問者使用。",
    "de": "Diese Knöpfe sind für die Person, die gefragt hat.",
    "es": "Estos botones son para quien preguntó.",
}
#: {reference}: of the ticket.
HERE: Words = {
    "en": "We go on here with {reference}; nobody else reads along.",
    "sl": "Tukaj nadaljujemo z {reference}; nihče drug ne bere.",
    "zh-Hans": "我们在这里继续处理 {reference}，其他人看不到。",
    "zh-Hant": "我們在這裡繼續處理 {reference}，其他人看不到。",
    "de": "Hier geht es mit {reference} weiter; niemand sonst liest mit.",
    "es": "Seguimos aquí con {reference}; nadie más lo lee.",
}
TAKEN: Words = {
    "en": "Thank you, we have your message. The answer comes in a direct message from {name}.",
    "sl": "Hvala, vaše sporočilo smo prejeli. Odgovor pride v neposrednem sporočilu ({name}).",
    "zh-Hans": "谢谢，我们已收到您的消息。{name} 会通过私信回复您。",
    "zh-Hant": "謝謝，我們已收到您的訊息。{name} 會以私訊回覆您。",
    "de": "Danke, Ihre Nachricht ist da. Die Antwort kommt als Direktnachricht von {name}.",
    "es": "Gracias, hemos recibido su mensaje. La respuesta llega en un mensaje directo de {name}.",
}
HOW: Words = {
    "en": "Write your question behind the command: {command} my invoice is missing",
    "sl": "Vprašanje napišite za ukazom: {command} manjka mi račun",
    "zh-Hans": "请在命令后写下您的问题：{command} 我没有收到发票",
    "zh-Hant": "請在指令後寫下您的問題：{command} 我沒有收到發票",
    "de": "Schreiben Sie Ihre Frage hinter den Befehl: {command} Meine Rechnung fehlt",
    "es": "Escriba su pregunta detrás del comando: {command} me falta la factura",
}
LATER: Words = {
    "en": "That did not work just now. Please try again in a moment.",
    "sl": "To zdaj ni uspelo. Poskusite znova čez trenutek.",
    "zh-Hans": "刚才没有成功，请稍后再试。",
    "zh-Hant": "剛才沒有成功，請稍後再試。",
    "de": "Das hat gerade nicht geklappt. Bitte versuchen Sie es gleich noch einmal.",
    "es": "No ha funcionado ahora mismo. Inténtelo de nuevo en un momento.",
}


def say(words: Words, language: str, /, **values: str) -> str:
    """The words in this language, in English where there are none."""
    text = words.get(language) or words["en"]
    return text.format(**values) if values else text
