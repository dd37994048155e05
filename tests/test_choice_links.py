"""Buttons as links: opening one does nothing, its form does, and nobody but us can make one."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.choice_links import PATH, read, sign
from gateway.model import Choice, ChoiceAction, Message, Post, Status
from tests.fakes_site import open_site
from tests.fakes_web import FakeHost
from tests.world import World

SECRET = b"s" * 32
YES = Choice(action=ChoiceAction.HELPED, ticket=42)


@pytest.mark.parametrize(
    "choice",
    [
        YES,
        Choice(action=ChoiceAction.ARTICLE, value="track-order.zh-Hant", ticket=7),
        Choice(action=ChoiceAction.RATE, value="5"),
    ],
)
def test_a_choice_comes_back_from_its_link(choice: Choice) -> None:
    token = sign(SECRET, choice)
    assert read(SECRET, token) == choice
    assert read(b"x" * 32, token) is None
    assert all(
        read(SECRET, token[:i] + ("A" if token[i] != "A" else "B") + token[i + 1 :]) is None
        for i in range(3, 16)
    )


@given(st.text(max_size=80))
def test_what_we_never_made_is_no_choice(token: str) -> None:
    assert read(SECRET, token) is None


async def test_looking_does_nothing_and_the_form_chooses() -> None:
    desk = FakeHost()
    desk.open(number=42)
    link = PATH + sign(SECRET, Choice(action=ChoiceAction.NOT_HELPED, ticket=42))
    async with open_site(
        desk, choice_of=lambda token: read(SECRET, token), reply_key="key{}".format
    ) as browser:
        assert (await browser.client.head(link)).status == 200
        text = await browser.text(link)
        assert 'value="not_helped" required checked' in text and text.count('type="radio"') == 3
        assert desk.deliveries == []
        assert (await browser.post(link, {"choice": "not_helped"})).status == 403
        assert desk.deliveries == []
        form = await browser.form(link)
        assert (await browser.post(link, form | {"choice": "everything"})).status == 200  # the page again
        assert desk.deliveries == []
        assert (await browser.post(link, form | {"choice": "helped"})).status == 200
        (delivery,) = desk.deliveries
        message = delivery.input
        assert isinstance(message, Message) and message.choice == YES and message.text == ""
        assert message.refers_to == ("ref:key42",)
        assert message.sender == desk.pages[42].participants[0].identity
        assert (await browser.get(link + "x")).status == 404


async def test_a_closed_request_cannot_be_chosen_for() -> None:
    desk = FakeHost()
    desk.open(number=42)
    page = desk.pages[42]
    desk.pages[42] = msgspec.structs.replace(
        page, ticket=msgspec.structs.replace(page.ticket, status=Status.CLOSED)
    )
    link = PATH + sign(SECRET, YES)
    async with open_site(desk, choice_of=lambda token: read(SECRET, token)) as browser:
        form = await browser.form(PATH + sign(SECRET, YES))
        assert 'type="radio"' not in await browser.text(link)
        await browser.post(link, form | {"choice": "helped"})
        assert desk.deliveries == []


async def test_a_mail_is_answered_by_its_link(world: World) -> None:
    await world.say("Where is my order?", door="mail")
    post = next(sent for sent in world.mail.sent if isinstance(sent, Post) and sent.buttons)
    first = post.buttons[0]
    choice = read(world.policy.secret, first.link.removeprefix(world.policy.public_url + PATH))
    assert choice is not None and choice == first.choice
    reference = f"ref:{world.policy.reply_key(choice.ticket)}"
    await world.say("", door="mail", choice=choice, message_key="choice:1", refers_to=(reference,))
    assert (await world.ticket()).status is Status.RESOLVED and "helped" in await world.events()
