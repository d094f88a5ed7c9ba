"""Opens what a report is about: a session or an account of the store, a journal, or a backtest; each gives the same records."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from b25.model.errors import Misuse
from b25.reports.records import Records
from b25.reports.span import span_of

if TYPE_CHECKING:
    from b25.research.result import Backtest
    from b25.strategy.strategy import Strategy

DATABASE: Final = "sqlite:///data/b25.db"
SESSIONS: Final = Path("data/sessions")
KINDS: Final = "session:NAME, account:NAME, journal:PATH or backtest:FILE.py:Class"


def open_source(
    source: str | Path | Backtest,
    start: str = "",
    end: str = "",
    *,
    lookback_days: float = 0.0,
    database: str = "",
    data: str = "sample",
    parameters: Mapping[str, Any] | None = None,
) -> Records:
    """Open a source and read its records of a span.

    Parameters
    ----------
    source : str, Path or Backtest
        ``session:mm`` and ``account:main`` (or ``account:binanceusdm/main``) are read from the store, for reading only, a
        session with its journal where that is found; ``journal:data/sessions/mm.journal`` or its folder needs no store;
        ``backtest:strategies/market_maker.py:MarketMaker`` is run now. A result may be given as it is. Empty: the only account
        of the store.
    start, end : str
        See `span.span_of`; empty is everything.
    lookback_days : float
        Length of the span where no start is given.
    database : str
        URL of the store; by default B25_DATABASE_URL, then `data/b25.db`.
    data : str
        Of a backtest: ``sample``, ``sample 5`` (minutes), ``sample 1h`` (bars), or ``ETH/USDT:USDT on binanceusdm``.
    parameters : mapping, optional
        Of a backtest's strategy, where they differ from its defaults.

    Raises
    ------
    Misuse
        For a source that is none, is not there, or is not clear; each names what there is.
    """
    start_ns, end_ns = span_of(start, end, lookback_days=lookback_days)
    if not isinstance(source, str | Path):
        return _of_result(source, start_ns, end_ns)
    kind, _, what = str(source).partition(":")
    if kind == "backtest" and what:
        return _of_result(_run(what, data, parameters or {}), start_ns, end_ns)
    if kind == "journal" and what:
        return _of_result(_journal(Path(what)), start_ns, end_ns)
    if str(source).endswith(".journal") or (str(source) and Path(source).is_dir()):
        return _of_result(_journal(Path(source)), start_ns, end_ns)
    if not str(source) or (kind in ("session", "account") and what):
        return _of_store(kind if what else "account", what, database, start_ns, end_ns)
    raise Misuse(f"{str(source)!r} is no source of a report", remedy=f"use {KINDS}")


def _of_result(result: Backtest, start_ns: int, end_ns: int) -> Records:
    from b25.reports.result_source import records_of

    return records_of(result, start_ns, end_ns)


def _of_store(kind: str, what: str, database: str, start_ns: int, end_ns: int) -> Records:
    from b25.reports import store_source
    from b25.reports.read_only import open_read_only

    store = open_read_only(database or os.environ.get("B25_DATABASE_URL", "") or DATABASE)
    try:
        if kind == "account":
            venue, account = _account(store_source.accounts_in(store), what)
            return store_source.records_of_account(store, venue, account, start_ns, end_ns)
        lives = store_source.lives_of(store, what)
        path = store_source.journal_of(lives, what, _folders())
        if path is None:
            return store_source.records_of_session(store, lives, what, start_ns, end_ns)
        return store_source.with_store(_of_result(_journal(path), start_ns, end_ns), store, lives)
    finally:
        store.close()


def _folders() -> list[Path]:
    """Where relative paths of the store and the journals may begin: here, and in the project that the report's runner names."""
    homes = [Path.cwd()]
    if named := os.environ.get("B25_STRATEGIES_FOLDER"):
        homes.append(Path(named).parent)
    return [*homes, *(home / SESSIONS for home in homes)]


def _account(known: list[tuple[str, str]], what: str) -> tuple[str, str]:
    venue, _, name = what.rpartition("/")
    found = [one for one in known if (not name or one[1] == name) and (not venue or one[0] == venue)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"account:{one[0]}/{one[1]}" for one in known) or "none: the store is empty"
    wrong = "no account is named" if not what else f"{len(found)} accounts are {what!r}" if found else f"no account is {what!r}"
    raise Misuse(f"{wrong}", remedy=f"use one of {listed}")


def _journal(path: Path) -> Backtest:
    from b25.session.result import SessionResult
    from b25.store.journal import read_header

    # A report's kernel runs in a folder of its own: what is relative is looked for in the project as well.
    path = next((home / path for home in _folders() if (home / path).exists()), path)
    if path.is_dir():
        journals = sorted(path.glob("*.journal"))
        if len(journals) != 1:
            listed = ", ".join(one.name for one in journals[-8:]) or "none"
            raise Misuse(f"{path} holds {len(journals)} journals", remedy=f"name one of them: {listed}")
        path = journals[0]
    if not path.is_file():
        raise Misuse(f"there is no journal {path}", remedy="give journal:PATH, e.g. journal:data/sessions/mm.journal")
    return SessionResult(path, _class_of(read_header(path)))


def _class_of(header: dict[str, Any]) -> type[Strategy]:
    """The class that a session ran: from its file, and where that is gone, as the journal holds it."""
    import tempfile

    from b25.research.strategy_file import load_strategy

    told = header["strategy"]
    if Path(told["file"]).is_file():
        return load_strategy(f"{told['file']}:{told['class']}")
    if not told["source"]:
        raise Misuse(f"the strategy's file {told['file']} is gone", remedy="put it back; the journal holds no copy of it")
    with tempfile.TemporaryDirectory(prefix="b25-as-recorded-") as folder:
        copy = Path(folder) / Path(told["file"]).name
        copy.write_text(told["source"], encoding="utf-8")
        return load_strategy(f"{copy}:{told['class']}")


def _run(what: str, data: str, parameters: Mapping[str, Any]) -> Backtest:
    from b25.research.backtest import backtest
    from b25.research.strategy_file import load_strategy

    for home in _folders():
        if (home / what.rpartition(":")[0]).is_file():
            what = str(home / what)
            break
    return backtest(load_strategy(what), _data(data), **parameters)


def _data(words: str) -> Any:
    from b25.research.dataset import dataset, sample

    symbol, _, venue = words.partition(" on ")
    if venue:
        return dataset(symbol.strip(), venue=venue.strip())
    name, _, length = words.partition(" ")
    if name != "sample":
        raise Misuse(f"{words!r} names no data", remedy="use sample, sample 5 (minutes), sample 1h (bars), or SYMBOL on VENUE")
    if not length:
        return sample()
    return sample(minutes=int(length)) if length.isdigit() else sample(bars=length)
