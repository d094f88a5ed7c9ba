"""Tables in the documents that are made from the code, so that they cannot say anything else.

A table stands between `<!-- table NAME -->` and `<!-- end -->`. `python -m tests.docs.generated` writes them all anew.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path

import b25
from b25.bus.subjects import COMPONENTS, SUBJECTS
from b25.model.order import REASON_TEXT
from b25.model.parent import PARENT_VIEW
from b25.model.world import FILL_VIEW, ORDER_VIEW
from b25.strategy import indicators
from b25.strategy.compile import DOOR_ACCOUNT, DOOR_BARS, DOOR_MARKET, DOOR_ORDERS, DOOR_PARENTS, door_methods
from b25.strategy.plain import PlainContext
from b25.venue.wire.admin_acts import ACTS
from b25.venue.wire.fault_knobs import KNOBS
from b25.venue.wire.front import TABLES as ROUTE_TABLES

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
MARK = re.compile(r"<!-- table (?P<name>[a-z-]+) -->\n(?P<text>.*?)<!-- end -->", re.DOTALL)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Markdown of a table; a bar within a cell is escaped."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def told(thing: object) -> str:
    """Docstring of a thing up to its first section, on one line."""
    text = inspect.getdoc(thing) or ""
    return " ".join(re.split(r"\n\n?\w+\n-{3,}", text)[0].split())


def signature(name: str, function: Callable[..., object]) -> str:
    """Call of a door method as a strategy writes it: without ctx, the time in force by its name."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    parts = [str(p.replace(default=b25.GTC, annotation=p.empty)) if p.name == "tif" else str(p) for p in parameters]
    return f"`{name}({', '.join(part.replace('tif=0', 'tif=GTC') for part in parts)})`"


def door(names: Iterable[str]) -> str:
    """Methods of ctx with what they say of themselves."""
    found = door_methods()
    return table(["call", "gives"], ([signature(name, found[name].py_func), told(found[name].py_func)] for name in names))


def door_values() -> str:
    """Plain values of ctx."""
    return table(["value", "is"], ([f"`{name}`", told(getattr(PlainContext, name))] for name in ("now_ns", "i", "n")))


def views() -> str:
    """Fields of what `ctx.order()`, `ctx.orders(side)`, `ctx.fill()` and `ctx.parent(id)` give."""
    rows = [("`order()`, `orders(side)`", ORDER_VIEW), ("`fill()`", FILL_VIEW), ("`parent(parent_id)`", PARENT_VIEW)]
    return table(["of", "fields"], ([name, ", ".join(f"`{field}`" for field in dtype.names or ())] for name, dtype in rows))


def indicator_calls() -> str:
    """Indicators: how one is declared, fed, and what it is."""
    rows = []
    for name in ("ema", "sma", "rolling_std", "rsi", "atr", "vwap"):
        kind = getattr(indicators, "".join(part.capitalize() for part in name.split("_")))
        taken = ", ".join(list(inspect.signature(kind.update).parameters)[1:])
        given = ", ".join(str(p.replace(annotation=p.empty)) for p in inspect.signature(getattr(b25, name)).parameters.values())
        rows.append([f"`b25.{name}({given})`".replace("alpha=None)", "alpha=None)"), f"`.update({taken})`", told(kind)])
    return table(["declared as", "fed by", "is"], rows)


def limits() -> str:
    """Limits of the risk gate, from the docstring of `b25.Limits`."""
    said = dict(re.findall(r"^(\w+) : [^\n]+\n((?:    [^\n]+\n?)+)", inspect.getdoc(b25.Limits) or "", re.MULTILINE))
    return table(["limit", "holds"], ([f"`{f.name}`", " ".join(said[f.name].split())] for f in fields(b25.Limits)))


def knobs() -> str:
    """Switches of the venue's faults, with their values and defaults."""
    rows = []
    for name, knob in KNOBS.items():
        values = ", ".join(f"`{value} = {json.dumps(default)}`" for value, default in knob.values.items())
        rows.append([f"`{name}`", knob.stage.value, values or "–", knob.does])
    return table(["knob", "works on", "values", "does"], rows)


def acts() -> str:
    """Acts of the venue's admin API."""
    return table(["act", "does"], ([f"`{method} /admin{path}`", told(act)] for (method, path), act in ACTS.items()))


def endpoints() -> str:
    """Endpoints of the venue's REST side, by market and by what a request must prove."""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for rows in ROUTE_TABLES:
        for route in rows.routes:
            group = (route.path.split("/")[1], route.security.name.lower())
            found.setdefault(group, {}).setdefault("/".join(route.path.split("/")[2:]), []).append(route.method)
    lines = []
    for (part, security), paths in sorted(found.items()):
        calls = ", ".join(f"{path} ({' '.join(methods)})" if methods != ["GET"] else path for path, methods in paths.items())
        lines.append([f"`/{part}`", security, calls])
    return table(["under", "needs", "paths (GET where nothing is said)"], lines)


def bus_subjects() -> str:
    """Subjects of the bus, with what they say."""
    rows = []
    for one in SUBJECTS:
        says = f"`{one.body.__name__}`: {', '.join(field.name for field in fields(one.body))}"
        rows.append([f"`{one.pattern}`", says, ", ".join(one.producers), ", ".join(one.consumers), str(one.delivery)])
    return table(["subject", "says", "made by", "read by", "delivery"], rows)


TABLES: dict[str, Callable[[], str]] = {
    "bus-subjects": bus_subjects,
    "bus-components": lambda: table(["component", "is"], ([f"`{name}`", text] for name, text in COMPONENTS.items())),
    "reasons": lambda: table(["reason", "means"], ([f"`{reason.name.lower()}`", text] for reason, text in REASON_TEXT.items())),
    "door-values": door_values,
    "door-market": lambda: door(DOOR_MARKET),
    "door-bars": lambda: door(DOOR_BARS),
    "door-account": lambda: door(DOOR_ACCOUNT),
    "door-orders": lambda: door(DOOR_ORDERS),
    "door-parents": lambda: door(DOOR_PARENTS),
    "views": views,
    "indicators": indicator_calls,
    "limits": limits,
    "venue-faults": knobs,
    "venue-acts": acts,
    "venue-endpoints": endpoints,
}


def renewed(text: str) -> str:
    """Return a document with its tables as the code has them now."""
    return MARK.sub(lambda found: f"<!-- table {found['name']} -->\n{TABLES[found['name']]()}<!-- end -->", text)


if __name__ == "__main__":
    for path in sorted(DOCS.glob("*.md")):
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
