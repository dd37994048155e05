"""The chat and the desk in a real Chromium, in both themes, with axe looking for barriers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from connectors.webchat import Settings, WebChat
from gateway.model import (
    Address,
    Ask,
    AskKind,
    BotState,
    Button,
    CannedReply,
    Choice,
    ChoiceAction,
    EntryKind,
    Message,
    Priority,
    SendKind,
    SendState,
    Speaker,
    Status,
    Work,
)
from gateway.views import StopLine
from gateway.web import attach
from gateway.web.security import SESSION
from tests.fakes_site import LETTER, TROUBLED, FakeOperations, make_site
from tests.fakes_web import ADMIN, KEY, FakeHost

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed (apt-get install chromium)"
    ),
]
OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
)  # fmt: skip
BROKEN_SOCKET = """
window.WebSocket = class {
  static OPEN = 1;
  constructor() { setTimeout(() => this.onclose?.({ code: 1006 })); }
};
"""
THEMES = ("light", "dark")
NewPage = Callable[..., Awaitable[Any]]


class House:
    """A running site with chat and desk. `shop`: another site, whose pages may embed the chat."""

    def __init__(self) -> None:
        self.port, self.shop = unused_port(), f"http://localhost:{unused_port()}"
        self.url = f"http://127.0.0.1:{self.port}"
        self.desk = FakeHost(public_url=self.url)
        self.connector = WebChat(
            "main", Settings(email_account="support", ack_seconds=3, allowed_origins=(self.shop,)), KEY
        )
        self.tasks: set[asyncio.Task[Any]] = set()
        self.visitor: Address | None = None
        self.desk.on_message = self.hear

    def app(self) -> web.Application:
        app = web.Application()
        self.connector.attach(app, self.desk)
        attach(app, make_site(self.desk, operations=FakeOperations(LETTER, LETTER, fared=TROUBLED)))
        return app

    def hear(self, message: Message) -> None:
        self.visitor = message.address
        if message.choice and message.choice.action is ChoiceAction.HUMAN:
            self.say("Your message is with our team. Your reference is DG-42.", SendKind.NOTICE)
        elif message.text:
            buttons = tuple(
                Button(label=label, choice=Choice(action=action, ticket=42))
                for label, action in (
                    ("Yes, thank you", ChoiceAction.HELPED),
                    ("A person, please", ChoiceAction.HUMAN),
                )
            )
            self.say(
                "From our help article [Where is my order?](/help/en/track-order): **Track** it.",
                buttons=buttons,
            )

    def say(self, text: str, kind: SendKind = SendKind.ANSWER, **fields: Any) -> asyncio.Task[Any]:
        """Sends to the visitor as the outbox does; the task's result says how it went."""
        assert self.visitor is not None
        post = self.desk.post(self.visitor, text, kind, **fields)
        task = asyncio.get_running_loop().create_task(self.connector.send(post))
        self.tasks.add(task)
        return task


@pytest_asyncio.fixture(loop_scope="module")
async def house() -> AsyncIterator[House]:
    made = House()
    server = TestServer(made.app(), port=made.port)
    await server.start_server()
    yield made
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks, return_exceptions=True)
    await server.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Any]:
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=list(OPTIONS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def new_page(chromium: Any) -> AsyncIterator[NewPage]:
    """Opens a page; afterwards no page may have reported an error of a script or of the policy."""
    errors: list[str] = []
    contexts: list[Any] = []

    async def make(**options: Any) -> Any:
        context = await chromium.new_context(**({"viewport": {"width": 1100, "height": 760}} | options))
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if "Content Security" in line.text else None)
        return page

    yield make
    for context in contexts:
        await context.close()
    assert errors == []


async def barriers(page: Any) -> list[str]:
    """What axe finds, one line a rule."""
    from axe_playwright_python.async_playwright import Axe

    await page.wait_for_timeout(100)
    found = await Axe().run(page)
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found.response["violations"]]


async def sideways(page: Any) -> int:
    return int(await page.evaluate("document.documentElement.scrollWidth - innerWidth"))


# ---------------------------------------------------------------- chat


@pytest.mark.parametrize("theme", THEMES)
async def test_a_question_an_answer_and_a_person_in_the_chat(
    house: House, new_page: NewPage, theme: str
) -> None:
    page = await new_page(color_scheme=theme)
    await page.goto(f"{house.url}/chat")
    assert await page.evaluate("Object.keys(localStorage).length + document.cookie.length") == 0
    await page.get_by_label("Write a message").fill("Where is my order?")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="Where is my order?").wait_for()
    assert (await next(iter(house.tasks))).state is SendState.DELIVERED
    assert await page.locator(".entry.mine").count() == 1
    await page.get_by_role("button", name="A person, please").click()
    await page.get_by_text("Your reference is DG-42.").wait_for()
    assert not await page.get_by_role("button", name="A person, please").is_visible()
    await page.get_by_label("E-mail address").fill("mara@example.com")
    await page.get_by_role("button", name="Save address").click()
    await page.get_by_text("Answers that you miss here go to mara@example.com.").wait_for()
    offers = [d.input.offer for d in house.desk.deliveries if isinstance(d.input, Message) and d.input.offer]
    assert [offer.address.conversation for offer in offers] == ["mara@example.com"]
    sent = house.say("Hello, I am **Ana**.", SendKind.AGENT, author="Ana Kos")
    await page.get_by_text("Hello, I am Ana.").wait_for()
    assert (await sent).state is SendState.DELIVERED
    assert await barriers(page) == []
    await page.reload()
    await page.get_by_text("Hello, I am Ana.").wait_for()
    assert await page.locator(".entry.mine").count() == 2


