"""The documents' tables are the code's, each table stands somewhere, and no link leads nowhere."""

import re

import pytest

import b25
from b25.engine.world import FAR_LEVELS, INTENTS, LADDER_TICKS, NOTES, ORDERS
from b25.strategy.strategy import CALLBACKS
from b25.venue.models import QUEUES
from tests.docs.generated import DOCS, MARK, TABLES, renewed

PATHS = sorted(DOCS.glob("*.md"))
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[\w-]+)?\)")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_document_says_what_the_code_says(path):
    text = path.read_text(encoding="utf-8")
    assert renewed(text) == text, "run python -m tests.docs.generated"


def test_every_table_stands_in_a_document():
    told = {found["name"] for path in PATHS for found in MARK.finditer(path.read_text(encoding="utf-8"))}
    assert told == set(TABLES)


@pytest.mark.parametrize("path", [*PATHS, DOCS.parent / "README.md"], ids=lambda path: path.stem)
def test_no_link_leads_nowhere(path):
    links = LINK.findall(path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_callback_and_queue_model_is_told():
    strategy, fills = ((DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("strategy", "fill-models"))
    assert [name for name in CALLBACKS if f"`{name}`" not in strategy] == []
    assert [name for name in QUEUES if f"`{name}" not in fills] == []


@pytest.mark.parametrize("name", ["Cross", "Accumulate"])
def test_the_strategies_of_the_document_run_in_both_lives(name, tmp_path):
    sources = re.findall(r"^```python\n(.*?)^```", (DOCS / "strategy.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    names = {"__name__": "document", "b25": b25}
    for source in sources:
        exec(source, names)  # noqa: S102 - our own text
    data = b25.sample(minutes=1, catalog=tmp_path)
    compiled, plain = (b25.backtest(names[name], data, compiled=how) for how in (True, False))
    assert compiled.hash == plain.hash
    assert len(compiled.fills) > 1


def test_the_capacities_are_those_of_the_engine():
    strategy = (DOCS / "strategy.md").read_text(encoding="utf-8")
    for number in (ORDERS, INTENTS, NOTES, FAR_LEVELS, LADDER_TICKS):
        assert f"{number:,}".replace(",", " ") in strategy
