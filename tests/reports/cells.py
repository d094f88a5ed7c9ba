"""Runs a template's cells in this process: a kernel's start costs more than all of its cells."""

import ast
import importlib
import json
from dataclasses import dataclass, field

from tests.conftest import ROOT

# The package shows the function of this name, not the module.
recording = importlib.import_module("b25.reports.record")

TEMPLATES = (
    "daily_performance", "execution_cost", "risk_and_limits", "reconciliation_and_drift", "strategy_tearsheet", "data_quality",
)  # fmt: skip


def book_of(name):
    return json.loads((ROOT / "notebooks" / "reports" / f"{name}.ipynb").read_text(encoding="utf-8"))


@dataclass
class Page:
    """What a template showed and recorded."""

    html: str = ""
    text: str = ""
    figures: dict = field(default_factory=dict)
    records: object = None

    def take(self, shown):
        if hasattr(shown, "_repr_mimebundle_"):
            bundle = shown._repr_mimebundle_()
            self.html += bundle["text/html"]
            self.text += bundle["text/plain"] + "\n"


def page_of(name, **parameters):
    """The page of a template, as papermill would run it: the parameters stand after the cell of the defaults."""
    page, names = Page(), {}
    recording.forget_recorded()
    show, recording._show = recording._show, lambda made: page.figures.update({made.name: made})
    try:
        for cell in book_of(name)["cells"]:
            if cell["cell_type"] != "code":
                continue
            tree = ast.parse("".join(cell["source"]))
            last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, name, "exec"), names)  # noqa: S102 - our own template
            if last is not None:
                page.take(eval(compile(ast.Expression(last.value), name, "eval"), names))  # noqa: S307 - likewise
            if "parameters" in cell["metadata"].get("tags", []):
                assert set(parameters) <= set(names)
                names |= parameters
    finally:
        recording._show = show
        recording.forget_recorded()
    page.records = names["records"]
    return page
