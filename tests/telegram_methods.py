"""The methods of the Bot API as the stand-in does them; the section of core.telegram.org/bots/api stands at each."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.telegram_html import Invalid, check_keyboard, parse, units
from tests.telegram_state import BOT, Chat, No, Telegram


def _get_me(telegram: Telegram, given: dict[str, Any]) -> dict[str, Any]:
    """#getme"""
    return {
        **BOT,
        "can_join_groups": True,
        "can_read_all_group_messages": not telegram.private_groups,
        "supports_inline_queries": False,
    }


def _set_webhook(telegram: Telegram, given: dict[str, Any]) -> bool:
    """#setwebhook; plain http is taken for this machine only, where Telegram itself would take none."""
    url, secret = given.get("url", ""), given.get("secret_token", "")
    if url and not url.startswith(("https://", "http://127.0.0.1:")):
        raise No(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
    if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        raise No(400, "Bad Request: secret token contains unallowed characters")
    if not 1 <= int(given.get("max_connections", 40)) <= 100:
        raise No(400, "Bad Request: wrong max_connections")
    telegram.webhook = dict(given) if url else {}
    return True


def _webhook_info(telegram: Telegram, given: dict[str, Any]) -> dict[str, Any]:
    """#getwebhookinfo and #webhookinfo; the secret is never told."""
    info: dict[str, Any] = {
        "url": telegram.webhook.get("url", ""),
        "has_custom_certificate": False,
        "pending_update_count": len(telegram.updates),
    }
    if telegram.webhook_error:
        info |= {
            "last_error_date": int(telegram.clock.now().timestamp()),
            "last_error_message": telegram.webhook_error,
        }
    return info


def _delete_webhook(telegram: Telegram, given: dict[str, Any]) -> bool:
    """#deletewebhook"""
    telegram.webhook = {}
    if given.get("drop_pending_updates"):
        telegram.updates.clear()
    return True


def _set_commands(telegram: Telegram, given: dict[str, Any]) -> bool:
    """#setmycommands and #botcommand"""
    for command in given["commands"]:
        assert (
            re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]) and 1 <= len(command["description"]) <= 256
        )
    telegram.commands[given.get("language_code", "")] = given["commands"]
    return True


def _chat(telegram: Telegram, given: dict[str, Any]) -> Chat:
    chat = telegram.chats.get(int(given.get("chat_id", 0)))
    if chat is None:
        raise No(400, "Bad Request: chat not found")
    if chat.moved_to:
        raise No(
            400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.moved_to
        )
    if chat.blocked:
        raise No(403, "Forbidden: bot was blocked by the user")
    if chat.kicked:
        raise No(403, f"Forbidden: bot was kicked from the {chat.type} chat")
    return chat


def _words(given: dict[str, Any], name: str, most: int) -> dict[str, Any]:
    """#formatting-options: parse_mode, then the length of what is left."""
    said = given.get(name, "")
    text, entities = parse(said) if given.get("parse_mode") == "HTML" else (said, [])
    if units(text) > most:
        raise Invalid("message is too long" if name == "text" else "message caption is too long")
    marks = {"entities" if name == "text" else "caption_entities": entities} if entities else {}
    return {name: text, **marks} if text.strip() else {}


