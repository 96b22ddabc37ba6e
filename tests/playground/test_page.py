"""The page in a real browser, with a small bot that has every option type and component."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from bot.playground import Playground
from bot.playground.pages import Example, Welcome
from bot.playground.server import SAMPLES
from tests.browser import CHROMIUM, FLAGS, needs_chromium
from tests.playground.page_bot import PageBot
from tests.support import connected

CAT = SAMPLES / "cat.jpg"
WELCOME = Welcome(
    text="# Hello\nTry **this**:",
    examples=[
        Example("Say hello", "say", {"text": "hello from the example"}),
        Example("A cat", "everything", {"text": "sample"}, {"picture": "/samples/cat.jpg"}),
    ],
)
GIVE_FILE = """async ([type, name]) => {
    const files = new DataTransfer();
    files.items.add(new File([new Uint8Array(300)], name, {type: "application/octet-stream"}));
    const target = document.querySelector("#message-box");
    if (type === "paste") document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: files, bubbles: true}));
    else for (const step of ["dragenter", "dragover", "drop"])
        target.dispatchEvent(new DragEvent(step, {dataTransfer: files, bubbles: true, cancelable: true}));
}"""
WATCH_FOR_OFFLINE = """() => {
    const banner = document.querySelector("#offline");
    window.offlineSeen = new Promise((resolve) => {
        new MutationObserver(() => banner.hidden || resolve(true)).observe(banner, {attributes: true});
    });
}"""

pytestmark = [
    needs_chromium,
    pytest.mark.asyncio(loop_scope="module"),
]


@dataclass
class Site:
    """The server, its bot and a browser, shared by the tests of this file."""

    playground: Playground
    bot: PageBot
    browser: Browser


OpenTab = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Site]:
    playground = Playground(bot_name="Page Bot", welcome=WELCOME, samples=SAMPLES)
    await playground.start()
    with playground.point_discord_py_here():
        async with connected(PageBot()) as bot, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            yield Site(playground, bot, browser)
            await browser.close()
    await playground.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def open_tab(site: Site) -> AsyncIterator[OpenTab]:
    """Open the page as somebody; in the end no tab may have complained of anything."""
    problems: list[str] = []
    contexts = []

    async def open_as(name: str = "ada", **options: Any) -> Page:
        context = await site.browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        tab = await context.new_page()
        tab.set_default_timeout(8000)
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.on(
            "console", lambda line: problems.append(line.text) if line.type in ("error", "warning") else None
        )
        users = {user["username"]: key for key, user in site.playground.world.users.items()}
        await tab.goto(f"{site.playground.url}/?user={users[name]}")
        await expect(tab.locator("body.ready")).to_be_visible()
        return tab

    yield open_as
    for context in contexts:
        await context.close()
    assert not problems


async def start(tab: Page, command: str) -> None:
    """Pick a slash command by keyboard."""
    await tab.locator("#message-box").press_sequentially(f"/{command}")
    await expect(tab.locator(f"#picker [data-command='{command}'][aria-selected=true]")).to_be_visible()
    await tab.keyboard.press("Enter")


async def run(tab: Page, command: str) -> Locator:
    """Run a command without options; returns its answer."""
    before = await tab.locator("[data-message-id]").count()
    await start(tab, command)
    await tab.keyboard.press("Enter")
    answer = tab.locator("[data-message-id]").nth(before)
    await expect(answer).to_contain_text(f"/{command}")
    message_id = await answer.get_attribute("data-message-id")
    return tab.locator(f"[data-message-id='{message_id}']")


def last(tab: Page) -> Locator:
    return tab.locator("[data-message-id]").last


async def test_a_command_by_keyboard_alone_with_clear_words_about_what_is_wrong(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.keyboard.type("/")  # typing anywhere goes into the message box
    options = tab.locator("#picker [role=option]")
    await expect(options.first).to_have_attribute("aria-selected", "true")
    await tab.keyboard.press("ArrowDown")
    await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    await tab.keyboard.type("gro")
    await expect(options).to_have_count(1)
    await expect(options).to_contain_text("Adds two numbers")
    await tab.keyboard.press("Tab")

    await expect(tab.locator("[data-option=one]")).to_be_focused()
    await tab.keyboard.press("Enter")
    await expect(tab.locator("#hint")).to_have_text("one is required.")
    await tab.keyboard.type("3.5")
    await tab.keyboard.press("Enter")
    await expect(tab.locator("#hint")).to_have_text("one must be a whole number.")
    await tab.keyboard.press("Backspace")
    await tab.keyboard.press("Backspace")
    await tab.keyboard.press("Tab")
    await tab.keyboard.type("-4")
    await tab.keyboard.press("Enter")
    await expect(last(tab)).to_contain_text("The sum is -1")
    await expect(last(tab).locator(".reference")).to_contain_text("Ada used /group")
    await expect(tab.locator("#message-box")).to_be_focused()
    await expect(tab.locator("[data-pending]")).to_have_count(0)

    await tab.keyboard.type("/group add")
    await tab.keyboard.press("Enter")
    await tab.keyboard.press("Escape")
    await expect(tab.locator("#command")).to_be_hidden()


async def test_every_type_of_option(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await start(tab, "everything")
    await tab.keyboard.type("x")
    await tab.locator("[data-file-option=picture]").set_input_files(CAT)
    await expect(tab.locator("[data-chip=picture]")).to_contain_text("33.5 KB")
    await tab.locator("#send").click()
    await expect(tab.locator("#hint")).to_have_text("text needs at least 2 characters, this has 1.")
    await tab.keyboard.type("yz")
    for name, text in {
        "whole": "11",
        "real": "2,5",
        "yes": "tr",
        "size": "bi",
        "who": "gra",
        "where": "art",
    }.items():
        await tab.locator(f"[data-add-option={name}]").click()
        await expect(tab.locator(f"[data-option={name}]")).to_be_focused()
        await tab.keyboard.type(text)
        if name not in ("whole", "real"):
            await tab.keyboard.press("Enter")
    await tab.locator("#send").click()
    await expect(tab.locator("#hint")).to_have_text("whole must be from 1 to 10.")
    await tab.keyboard.press("Backspace")
    await tab.keyboard.press("Enter")
    await expect(last(tab)).to_contain_text(re.compile(r"xyz cat\.jpg 1 2\.5 True b grace art"))


async def test_autocomplete_shows_names_and_sends_values(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await start(tab, "study")
    await expect(tab.locator("#picker [role=option]")).to_have_count(3)
    await tab.keyboard.type("tur")
    await expect(tab.locator("#picker [role=option]")).to_have_count(2)
    await tab.keyboard.press("ArrowDown")
    await tab.keyboard.press("Enter")
    await expect(tab.locator("[data-option=university]")).to_have_value("University of Turku")
    await tab.keyboard.press("Enter")
    await expect(last(tab)).to_contain_text("You study at TURKU")


async def test_files_by_drop_paste_and_button(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await start(tab, "everything")
    await tab.keyboard.type("dropped")
    await tab.evaluate(GIVE_FILE, ["drop", "cat.bin"])
    await expect(tab.locator("[data-chip=picture]")).to_contain_text("300 bytes")
    await expect(tab.locator("#send")).to_be_focused()
    await tab.keyboard.press("Enter")
    await expect(last(tab)).to_contain_text("dropped cat.bin")

    await tab.evaluate(GIVE_FILE, ["paste", "pasted.bin"])
    await tab.locator("#file").set_input_files(CAT)
    await expect(tab.locator("[data-tray-file]")).to_have_count(2)
    await tab.keyboard.type("two files")
    await tab.keyboard.press("Enter")
    await expect(last(tab)).to_contain_text("two files")
    await expect(last(tab).locator(".file")).to_contain_text("pasted.bin")
    await expect(last(tab).locator("[data-lightbox] img")).to_be_visible()
    await expect(tab.locator("[data-tray-file]")).to_have_count(0)


async def test_a_button_waits_for_its_answer_and_says_when_none_comes(open_tab: OpenTab, site: Site) -> None:
    tab = await open_tab()
    board = await run(tab, "board")
    more = board.locator("[data-custom-id=more]")
    await more.click()
    await expect(more).to_have_attribute("aria-busy", "true")
    site.bot.board.release.set()
    await expect(board).to_contain_text("board+")
    await expect(more).not_to_have_attribute("aria-busy", "true")
    await expect(board.locator("[data-custom-id=off]")).to_be_disabled()
    await expect(board.get_by_role("link", name="About")).to_have_attribute(
        "href", "https://example.org/about"
    )
    await board.locator("[data-custom-id=silent]").click()
    await expect(board.locator(".failure")).to_contain_text(re.compile("respond|failed"))


async def test_selects_by_keyboard(open_tab: OpenTab) -> None:
    tab = await open_tab()
    board = await run(tab, "board")
    await board.locator("[data-custom-id=colours]").focus()
    await tab.keyboard.press("Enter")
    await expect(tab.get_by_role("listbox", name="Choose colours")).to_be_focused()
    for key in ("Escape", "Enter", "Space", "b", "Space", "Tab", "Enter"):
        await tab.keyboard.press(key)
    await expect(last(tab)).to_contain_text("You like red and blue")
    await expect(board.locator("[data-custom-id=colours]")).to_have_text("red, blue")
    await board.locator("[data-custom-id=friend]").click()
    await tab.get_by_role("option", name="Grace").click()
    await expect(last(tab)).to_contain_text("Hello Grace")


async def test_a_modal_is_checked_and_submitted(open_tab: OpenTab) -> None:
    tab = await open_tab()
    board = await run(tab, "board")
    await board.locator("[data-custom-id=form]").click()
    modal = tab.get_by_role("dialog", name="Tell me more")
    await expect(modal.locator("strong")).to_have_text("help")
    await expect(modal.locator("[data-custom-id=name]")).to_be_focused()
    await tab.keyboard.press("Enter")
    await expect(modal.get_by_role("alert")).to_have_text("“Name” must be filled in.")
    await tab.keyboard.type("Ada")
    await modal.locator("[data-custom-id=taste]").click()
    await tab.get_by_role("option", name="sour").click()
    await modal.locator("[data-custom-id=proof]").set_input_files(CAT)
    await modal.get_by_role("button", name="Submit").click()
    await expect(last(tab)).to_contain_text("Ada likes sour ['cat.jpg']")
    await expect(modal).to_have_count(0)
    await board.locator("[data-custom-id=form]").click()
    await expect(modal.locator("[data-custom-id=name]")).to_be_focused()
    await tab.keyboard.press("Escape")
    await expect(modal).to_have_count(0)


async def test_context_menus_by_mouse_and_keyboard(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.locator("#message-box").fill("read **me**")
    await tab.keyboard.press("Enter")
    await expect(last(tab).locator("strong")).to_have_text("me")
    await last(tab).locator(".content").click(button="right")
    await tab.get_by_role("menuitem", name="Read message").click()
    await expect(last(tab)).to_contain_text("I read: read me")
    await last(tab).get_by_role("button", name="More actions").focus()
    await tab.keyboard.press("Enter")
    await expect(tab.get_by_role("menuitem", name="Read message")).to_be_focused()
    await tab.keyboard.press("ArrowDown")
    await expect(tab.get_by_role("menuitem", name="Copy text")).to_be_focused()
    await tab.keyboard.press("Escape")
    await expect(tab.get_by_role("menu")).to_have_count(0)
    await tab.locator("#members [data-user-menu]", has_text="Grace").click()
    await tab.get_by_role("menuitem", name="Greet").click()
    await expect(last(tab)).to_contain_text("Good day, Grace")


async def test_a_private_message_is_seen_by_one_person_and_can_be_dismissed(open_tab: OpenTab) -> None:
    ada, again, grace = await open_tab("ada"), await open_tab("ada"), await open_tab("grace")
    secret = await run(ada, "secret")
    await expect(secret).to_contain_text("Only you can see this")
    await expect(again.get_by_text("psst, a secret")).to_have_count(1)
    await ada.locator("#message-box").fill("for all to see")
    await ada.keyboard.press("Enter")
    await expect(last(grace)).to_contain_text("for all to see")
    await expect(grace.get_by_text("psst, a secret")).to_have_count(0)
    await secret.get_by_role("button", name="Dismiss message").click()
    for tab in (ada, again):
        await expect(tab.get_by_text("psst, a secret")).to_have_count(0)
    await grace.locator("#you").click()
    await grace.get_by_role("option", name="Ada").click()
    await expect(grace.locator("#you")).to_contain_text("Ada")
    assert grace.url == ada.url


async def test_a_streamed_answer_grows_in_place_in_every_tab(open_tab: OpenTab, site: Site) -> None:
    tabs = [await open_tab("ada"), await open_tab("grace")]
    await start(tabs[0], "stream")
    await tabs[0].keyboard.press("Enter")
    for tab in tabs:
        await expect(last(tab)).to_contain_text("Page Bot is thinking…")
    site.bot.go.put_nowait("Once")
    for tab in tabs:
        await expect(last(tab).locator(".content")).to_have_text("Once")
        await expect(last(tab).locator("img")).to_have_js_property("naturalWidth", 200)
    await tabs[1].evaluate(
        """() => {
            document.querySelector("#messages > :last-child img").mine = true;
            document.querySelector("#log").scrollTop = 0;
        }"""
    )
    await expect(tabs[1].locator("#jump")).to_be_visible()
    for text in ("Once upon", "Once upon **a time**"):
        site.bot.go.put_nowait(text)
    site.bot.go.put_nowait("end")
    for tab in tabs:
        await expect(last(tab).locator("strong")).to_have_text("a time")
        await expect(last(tab)).to_contain_text("(edited)")
    await expect(last(tabs[1]).locator("img")).to_have_js_property("mine", True)
    assert await tabs[1].evaluate("document.querySelector('#log').scrollTop") == 0
    await tabs[1].locator("#jump").click()
    await expect(last(tabs[1])).to_be_in_viewport()

    await last(tabs[0]).locator("[data-lightbox]").click()
    await expect(tabs[0].get_by_role("dialog", name="all green")).to_be_visible()
    await tabs[0].keyboard.press("Escape")
    await expect(tabs[0].get_by_role("dialog")).to_have_count(0)


async def test_layout_components(open_tab: OpenTab) -> None:
    tab = await open_tab()
    layout = await run(tab, "layout")
    await expect(layout.get_by_role("heading", name="Four paintings")).to_be_visible()
    await expect(layout.get_by_alt_text("a thumbnail")).to_be_visible()
    await expect(layout.get_by_alt_text("all red")).to_have_js_property("naturalWidth", 200)
    await expect(layout.locator(".file")).to_contain_text("notes.txt")
    await expect(layout.locator("[data-custom-id=frame]")).to_have_text("Frame it")
    await expect(layout.locator(".container")).to_have_css("box-shadow", re.compile(r"rgb\(235, 69, 158\)"))
    hidden = layout.locator(".spoiler-box")
    await hidden.click()
    await expect(tab.get_by_role("dialog")).to_have_count(0)
    await hidden.click()
    await expect(tab.get_by_role("dialog", name="all blue")).to_be_visible()


async def test_hostile_text_stays_text(open_tab: OpenTab) -> None:
    tab = await open_tab()
    hostile = await run(tab, "hostile")
    await expect(hostile.locator("pre")).to_contain_text("<script>")
    await expect(hostile.locator(".embed-title")).to_contain_text("<img src=x")
    await tab.locator("#message-box").fill(
        '<b>bold</b> [x](https://a.example/"onclick=1) [y](data:text/html,1)'
    )
    await tab.keyboard.press("Enter")
    await expect(last(tab)).to_contain_text("<b>bold</b>")
    assert await tab.locator("#messages script, #messages img[onerror], #messages a[onclick]").count() == 0
    addresses = await tab.locator("#messages a").evaluate_all("links => links.map(link => link.protocol)")
    assert set(addresses) <= {"http:", "https:"}
    assert await tab.evaluate("window.hacked") is None


async def test_markdown(open_tab: OpenTab) -> None:
    tab = await open_tab()
    text = (
        "# Title\n-# small\n> quoted\n- one\n  - two\n**b** *i* __u__ ~~s~~ ||hidden|| `c` snake_case_name\n"
        "<t:0:R> [Example](https://example.org) <https://example.net> \\*plain\\*\n```py\nx = '**'\n```"
    )
    await tab.locator("#message-box").fill(text)
    await tab.keyboard.press("Enter")
    body = last(tab).locator(".content")
    expectations: dict[str, str | re.Pattern[str]] = {
        "h3": "Title",
        ".subtext": "small",
        "blockquote": "quoted",
        "ul ul li": "two",
        "strong": "b",
        "em": "i",
        "u": "u",
        "s": "s",
        "pre": "x = '**'",
        "time": re.compile("years ago"),
        "a >> nth=0": "Example",
        "a >> nth=1": "https://example.net",
    }
    for selector, expected in expectations.items():
        await expect(body.locator(selector)).to_have_text(expected)
    await expect(body).to_contain_text("snake_case_name")
    await expect(body).to_contain_text("*plain*")
    await body.get_by_role("button", name="Spoiler").focus()
    await tab.keyboard.press("Enter")
    await expect(body.locator(".spoiler")).to_have_attribute("data-revealed", "true")


async def test_examples_run_with_one_press(open_tab: OpenTab) -> None:
    tab = await open_tab("linus")
    await tab.locator("[data-example='Say hello']").click()
    await expect(last(tab)).to_contain_text("hello from the example")
    await tab.locator("[data-example='A cat']").click()
    await expect(last(tab)).to_contain_text("sample cat.jpg")
    await expect(last(tab).locator(".reference")).to_contain_text("Linus used")


async def test_a_phone(open_tab: OpenTab) -> None:
    phone = {"width": 390, "height": 844}
    tab = await open_tab(viewport=phone, has_touch=True, is_mobile=True)
    await run(tab, "layout")
    await tab.locator("#message-box").fill("a" * 300)
    await tab.locator("#send").tap()
    await expect(last(tab)).to_contain_text("aaa")
    for selector in ("html", "#log"):
        width = await tab.locator(selector).evaluate("node => [node.scrollWidth, node.clientWidth]")
        assert width[0] <= width[1] <= phone["width"]
    await expect(tab.locator("#sidebar")).to_be_hidden()
    await tab.locator("#menu").tap()
    await tab.locator("#direct-channels button").tap()
    await expect(tab.locator("#sidebar")).to_be_hidden()
    await expect(tab.locator("#channel-name")).to_have_text("Page Bot")


async def test_light_and_dark(open_tab: OpenTab) -> None:
    tab = await open_tab(color_scheme="dark")
    main, dark = tab.locator("main"), "rgb(49, 51, 56)"
    await expect(main).to_have_css("background-color", dark)
    await tab.locator("#theme").click()
    await expect(main).to_have_css("background-color", "rgb(255, 255, 255)")
    await tab.reload()
    await expect(main).to_have_css("background-color", "rgb(255, 255, 255)")
    await tab.locator("#theme").click()
    await expect(main).to_have_css("background-color", dark)


async def test_the_page_comes_back_by_itself_and_notices_a_bot_that_has_gone(
    open_tab: OpenTab, site: Site
) -> None:
    tab = await open_tab()
    await tab.locator("#message-box").fill("/gro")
    site.playground.pages.lines.cut()
    await expect(tab.locator("#connection")).to_be_visible()
    await expect(tab.locator("#connection")).to_be_hidden()
    await expect(tab.locator("#message-box")).to_have_value("/gro")
    await tab.locator("#message-box").fill("")
    await tab.evaluate(WATCH_FOR_OFFLINE)
    site.playground.drop_gateways()
    assert await tab.evaluate("window.offlineSeen")  # the bot is back too soon for a look from outside
    await expect(tab.locator("#offline")).to_be_hidden(timeout=15_000)
    await expect(await run(tab, "secret")).to_contain_text("psst")
