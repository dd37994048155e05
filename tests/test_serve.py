"""`deskgate serve` from the outside: a process, its ports, its files and its log."""

from __future__ import annotations

import json
import re
import smtplib
import urllib.error
import urllib.request
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.faults import ADDRESS, Serve, drained, eventually, serving

PUBLIC = "https://help.lindenandfox.example"
SECRETS = {
    "DESKGATE_CONNECTORS__SLACK__MAIN__SIGNING_SECRET": "signing-secret-that-nobody-sees",
    "DESKGATE_CONNECTORS__SLACK__MAIN__BOT_TOKEN": "xoxb-token-that-nobody-sees",
}
CONFIG = f"""
[site]
company = "Linden & Fox"
public_url = "{PUBLIC}"
[connectors.slack.main]
api_url = "http://127.0.0.1:9/api/"
[queues.general]
title = "Customer care"
default = true
"""


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """One running installation with a public address, for the tests that only use it."""
    with serving(tmp_path_factory.mktemp("serve"), CONFIG, SECRETS) as started:
        yield started


def send_mail(serve: Serve, sender: str, text: str, subject: str = "A question", to: str = ADDRESS) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Message-ID"] = f"<{abs(hash((sender, text)))}@example.org>"
    mail.set_content(text)
    with smtplib.SMTP("127.0.0.1", serve.smtp_port, timeout=60) as relay:
        relay.send_message(mail)


def answers_to(serve: Serve, address: str) -> list[EmailMessage]:
    """The mails in the outgoing folder for this address."""
    found = [
        message_from_bytes(path.read_bytes(), policy=policy.default) for path in serve.outgoing.glob("*.eml")
    ]
    return [mail for mail in found if isinstance(mail, EmailMessage) and address in str(mail["To"])]