def _posted(telegram: Telegram, given: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    """What every message has: its topic, what it answers, its buttons."""
    chat = _chat(telegram, given)
    thread = int(given.get("message_thread_id", 0))
    if thread and thread not in chat.topics:
        raise Invalid("message thread not found")
    answers = given.get("reply_parameters")
    if answers and (chat.id, answers["message_id"]) not in telegram.messages:
        if not answers.get("allow_sending_without_reply"):
            raise Invalid("message to be replied not found")
        answers = None
    if "reply_markup" in given:
        check_keyboard(given["reply_markup"])
        content["reply_markup"] = given["reply_markup"]
    above = {"reply_to_message": telegram.messages[chat.id, answers["message_id"]]} if answers else {}
    topic = {"message_thread_id": thread, "is_topic_message": True} if thread else {}
    return telegram.keep(chat, {"from": BOT, **topic, **above, **content})


def _send_message(telegram: Telegram, given: dict[str, Any]) -> dict[str, Any]:
    """#sendmessage"""
    words = _words(given, "text", 4096)
    if not words:
        raise Invalid("message text is empty")
    return _posted(telegram, given, words)


def _send_photo(telegram: Telegram, given: dict[str, Any]) -> dict[str, Any]:
    """#sendphoto: at most 10 MB, and a picture"""
    content = given["photo"]["content"]
    if len(content) > 10_000_000:
        raise No(413, "Request Entity Too Large")
    if not content.startswith((b"\x89PNG", b"\xff\xd8")):
        raise Invalid("IMAGE_PROCESS_FAILED")
    return _posted(
        telegram, given, {"photo": [{"file_id": "P"}], "stored": content, **_words(given, "caption", 1024)}
    )


def _send_document(telegram: Telegram, given: dict[str, Any]) -> dict[str, Any]:
    """#senddocument: at most 50 MB"""
    content = given["document"]["content"]
    if not content:
        raise Invalid("file must be non-empty")
    if len(content) > 50_000_000:
        raise No(413, "Request Entity Too Large")
    document = {"file_id": "D", "file_name": given["document"]["filename"]}
    return _posted(
        telegram, given, {"document": document, "stored": content, **_words(given, "caption", 1024)}
    )


def _own(telegram: Telegram, given: dict[str, Any], missing: str) -> dict[str, Any]:
    chat = _chat(telegram, given)
    message = telegram.messages.get((chat.id, int(given["message_id"])))
    if message is None or message["from"]["id"] != BOT["id"]:
        raise Invalid(missing)
    return message


def _edit_text(telegram: Telegram, given: dict[str, Any]) -> dict[str, Any]:
    """#editmessagetext"""
    message = _own(telegram, given, "message to edit not found")
    message.update(_words(given, "text", 4096), edit_date=int(telegram.clock.now().timestamp()))
    return message


def _edit_markup(telegram: Telegram, given: dict[str, Any]) -> dict[str, Any]:
    """#editmessagereplymarkup"""
    message = _own(telegram, given, "message to edit not found")
    check_keyboard(given["reply_markup"])
    if given["reply_markup"] == message.get("reply_markup", {"inline_keyboard": []}):
        raise Invalid("message is not modified")
    message["reply_markup"] = given["reply_markup"]
    return message


def _delete(telegram: Telegram, given: dict[str, Any]) -> bool:
    """#deletemessage"""
    message = _own(telegram, given, "message to delete not found")
    del telegram.messages[message["chat"]["id"], message["message_id"]]
    return True


def _chat_action(telegram: Telegram, given: dict[str, Any]) -> bool:
    """#sendchataction"""
    _chat(telegram, given)
    if given.get("action") not in ("typing", "upload_photo", "upload_document"):
        raise Invalid("wrong parameter action in request")
    return True


def _answer_press(telegram: Telegram, given: dict[str, Any]) -> bool:
    """#answercallbackquery: once, with at most 200 characters"""
    query, text = given["callback_query_id"], given.get("text", "")
    if telegram.pressed.get(query, "") is not None:
        raise Invalid("query is too old and response timeout expired or query ID is invalid")
    if len(text) > 200:
        raise Invalid("MESSAGE_TOO_LONG")
    telegram.pressed[query] = text
    return True


def _get_file(telegram: Telegram, given: dict[str, Any]) -> dict[str, Any]:
    """#getfile: at most 20 MB"""
    if given.get("file_id") not in telegram.files:
        raise Invalid("invalid file_id")
    path, _, size = telegram.files[given["file_id"]]
    if size > 20_000_000:
        raise Invalid("file is too big")
    return {"file_id": given["file_id"], "file_unique_id": "u", "file_size": size, "file_path": path}


_SENDING = {
    "chat_id",
    "message_thread_id",
    "parse_mode",
    "reply_parameters",
    "reply_markup",
    "disable_notification",
}
_Method = Callable[[Telegram, dict[str, Any]], Any]
METHODS: dict[str, tuple[set[str], _Method]] = {
    "getMe": (set(), _get_me),
    "setWebhook": (
        {"url", "secret_token", "allowed_updates", "max_connections", "drop_pending_updates"},
        _set_webhook,
    ),
    "getWebhookInfo": (set(), _webhook_info),
    "deleteWebhook": ({"drop_pending_updates"}, _delete_webhook),
    "setMyCommands": ({"commands", "scope", "language_code"}, _set_commands),
    "sendMessage": (_SENDING | {"text", "entities", "link_preview_options"}, _send_message),
    "sendPhoto": (_SENDING | {"photo", "caption", "has_spoiler"}, _send_photo),
    "sendDocument": (_SENDING | {"document", "caption", "thumbnail"}, _send_document),
    "editMessageText": ({"chat_id", "message_id", "text", "parse_mode", "reply_markup"}, _edit_text),
    "editMessageReplyMarkup": ({"chat_id", "message_id", "reply_markup"}, _edit_markup),
    "deleteMessage": ({"chat_id", "message_id"}, _delete),
    "sendChatAction": ({"chat_id", "action", "message_thread_id"}, _chat_action),
    "answerCallbackQuery": ({"callback_query_id", "text", "show_alert"}, _answer_press),
    "getFile": ({"file_id"}, _get_file),
}