async def test_the_chat_fits_a_small_phone(house: House, new_page: NewPage) -> None:
    page = await new_page(viewport={"width": 320, "height": 560}, has_touch=True, is_mobile=True)
    await page.goto(f"{house.url}/chat")
    await page.get_by_label("Write a message").fill("A word that is long: " + "a" * 80)
    await page.get_by_role("button", name="Send").click()
    await page.get_by_role("link", name="Where is my order?").wait_for()
    assert await sideways(page) <= 0


async def test_a_link_in_a_mail_leads_back_on_another_device(house: House, new_page: NewPage) -> None:
    first = await new_page()
    await first.goto(f"{house.url}/chat")
    await first.get_by_label("Write a message").fill("Where is my order?")
    await first.keyboard.press("Enter")
    await first.get_by_role("button", name="A person, please").click()
    await first.get_by_label("E-mail address").fill("mara@example.com")
    await first.get_by_role("button", name="Save address").click()
    await first.get_by_text("Answers that you miss").wait_for()
    link = next(
        d.input.offer.link for d in house.desk.deliveries if isinstance(d.input, Message) and d.input.offer
    )
    second = await new_page()
    await second.goto(house.url + link)
    await second.get_by_text("Your reference is DG-42.").wait_for()
    assert "resume" not in second.url


async def test_without_websockets_the_chat_still_works(house: House, new_page: NewPage) -> None:
    page = await new_page()
    await page.add_init_script(BROKEN_SOCKET)
    await page.goto(f"{house.url}/chat")
    await page.get_by_label("Write a message").fill("Where is my order?")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="Where is my order?").wait_for()
    assert len([d for d in house.desk.deliveries if isinstance(d.input, Message)]) == 1


async def test_what_could_not_be_sent_is_sent_when_the_line_is_back(house: House, new_page: NewPage) -> None:
    page = await new_page()
    await page.goto(f"{house.url}/chat")
    await page.context.set_offline(True)
    await page.get_by_label("Write a message").fill("Where is my order?")
    await page.keyboard.press("Enter")
    await page.get_by_text("Sending …").wait_for()
    await page.context.set_offline(False)
    await page.get_by_role("link", name="Where is my order?").wait_for()
    assert await page.locator(".entry.mine").count() == 1


async def test_a_file_goes_up_and_comes_down(house: House, new_page: NewPage) -> None:
    page = await new_page()
    await page.goto(f"{house.url}/chat")
    await page.locator("#file").set_input_files(
        {"name": "door.txt", "mimeType": "text/plain", "buffer": b"a door"}
    )
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download door.txt").click()
    path = await (await download.value).path()
    assert await asyncio.to_thread(path.read_bytes) == b"a door"


@pytest.mark.parametrize(("width", "height"), [(1100, 760), (375, 667)])
async def test_one_script_tag_brings_the_chat_to_any_site(
    house: House, new_page: NewPage, width: int, height: int
) -> None:
    """The shop is another origin with a policy of its own that allows the chat's scripts and frames only."""
    tag = f'<script src="{house.url}/chat/widget.js" defer></script>'
    policy = {"Content-Security-Policy": f"default-src 'none'; script-src {house.url}; frame-src {house.url}"}

    async def shop(request: web.Request) -> web.Response:
        text = f"<!doctype html><title>Shop</title><h1>Shop</h1>{tag}"
        return web.Response(text=text, content_type="text/html", headers=policy)

    other = web.Application()
    other.router.add_get("/", shop)
    server = TestServer(other, host="localhost", port=int(house.shop.rpartition(":")[2]))
    await server.start_server()
    page = await new_page(viewport={"width": width, "height": height})
    try:
        await page.goto(house.shop)
        assert await page.locator("iframe").count() == 0
        await page.get_by_role("button", name="Chat with us").click()
        chat = page.frame_locator("iframe")
        await chat.get_by_label("Write a message").fill("Where is my order?")
        await page.keyboard.press("Enter")
        await chat.get_by_role("link", name="Where is my order?").wait_for()
        await chat.get_by_role("button", name="Close the chat").click()
        await page.locator("iframe").wait_for(state="hidden")
        assert await page.evaluate("document.activeElement.localName") == "deskgate-chat"
    finally:
        await page.close()
        await server.close()


async def test_a_site_that_is_not_named_cannot_embed_the_chat(house: House, new_page: NewPage) -> None:
    page = await new_page()
    answer = await page.goto(f"{house.url}/chat?embed=1")
    assert f"frame-ancestors 'self' {house.shop}" in answer.headers["content-security-policy"]


