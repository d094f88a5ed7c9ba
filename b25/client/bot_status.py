"""How a bot stands, as it last said: the state first, then mode and age, then numbers. Nothing here asks anybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from b25.analytics.card import BAD, GOOD, LIVE, PLAIN, WARN, Card, Figure, Table

STALE_S: Final = 5.0  # a session says how it is once a second
TONES: Final = {"active": GOOD, "paused": WARN, "ending": WARN, "halted": BAD, "stopped": BAD, "reducing": WARN}


@dataclass(frozen=True, slots=True, kw_only=True)
class BotStatus:
    """One session at one moment.

    Attributes
    ----------
    name, account, strategy, mode : str
    state : str
        active, paused, ending or halted; what its supervisor calls it while it does not run.
    gate : str
        What the risk gate lets pass.
    age_s : float or None
        How old this was when it was asked for.
    fault : str
        Why it could not be asked for; empty when it was. What is shown then is what was known last.
    told : mapping
        All that it said.
    """

    name: str
    told: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""

    def __getitem__(self, name: str) -> Any:
        return self.told[name]

    @property
    def account(self) -> str:
        """Account that it trades on."""
        return str(self.told.get("account") or "")

    @property
    def strategy(self) -> str:
        """Class that it runs."""
        return str(self.told.get("strategy") or "")

    @property
    def mode(self) -> str:
        """Paper, live, …; empty when it is not known."""
        return str(self.told.get("mode") or "")

    @property
    def state(self) -> str:
        """How it stands, in one word."""
        return str(self.told.get("state") or self.told.get("phase") or "unknown")

    @property
    def gate(self) -> str:
        """What the risk gate lets pass."""
        return str(self.told.get("gate") or "")

    @property
    def is_running(self) -> bool:
        """Whether it runs, as far as is known."""
        return bool(self.told.get("is_running"))

    @property
    def age_s(self) -> float | None:
        """Age of what is told."""
        return self.told.get("age_s")

    @property
    def is_stale(self) -> bool:
        """Whether it cannot be relied on."""
        return bool(self.fault) or not self.is_running or self.age_s is None or self.age_s > STALE_S

    @property
    def positions(self) -> dict[str, str]:
        """Quantity by symbol."""
        return dict(self.told.get("positions") or {})

    @property
    def pnl(self) -> float | None:
        """What it has earned since its start, at the mid, settlement currency; None while that is not known."""
        told = self.told.get("profit")
        return None if told is None else float(told)

    @property
    def parameters(self) -> dict[str, Any]:
        """The strategy's fields as they are now, parameters first."""
        return dict((self.told.get("status") or {}).get("picture", {}).get("strategy") or {})

    def badges(self) -> tuple[tuple[str, str], ...]:
        """State, mode, and what casts doubt on both."""
        # What was true once is not told in the colour of what is.
        found = (
            [(f"was {self.state}", PLAIN)] if self.is_stale and self.is_running else [(self.state, TONES.get(self.state, PLAIN))]
        )
        if self.mode:
            found.append((self.mode, LIVE if self.mode == "live" else PLAIN))
        if self.gate and self.gate != "active":
            found.append((f"gate {self.gate}", TONES.get(self.gate, WARN)))
        if self.told.get("probation") or (self.told.get("status") or {}).get("probation"):
            found.append(("on probation", WARN))
        if self.is_stale:
            found.append(("stale", WARN))
        return tuple(found)

    def card(self) -> Card:
        """What is shown of it."""
        age = "n/a" if self.age_s is None else f"{self.age_s:.1f} s"
        silent = self.told.get("silent_s")
        facts = [("account", self.account or "n/a"), ("strategy", self.strategy or "n/a"), ("told", f"{age} ago")]
        if silent is not None:
            facts.append(("heartbeat", f"{float(silent):.1f} s ago"))
        if self.told.get("restarts"):
            facts.append(("restarts", str(self.told["restarts"])))
        why = [f"why: {self.told['why']}"] if self.told.get("why") else []
        if self.fault:
            why.append(f"last known; not asked for now: {self.fault}")
        held = [(symbol, quantity) for symbol, quantity in self.positions.items()]
        tables = [Table(heads=("symbol", "position"), rows=held)] if held else []
        if self.parameters:
            rows = list(self.parameters.items())
            tables.append(Table(caption="parameters and state", heads=("name", "value"), rows=rows, is_folded=True))
        return Card(
            title=self.name,
            badges=self.badges(),
            figures=(
                Figure(name="P&L since its start", text="n/a" if self.pnl is None else f"{self.pnl:+,.4f}"),
                Figure(name="open orders", text=_count(self.told.get("orders_open"))),
                Figure(name="fills", text=_count(self.told.get("fills"))),
            ),
            facts=tuple(facts),
            tables=tuple(tables),
            notes=tuple(why),
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        card = self.card()
        return {"text/plain": card.text(), "text/html": card.html()}

    def __repr__(self) -> str:
        return self.card().text()


class Rows(list[dict[str, Any]]):
    """A list of rows that shows itself as a table, with sums.

    Parameters
    ----------
    rows : sequence of dict
    title : str
    columns : sequence of str
        What is shown of each; the rows hold all.
    """

    def __init__(self, rows: Sequence[Mapping[str, Any]], *, title: str, columns: Sequence[str]) -> None:
        super().__init__(dict(row) for row in rows)
        self.title, self.columns = title, tuple(columns)

    @property
    def frame(self) -> Any:
        """The rows as a polars frame, texts as they were told."""
        import polars as pl

        return pl.DataFrame(list(self), infer_schema_length=None)

    def sums(self) -> tuple[tuple[str, str], ...]:
        """What the rows come to."""
        found = [("rows", f"{len(self):,}")]
        for side in ("buy", "sell"):
            of_side = [row for row in self if row.get("side") == side]
            if of_side:
                quantity = sum((_decimal(row.get("quantity")) for row in of_side), Decimal(0))
                found.append((f"{side} quantity", f"{quantity} in {len(of_side):,}"))
        known = [row["is_maker"] for row in self if row.get("is_maker") is not None]
        if known:
            found.append(("maker share", f"{sum(known) / len(known):.0%} of {len(known):,} fills"))
        fees: dict[str, Decimal] = {}
        for row in self:
            if row.get("fee") is not None:
                asset = str(row.get("fee_asset") or "")
                fees[asset] = fees.get(asset, Decimal(0)) + _decimal(row["fee"])
        found += [("fees", f"{fee} {asset}".strip()) for asset, fee in sorted(fees.items())]
        return tuple(found)

    def card(self) -> Card:
        """What is shown of them."""
        rows = [[row.get(name) for name in self.columns] for row in self]
        tables = (Table(heads=self.columns, rows=rows),) if rows else ()
        return Card(title=self.title, facts=self.sums(), tables=tables)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        card = self.card()
        return {"text/plain": card.text(), "text/html": card.html()}

    def __repr__(self) -> str:
        return self.card().text()


class LogLines(list[dict[str, Any]]):
    """Lines of a log, oldest first."""

    def __init__(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(dict(row) for row in rows)
        self.name = name

    def __repr__(self) -> str:
        return "\n".join(_line(row) for row in self) or f"{self.name} has logged nothing"

    def _repr_html_(self) -> str:
        rows = [(row.get("time"), row.get("level"), row.get("event") or row.get("text"), _rest(row)) for row in self]
        table = Table(heads=("time", "level", "event", ""), rows=rows[-40:])
        return Card(title=f"{self.name}, last {len(self):,} lines", tables=(table,)).html()


class Answer(dict[str, Any]):
    """What came of a command: the session's own answer.

    Parameters
    ----------
    asked : str
    told : mapping
    """

    def __init__(self, asked: str, told: Mapping[str, Any] | None) -> None:
        super().__init__(told or {})
        self.asked = asked

    def card(self) -> Card:
        """What is shown of it."""
        state = str(self.get("state") or "done")
        names = ("gate", "why", "orders_open", "command_id")
        facts = tuple((name, str(self[name])) for name in names if self.get(name) not in (None, ""))
        title = f"{self.get('session') or ''} {self.asked}".strip()
        again = ("it was asked before with this key, and not done again",) if self.get("again") else ()
        return Card(title=title, badges=((state, TONES.get(state, PLAIN)),), facts=facts, notes=again)

    def _repr_html_(self) -> str:
        return self.card().html()

    def __repr__(self) -> str:
        return self.card().text()


def _rest(row: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in row.items() if name not in ("time", "level", "event", "text"))


def _line(row: Mapping[str, Any]) -> str:
    if "text" in row and "event" not in row:
        return str(row["text"])
    return f"{row.get('time', '')} {row.get('level', ''):<7} {row.get('event', '')}  {_rest(row)}".rstrip()


def _count(value: Any) -> str:
    return "n/a" if value is None else f"{int(value):,}"


def _decimal(text: Any) -> Decimal:
    try:
        return Decimal(str(text))
    except InvalidOperation:
        return Decimal(0)
