"""Maintenance tiers of many instruments, as ccxt's `fetch_leverage_tiers` gives them: read, checked, laid out for kernels."""

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from b25.model.errors import Misuse
from b25.model.margin import TIERS, TIERS_MAX

ROUNDING = 1e-9  # of the margin at a border: what venues publish is exact but for the rounding of floats
REMEDY = "write the file anew from ccxt's fetch_leverage_tiers()"


def read_leverage_tiers(path: str | Path) -> dict[str, np.ndarray]:
    """Read a file of leverage tiers in ccxt's unified layout: symbol → list of tiers.

    Parameters
    ----------
    path : str or Path
        JSON. A tier has ``minNotional``, ``maxNotional`` (null in the last: no end), ``maintenanceMarginRate``,
        ``maxLeverage``, ``currency``, and where the venue publishes it ``info.cum``.

    Returns
    -------
    dict of str to ndarray of TIERS, shape (1,)
        By unified symbol.

    Raises
    ------
    Misuse
        When the file cannot be read, or the tiers of a symbol are not what `tiers_of_instrument` accepts.
    """
    path = Path(path)
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise Misuse(f"leverage tiers {path}: {fault.strerror or fault}", remedy="give the path of a readable file") from None
    except ValueError as fault:
        raise Misuse(f"leverage tiers {path}: this is no JSON ({fault})", remedy=REMEDY) from None
    if not isinstance(table, dict):
        raise Misuse(f"leverage tiers {path}: a {type(table).__name__} where symbol → tiers should be", remedy=REMEDY)
    return {symbol: tiers_of_instrument(symbol, tiers) for symbol, tiers in table.items()}


def tiers_of_instrument(symbol: str, tiers: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Lay out the tiers of one instrument.

    Where the venue publishes no ``cum``, the one that makes the margin continuous is taken.

    Parameters
    ----------
    symbol : str
        For messages.
    tiers : sequence of mappings
        ccxt's unified leverage tiers, ascending.

    Returns
    -------
    ndarray of TIERS, shape (1,)

    Raises
    ------
    Misuse
        When there is no tier or more than 24; a field is missing or no finite number; the first tier does not begin at 0,
        or one does not begin where the last one ends; a rate is outside (0, 1) or falls; a leverage is not positive; the
        currency changes; or the maintenance margin jumps at a border.
    """
    if not isinstance(tiers, Sequence) or isinstance(tiers, str) or not 1 <= len(tiers) <= TIERS_MAX:
        count = len(tiers) if isinstance(tiers, list) else "no list of"
        raise Misuse(f"{symbol}: {count} leverage tiers where 1 to {TIERS_MAX} can be kept", remedy=REMEDY)
    currencies = {tier.get("currency") if isinstance(tier, Mapping) else None for tier in tiers}
    if len(currencies) > 1:
        raise Misuse(f"{symbol}: tiers in several currencies, {', '.join(sorted(map(str, currencies)))}", remedy=REMEDY)
    record = np.zeros(1, TIERS)
    one = record[0]
    one["count"] = len(tiers)
    for k, tier in enumerate(tiers):
        one["notional_from"][k] = _number(symbol, k, tier, "minNotional")
        one["mmr"][k] = _number(symbol, k, tier, "maintenanceMarginRate")
        one["leverage_max"][k] = _number(symbol, k, tier, "maxLeverage")
    ends = [_number(symbol, k, tier, "maxNotional") for k, tier in enumerate(tiers[:-1])]
    unbounded = tiers[-1].get("maxNotional") is None
    ends.append(math.inf if unbounded else _number(symbol, len(ends), tiers[-1], "maxNotional"))
    one["notional_max"] = ends[-1]
    _check_order(symbol, one, ends)
    for k, tier in enumerate(tiers):
        one["cum"][k] = _cum(symbol, k, tier, one)
    return record


def tiers_for(table: Mapping[str, np.ndarray], symbol: str) -> np.ndarray:
    """Tiers of one symbol of a table; `Misuse` with near names when it has none."""
    if symbol not in table:
        near = difflib.get_close_matches(symbol, table, 3)
        hint = f"did you mean {' or '.join(near)}?" if near else "give its maintenance tiers yourself"
        raise Misuse(f"there are no leverage tiers of {symbol!r} among {len(table)} symbols", remedy=hint)
    return table[symbol]


def _number(symbol: str, k: int, tier: Any, name: str) -> float:
    value = tier.get(name) if isinstance(tier, Mapping) else None
    try:
        number = float(value) if value is not None and not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise Misuse(f"{symbol}, tier {k + 1}: {name} is {value!r}, not a number", remedy=REMEDY)
    return number


def _check_order(symbol: str, one: Any, ends: Sequence[float]) -> None:
    """Tiers follow each other without a hole from 0 on, with rates that never fall."""
    starts, rates = one["notional_from"][: len(ends)].tolist(), one["mmr"][: len(ends)].tolist()
    if starts[0] != 0:
        raise Misuse(f"{symbol}: the first tier begins at {starts[0]:g}, not at 0", remedy=REMEDY)
    for k, (start, end) in enumerate(zip([*starts[1:], ends[-1]], ends, strict=True)):
        if end != start:
            raise Misuse(f"{symbol}: tier {k + 1} ends at {end:g}, the next one begins at {start:g}", remedy=REMEDY)
        if end <= starts[k]:
            raise Misuse(f"{symbol}, tier {k + 1}: it ends at {end:g} and begins at {starts[k]:g}", remedy=REMEDY)
        if not 0 < rates[k] < 1:
            raise Misuse(f"{symbol}, tier {k + 1}: a maintenance margin rate of {rates[k]:g} is not in (0, 1)", remedy=REMEDY)
        if not one["leverage_max"][k] > 0:
            raise Misuse(f"{symbol}, tier {k + 1}: a leverage of {one['leverage_max'][k]:g} is not positive", remedy=REMEDY)
    for k, (lower, upper) in enumerate(pairwise(rates)):
        if upper < lower:
            raise Misuse(f"{symbol}, tier {k + 2}: the maintenance margin rate falls from {lower:g} to {upper:g}", remedy=REMEDY)


def _cum(symbol: str, k: int, tier: Mapping[str, Any], one: Any) -> float:
    """What is taken off in tier `k`, so that no margin jumps at its beginning."""
    border = float(one["notional_from"][k])
    before = border * float(one["mmr"][k - 1]) - float(one["cum"][k - 1]) if k else 0.0
    info = tier.get("info")
    if not isinstance(info, Mapping) or info.get("cum") is None:
        return border * float(one["mmr"][k]) - before
    cum = _number(symbol, k, info, "cum")
    after = border * float(one["mmr"][k]) - cum
    if abs(after - before) > ROUNDING * max(abs(before), abs(after)):
        raise Misuse(
            f"{symbol}: the maintenance margin jumps from {before:.12g} to {after:.12g} at the border {border:g} of tier {k + 1}",
            remedy=REMEDY,
        )
    return cum