# ---------------------------------------------------------------- desk


def scene(desk: FakeHost) -> None:
    desk.open(
        "Parcel is missing",
        number=42,
        queue="orders",
        status=Status.NEW,
        speaker=Speaker.AGENT,
        priority=Priority.URGENT,
        tags=("lost",),
    )
    desk.entry(42, EntryKind.MESSAGE, "Where is my parcel?", attachments=(desk.blob(b"x", "door.jpg"),))
    desk.entry(42, EntryKind.ANSWER, "From our help article: …", "Nora", send=1, state=SendState.DELIVERED)
    desk.entry(42, EntryKind.NOTE, "Carrier was called.", "Ben Ito")
    desk.entry(42, EntryKind.REPLY, "Hello", "Ana Kos", send=2, state=SendState.FAILED, reason="gone")
    desk.event(
        42,
        "escalated",
        cause="not_helped",
        queue="orders",
        rule="default",
        confidence=0.6,
        threshold=0.7,
        candidates=[["track-order", 0.6]],
    )
    page = desk.pages[42]
    ask = Ask(id=1, kind=AskKind.OPINION, by="ben", agent="ana", text="Is it so?", at=desk.clock.now())
    bot = BotState(suggestion="It comes **tomorrow**.", sources=("delivery-times",))
    ticket = msgspec.structs.replace(page.ticket, bot=bot, work=Work(asks=(ask,), alike=(43,)))
    desk.pages[42] = msgspec.structs.replace(page, ticket=ticket)
    desk.stops.append(StopLine(scope="article:track-order", by="ana", at=desk.clock.now(), why="It misleads"))
    desk.replies = (CannedReply(name="hello", title="Say hello", language="", text="Hello Mara"),)
    desk.open(
        "Wrong colour", "Jan", "email", number=43, queue="returns", assignee="ben", status=Status.PENDING
    )


async def signed_in(house: House, new_page: NewPage, **options: Any) -> Any:
    scene(house.desk)
    page = await new_page(**options)
    cookie = {"name": SESSION, "value": house.desk.sign_in(ADMIN), "domain": "127.0.0.1", "path": "/desk"}
    await page.context.add_cookies([cookie])
    return page


async def test_an_agent_answers_and_the_page_stays_fresh(house: House, new_page: NewPage) -> None:
    page = await signed_in(house, new_page)
    await page.goto(f"{house.url}/desk")
    await page.get_by_role("link", name="Parcel is missing").click()
    await page.get_by_role("button", name="Claim").click()
    await page.get_by_role("button", name="Release").wait_for()
    await page.get_by_label("Text").fill("I am typing a note")
    house.desk.entry(42, EntryKind.MESSAGE, "Are you there?")
    await page.get_by_text("Are you there?").wait_for()
    assert await page.get_by_label("Text").input_value() == "I am typing a note"
    await page.get_by_label("Reply").check()
    await page.get_by_label("Text").fill("It comes **tomorrow**.")
    await page.keyboard.press("Control+Enter")
    await page.get_by_role("heading", name="This goes to the visitor in the web chat").wait_for()
    await page.get_by_role("button", name="Send to Mara Novak").click()
    await page.get_by_text("Not sent yet, can be undone").wait_for()
    assert [a.verb.value for a in house.desk.actions] == ["claim", "reply"]


async def test_a_new_ticket_appears_in_the_list_by_itself(house: House, new_page: NewPage) -> None:
    page = await signed_in(house, new_page)
    await page.goto(f"{house.url}/desk")
    await house.desk.heard("tickets")
    house.desk.open("Brand new", number=77, queue="orders")
    house.desk.publish("tickets")
    await page.get_by_role("link", name="Brand new").wait_for()


async def test_the_first_admin_comes_in_with_the_keyboard_alone(house: House, new_page: NewPage) -> None:
    house.desk.links["t"] = ADMIN.__class__(id="new", name="", role=ADMIN.role)
    page = await new_page()
    await page.goto(f"{house.url}/desk/enter/t")
    await page.locator("input:focus").wait_for()
    await page.keyboard.type("Mara Kos")
    await page.keyboard.press("Enter")
    await page.get_by_text("Mara Kos, admin").wait_for()


PAGES = (
    "/", "/help/en", "/help/zh-Hant/track-order", "/help/en?q=order", "/help/request", "/nothing", "/style", "/chat",
    "/desk", "/desk?view=mine", "/desk/ticket/42", "/desk/health", "/desk/new", "/desk/incidents", "/desk/bot",
    "/desk/team", "/desk/sign-in", "/desk/dead",
)  # fmt: skip


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("dark", 360)])
async def test_no_page_has_a_barrier_or_runs_off_the_screen(
    house: House, new_page: NewPage, theme: str, width: int
) -> None:
    page = await signed_in(house, new_page, color_scheme=theme, viewport={"width": width, "height": 800})
    found: dict[str, Any] = {}
    for path in PAGES:
        await page.goto(house.url + path)
        if trouble := [*await barriers(page), *(["sideways"] if await sideways(page) > 0 else [])]:
            found[path] = trouble
    assert found == {}
