"""What leaves for Slack, and what the outbox hears when it does not."""

from __future__ import annotations

import msgspec
import pytest

from connectors.slack import webapi
from connectors.slack.connector import Slack
from connectors.slack.settings import Settings
from gateway.errors import Retryable, Uncertain, Undeliverable
from gateway.model import Attachment, Outgoing, Post, Remove, Replace, SendKind
from tests.fakes_slack import CARD, card_post, desk_address, room
from tests.slack_standin import Channel, Fault


def reply(thread: str, text: str, **changes: object) -> Post:
    post = Post(
        address=desk_address(thread), kind=SendKind.AGENT, ticket=42, text=text, author="Cy <!channel>"
    )
    return msgspec.structs.replace(post, **changes)


async def test_a_card_opens_a_thread_of_its_own() -> None:
    async with room() as r:
        sent = await r.connector.send(card_post())
        message = r.slack.messages[("C0DESK", sent.external_ids[0])]
    assert sent.thread == sent.external_ids[0]
    assert sent.keys == (f"slack:main/C0DESK/{sent.thread}",)
    assert "thread_ts" not in message
    assert message["text"] == "DG-42 Where is my parcel? (Cy Customer)"


async def test_a_follow_up_goes_into_the_thread_with_its_author() -> None:
    async with room() as r:
        ts = await r.card()
        sent = await r.connector.send(reply(ts, "Any *news* <!here>?"))
        message = r.slack.messages[("C0DESK", sent.external_ids[0])]
    assert (message["thread_ts"], sent.thread) == (ts, "")
    assert message["text"] == "*Cy &lt;!channel&gt;* Any _news_ &lt;!here&gt;?"
    assert (message["parse"], message["link_names"], message["unfurl_links"]) == ("none", False, False)


async def test_a_long_follow_up_is_one_folded_message() -> None:
    async with room() as r:
        ts = await r.card()
        sent = await r.connector.send(reply(ts, "A sentence of some length. " * 250))
        sections = r.slack.messages[("C0DESK", sent.external_ids[0])]["blocks"][1:]
    assert len(sections) == 4
    assert len(sections[0]["text"]["text"]) <= 700


async def test_a_very_long_follow_up_brings_the_whole_text_as_a_file() -> None:
    text = "A sentence of some length. " * 2000
    async with room() as r:
        ts = await r.card()
        await r.connector.send(reply(ts, text))
        (shared,) = r.slack.shared
        (upload,) = r.slack.uploads.values()
    assert (shared["channel_id"], shared["thread_ts"]) == ("C0DESK", ts)
    assert "whole text attached" in shared["initial_comment"]
    assert upload["content"].decode() == text
    assert len(shared["initial_comment"]) < 1000


async def test_attachments_and_words_appear_in_one_call() -> None:
    async with room() as r:
        ts = await r.card()
        r.host.files = {"abc": b"stored"}
        files = (
            Attachment(filename="a.txt", content=b"inline"),
            Attachment(filename="b.txt", sha256="abc"),
            Attachment(filename="gone.txt", sha256="erased"),
            Attachment(filename="big.bin", skipped="too large"),
        )
        sent = await r.connector.send(reply(ts, "See these", attachments=files))
        (shared,) = r.slack.shared
        stored = {u["filename"]: u["content"] for u in r.slack.uploads.values()}
    assert stored == {"a.txt": b"inline", "b.txt": b"stored"}
    assert "See these" in shared["initial_comment"]
    assert "Not kept: gone.txt, big.bin" in shared["initial_comment"]
    assert sent.external_ids == tuple(each["id"] for each in shared["files"])


async def test_a_cards_files_follow_in_its_thread_and_losing_them_repeats_nothing() -> None:
    async with room() as r:
        post = msgspec.structs.replace(card_post(), attachments=(Attachment(filename="a", content=b"x"),))
        first = await r.connector.send(post)
        assert r.slack.shared[0]["thread_ts"] == first.thread
        r.slack.fail("files.completeUploadExternal", Fault(error="file_update_failed"))
        second = await r.connector.send(post)
        assert "Attached: a" in str(r.slack.messages[("C0DESK", second.thread)]["blocks"])


