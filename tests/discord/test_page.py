"""The whole product in a real browser: the page, the real bot, the real network, and a second tab."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psutil
import pytest
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from bot.client import NeuralBot
from bot.inference.local import LocalExecutor
from bot.playground.server import SAMPLES, Playground
from tests.browser import CHROMIUM, FLAGS, needs_chromium

pytestmark = [
    needs_chromium,
    pytest.mark.usefixtures("bot"),
]


@pytest.fixture
async def context() -> AsyncIterator[BrowserContext]:
    """A fresh browser profile."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield await browser.new_context(viewport={"width": 1280, "height": 800})
        await browser.close()


async def open_tab(context: BrowserContext, playground: Playground, problems: list[str]) -> Page:
    """Open the page and note everything that the browser complains of."""
    tab = await context.new_page()
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    await tab.goto(playground.url)
    return tab


async def test_a_photograph_is_recognised_and_a_second_tab_sees_it_live(
    context: BrowserContext, playground: Playground, bot: NeuralBot, executor: LocalExecutor
) -> None:
    problems: list[str] = []
    first = await open_tab(context, playground, problems)
    second = await open_tab(context, playground, problems)
    worker = psutil.Process(executor.pid)

    await first.locator("#message-box").press_sequentially("/classify")
    await first.locator("#picker [data-command='classify']").click()
    await first.locator("input[type=file]").first.set_input_files(SAMPLES / "cat.jpg")
    worker.suspend()
    try:
        await first.locator("#send").click()
        status = second.locator("[data-message-id]", has_text="The network is at work")
        await expect(status).to_be_visible(timeout=10_000)
        message_id = await status.get_attribute("data-message-id")
    finally:
        worker.resume()

    for tab in (first, second):
        message = tab.locator(f"[data-message-id='{message_id}']")
        await expect(message).to_contain_text("tabby cat", timeout=20_000)
        await expect(message).not_to_contain_text("at work")
        picture = message.locator("img").last
        await expect(picture).to_be_visible()
        assert await picture.evaluate("image => image.complete && image.naturalWidth") > 300

    message = first.locator(f"[data-message-id='{message_id}']")
    await message.get_by_role("button", name="How did you get there?").click()
    await expect(first.get_by_text("convolutional network")).to_be_visible()
    await expect(first.get_by_text("Only you can see this")).to_be_visible()
    await message.locator("img").last.click()
    await expect(first.locator("dialog[open] img")).to_be_visible()
    assert not problems
