"""What keeps the pages safe: headers, form tokens, Origin, sessions, limits and strangers' markup."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import FormData

from gateway.model import Agent, EntryKind, Role, Status
from gateway.web.security import SESSION
from gateway.web.throttle import Throttle
from tests.fakes_site import Browser, open_site
from tests.fakes_web import ADMIN, AGENT, FakeHost, MovableClock


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with open_site() as made:
        yield made


PAGES = (
    "/",
    "/help/en",
    "/help/en/track-order",
    "/help/request",
    "/style",
    "/nothing",
    "/desk",
    "/desk/enter/x",
    "/desk/dead",
    "/desk/health",
    "/metrics",
    "/robots.txt",
)


@pytest.mark.parametrize("path", PAGES)
async def test_every_answer_carries_the_headers(browser: Browser, path: str) -> None:
    headers = (await browser.get(path)).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/help/en",
        "/help/en/track-order",
        "/help/request",
        "/style",
        "/desk",
        "/desk/ticket/42",
        "/desk/health",
    ],
)
async def test_no_page_needs_inline_code(browser: Browser, path: str) -> None:
    browser.desk.open("A chair", number=42)
    browser.enter()
    text = await browser.text(path)
    assert "<style" not in text and "style=" not in text.replace("table style", "") and " onclick" not in text
    assert text.count("<script") == text.count('<script type="module" src="/static/') + text.count(
        "<script src"
    )


async def test_over_tls_the_browser_is_told_to_stay_there_and_cookies_are_secure() -> None:
    async with open_site(public_url="https://help.example") as browser:
        browser.desk.links["t"] = ADMIN
        answer = await browser.get("/desk/enter/t")
        assert "max-age" in answer.headers["Strict-Transport-Security"]
        cookie = answer.headers["Set-Cookie"]
        assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Strict"))


# ---------------------------------------------------------------- forms

ACT = "/desk/ticket/42/act"


async def signed_in(browser: Browser, agent: Agent = ADMIN) -> dict[str, str]:
    browser.desk.open("A chair", number=42, queue="orders", status=Status.OPEN)
    browser.enter(agent)
    return await browser.form("/desk/ticket/42")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://127.0.0.1:1"])
async def test_a_form_from_another_site_changes_nothing(browser: Browser, origin: str) -> None:
    form = await signed_in(browser)
    answer = await browser.post(ACT, form | {"verb": "resolve"}, headers={"Origin": origin})
    assert answer.status == 403 and browser.desk.actions == []


@pytest.mark.parametrize("csrf", ["", "0" * 64, "é"])
async def test_a_form_without_its_token_changes_nothing(browser: Browser, csrf: str) -> None:
    form = await signed_in(browser)
    answer = await browser.post(ACT, form | {"verb": "resolve", "csrf": csrf})
    assert answer.status == 403 and browser.desk.actions == []


async def test_a_token_is_of_no_use_in_another_session(browser: Browser) -> None:
    form = await signed_in(browser)
    browser.enter(AGENT)
    assert (await browser.post(ACT, form | {"verb": "resolve"})).status == 403


async def test_nothing_is_done_by_following_a_link(browser: Browser) -> None:
    await signed_in(browser)
    assert (await browser.get(ACT + "?verb=resolve")).status == 405
    assert (await browser.get("/desk/leave")).status == 405


async def test_a_form_that_is_too_large_is_refused(browser: Browser) -> None:
    form = await browser.form("/help/request")
    answer = await browser.post("/help/request", form | {"message": "x" * 300_000})
    assert answer.status == 413


async def test_a_broken_form_is_no_error_of_ours(browser: Browser) -> None:
    await signed_in(browser)
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await browser.post(ACT, b"--y\r\nbroken", headers=headers)
    assert answer.status in (400, 403)


# ---------------------------------------------------------------- coming in


async def test_a_link_signs_in_once_and_only_when_the_button_is_pressed(browser: Browser) -> None:
    browser.desk.links["t1"] = Agent(id="new", name="", role=Role.ADMIN)
    form = await browser.form("/desk/enter/t1")
    await browser.get("/desk/enter/t1")
    assert "t1" in browser.desk.links
    assert (await browser.post("/desk/enter/t1", form)).status == 422
    answer = await browser.post("/desk/enter/t1", form | {"name": " Mara  Kos "}, allow_redirects=False)
    assert answer.status == 303 and answer.headers["Location"] == "/desk"
    assert "HttpOnly" in answer.headers["Set-Cookie"] and "SameSite=Strict" in answer.headers["Set-Cookie"]
    assert "Mara Kos, admin" in await browser.text("/desk")
    assert (await browser.get("/desk/enter/t1")).status == 410


async def test_a_known_agent_is_not_asked_for_a_name(browser: Browser) -> None:
    browser.desk.links["t"] = AGENT
    assert "Welcome, Ben Ito" in await browser.text("/desk/enter/t")


async def test_leaving_ends_the_session_everywhere(browser: Browser) -> None:
    form = await signed_in(browser)
    await browser.post("/desk/leave", form)
    assert browser.desk.sessions == {} and (await browser.get("/desk")).status == 401


@pytest.mark.parametrize(
    "path",
    ["/desk", "/desk/ticket/42", "/desk/health", "/desk/live", "/desk/file/42/" + "0" * 64, "/desk/nothing"],
)
@pytest.mark.parametrize("session", ["", "forged"])
async def test_the_desk_is_closed_to_strangers(browser: Browser, path: str, session: str) -> None:
    browser.desk.open("Secret chair", number=42)
    answer = await browser.get(path, headers={"Cookie": f"{SESSION}={session}"})
    assert answer.status == 401 and "Secret" not in await answer.text()


async def test_an_agent_who_is_no_longer_active_is_out(browser: Browser) -> None:
    browser.enter(Agent(id="gone", name="Gone", active=False))
    assert (await browser.get("/desk")).status == 401


async def test_a_click_in_a_mail_comes_back_with_the_cookie(browser: Browser) -> None:
    answer = await browser.get("/desk/ticket/42", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 200 and 'content="0; url=/desk/ticket/42"' in await answer.text()


async def test_guessing_links_is_slowed_down(browser: Browser) -> None:
    answers = [(await browser.get(f"/desk/enter/guess{n}")).status for n in range(14)]
    assert answers[:12] == [410] * 12 and answers[12:] == [429, 429]
    browser.desk.clock.move(minutes=6)
    assert (await browser.get("/desk/enter/guess")).status == 410


def test_a_throttle_forgets() -> None:
    from datetime import timedelta

    clock, throttle = MovableClock(), Throttle(1, timedelta(minutes=1))
    assert (
        throttle.allows("a", clock.now())
        and not throttle.allows("a", clock.now())
        and throttle.allows("b", clock.now())
    )
    clock.move(minutes=2)
    assert throttle.allows("a", clock.now())


# ---------------------------------------------------------------- strangers' content

ATTACKS = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "[click](javascript:alert(1))",
    '[click](data:text/html,<script>alert(1)</script> "x")',
    "</textarea></div><svg onload=alert(1)>",
    '"><iframe src=//evil.example>',
    "![x](javascript:alert(1))",
]


@pytest.mark.parametrize("attack", ATTACKS)
async def test_what_a_stranger_wrote_is_shown_and_never_runs(attack: str) -> None:
    desk = FakeHost()
    file = desk.blob(b"x", attack)
    number = desk.open(attack, attack, number=42, tags=(attack,), queue="orders")
    desk.entry(
        number,
        EntryKind.MESSAGE,
        attack,
        author=attack,
        full_text=attack + " quoted",
        attachments=(file,),
        reason=attack,
    )
    desk.event(
        number, "escalated", cause=attack, candidates=[[attack, 0.5]], rule=attack, evidence={attack: attack}
    )
    async with open_site(desk) as browser:
        browser.enter()
        for path in ("/desk", "/desk/ticket/42", f"/desk?q={attack}"):
            text = (await browser.text(path)).lower()
            for sign in (
                "<script>alert",
                "<img",
                "<iframe",
                "<svg onload",
                'href="javascript',
                'href="data:',
                'src="javascript',
            ):
                assert sign not in text, (path, sign)


async def test_a_file_of_a_stranger_is_a_download_of_its_own_ticket_only(browser: Browser) -> None:
    desk = browser.desk
    file = desk.blob(b"<script>alert(1)</script>", 'evil"\r\n.html', content_type="text/html")
    one, two = desk.open("One"), desk.open("Two")
    desk.entry(one, EntryKind.MESSAGE, "", attachments=(file,))
    browser.enter()
    answer = await browser.get(f"/desk/file/{one}/{file.sha256}")
    assert (
        answer.content_type == "application/octet-stream"
        and await answer.read() == b"<script>alert(1)</script>"
    )
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''evil%22%0D%0A.html"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert (await browser.get(f"/desk/file/{two}/{file.sha256}")).status == 404
    assert (await browser.get(f"/desk/file/{one}/..%2f..%2fetc%2fpasswd")).status == 404


async def test_an_erased_file_says_so(browser: Browser) -> None:
    number = browser.desk.open("One")
    file = browser.desk.blob(b"x", "x.png")
    browser.desk.entry(number, EntryKind.MESSAGE, "", attachments=(file,))
    browser.desk.blobs.clear()
    browser.enter()
    answer = await browser.get(f"/desk/file/{number}/{file.sha256}")
    assert answer.status == 403 and "erased" in await answer.text()


async def test_a_protected_queue_is_closed_to_those_who_are_no_members(browser: Browser) -> None:
    desk = browser.desk
    number = desk.open("Private chair", queue="private")
    desk.closed_queues = ("private",)
    browser.enter(AGENT)
    for path in ("/desk", "/desk?queue=private", "/desk?q=chair"):
        assert "Private chair" not in await browser.text(
            path
        ) and "Private matters" not in await browser.text(path)
    assert (await browser.get(f"/desk/ticket/{number}")).status == 403
    form = await browser.form("/desk")
    assert form["csrf"]


async def test_files_that_an_agent_attaches_are_limited(browser: Browser) -> None:
    form = await signed_in(browser)
    data = FormData({**form, "verb": "reply", "text": "Hello", "confirmed": "yes"})
    for n in range(6):
        data.add_field("files", b"x", filename=f"{n}.txt")
    assert (await browser.post(ACT, data)).status == 413
    assert browser.desk.actions == []


@pytest.mark.parametrize("name", ["page.js", "site.css", "mark.svg"])
async def test_static_files_are_kept_for_long_under_their_own_address(browser: Browser, name: str) -> None:
    text = await browser.text("/style")
    version = text.partition("/static/")[2].partition("/")[0]
    answer = await browser.get(f"/static/{version}/{name}")
    assert "immutable" in answer.headers["Cache-Control"]
    assert (await browser.get(f"/static/old/{name}")).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["..%2frender.py", "nothing.js", "%2e%2e%2frender.py"])
async def test_no_other_file_is_served(browser: Browser, name: str) -> None:
    assert (await browser.get(f"/static/x/{name}")).status == 404
