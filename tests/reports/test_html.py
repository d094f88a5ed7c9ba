"""The page of a report, in Chromium: it asks nobody for anything and runs nothing, whatever the notebook has put into it."""

import re
from contextlib import contextmanager

import nbformat
import pytest
from playwright.sync_api import sync_playwright

from b25.api.answers import PAGE_HEADERS
from b25.reports.html import Page, render

HOSTILE = """
<script>document.title = 'ran'; fetch('http://evil.test/a')</script>
<img src="http://evil.test/pixel.png" onerror="document.title='ran'"><link rel="stylesheet" href="http://evil.test/x.css">
<style>@import url(http://evil.test/y.css); body { background: url(http://evil.test/z.png) }
@font-face { font-family: f; src: url(http://evil.test/f) }</style>
<iframe src="http://evil.test/frame"></iframe><object data="http://evil.test/o"></object><form action="http://evil.test"><input></form>
<meta http-equiv="refresh" content="0;url=http://evil.test/gone"><svg onload="document.title='ran'"><image href="http://evil.test/i.png"/></svg>
"""


def page_of(*outputs, error="", error_index=-1, state="ok", headings=("Money", "Risk", "Costs")):
    made = nbformat.v4.new_notebook()
    made.cells = [
        nbformat.v4.new_code_cell("days = 3", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_markdown_cell("# The day"),
    ]
    made.cells += [nbformat.v4.new_markdown_cell(f"## {text}") for text in headings]
    made.cells += [nbformat.v4.new_code_cell("shown()", outputs=[nbformat.v4.new_output("display_data", one)]) for one in outputs]
    page = Page(
        report="daily", state=state, head=[("mode", "paper"), ("span", "a day")], facts=[("run", "daily-1"), ("seconds", "3")],
        error=error, error_index=error_index,
    )  # fmt: skip
    return render(made, page)


@contextmanager
def browser():
    with sync_playwright() as play:
        made = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield made
        made.close()


def opened(made, html, csp):
    """Open a page as the gateway serves it; gives what it asked for beside itself, and its title."""
    asked, context = [], made.new_context()
    page = context.new_page()

    def answer(route):
        if route.request.url == "http://b25.test/page":
            headers = {"content-security-policy": csp} if csp else {}
            route.fulfill(status=200, content_type="text/html", body=html, headers=headers)
        else:
            asked.append(route.request.url)
            route.abort()

    page.route("**/*", answer)
    page.goto("http://b25.test/page")
    page.wait_for_timeout(300)
    told = (asked, page.title(), page.url)
    context.close()
    return told


def test_a_page_asks_nobody_and_runs_nothing_served_or_opened_from_a_file():
    html = page_of(
        {"text/html": HOSTILE}, {"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'></svg>"}
    )
    with browser() as made:
        for csp in (PAGE_HEADERS["Content-Security-Policy"], ""):  # a page that was mailed has its own policy only
            asked, title, url = opened(made, html, csp)
            assert (asked, title, url) == ([], "The day", "http://b25.test/page")


def test_a_page_of_ours_has_no_script_and_no_address_outside():
    html = page_of({"text/plain": "42"})
    assert "<script" not in html
    assert re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//[^\"')\s]+", html) == []
    assert html.index("Content-Security-Policy") < html.index("<style>")


def test_it_has_contents_a_head_a_foot_and_no_code():
    html = page_of({"text/plain": "42"})
    assert re.findall(r'<li><a href="#([^"]+)">', html) == ["Money", "Risk", "Costs"]
    assert all(f'id="{name}"' in html for name in ("Money", "Risk", "Costs"))
    assert "days = 3" not in html
    assert "shown()" not in html
    assert html.index("paper") < html.index("<main>") < html.index("42") < html.index("<footer>") < html.index("daily-1")
    assert "<nav" not in page_of(headings=("One",))


def test_the_cell_that_failed_is_shown_with_its_source_and_linked_escaped():
    html = page_of({"text/plain": "42"}, error="cell 6: <b>NameError</b>", error_index=5, state="failed")
    assert '<a href="#b25-failed">cell 6: &lt;b&gt;NameError&lt;/b&gt;</a>' in html
    assert "<pre>shown()</pre>" in html
    assert "<b>NameError" not in html


def test_figures_as_data_are_not_shown_as_text():
    html = page_of({"application/vnd.b25.metric+json": {"name": "net", "value": 1.5}, "text/plain": "net: 1.5"})
    assert "net: 1.5" not in html


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_light_and_dark(scheme):
    with browser() as made:
        page = made.new_page(color_scheme=scheme)
        page.set_content(page_of({"text/plain": "42"}))
        ink, ground = page.locator("body").evaluate("e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]")
    light = [sum(int(word) for word in re.findall(r"\d+", colour)[:3]) for colour in (ink, ground)]
    assert light[1] - light[0] > 500 if scheme == "light" else light[0] - light[1] > 500
