"""What is asked for in words, by a command line or a magic: timeframes, data, parameters, grids and spaces."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from b25.model.errors import Misuse

VALUES_MAX: Final = 1_000_000


def frames_of(listed: Sequence[str]) -> list[str]:
    """Read ``--bars 5m,1h --bars 1d`` into ``["5m", "1h", "1d"]``."""
    found = [word.strip() for text in listed for word in text.split(",") if word.strip()]
    if not found:
        raise Misuse("--bars names no timeframe", remedy="write e.g. --bars 5m")
    return found


def open_bars(
    frames: Sequence[str],
    data: Sequence[str] | None = None,
    *,
    source: Path | None = None,
    symbol: str | None = None,
    venue: str | None = None,
    catalog: Path | None = None,
) -> list[Any]:
    """Open the bars of each instrument that the command line names.

    Parameters
    ----------
    frames : sequence of str
        Timeframes, the smallest first.
    data : sequence of str, optional
        Files, or symbols of the catalog; one instrument each.
    source, symbol, venue, catalog : optional
        Of one instrument, or of the only file in `data`.

    Returns
    -------
    list of Bars
    """
    from b25.research.bars import bars

    named = list(data or [])
    if source is not None:
        if named:
            raise Misuse("--source beside --data", remedy="give files with --data only")
        named = [str(source)]
    files = [text for text in named if source is not None or is_file(text)]
    if symbol is not None and len(named) > 1:
        raise Misuse(f"--symbol beside {len(named)} times --data", remedy="leave it out; a file's name says its symbol")
    if symbol is not None and files != named:
        raise Misuse(f"--symbol {symbol} beside --data {named[0]}", remedy="give the symbol once")
    if not named and symbol is None:
        raise Misuse("there is nothing to run on", remedy="give --source FILE, or --symbol of the catalog")
    found = []
    for text in named or [str(symbol)]:
        if text in files:
            found.append(bars(*frames, source=Path(text), symbol=symbol, venue=venue, catalog=catalog))
        else:
            found.append(bars(*frames, symbol=text, venue=venue, catalog=_catalog(catalog)))
    return found


def is_file(text: str) -> bool:
    """Whether a word means a file or folder rather than a symbol."""
    return Path(text).exists() or Path(text).suffix in (".csv", ".feather", ".parquet", ".json", ".gz")


def _catalog(catalog: Path | None) -> Path:
    from b25.research.dataset import default_catalog

    return catalog or default_catalog()


def moment(text: str | None) -> Any:
    """Read a moment of the command line: text as it stands, a bare number as ns since 1970."""
    return int(text) if text is not None and len(text) > 8 and text.isdigit() else text


def parameters(values: Sequence[str] | None, option: str = "--set") -> dict[str, Any]:
    """Read ``--set NAME=VALUE`` into a dict; the strategy's own parameters say what kind of value each is."""
    out: dict[str, Any] = {}
    for text in values or []:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise Misuse(f"{option} {text!r} is no NAME=VALUE", remedy=f"write e.g. {option} half_ticks=2.0")
        out[name.strip()] = value.strip()
    return out


def grid_of(listed: Sequence[str] | None) -> dict[str, list[Any]]:
    """Read ``--grid fast=5:50:5 --grid slow=20,50,100`` into values by name; both ends of a range belong to it."""
    found: dict[str, list[Any]] = {}
    for text in listed or []:
        name, words = _named(text, "--grid", "fast=5,10,20 or --grid fast=5:50:5")
        if name in found:
            raise Misuse(f"--grid {name} is given twice", remedy="list all values in one: --grid fast=5,10,20:50:10")
        found[name] = [value for word in words.split(",") if word.strip() for value in _range(word.strip(), text)]
        if not found[name]:
            raise Misuse(f"--grid {text!r} holds no value", remedy="write e.g. --grid fast=5,10,20")
    return found


def space_of(listed: Sequence[str] | None) -> dict[str, tuple[Any, Any]] | None:
    """Read ``--space fast=5:50`` into a range by name; None without any."""
    found: dict[str, tuple[Any, Any]] = {}
    for text in listed or []:
        name, words = _named(text, "--space", "fast=5:50")
        ends = [_number(word.strip(), text) for word in words.split(":")]
        if len(ends) != 2:
            raise Misuse(f"--space {text!r} is no NAME=LOWEST:HIGHEST", remedy="write e.g. --space fast=5:50")
        found[name] = (_plain(ends[0]), _plain(ends[1]))
    return found or None


def _named(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, words = text.partition("=")
    if not equals or not name.strip():
        raise Misuse(f"{option} {text!r} names no parameter", remedy=f"write e.g. {option} {example}")
    return name.strip(), words


def _range(word: str, text: str) -> list[Any]:
    if word.lower() in ("true", "false"):
        return [word.lower() == "true"]
    ends = [_number(part.strip(), text) for part in word.split(":")]
    if len(ends) == 1:
        return [_plain(ends[0])]
    low, high, step = ends[0], ends[1], ends[2] if len(ends) == 3 else Decimal(1)
    if len(ends) > 3 or step <= 0 or high < low:
        raise Misuse(f"{word!r} in {text!r} is no range", remedy="write LOWEST:HIGHEST:STEP with a step above 0, e.g. 5:50:5")
    count = int((high - low) / step) + 1
    if count > VALUES_MAX:
        raise Misuse(f"{word!r} in {text!r} holds {count:,} values", remedy="take a larger step")
    return [_plain(low + k * step) for k in range(count)]


def _number(word: str, text: str) -> Decimal:
    try:
        found = Decimal(word)
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite():
        raise Misuse(f"{word!r} in {text!r} is no number", remedy="give numbers, ranges such as 5:50:5, true or false")
    return found


def _plain(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)
