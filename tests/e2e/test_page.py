"""The ministry's page in a real browser: live, in every language, with nothing from outside."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from deploy.demo.hosts import DIRECTORIES
from deploy.local.plan import ROOT
from deploy.local.stack import Stack
from services.insights.web import languages

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.local]

CHROMIUM = next(
    (path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), ""
)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(60_000)
    yield page
    page.close()


@pytest.fixture(scope="module")
def address(stack: Stack) -> str:
    """The page of the tests' platform, or of a running demonstration when pictures are made."""
    shown = Stack(DIRECTORIES["local"]) if "HAMROH_PICTURES" in os.environ else stack
    return shown.instance.url("insights-api")


def test_the_page_shows_totals_and_asks_nobody_outside(page: Page, address: str) -> None:
    # given a browser that tells what it asks for
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))

    # when the page is opened
    with page.expect_response("**/live"):
        page.goto(address)
    page.wait_for_selector("[data-measure=registered]")

    # then it speaks, and everything it asked for came from its own address
    assert page.locator("h1").inner_text() == "Social protection at a glance"
    assert page.locator("[data-measure]").count() == 11
    assert all(url.startswith(address) for url in asked)
    assert faults == []
    if "HAMROH_PICTURES" in os.environ:
        page.screenshot(path=str(ROOT / "docs" / "pictures" / "dashboard.png"))


@pytest.mark.parametrize("tag", languages())
def test_every_language_has_its_own_words_and_direction(tag: str, page: Page, address: str) -> None:
    page.goto(f"{address}/?lang={tag}")
    words = languages()[tag]
    assert page.locator("html").get_attribute("lang") == tag
    assert page.locator("html").get_attribute("dir") == words.direction
    assert page.locator("h1").inner_text() == words["title"]
    assert page.locator("nav a[aria-current]").inner_text() == words["name"]