async def test_replacing_edits_the_card_in_place() -> None:
    async with room() as r:
        ts = await r.card()
        card = msgspec.structs.replace(CARD, title="Taken", actions=())
        sent = await r.connector.send(Replace(address=desk_address(ts), ticket=42, card=card))
        blocks = r.slack.messages[("C0DESK", ts)]["blocks"]
    assert sent.external_ids == (ts,)
    assert blocks[0]["text"]["text"] == "DG-42 · Taken"
    assert len(r.slack.messages) == 1


async def test_taking_back_what_is_gone_already_is_done() -> None:
    async with room() as r:
        ts = await r.card()
        remove = Remove(address=desk_address(), ticket=42, external_id=ts)
        for _ in range(2):
            assert (await r.connector.send(remove)).external_ids == (ts,)
        assert r.slack.messages == {}


# ---------------------------------------------------------------- bad days

HTML = "<html>Bad gateway</html>"


@pytest.mark.parametrize(
    ("fault", "after", "bucket"),
    [
        (Fault(status=429, error="ratelimited", after="17"), 17.0, "slack/main/C0DESK"),
        (Fault(status=429, body="", after="1"), 1.0, "slack/main/C0DESK"),
        (Fault(status=429, error="ratelimited", after="soon"), None, "slack/main/C0DESK"),
        (Fault(error="ratelimited"), None, "slack/main/C0DESK"),
        (Fault(status=500, error="internal_error"), None, ""),
        (Fault(status=502, body=HTML, content_type="text/html"), None, ""),
        (Fault(status=503, body="busy", content_type="text/plain", after="9"), 9.0, ""),
        (Fault(error="fatal_error"), None, ""),
        (Fault(body="[]"), None, ""),
        (Fault(body="{"), None, ""),
        (Fault(body=HTML, content_type="text/html"), None, ""),
        (Fault(status=302, body=HTML, content_type="text/html"), None, ""),
    ],
)
async def test_passing_trouble_is_tried_again(fault: Fault, after: float | None, bucket: str) -> None:
    async with room() as r:
        r.slack.fail("chat.postMessage", fault)
        with pytest.raises(Retryable) as caught:
            await r.connector.send(card_post())
        assert r.slack.methods().count("chat.postMessage") == 1  # the outbox repeats, nobody else
    assert (caught.value.after, caught.value.bucket) == (after, bucket)


async def test_other_methods_have_a_bucket_of_their_own() -> None:
    async with room() as r:
        ts = await r.card()
        r.slack.fail("chat.update", Fault(status=429, after="3"))
        with pytest.raises(Retryable) as caught:
            await r.connector.send(Replace(address=desk_address(ts), ticket=42, card=CARD))
    assert (caught.value.after, caught.value.bucket) == (3.0, "slack/main/chat.update")


@pytest.mark.parametrize("error", ["invalid_auth", "account_inactive", "token_revoked"])
async def test_while_the_link_is_broken_everything_waits_in_the_accounts_bucket(error: str) -> None:
    async with room() as r:
        r.slack.fail("chat.postMessage", Fault(error=error))
        with pytest.raises(Retryable) as caught:
            await r.connector.send(card_post())
    assert (caught.value.after, caught.value.bucket) == (60.0, "slack/main")
    assert error in caught.value.reason and "Install the app again" in caught.value.reason


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("channel_not_found", "Invite the app"),
        ("is_archived", "unarchive"),
        ("not_in_channel", "Invite the app"),
        ("missing_scope", "manifest"),
        ("msg_too_long", "longer than Slack takes"),
        ("some_new_word", "on the desk"),
    ],
)
async def test_what_slack_never_takes_comes_back_with_a_remedy(error: str, words: str) -> None:
    async with room() as r:
        r.slack.fail("chat.postMessage", Fault(error=error))
        with pytest.raises(Undeliverable) as caught:
            await r.connector.send(card_post())
    assert caught.value.reason == error
    assert words in caught.value.detail


