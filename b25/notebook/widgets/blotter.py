"""Orders and fills as a table: filtered, sorted, copied as CSV, and drawn only where it is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import traitlets

from b25.model.errors import Misuse
from b25.notebook.widgets.fallback import html_card, html_table
from b25.notebook.widgets.packed import FLOAT, INT
from b25.notebook.widgets.widget import SYNC, Widget, status_of

if TYPE_CHECKING:
    import polars as pl

    from b25.research.result import Backtest

ROWS_MAX: Final = 100_000
PATCH_MAX: Final = 500  # rows that changed since the table was sent; of more the table is sent again
# Columns by kind: a time in ns, a number, the side of an order, or words.
KINDS: Final = ("time", "number", "side", "words")
HIDDEN: Final = ("venue_ns", "price_ticks", "qty_lots", "meaning")


class Blotter(Widget, script="blotter"):
    """A table of orders or fills.

    Parameters
    ----------
    rows : polars.DataFrame or sequence of dict
        Times as datetimes or ns under a name that ends in ``time``, ``_ns``, ``sent``, ``ended`` or ``known``; sides +1 or -1,
        or ``"buy"`` and ``"sell"``, under ``side``; numbers; anything else is shown as words.
    key : str, optional
        Column that tells rows apart; needed for `patch`.
    title : str
    mode : str, optional
        See `status_of`.

    Attributes
    ----------
    picked : int
        Number of the row that was clicked, -1 before; `picked_row` is the row.
    """

    rows = traitlets.Bytes(b"").tag(**SYNC)
    columns: Any = traitlets.List().tag(**SYNC)
    patched = traitlets.Dict().tag(**SYNC)
    picked = traitlets.Int(-1).tag(**SYNC)

    def __init__(self, rows: Any, *, key: str | None = None, title: str = "", mode: str | None = None, **traits: Any) -> None:
        self._key, self._version = key, 0
        self._rows: list[dict[str, Any]] = []
        self._places: dict[Any, int] = {}
        self._changed: set[int] = set()
        self._calls: list[Callable[[dict[str, Any]], None]] = []
        super().__init__(title=title, **{"status": status_of(mode), **traits})
        self._set(self._taken(rows))

    @classmethod
    def of(cls, result: Backtest, what: str = "fills", **more: Any) -> Self:
        """Show a table of a result: ``"fills"``, ``"orders"``, ``"refusals"`` or ``"trades"``."""
        if what not in ("fills", "orders", "refusals", "trades"):
            raise Misuse(f"a result has no table {what!r}", remedy="use fills, orders, refusals or trades")
        table: pl.DataFrame = getattr(result, what)
        shown = table.drop([name for name in HIDDEN if name in table.columns])
        return cls(shown, **{"title": f"{what.capitalize()} of {result.name}", "mode": "backtest", **more})

    @classmethod
    def live(cls, source: Any, what: str = "orders", *, session: str | None = None) -> Self:
        """Follow the orders or fills of a gateway; see `following.follow_blotter`. Ends with `close`."""
        from b25.notebook.widgets.following import follow_blotter

        return follow_blotter(cls, source, what, session=session)

    @property
    def picked_row(self) -> dict[str, Any] | None:
        """The row that was clicked."""
        return dict(self._rows[self.picked]) if 0 <= self.picked < len(self._rows) else None

    def on_pick(self, call: Callable[[dict[str, Any]], None]) -> None:
        """Call this with each row that is clicked."""
        self._calls.append(call)

    def update(self, rows: Any, *, status: Mapping[str, Any] | None = None) -> None:
        """Show another table."""
        self.show(**self._taken(rows), **({"status": dict(status)} if status is not None else {}))

    def patch(self, rows: Sequence[Mapping[str, Any]], *, status: Mapping[str, Any] | None = None) -> None:
        """Change and add rows by their key; only what changed travels.

        Raises
        ------
        Misuse
            Without a key, or for a row without one.
        """
        if self._key is None:
            raise Misuse("a blotter without a key cannot be patched", remedy="name the column that tells rows apart: key='id'")
        for row in rows:
            if self._key not in row:
                raise Misuse(f"a row without {self._key!r}", remedy=f"give {self._key!r} in each row")
            place = self._places.setdefault(row[self._key], len(self._rows))
            if place == len(self._rows):
                self._rows.append({})
            if any(self._rows[place].get(name, self) != value for name, value in row.items()):
                self._rows[place] |= row
                self._changed.add(place)
        more = {"status": dict(status)} if status is not None else {}
        known = {str(one["name"]) for one in self.columns}
        if len(self._changed) > PATCH_MAX or len(self._rows) > ROWS_MAX or any(set(row) - known for row in rows):
            self.show(**self._sent(self._rows[-ROWS_MAX:]), **more)
            return
        cells = [[place, [_cell(self._rows[place].get(one["name"]), one["kind"]) for one in self.columns]]
                 for place in sorted(self._changed)]  # fmt: skip
        self.show(patched={"version": self._version, "rows": cells}, **more)

    def _taken(self, rows: Any) -> dict[str, Any]:
        if hasattr(rows, "iter_rows"):
            rows = rows.tail(ROWS_MAX).to_dicts() if not _has_ns(rows) else _plain_rows(rows.tail(ROWS_MAX))
        return self._sent([dict(row) for row in rows])

    def _sent(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the traits of a whole table; patches begin anew."""
        self._rows = rows
        self._places = {row[self._key]: k for k, row in enumerate(rows)} if self._key is not None else {}
        self._changed, self._version = set(), self._version + 1
        names = list(dict.fromkeys(name for row in rows for name in row)) or [str(one["name"]) for one in self.columns]
        columns, parts = [], []
        for name in names:
            values = [row.get(name) for row in rows]
            kind = _kind(name, values)
            column: dict[str, Any] = {"name": name, "title": name.replace("_", " "), "kind": kind}
            cells = [_cell(value, kind) for value in values]
            if kind == "words":
                words = sorted({str(cell) for cell in cells if cell is not None})
                code = {word: k for k, word in enumerate(words)}
                column["words"] = words
                parts.append(np.array([-1 if cell is None else code[str(cell)] for cell in cells], INT))
            else:
                parts.append(np.array([np.nan if cell is None else cell for cell in cells], FLOAT))
            columns.append(column)
        data = b"".join(part.tobytes() for part in parts)
        tag = {"version": self._version, "rows": [], "count": len(rows)}
        return {"columns": columns, "rows": data, "patched": tag, "picked": -1}

    def _on_pick(self, message: Mapping[str, Any]) -> None:
        self.picked = int(message["row"])
        if (row := self.picked_row) is not None:
            for call in self._calls:
                call(row)

    def facts(self) -> Sequence[tuple[str, str]]:
        """How many rows."""
        return [("rows", f"{len(self._rows):,}")]

    def static_html(self) -> str:
        """The first rows."""
        names = [str(one["name"]) for one in self.columns]
        rows = [[_words(row.get(name)) for name in names] for row in self._rows[:20]]
        return html_card(self.title or "Blotter", self.facts(), html_table(names, rows, of=len(self._rows)))


