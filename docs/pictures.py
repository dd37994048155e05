"""Makes docs/images from the running program: a customer in the chat, an agent at the desk. `make pictures`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from playwright.async_api import Browser, Page, async_playwright

from tests.running import free_port, running, settings_for
from tests.test_story import CHROMIUM, CHROMIUM_ARGS

IMAGES = ROOT / "docs/images"


async def main() -> None:
    """A question that the bot answers, one that it hands off, and the desk that takes it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(Path(folder), free_port(), desk={"undo_seconds": 0})
        async with running(settings) as deskgate, async_playwright() as playwright:
            base = f"http://127.0.0.1:{settings.server.port}"
            browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_ARGS)
            chat = await _customer(browser, base)
            desk = await _agent(browser, base + await deskgate.first_link())
            await desk.screenshot(path=IMAGES / "desk.png")
            await chat.screenshot(path=IMAGES / "chat.png")
            await browser.close()


async def _customer(browser: Browser, base: str) -> Page:
    page = await browser.new_page(viewport={"width": 420, "height": 760})
    await page.goto(f"{base}/chat")
    box = page.get_by_role("textbox").first
    await box.fill("Where is my order?")
    await box.press("Enter")
    await page.get_by_role("button", name="No", exact=True).click()
    await page.get_by_text("A person will answer you here").wait_for()
    return page


async def _agent(browser: Browser, link: str) -> Page:
    page = await browser.new_page(viewport={"width": 1280, "height": 860})
    await page.goto(link)
    await page.get_by_role("textbox").first.fill("Ana Novak")
    await page.get_by_role("button").first.click()
    await page.goto(link.partition("/desk/")[0] + "/desk/ticket/1")
    await page.get_by_role("button", name="Claim").click()
    await page.wait_for_timeout(600)
    await page.locator("#text").fill("The carrier's photo shows a blue door. I have asked them.")
    await page.get_by_role("button", name="Save note").click()
    await page.wait_for_timeout(800)
    return page


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    asyncio.run(main())