def post(serve: Serve, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    headers |= {"Content-Type": "application/json", "Origin": serve.origin}
    request = urllib.request.Request(serve.url + path, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def chat(serve: Serve, text: str) -> str:
    """Says something as a new visitor; returns the visitor's token."""
    _, session = post(serve, "/chat/api/session", {})
    token = str(session["token"])
    said = {"type": "message", "id": "m1", "text": text}
    status, taken = post(serve, "/chat/api/messages", said, Authorization=f"Bearer {token}")
    assert (status, taken["type"]) == (200, "taken")
    return token


def history(serve: Serve, token: str) -> list[dict[str, Any]]:
    request = urllib.request.Request(
        serve.url + "/chat/api/history", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        entries: list[dict[str, Any]] = json.load(answer)["entries"]
        return entries


def test_it_is_alive_and_ready(serve: Serve) -> None:
    assert (serve.status("/healthz"), serve.status("/readyz")) == (200, 200)


def test_it_says_where_to_go(serve: Serve) -> None:
    eventually(lambda: f"{PUBLIC}/chat" in serve.stdout)  # it is printed just after the port is open
    assert re.search(re.escape(PUBLIC) + r"/desk/enter/\S{20,}", serve.stdout)


def test_a_mail_becomes_a_ticket_and_an_answer(serve: Serve) -> None:
    send_mail(serve, "mia@example.org", "Where is my order?")
    (answer,) = eventually(lambda: answers_to(serve, "mia@example.org"))
    assert "tracking link" in answer.get_body(("plain",)).get_content()
    assert serve.value("SELECT COUNT(*) FROM participants WHERE value = 'mia@example.org'") == 1


def test_a_mail_to_a_stranger_is_refused(serve: Serve) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send_mail(serve, "mia@example.org", "Relay this", to="somebody@elsewhere.example")


def test_a_chat_is_answered(serve: Serve) -> None:
    token = chat(serve, "How do I return an item?")
    lines = eventually(lambda: [line for line in history(serve, token) if line["kind"] == "answer"])
    assert "return label" in lines[0]["html"]


def test_nothing_that_leaves_holds_a_loopback_link(serve: Serve) -> None:
    send_mail(serve, "lea@example.org", "I forgot my password")
    send_mail(serve, "lou@example.org", "a person, please")
    token = chat(serve, "reset my password")
    eventually(lambda: answers_to(serve, "lea@example.org") and answers_to(serve, "lou@example.org"))
    eventually(lambda: [line for line in history(serve, token) if line["kind"] == "answer"])
    sent = [path.read_text("utf-8") for path in serve.outgoing.glob("*.eml")]
    sent += [row[0] for row in serve.rows("SELECT payload FROM outbox")]
    assert any(PUBLIC in text for text in sent)
    for text in sent:
        assert not re.search(r"127\.0\.0\.1|localhost|\[::1\]", text)


def test_the_log_holds_no_words_no_addresses_and_no_secrets(serve: Serve) -> None:
    send_mail(serve, "zora.quiet@example.org", "My parcel xylophone is lost", "Subject marimba")
    chat(serve, "Nothing about a glockenspiel helps me")
    post(serve, "/slack/main/events", {"type": "event_callback", "text": "contrabassoon"})
    eventually(lambda: answers_to(serve, "zora.quiet@example.org"))
    drained(serve.backlog)
    log = serve.log
    for word in ("zora", "example.org", "xylophone", "marimba", "glockenspiel", "contrabassoon"):
        assert word not in log
    for secret in (*SECRETS.values(), (serve.folder / "key").read_text().strip()):
        assert secret not in log
    assert "reason=signature" in log


def test_an_unsigned_event_is_refused_and_not_counted(serve: Serve) -> None:
    before = serve.value("SELECT COUNT(*) FROM ledger WHERE connector = 'slack'")
    status, _ = post(serve, "/slack/main/events", {"type": "event_callback"})
    assert status == 401
    assert serve.value("SELECT COUNT(*) FROM ledger WHERE connector = 'slack'") == before


def test_the_ledger_adds_up_beside_the_running_process(serve: Serve) -> None:
    chat(serve, "Where is my order?")
    counted = serve.ledger_check()
    assert counted["adds_up"] and counted["acknowledged"] >= 1 and not counted["dead"]


def test_check_finds_nothing_wrong(serve: Serve) -> None:
    done = serve.command("check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all good" in done.stdout


def test_check_names_every_mistake_with_its_remedy(tmp_path: Path) -> None:
    serve = Serve(
        tmp_path, '[site]\ncompani = "Typo"\n[automatic]\nbudget = 0\n', {"DESKGATE_SERVR__PORT": "1"}
    )
    done = serve.command("check")
    assert done.returncode == 1
    for part in ("site.compani", "company", "automatic.budget", "DESKGATE_SERVER"):
        assert part in done.stderr


def test_serve_refuses_to_start_with_a_mistake(tmp_path: Path) -> None:
    serve = Serve(tmp_path, "[site]\nlanguages = []\n")
    done = serve.command("serve")
    assert done.returncode == 1
    assert "site.languages" in done.stderr


def test_it_stops_when_told_and_finishes_what_is_in_hand(tmp_path: Path) -> None:
    with serving(tmp_path) as serve:
        send_mail(serve, "mia@example.org", "Where is my order?")
        chat(serve, "Where is my order?")
        assert serve.stop() == 0
        counted = serve.ledger_check()
        assert (counted["acknowledged"], counted["dead"]) == (2, 0)
        # What was not handled yet is there at the next start.
        serve.start()
        serve.wait_ready()
        drained(serve.backlog)
        eventually(lambda: answers_to(serve, "mia@example.org"))
        assert serve.value("SELECT COUNT(*) FROM tickets") == 2


def test_a_second_start_on_a_taken_port_says_so(serve: Serve) -> None:
    done = serve.command("serve")
    assert done.returncode != 0
    assert str(serve.port) in done.stderr or str(serve.smtp_port) in done.stderr