def _has_ns(table: Any) -> bool:
    return any(getattr(kind, "time_unit", None) is not None for kind in table.dtypes)


def _plain_rows(table: Any) -> list[dict[str, Any]]:
    """Rows with times as ns: Python's datetimes end at microseconds."""
    import polars as pl

    times = [name for name, kind in table.schema.items() if isinstance(kind, pl.Datetime)]
    renamed = table.with_columns(pl.col(name).dt.epoch("ns") for name in times)
    return [dict(row) for row in renamed.rename({n: n if _is_time(n) else f"{n}_time" for n in times}).to_dicts()]


def _is_time(name: str) -> bool:
    return name.endswith(("time", "_ns", "sent", "ended", "known"))


def _kind(name: str, values: Sequence[Any]) -> str:
    known = [value for value in values if value is not None]
    numbers = all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in known)
    if name == "side" and known:
        return "side"
    if _is_time(name) and known and numbers:
        return "time"
    if known and (numbers or all(_is_number(value) for value in known)):
        return "words" if name.endswith("id") else "number"
    return "words"


def _is_number(value: Any) -> bool:
    if not isinstance(value, str) or not value or value[0] not in "-0123456789.":
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True


def _cell(value: Any, kind: str) -> Any:
    """Return what travels: ms for a time, +1 and -1 for a side, None for what is not known."""
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return None
    if kind == "time":
        return int(value) / 1e6 if isinstance(value, int | float | np.number) else None
    if kind == "side":
        side = {"buy": 1.0, "sell": -1.0}.get(str(value).lower())
        return side if side is not None else (float(value) if isinstance(value, int | float | np.number) else None)
    if kind == "number":
        return float(value) if isinstance(value, int | float | np.number) or _is_number(value) else None
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _words(value: Any) -> str:
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return "n/a"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
