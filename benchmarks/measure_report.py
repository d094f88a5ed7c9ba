"""How long a report of a day with ten thousand fills takes, from when it is asked for until its page is in its place."""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import orjson
from contestants import ROOT
from figures import Figure, spread
from stage import Stage

FILLS, ROUNDS = 10_000, 3
DAY_NS = 86_400 * 10**9
DAY = 20_000 * DAY_NS  # 2024-10-04
VENUE, ACCOUNT, SYMBOL = "binanceusdm", "main", "BTC/USDT:USDT"
TEMPLATE = Path("notebooks/reports/daily_performance.ipynb")
ARGUMENTS = {"source": f"account:{VENUE}/{ACCOUNT}", "start": "2024-10-04", "end": "2024-10-05"}
PLAIN = """
import os, polars as pl
from sqlalchemy import create_engine, text
from IPython.display import display
with create_engine(os.environ["B25_DATABASE_URL"]).connect() as connection:
    rows = [dict(row._mapping) for row in connection.execute(text("SELECT * FROM fill"))]
fills = pl.DataFrame(rows).with_columns(pl.col("qty", "price", "fee").cast(pl.Float64))
display({"application/vnd.b25.metric+json": {"name": "fills", "value": fills.height, "unit": "", "headline": True}}, raw=True)
display(fills.group_by("side").agg(pl.len(), pl.col("qty").sum(), pl.col("fee").sum()).sort("side"), fills.head(50))
"""


def report_of_a_day(stage: Stage) -> Iterator[Figure]:
    """The daily report by the process that the scheduler starts: kernel, notebook, page, figures, search for secrets, rename."""
    from b25.config.settings import Settings
    from b25.reports.desk import ReportDesk
    from b25.reports.scheduler import start_run
    from b25.store.store import open_store

    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = Settings(
            database_url=f"sqlite:///{home}/b25.db", run_folder=home / "run", catalog=home / "catalog",
            secrets_folder=home / "secrets",            reports_folder=home / "reports", reports_file=home / "reports.toml",
        )  # fmt: skip
        store = open_store(settings.database_url)
        _fill(store)
        what, arguments = _notebook(home)
        settings.reports_file.write_text('[daily]\nnotebook = "daily.ipynb"\nnice = 0\n')
        os.chdir(home)
        try:
            desk, taken, notebook_s = ReportDesk(settings, store, time.time_ns), list[float](), list[float]()
            for _ in range(ROUNDS):
                begun = time.perf_counter()
                row = desk.ask("daily", arguments, by="bench", origin="cli")
                code = start_run(row["id"], settings).wait(300)
                taken.append(time.perf_counter() - begun)
                ended = desk.run(row["id"])
                assert code == 0, ended["error_text"]
                found = {one["name"]: one["value"] for one in desk.metrics(row["id"])}
                assert found["fills"] == FILLS, found
                notebook_s.append((ended["ended_ns"] - ended["started_ns"]) / 1e9)
            page_kb = len(desk.page(row["id"])) / 1e3
        finally:
            os.chdir(before)
            store.close()
    detail = f"{what}; {ROUNDS} runs, s {spread(taken)}, of which in the run {spread(notebook_s)}; page {page_kb:,.0f} kB"
    yield Figure("a report of a day with 10 k fills, to HTML", statistics.median(taken), "s", 20.0, 8.0, False, detail)


def _notebook(home: Path) -> tuple[str, dict[str, Any]]:
    """The shipped daily report, or, in a tree that does not have it, a plain notebook over the same fills."""
    import nbformat

    if (ROOT / TEMPLATE).is_file():
        (home / "daily.ipynb").write_bytes((ROOT / TEMPLATE).read_bytes())
        return "daily performance", ARGUMENTS
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(PLAIN)]
    book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, home / "daily.ipynb")
    return "a plain notebook: this tree has no daily report", {}


