"""Buttons as links: opening one does nothing, its form does, and nobody but us can make one."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.choice_links import PATH, read, sign
from gateway.model import Choice, ChoiceAction, Event, Message, Post, Status, Verb
from tests.conftest import MakeWorld
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


def rate(mark: str) -> Choice:
    return Choice(action=ChoiceAction.RATE, value=mark, ticket=42)


def in_state(desk: FakeHost, status: Status, **fields: object) -> None:
    page = desk.pages[42]
    desk.pages[42] = msgspec.structs.replace(
        page, ticket=msgspec.structs.replace(page.ticket, status=status), **fields
    )


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED])
async def test_a_mark_is_given_on_its_page_and_may_be_changed(status: Status) -> None:
    desk = FakeHost()
    desk.open(number=42)
    in_state(desk, status)
    link = PATH + sign(SECRET, rate("4"))
    async with open_site(desk, choice_of=lambda token: read(SECRET, token)) as browser:
        text = await browser.text(link)
        assert text.count('type="radio"') == 5 and 'value="4" required checked' in text
        assert "1 – not at all" in text and "5 – very" in text
        form = await browser.form(link)
        for mark in ("4", "4", "2"):  # pressing twice is one press
            assert (await browser.post(link, form | {"choice": mark})).status == 200
        assert (await browser.post(link, form | {"choice": "helped"})).status == 200  # the page again
        made = [each.input for each in desk.deliveries if isinstance(each.input, Message)]
        assert [(each.choice, each.text) for each in made] == [(rate("4"), "4"), (rate("2"), "2")]
        rated = (Event(kind="rated", at=made[0].at, data={"mark": 4}),)
        in_state(desk, status, events=rated)
        await browser.post(link, form | {"choice": "4"})
        assert len(desk.deliveries) == 3


async def test_a_request_that_is_open_again_takes_no_mark() -> None:
    desk = FakeHost()
    desk.open(number=42)
    link = PATH + sign(SECRET, rate("5"))
    in_state(desk, Status.OPEN)
    async with open_site(desk, choice_of=lambda token: read(SECRET, token)) as browser:
        form = await browser.form(PATH + sign(SECRET, Choice(action=ChoiceAction.HUMAN, ticket=42)))
        assert "worked on again" in await browser.text(link)
        await browser.post(link, form | {"choice": "5"})
        assert desk.deliveries == []


async def test_a_person_is_asked_for_in_words() -> None:
    desk = FakeHost()
    desk.open(number=42)
    link = PATH + sign(SECRET, Choice(action=ChoiceAction.HUMAN, ticket=42))
    async with open_site(desk, choice_of=lambda token: read(SECRET, token)) as browser:
        await browser.post(link, await browser.form(link) | {"choice": "human"})
    assert isinstance(said := desk.deliveries[0].input, Message) and said.text == "A person, please"


@pytest.mark.parametrize("closed", [False, True])
async def test_the_question_how_it_was_is_answered_by_the_links_of_a_mail(
    make_world: MakeWorld, closed: bool
) -> None:
    world = await make_world(csat=True)
    await world.say("a person, please", door="mail")
    await world.act(Verb.RESOLVE, 1, text="Your parcel is on its way.")
    await world.later(seconds=5)
    post = world.mail.posts[-1]
    assert "as resolved" in post.text and [each.label for each in post.buttons] == list("12345")
    choices = [
        read(world.policy.secret, each.link.removeprefix(world.policy.public_url + PATH))
        for each in post.buttons
    ]
    assert choices == [each.choice for each in post.buttons]
    if closed:
        await world.later(days=8)
    address = f"ref:{world.policy.reply_key(1)}"
    await world.say("2", door="mail", choice=choices[1], message_key="choice:1", refers_to=(address,))
    assert [event.data["mark"] for event in (await world.page(1)).events if event.kind == "rated"] == [2]
    assert await world.numbers() == [1]
    assert (await world.ticket()).status is (Status.CLOSED if closed else Status.RESOLVED)
    assert "The requester is not satisfied: 2 of 5." in world.team.texts


async def test_a_person_asked_for_by_a_link_reopens_what_was_resolved(world: World) -> None:
    await world.say("a person, please", door="mail")
    await world.act(Verb.RESOLVE, 1, text="Your parcel is on its way.")
    await world.later(seconds=5)
    human, address = Choice(action=ChoiceAction.HUMAN, ticket=1), f"ref:{world.policy.reply_key(1)}"
    await world.say(
        "A person, please", door="mail", choice=human, message_key="choice:1", refers_to=(address,)
    )
    assert (await world.ticket()).status is Status.OPEN
