"""Every command of a runbook is one that exists, and none leaves orders behind."""

import re
import shlex

import pytest

from tests.conftest import ROOT
from tests.deploy.asking import faults
from tests.deploy.reading import rules

FOLDER = ROOT / "docs" / "runbooks"
PAGES = sorted(FOLDER.glob("*.md"))
ASKED = {
    "kill-and-re-arm", "unknown-order", "feed-down", "database-gone", "bus-down", "disk-full", "restore", "key-rotation",
    "upgrade", "token-leak",
}  # fmt: skip
ENDS = re.compile(r"\b(kill -9|kill -KILL|pkill|killall|SIGKILL|docker kill|kill -s|--grace-period=0)\b")


def commands(text):
    return [line for block in re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL) for line in block.splitlines()]


LINES = [(page.stem, line) for page in PAGES for line in commands(page.read_text()) if line.startswith("b25 ")]
LINES += [
    (page, line) for page in ("observability", "deployment") for line in commands((ROOT / "docs" / f"{page}.md").read_text())
    if line.startswith("b25 ")
]  # fmt: skip


@pytest.mark.parametrize(("page", "line"), LINES)
def test_a_command_of_a_runbook_exists(page, line):
    assert faults(shlex.split(line.partition("  #")[0])[1:]) == []


def test_every_runbook_that_was_asked_for_is_there_and_every_one_is_linked():
    assert {page.stem for page in PAGES} >= ASKED
    linked = {rule["annotations"]["runbook"] for rule in rules()}
    text = (ROOT / "docs" / "observability.md").read_text() + (ROOT / "docs" / "deployment.md").read_text()
    assert [
        page.name for page in PAGES if f"docs/runbooks/{page.name}" not in linked and f"runbooks/{page.name}" not in text
    ] == []


@pytest.mark.spec("DP-N3")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_runbook_ends_a_process_and_leaves_its_orders(page):
    text = page.read_text()
    assert not ENDS.search(text)
    for line in commands(text):
        assert not re.search(r"systemctl (stop|kill|restart) b25-up|docker compose (stop|kill|down)", line)
    if "systemctl stop b25-up" in text:  # SIGTERM ends in order: sessions first, their orders cancelled; and that is looked at
        assert "in order" in text
        assert "b25 kill status" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_of_a_runbook_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists() or target.startswith("token-leak") or target.startswith("restore"), target