async def test_the_states_of_a_channel_are_told_apart() -> None:
    async with room() as r:
        for state, error in (
            (Channel(id="C0DESK", archived=True), "is_archived"),
            (Channel(id="C0DESK", member=False), "not_in_channel"),
            (Channel(id="C0OTHER"), "channel_not_found"),
        ):
            r.slack.channels = {state.id: state}
            with pytest.raises(Undeliverable) as caught:
                await r.connector.send(card_post())
            assert caught.value.reason == error


async def test_a_deleted_card_is_said_to_be_deleted() -> None:
    async with room() as r:
        with pytest.raises(Undeliverable, match="deleted the message"):
            await r.connector.send(Replace(address=desk_address("1.000001"), ticket=42, card=CARD))


@pytest.mark.parametrize("fault", [Fault(silent=True), Fault(cut=True)])
async def test_silence_after_the_request_is_uncertain(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webapi.WebApi.call, "__defaults__", (0.3,))
    async with room() as r:
        r.slack.fail("chat.postMessage", fault)
        with pytest.raises(Uncertain):
            await r.connector.send(card_post())
        assert len(r.slack.messages) == 1  # it had arrived


@pytest.mark.parametrize(
    ("method", "raised"),
    [("files.getUploadURLExternal", Retryable), ("files.completeUploadExternal", Uncertain)],
)
async def test_only_showing_files_is_uncertain_not_uploading_them(
    method: str, raised: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webapi.WebApi.call, "__defaults__", (0.3,))
    monkeypatch.setattr(webapi.WebApi.form, "__defaults__", (0.3,))
    async with room() as r:
        ts = await r.card()
        r.slack.fail(method, Fault(silent=True))
        with pytest.raises(raised):
            await r.connector.send(reply(ts, "x", attachments=(Attachment(filename="a", content=b"x"),)))


@pytest.mark.parametrize("fault", [Fault(silent=True), Fault(cut=True)])
async def test_silence_over_a_replacement_is_harmless(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    async with room() as r:
        ts = await r.card()
        monkeypatch.setattr(webapi.WebApi.call, "__defaults__", (0.3,))
        r.slack.fail("chat.update", fault)
        with pytest.raises(Retryable):
            await r.connector.send(Replace(address=desk_address(ts), ticket=42, card=CARD))


async def test_a_refused_connection_is_tried_again() -> None:
    async with room(api_url="http://127.0.0.1:9/api/") as r:
        with pytest.raises(Retryable) as caught:
            await r.connector.send(card_post())
    assert caught.value.bucket == "slack/main"


@pytest.mark.parametrize(
    "outgoing", [card_post(), Remove(address=desk_address(), ticket=1, external_id="1.1")]
)
async def test_before_the_start_sending_waits(outgoing: Outgoing) -> None:
    settings = Settings.model_validate({"signing_secret": "s", "bot_token": "t"})
    with pytest.raises(Retryable):
        await Slack("main", settings, b"k" * 32).send(outgoing)


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("https://slack.com/api", False),
        ("http://127.0.0.1:8000/api/", True),
        ("http://localhost/api", True),
        ("http://[::1]:1/api/", True),
    ],
)
def test_an_account_is_on_loopback_when_its_api_is(url: str, loopback: bool) -> None:
    settings = Settings.model_validate({"signing_secret": "s", "bot_token": "t", "api_url": url})
    assert settings.loopback() is loopback
    assert settings.api_url.endswith("/api/")


@pytest.mark.parametrize(
    "wrong",
    [
        {"bot_token": ""},
        {"signing_secret": ""},
        {"api_url": "http://slack.com/api/"},
        {"api_url": "slack.com"},
        {"api_url": "ftp://slack.com/"},
        {"team_id": "acme"},
        {"bot_tokn": "x"},
        {"file_limit": -1},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="1 validation error"):
        Settings.model_validate({"signing_secret": "s", "bot_token": "t", **wrong})


def test_every_setting_says_what_it_is_and_secrets_stay_hidden() -> None:
    settings = Settings.model_validate({"signing_secret": "s3cret", "bot_token": "xoxb-s3cret"})
    assert "s3cret" not in repr(settings)
    assert all(field.description for field in Settings.model_fields.values())
