"""A new strategy with everything in place: a file, or a notebook that runs as it is, backtests on the sample, is promotable."""

from __future__ import annotations

import hashlib
import json
import keyword
import re
from pathlib import Path
from typing import Any, Final

from b25.model.errors import Misuse

TEMPLATES: Final = ("minimal", "full")
NAME: Final = re.compile(r"[A-Z][A-Za-z0-9]{0,39}")
PARAMETERS, NOT_THIS = "parameters", "no-promote"

MINIMAL: Final = '''\
class {name}(b25.Strategy):
    """Say in one sentence what it does, and what it earns from."""

    quantity: float = b25.param(0.01, gt=0, unit="base")
    distance_ticks: float = b25.param(1.0, ge=0, le=100, unit="ticks")

    def on_book(self, ctx):
        if ctx.working(b25.BUY) == 0 and ctx.position() <= 0.0:
            ctx.buy(self.quantity, ctx.bid() - self.distance_ticks * ctx.tick())
        if ctx.working(b25.SELL) == 0 and ctx.position() > 0.0:
            ctx.sell(self.quantity, ctx.ask() + self.distance_ticks * ctx.tick())
'''

FULL: Final = '''\
class {name}(b25.Strategy):
    """Quote on both sides of the mid, lean against what is held, and stay out of a market that is not well.

    Say here what it assumes, what it earns from, and when it loses.

    Parameters
    ----------
    quantity, position_max : float
        Base units: of one order, and of the position, long or short.
    half_spread_bps : float
        Distance of a quote from the mid, basis points.
    skew_bps : float
        By how much the quotes move for each order that is held, basis points.
    step_ns : int
        Nanoseconds of event time between two decisions.
    """

    quantity: float = b25.param(0.01, gt=0, unit="base")
    position_max: float = b25.param(0.05, gt=0, unit="base")
    half_spread_bps: float = b25.param(0.1, gt=0, le=100, unit="bps")
    skew_bps: float = b25.param(0.05, ge=0, le=100, unit="bps")
    step_ns: int = b25.param(500_000_000, ge=1_000_000, unit="ns")
    bid: float = 0.0  # where the quotes stand
    ask: float = 0.0

    def on_start(self, ctx):
        ctx.every(self.step_ns)

    def on_timer(self, ctx):
        if not (ctx.ready() and ctx.healthy()):
            ctx.cancel_all()
            return
        mid, held = ctx.mid(), ctx.position()
        center = mid * (1.0 - held / self.quantity * self.skew_bps / 1e4)
        bid = center * (1.0 - self.half_spread_bps / 1e4)
        ask = center * (1.0 + self.half_spread_bps / 1e4)
        ctx.cancel_all()
        if held < self.position_max:
            ctx.buy(self.quantity, min(bid, ctx.bid()))
        if held > -self.position_max:
            ctx.sell(self.quantity, max(ask, ctx.ask()))
'''
BODIES: Final = {"minimal": MINIMAL, "full": FULL}


def strategy_text(name: str, template: str = "minimal") -> str:
    """Return the text of a Python file with a strategy class of this name.

    Raises
    ------
    Misuse
        For a name that is none of a class, or a template that is not known.
    """
    return f'"""{name}: say why it exists."""\n\nimport b25\n\n\n{_body(name, template)}'


def notebook_text(name: str, template: str = "minimal") -> str:
    """Return the text of a notebook that defines, backtests, checks and promotes such a strategy; equal for equal names."""
    body = _body(name, template)
    cells = [
        _words(name, "title", f"# {name}\n\nSay in a few sentences what is tried here, on what, and what was found."),
        _code(name, "import", "import b25", []),
        _code(name, "setup", "%load_ext b25\nb25.notebook.setup(seed=7)", [NOT_THIS]),
        _code(name, "parameters", "minutes = 5", [PARAMETERS, NOT_THIS]),
        _words(name, "why", "## The strategy\n\nOnly this cell, and what it needs, is promoted."),
        _code(name, "strategy", body.rstrip("\n"), []),
        _words(name, "run", '## On the sample market\n\nReplace it by a recording: `b25.dataset("BTC/USDT:USDT")`.'),
        _code(name, "data", "data = b25.sample(minutes=minutes)\ndata", [NOT_THIS]),
        _code(name, "backtest", f"result = b25.backtest({name}, data, limits=b25.Limits(position_max=1.0))\nresult", [NOT_THIS]),
    ]
    if template == "full":
        cells += [
            _words(name, "bias", "## Is it real\n\nLook-ahead and warm-up, then what trading cost."),
            _code(name, "check", "%b25 check result", [NOT_THIS]),
            _code(name, "costs", "result.costs", [NOT_THIS]),
            _words(name, "vary", "## What if\n\nThe same with another parameter, held against the first."),
            _code(
                name, "compare",
                f"other = b25.backtest({name}, data, limits=b25.Limits(position_max=1.0), half_spread_bps=0.2)\n"
                "result.compare(other)",
                [NOT_THIS],
            ),
        ]  # fmt: skip
    cells.append(_words(name, "next", f"## Next\n\nRestart & Run All, save, then `%promote {name}` in a new cell."))
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def write_skeleton(
    name: str, template: str = "minimal", *, notebook: bool = False, folder: Path | None = None, force: bool = False
) -> Path:  # fmt: skip
    """Write a new strategy, and return where it is.

    Parameters
    ----------
    name : str
        Of the class, e.g. ``"MeanReversion"``.
    template : {"minimal", "full"}
    notebook : bool
        A notebook in ``notebooks/research`` in place of a file in ``strategies``.
    folder : Path, optional
        Where else.
    force : bool
        Write over what is there.

    Raises
    ------
    Misuse
        For a wrong name or template, when there is one already, or it cannot be written.
    """
    text = notebook_text(name, template) if notebook else strategy_text(name, template)
    where = folder or (Path("notebooks/research") if notebook else Path("strategies"))
    path = where / f"{snake(name)}{'.ipynb' if notebook else '.py'}"
    try:
        where.mkdir(parents=True, exist_ok=True)
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Misuse(f"there is a file {path} already", remedy="give another name, or say --force") from None
    except OSError as fault:
        raise Misuse(f"{path} cannot be written: {fault.strerror}", remedy="choose another folder: --folder") from None
    return path


def snake(name: str) -> str:
    """Return the name of a class as that of a file."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _body(name: str, template: str) -> str:
    if not NAME.fullmatch(name) or keyword.iskeyword(name) or name == "Strategy":
        meant = "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", name) if part)
        hint = f"write e.g. {meant}" if NAME.fullmatch(meant) and meant != "Strategy" else "write e.g. MeanReversion"
        raise Misuse(f"{name!r} is no name of a strategy class", remedy=hint)
    if template not in BODIES:
        raise Misuse(f"there is no template {template!r}", remedy=f"use {' or '.join(TEMPLATES)}")
    return BODIES[template].replace("{name}", name)


def _id(name: str, part: str) -> str:
    return f"{part}-{hashlib.sha256(f'{name} {part}'.encode()).hexdigest()[:8]}"


def _words(name: str, part: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": _id(name, part), "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(name: str, part: str, text: str, tags: list[str]) -> dict[str, Any]:
    return {
        "cell_type": "code", "execution_count": None, "id": _id(name, part), "metadata": {"tags": tags} if tags else {},
        "outputs": [], "source": text.splitlines(keepends=True),
    }  # fmt: skip
