"""What a cell shows of strategies, limits and bars, whose own files are the core's and know of no notebook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from b25.analytics.card import GOOD, PLAIN, WARN, Card, Table
from b25.market.bars import Bars
from b25.model.errors import B25Error
from b25.model.instrument import Instrument
from b25.research.cards import bars_card
from b25.risk.limits import OF_ACCOUNT, Limits
from b25.strategy.strategy import Strategy

HTML: Final = "text/html"
TEXT: Final = "text/plain"
Draw = Callable[[Any], Card | None]
_before: dict[int, dict[tuple[str, type], Any]] = {}


def strategy_card(strategy: type[Strategy] | Strategy) -> Card:
    """Parameters with bounds, callbacks, where it was written, and as what it is promoted."""
    cls = strategy if isinstance(strategy, type) else type(strategy)
    values = {} if isinstance(strategy, type) else strategy.parameters
    rows = []
    for name, one in cls.params.items():
        bounds = one.bounds().replace("x", name) or "any"
        rows.append((name, _plain(values.get(name, one.default)), _plain(one.default), bounds, one.unit or None))
    doc = (cls.__doc__ or "").strip().partition("\n")[0] if "__doc__" in vars(cls) else ""
    version, is_same = promoted_as(cls)
    told = [("promoted", version or "not yet")]
    badges: tuple[tuple[str, str], ...] = ((version, GOOD if is_same else WARN),) if version else (("not promoted", PLAIN),)
    if version and not is_same:
        badges = (*badges, ("changed since", WARN))
    state = ", ".join(f"{name}={value}" for name, value in cls.state.items())
    parts = ", ".join([*cls.parts, *(f"{name}[{shape.size}]" for name, shape in cls.windows.items()), *cls.features])
    facts = [
        ("calls", ", ".join(cls.callbacks()) or "none"), ("state", state or "none"), ("indicators and windows", parts or "none"),
        ("warm-up", warm_up_text(cls)), ("written in", written_in(cls)), *told,
    ]  # fmt: skip
    heads = ("parameter", "value", "default", "bounds", "unit")
    tables = (Table(heads=heads, rows=rows),) if rows else ()
    return Card(title=cls.__name__, subtitle=doc, badges=badges, facts=tuple(facts), tables=tables)


def warm_up_text(cls: type[Strategy]) -> str:
    """How much a strategy needs before it acts, as far as its class says: its longest indicator or window."""
    longest = 0
    for part in cls.parts.values():
        rings = [int(part.dtype[name].shape[0]) for name in part.dtype.names or () if part.dtype[name].shape]
        longest = max([longest, *rings, int(part.initial.get("n", 0) or 0)])
    longest = max([longest, *(shape.size for shape in cls.windows.values())])
    return f"{longest} updates of its longest indicator or window, at least" if longest else "not declared; %b25 check tells"


def written_in(cls: type[Strategy]) -> str:
    """Where a class was written, without the folders of this machine."""
    return "this notebook" if cls.__module__ == "__main__" else cls.__module__


def promoted_as(cls: type[Strategy]) -> tuple[str, bool]:
    """Return the newest version of a class, and whether the class does what it does; empty when there is none."""
    try:
        from b25.promote.version import LIVE, versions
        from b25.strategy.source_key import behaviour_key

        found = [one for one in versions(LIVE) if one.manifest.get("class") == cls.__name__]
        if not found:
            return "", False
        newest = max(found, key=lambda one: int(one.manifest["version"]))
        told = newest.manifest.get("behaviour") or newest.manifest.get("behaviour_key")
        return newest.reference, told is None or told == behaviour_key(cls)
    except (B25Error, OSError, ValueError, KeyError):
        return "", False


def limits_card(limits: Limits) -> Card:
    """Every limit that is set, and how many are not."""
    given = [(name, value) for name, value in limits.items() if value is not None]
    rows = [(name, _plain(value), "account" if name in OF_ACCOUNT else "each instrument") for name, value in given]
    unset = [name for name, value in limits.items() if value is None]
    badges = ((f"{len(given)} set", GOOD if given else WARN), (f"{len(unset)} off", PLAIN))
    tables = [Table(heads=("limit", "at most", "of"), rows=rows)] if rows else []
    tables.append(Table(caption="off", heads=("limit",), rows=[(name,) for name in unset], is_folded=True))
    notes = ("how much of them is used: client.bot(NAME).status, and the risk page of the dashboard",)
    return Card(title="Risk limits", badges=badges, tables=tuple(tables), notes=notes)


def instrument_card(one: Instrument) -> Card:
    """The grid of an instrument."""
    facts = [
        ("tick", f"{one.tick:f} {one.quote}"), ("lot", f"{one.lot:f} {one.base}"), ("contract size", f"{one.contract_size:f}"),
        ("settled in", one.settle), ("kind", "inverse" if one.inverse else "linear"), ("least value", f"{one.min_notional:f}"),
    ]  # fmt: skip
    return Card(title=f"{one.symbol} on {one.venue}", facts=tuple(facts))


def _of_class(cls: Any) -> Card | None:
    return strategy_card(cls) if isinstance(cls, type) and issubclass(cls, Strategy) and cls is not Strategy else None


DRAWN: Final[dict[type, Draw]] = {
    type: _of_class,
    Strategy: strategy_card,
    Limits: limits_card,
    Bars: bars_card,
    Instrument: instrument_card,
}


def register_displays(shell: Any) -> None:
    """Have a shell show these as markup, and classes of strategies as text too. Twice is once."""
    if id(shell) in _before:
        return
    kept: dict[tuple[str, type], Any] = {}
    formatters = shell.display_formatter.formatters
    for kind, draw in DRAWN.items():
        kept[HTML, kind] = formatters[HTML].type_printers.get(kind)
        formatters[HTML].for_type(kind, _html(draw))
    kept[TEXT, type] = formatters[TEXT].type_printers.get(type)
    formatters[TEXT].for_type(type, _text(kept[TEXT, type]))
    _before[id(shell)] = kept


def forget_displays(shell: Any) -> None:
    """Have a shell show them as it did before."""
    formatters = shell.display_formatter.formatters
    for (form, kind), printer in _before.pop(id(shell), {}).items():
        if printer is None:
            formatters[form].type_printers.pop(kind, None)
        else:
            formatters[form].for_type(kind, printer)


def _html(draw: Draw) -> Callable[[Any], str | None]:
    def shown(one: Any) -> str | None:
        card = draw(one)
        return None if card is None else card.html()

    return shown


def _text(before: Any) -> Callable[[Any, Any, bool], None]:
    def shown(one: Any, printer: Any, cycle: bool) -> None:
        card = _of_class(one)
        if card is not None:
            printer.text(card.text())
        elif before is not None:
            before(one, printer, cycle)
        else:
            printer.text(repr(one))

    return shown


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
