"""Frozen versions for tests, made from notebooks and files without a proof: what is tested begins where promotion ends."""

import hashlib

from b25.promote.cut import cut
from b25.promote.version import SOURCE, freeze, snake
from b25.research.strategy_file import load_strategy
from b25.strategy.source_key import behaviour_key
from tests.promote.books import notebook

MAKER = '''class Maker(Rounded):
    """Quote a little on both sides, nearer where nothing is held."""

    offset_ticks: int = b25.param(2, ge=0, le=100)  # from the touch
    quantity: float = b25.param(0.01, gt=0, unit="base")
    asked: int = 0

    def on_book(self, ctx):
        if ctx.ready():
            self.asked += 1
            away = self.offset_ticks * ctx.tick()
            ctx.quote(b25.BUY, ctx.bid() - away, self.quantity)
            ctx.quote(b25.SELL, self.rounded(ctx.ask() + away), self.quantity)
'''
HELPER = '''# What is farther than this from the touch is not worth an order.
WIDEST = 1e9


class Rounded(b25.Strategy):
    """Knows how far is too far."""

    def rounded(self, price):
        """Return a price no higher than the widest."""
        return min(price, WIDEST)  # one comparison
'''
CELLS = (
    ("future", "from __future__ import annotations\n\nimport b25"), ("look", "table = [1, 2, 3]\ntable"), ("help", HELPER),
    ("maker", MAKER),
)  # fmt: skip


def frozen(
    root, secrets, where, *, params=None, fees="Fees(maker=0.0002, taker=0.0005, tiers=(), per_lot=0.0, flat=0.0)", **more
):
    """Freeze a class of a notebook or a file as a promotion would, without proof."""
    made = cut(where)
    assert not made.errors, made.errors
    beside = root.parent / "cut" / "strategy.py"
    beside.parent.mkdir(parents=True, exist_ok=True)
    beside.write_text(made.text)
    cls = load_strategy(f"{beside}:{made.name}")
    facts = {
        "class": made.name, "content_id": hashlib.sha256(made.text.encode()).hexdigest(), "behaviour": behaviour_key(cls),
        "parameters": params or {}, "source": {"file": made.saved.path.name, "cells": list(made.cells)}, "data": [],
        "conditions": {"fees": fees, "limits": "Limits(position_max=1.0)", "balance": 10_000.0, "latency_ns": 3_000_000},
        "environment": {"lock_sha256": None, "engine": "same"}, "created": {"by": "ann", "at_ns": 1},
    }  # fmt: skip
    return freeze(root, snake(made.name), {SOURCE: made.text.encode()}, facts | more, secrets)


def maker_notebook(path, **changes):
    """Write a notebook of the cells above; a changed cell by its id."""
    return notebook(path, *((name, changes.get(name, text)) for name, text in CELLS))
