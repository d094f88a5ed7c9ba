"""What a backtest leaves for others to check: a small payload that is the same for equal runs, and the whole stream in a file.

The payload stands in the notebook beside the result's display. It holds no time, no id and no path of its own.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from b25.model.errors import Misuse
from b25.strategy.source_key import behaviour_key, functions_in_reach
from b25.strategy.strategy import Strategy

if TYPE_CHECKING:
    import polars as pl

    from b25.engine.backtest import Outcome
    from b25.research.result import Backtest

MIME: Final = "application/vnd.b25.backtest+json"
SCHEMA: Final = 1
RECORDS_A_LINK: Final = 1_000
LINKS_MAX: Final = 400  # of longer streams a link covers more records: the payload stays under 16 kB
LINK_DIGITS: Final = 16
DIGITS: Final = 9  # of a metric; the last ones differ between processors
HEADLINE: Final = ("net_profit", "total_return", "max_drawdown", "sharpe", "fills", "fees", "volume", "trades")
RUNS: Final = Path("data/runs")
FOLDER_VARIABLE: Final = "B25_RUNS_FOLDER"  # where every shown result is kept whole; nowhere when it is not set
LOADED_NS: Final = time.time_ns()  # modules written after this are not what this process runs
PACKAGE: Final = str(Path(__file__).resolve().parent.parent)


def payload_of(result: Backtest) -> dict[str, Any]:
    """Return what a notebook keeps of a result.

    Raises
    ------
    Misuse
        When a module of b25 was written since it was loaded: the result is not that of the files on disk.
    """
    if changed := changed_modules():
        raise Misuse(
            f"{changed[0]} was written after this kernel had loaded b25",
            remedy="restart the kernel, switch autoreload off, run again",
        )
    outcome, made = result.outcome, result.made
    per, links = chain(outcome)
    figures = {name: _figure(result.summary.get(name)) for name in HEADLINE if name in result.summary}
    return {
        "schema": SCHEMA,
        "strategy": {"name": result.name, "source_sha256": source_hash(made.cls)},
        "parameters": result.parameters,
        "data": [data.hash for data in made.datasets],
        "conditions_sha256": hashlib.sha256(f"{result.assumed}{made.limits}{made.balance:.12g}".encode()).hexdigest(),
        "seed": [
            seed for seed in (getattr(getattr(m, "latency", None), "seed", None) for m in getattr(made, "models", ())) if seed
        ],
        "events": int(outcome.rows),
        "effects": int(outcome.effects.size),
        "fills": int(outcome.fills.size),
        "effects_sha256": hashlib.sha256(np.ascontiguousarray(outcome.effects).tobytes()).hexdigest(),
        "stream_sha256": stream_hash(outcome),
        "records_a_link": per,
        "chain": links,
        "metrics": figures,
    }


def shown_payload(result: Backtest) -> dict[str, Any]:
    """Return what is shown beside a result, or why it was not recorded; keep the stream where that is wished."""
    try:
        payload = payload_of(result)
    except Misuse as fault:
        return {MIME: {"schema": SCHEMA, "strategy": {"name": result.name}, "not_recorded": fault.what}}
    if os.environ.get(FOLDER_VARIABLE):
        keep(result)
    return {MIME: payload}


def stream_hash(outcome: Outcome) -> str:
    """Hash of every effect and every fill."""
    digest = hashlib.sha256(np.ascontiguousarray(outcome.effects).tobytes())
    digest.update(np.ascontiguousarray(outcome.fills).tobytes())
    return digest.hexdigest()


def chain(outcome: Outcome) -> tuple[int, list[str]]:
    """Return how many records a link covers, and the links: each a hash over the one before and its own records.

    The records are the effects and then the fills; the first link that differs says where two runs part.
    """
    parts = [np.ascontiguousarray(rows) for rows in (outcome.effects, outcome.fills)]
    per = RECORDS_A_LINK
    while sum(-(-rows.size // per) for rows in parts) > LINKS_MAX:
        per *= 2
    links, last = [], b""
    for rows in parts:
        for first in range(0, rows.size, per):
            last = hashlib.sha256(last + rows[first : first + per].tobytes()).digest()
            links.append(last.hex()[:LINK_DIGITS])
    return per, links


def source_hash(cls: type[Strategy]) -> str:
    """Hash over the text of all code in a class's reach, its fields and their defaults; the same in a notebook and in a file."""
    digest = hashlib.sha256(repr([field for field in cls.dtype.descr if not field[0].startswith("is_")]).encode())
    digest.update(repr(sorted((name, one.default) for name, one in cls.params.items())).encode())
    for name, function in functions_in_reach(cls):
        try:
            text = inspect.cleandoc("\n" + inspect.getsource(function))
        except (OSError, TypeError):  # made by a program: what it does is all that is known of it
            return behaviour_key(cls)
        digest.update(f"{name}\n{text.rstrip()}\n".encode())
    return digest.hexdigest()


def changed_modules() -> list[str]:
    """Files of b25 that were written after this process had loaded it: with autoreload memory and disk are not the same."""
    found = []
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None) or ""
        if file.startswith(PACKAGE):
            try:
                if os.stat(file).st_mtime_ns > LOADED_NS:
                    found.append(file[len(PACKAGE) - 3 :])
            except OSError:
                found.append(file[len(PACKAGE) - 3 :])
    return sorted(found)


def stream_table(result: Backtest) -> pl.DataFrame:
    """Every record of a run in order of time: intents that were refused, effects, fills."""
    import polars as pl

    from b25.model.order import CANCEL, SUBMIT, Reason

    names = {SUBMIT: "submit", CANCEL: "cancel"}
    effects, fills = result.outcome.effects, result.outcome.fills
    kinds = [
        "refused" if reason else names.get(kind, "amend")
        for kind, reason in zip(effects["kind"].tolist(), effects["reason"].tolist(), strict=True)
    ]
    told = {"order_id": "i8", "instrument": "i4", "side": "i1", "price_ticks": "i8", "qty_lots": "i8"}
    first = pl.DataFrame(
        {"time_ns": effects["time_ns"].copy(), "kind": kinds, **{name: effects[name].astype(as_) for name, as_ in told.items()},
         "fee_e8": np.zeros(effects.size, np.int64),
         "reason": [Reason(one).name.lower() if one else "" for one in effects["reason"].tolist()]}
    )  # fmt: skip
    second = pl.DataFrame(
        {"time_ns": fills["local_ns"].copy(), "kind": ["fill"] * fills.size,
         **{name: fills[name].astype(as_) for name, as_ in told.items()},
         "fee_e8": fills["fee_e8"].astype(np.int64), "reason": [""] * fills.size},
    )  # fmt: skip
    return pl.concat([first, second]).sort("time_ns", maintain_order=True).with_row_index("seq")


def keep(result: Backtest, folder: Path | None = None) -> Path:
    """Write the whole stream where its hash says, once, and return the file.

    Parameters
    ----------
    folder : Path, optional
        Default: B25_RUNS_FOLDER, else ``data/runs``.
    """
    root = folder or Path(os.environ.get(FOLDER_VARIABLE) or RUNS)
    path = root / stream_hash(result.outcome) / "stream.parquet"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".stream.{os.getpid()}")
    stream_table(result).write_parquet(beside)
    os.replace(beside, path)
    return path


def _figure(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
