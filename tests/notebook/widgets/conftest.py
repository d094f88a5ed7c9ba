"""One Chromium for all tests of the widgets; whoever asks an outside address, or raises in the page, fails."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    # Of one module only: while it is open a loop runs in this thread, and other tests have loops of their own.
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("needs Chromium; there is none on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as found:
        browser = found.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu", "--no-first-run"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    outside: list[str] = []
    errors: list[str] = []
    opened = chromium.new_page(viewport={"width": 980, "height": 900})

    def asked(request: Any) -> None:
        place = urlsplit(request.url)
        if place.scheme in ("http", "https", "ws", "wss") and place.hostname not in ("127.0.0.1", "localhost"):
            outside.append(request.url)

    opened.on("request", asked)
    opened.on("pageerror", lambda fault: errors.append(str(fault)))
    yield opened
    opened.close()
    assert outside == []
    assert errors == []