def _fill(store: Any) -> None:
    """A day of an account: as many orders as fills, each filled whole, and a statement at each end."""
    from sqlalchemy import insert

    from b25.store.account_log import AccountLog
    from b25.store.lives import begin_life, end_life
    from b25.store.tables import fill, intent, order_event

    begin_life(store, "mm", strategy="grid", venue=VENUE, account=ACCOUNT, mode="live", epoch=1, folder="", now_ns=DAY)
    end_life(store, "mm", 1, now_ns=DAY + DAY_NS)
    dice, fills, intents, events = Random(7), list[Any](), list[Any](), list[Any]()
    price, cash, held, fees = Decimal(60_000), Decimal(0), Decimal(0), Decimal(0)
    for number in range(FILLS):
        at_ns = DAY + 10**9 + number * (DAY_NS // (FILLS + 100))
        price += Decimal(dice.randint(-50, 50)) / 10
        side, quantity = ("buy" if held <= 0 else "sell"), Decimal(dice.randint(1, 20)) / 1_000
        fee = (quantity * price * Decimal("0.0002")).quantize(Decimal("0.00000001"))
        sign = 1 if side == "buy" else -1
        cash, held, fees = cash - sign * quantity * price, held + sign * quantity, fees + fee
        coid = f"c{number}"
        fills.append({
            "venue": VENUE, "account": ACCOUNT, "symbol": SYMBOL, "trade_id": str(number), "coid": coid, "venue_oid": str(number),
            "side": side, "qty": str(quantity), "price": str(price), "fee": str(fee), "fee_asset": "USDT",
            "maker": number % 3 != 0,
            "realized": None, "venue_ts_ms": at_ns // 10**6, "src": "WS", "synthetic": False,
        })  # fmt: skip
        intents.append({
            "id": number + 1, "ts_ns": at_ns - 20_000_000, "account": ACCOUNT, "venue": VENUE, "strategy": "grid", "coid": coid,
            "kind": "NEW", "symbol": SYMBOL, "side": side, "type": "LIMIT", "tif": "GTC", "qty": str(quantity),
            "price": str(price), "flags": 0, "decision": "{}", "code_hash": b"x", "cfg_hash": b"x", "epoch": 1,
            "order_id": number + 1, "request_id": 1,
        })  # fmt: skip
        events += [
            {"seq": 10 * number + place + 1, "ts_ns": at_ns - 15_000_000 + 5_000_000 * place, "coid": coid, "src": "WS",
             "status": status, "cum_qty": str(quantity)}
            for place, status in enumerate(("SENDING", "NEW", "FILLED"))
        ]  # fmt: skip
    with store.engine.begin() as connection:
        for table, rows in ((intent, intents), (order_event, events), (fill, fills)):
            connection.execute(insert(table), rows)
    log = AccountLog(store, VENUE, ACCOUNT, now_ns=lambda: DAY)
    _statement(log, DAY - 10**9, Decimal(10_000), Decimal(0), price, Decimal(0), Decimal(0))
    _statement(log, DAY + DAY_NS - 10**9, 10_000 + cash + held * price - fees, held, price, cash + held * price, fees)


def _statement(log: Any, ts_ns: int, equity: Decimal, held: Decimal, price: Decimal, realised: Decimal, fees: Decimal) -> None:
    row = {
        "strategy": "grid", "symbol": SYMBOL, "settle": "USDT", "quantity": str(held), "entry": str(price) if held else None,
        "mark": str(price), "realised": str(realised), "unrealised": "0", "fees": str(fees), "funding": "0",
        "net": str(realised - fees), "fees_unpriced": {},
    }  # fmt: skip
    body = {"quote": "USDT", "equity": str(equity), "strategies": [row], "positions": [{**row, "strategy": ""}]}
    told = {"reason": "fills", "quote": "USDT", "equity": str(equity), "body": orjson.dumps(body).decode()}
    log.save({"version": 0}, told, ts_ns=ts_ns)


MEASURES = (report_of_a_day,)
