"""The page of all events opens from disk, without the net, and finds no fault in the document."""

import hashlib
import json
import re
import shutil
from pathlib import Path

from playwright.async_api import async_playwright

from contracts.catalogue import EVENTS
from deploy.contracts import page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def test_the_viewer_is_the_one_that_was_published() -> None:
    sums = (page.STATIC / "SHA256SUMS").read_text().splitlines()
    assert len(sums) == 4
    for digest, name in (line.split() for line in sums):
        assert hashlib.sha256((page.STATIC / name).read_bytes()).hexdigest() == digest
    assert "Apache License" in (page.STATIC / "LICENSE").read_text()
    assert sum(path.stat().st_size for path in page.STATIC.iterdir()) < 4_000_000


def test_the_page_carries_the_whole_document(tmp_path: Path) -> None:
    text = page.build(tmp_path).read_text(encoding="utf-8")
    found = re.search(
        r'<script type="application/json" id="document">(.*?)</script>', text, re.DOTALL
    )
    assert found
    assert json.loads(found[1])["info"]["title"] == "Hamroh events"


FAULTY = "There are errors in your Asyncapi document"


async def opened(path: Path, until: str) -> tuple[str, list[str], list[str]]:
    """What a browser shows of a page, which addresses it asked for, and what it complained of."""
    asked: list[str] = []
    complaints: list[str] = []
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = await browser.new_page(viewport={"width": 1700, "height": 1000})
        tab.set_default_timeout(60_000)
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda fault: complaints.append(str(fault)))
        await tab.goto(path.as_uri())
        await tab.wait_for_function(f"document.body.innerText.includes('{until}')")
        text = await tab.inner_text("body")
        await browser.close()
    return text, asked, complaints


async def test_a_browser_without_the_net_shows_every_type(tmp_path: Path) -> None:
    # Given the page on disk, when a browser opens it
    text, asked, complaints = await opened(page.build(tmp_path), until="OPERATIONS")
    # Then every type stands there, and the parser found no fault in the document
    assert [event.name for event in EVENTS if event.name not in text] == []
    assert FAULTY not in text
    assert complaints == []
    # And nothing but the folder itself was asked for
    assert {url.rsplit("/", 1)[0] for url in asked} == {tmp_path.as_uri()}


async def test_a_fault_in_the_document_is_shown(tmp_path: Path) -> None:
    # Given the page with one operation that leads to no channel
    path = page.build(tmp_path)
    text = path.read_text(encoding="utf-8")
    lost = text.replace('"#/channels/benefits.payment.v1"', '"#/channels/lost"')
    assert lost != text
    path.write_text(lost, encoding="utf-8")
    # When a browser opens it, then the viewer names the fault
    shown, _, _ = await opened(path, until=FAULTY)
    assert "'#/channels/lost' does not exist" in shown
