"""Notebooks for tests: cells as (id, source), run in order unless said otherwise."""

import json

START = ("start", "import b25\nimport numpy as np")
GOOD = (
    "strategy",
    '''# Joins the touch.
class Mine(b25.Strategy):
    """Quote a little on the bid."""

    quantity: float = b25.param(0.01, gt=0, unit="base")  # of one order

    def on_book(self, ctx):
        if ctx.ready():
            ctx.quote(b25.BUY, ctx.bid(), self.quantity)
''',
)


def notebook(path, *cells, counts=None, outputs=None, tags=None, shown=None):
    """Write a notebook of these cells, and give its path; `outputs` are printed texts, `shown` bundles of MIME types."""
    held = [
        {
            "cell_type": "code", "id": name, "source": source, "execution_count": (counts or {}).get(name, place + 1),
            "metadata": {"tags": (tags or {}).get(name, [])},
            "outputs": [{"output_type": "stream", "name": "stdout", "text": text} for text in (outputs or {}).get(name, [])]
            + [{"output_type": "display_data", "data": data, "metadata": {}} for data in (shown or {}).get(name, [])],
        }
        for place, (name, source) in enumerate(cells)
    ]  # fmt: skip
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": held}))
    return path
