"""Backtests: ask for one, see how it stands, and read what came of it. Each runs in a process of its own, without keys."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field, model_validator

from b25.api.answers import PAGE_HEADERS, SYMBOL_EXAMPLE, Given, Page, problems, symbol_of
from b25.api.backtest_desk import EQUITY, FILLS, RESULT, SHEET, BacktestDesk
from b25.api.doors import requires
from b25.api.gateway import Gateway, gateway_of, part
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Permission
from b25.api.strategy_files import read_strategies

router = APIRouter(prefix="/backtests", tags=["backtests"])
Reader = Annotated[Principal, requires(Permission.READ)]
Researcher = Annotated[Principal, requires(Permission.RESEARCH)]
Desk = Annotated[BacktestDesk, Depends(part(BacktestDesk))]
Home = Annotated[Gateway, Depends(gateway_of)]
BacktestId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", examples=["00f1a2b3c4d5e6f7"])]
FRAME: Final = r"^[1-9][0-9]{0,3}[smhdwM]$"
NAME: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,99}$"
MOMENT: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,18}(Z|\+00:00)?)?$"
Ratio = Annotated[float, Field(ge=-0.01, le=0.01)]


class BacktestGiven(Given):
    """A strategy of the folder, on data of the catalog: bars with `timeframe`, recorded messages without."""

    strategy: str = Field(pattern=NAME, examples=["MovingAverageCross"])
    symbol: str = Field(max_length=60, examples=[SYMBOL_EXAMPLE])
    venue: str | None = Field(default=None, pattern=r"^[a-z0-9]{1,30}$")
    timeframe: str | None = Field(default=None, pattern=FRAME, examples=["1h"])
    parameters: dict[Annotated[str, Field(pattern=NAME)], bool | int | float] = Field(default={}, max_length=64)
    start: str | None = Field(default=None, pattern=MOMENT, description="UTC")
    end: str | None = Field(default=None, pattern=MOMENT, description="UTC; not included")
    balance: float | None = Field(default=None, gt=0, le=1e12)
    fee_maker: Ratio = Field(default=0.0002, description="Ratio of the value.")
    fee_taker: Ratio = Field(default=0.0005, description="Ratio of the value.")
    leverage: float | None = Field(default=None, ge=1, le=125, description="Of bars only.")
    check: bool = Field(default=False, description="Look for bias with all checks.")

    @model_validator(mode="after")
    def _fits(self) -> BacktestGiven:
        if self.leverage is not None and self.timeframe is None:
            raise ValueError("leverage is of backtests on bars: give a timeframe too")
        if any(not math.isfinite(value) for value in self.parameters.values()):
            raise ValueError("a parameter is no finite number")
        return self


class BacktestView(BaseModel):
    """How a backtest stands."""

    id: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    by: str
    asked_ns: int
    started_ns: int | None = None
    ended_ns: int | None = None
    progress: str | None = Field(default=None, description="What it said last, while it runs.")
    why: str = Field(description="Why it has no result.")
    request: dict[str, Any]


class EquityPoint(BaseModel):
    """The marked equity at a moment."""

    time_ns: int
    equity: float


class BacktestResult(BaseModel):
    """What came of a backtest. A figure that is not defined is null."""

    id: str
    hash: str = Field(description="Equal for equal runs.")
    metrics: dict[str, int | float | None]
    facts: dict[str, Any]
    equity: list[EquityPoint] = Field(description="At most as many points as asked for, extremes among them.")


@router.post("", status_code=202, responses=problems(404, 422, 429))
async def ask_backtest(body: BacktestGiven, by: Researcher, desk: Desk, home: Home) -> BacktestView:
    """Begin a backtest."""
    file = next((one for one in read_strategies(home.settings.strategies_folder) if one.name == body.strategy), None)
    if file is None:
        raise Problem(404, "no strategy of that name", remedy="see GET /api/v1/strategies")
    known = {one["name"] for one in file.parameters}
    if strange := [name for name in body.parameters if name not in known]:
        fields = [{"field": f"parameters.{strange[0]}", "rule": f"one of {', '.join(sorted(known)) or 'none'}"}]
        raise Problem(422, f"{body.strategy} has no parameter {strange[0]}", code="VALIDATION_FAILED", fields=fields)
    words = [f"{home.settings.strategies_folder / file.file}:{file.name}", "--symbol", symbol_of(body.symbol)]
    words += ["--catalog", str(home.settings.catalog), f"--fee-maker={body.fee_maker}", f"--fee-taker={body.fee_taker}"]
    for option, value in (
        ("venue", body.venue), ("bars", body.timeframe), ("start", body.start), ("end", body.end), ("balance", body.balance),
        ("leverage", body.leverage),
    ):  # fmt: skip
        words += [] if value is None else [f"--{option}", str(value)]
    for name, value in body.parameters.items():
        words += ["--set", f"{name}={value}"]
    words += ["--check"] if body.check else []
    return BacktestView(**desk.ask(words, body.model_dump(), by.name))


@router.get("")
def backtests(by: Reader, desk: Desk, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Page[BacktestView]:
    """Backtests that are kept, the newest first."""
    found = desk.all()
    return Page(data=[BacktestView(**one) for one in found[:limit]], total=len(found))


@router.get("/{backtest_id}", responses=problems(404))
def backtest(backtest_id: BacktestId, by: Reader, desk: Desk) -> BacktestView:
    """How one stands."""
    return BacktestView(**desk.one(backtest_id))


@router.delete("/{backtest_id}", responses=problems(404))
async def cancel_backtest(backtest_id: BacktestId, by: Researcher, desk: Desk) -> BacktestView:
    """End one that waits or runs; one that has ended stays as it is."""
    return BacktestView(**await desk.cancel(backtest_id))


@router.get("/{backtest_id}/result", responses=problems(404, 409))
def backtest_result(
    backtest_id: BacktestId, by: Reader, desk: Desk, points: Annotated[int, Query(ge=4, le=10_000)] = 1_000
) -> BacktestResult:
    """What came of one."""
    facts = orjson.loads(desk.file(backtest_id, RESULT).read_bytes())
    metrics = facts.pop("metrics")
    return BacktestResult(
        id=backtest_id, hash=facts["hash"], metrics=metrics, facts=facts, equity=_equity(desk, backtest_id, points)
    )


def _equity(desk: BacktestDesk, backtest_id: str, points: int) -> list[EquityPoint]:
    import polars as pl

    from b25.analytics.downsample import m4

    table = pl.read_parquet(desk.file(backtest_id, EQUITY))
    times, values = table["time"].cast(pl.Int64).to_numpy(), table["equity"].to_numpy()
    kept = m4(times, values, columns=max(1, points // 4))
    return [EquityPoint(time_ns=int(at), equity=float(value)) for at, value in zip(times[kept], values[kept], strict=True)]


@router.get("/{backtest_id}/fills", responses=problems(404, 409), response_class=FileResponse)
def backtest_fills(backtest_id: BacktestId, by: Reader, desk: Desk) -> FileResponse:
    """Every fill, as Parquet."""
    return FileResponse(
        desk.file(backtest_id, FILLS), media_type="application/vnd.apache.parquet", filename=f"fills-{backtest_id}.parquet"
    )


@router.get("/{backtest_id}/tearsheet", responses=problems(404, 409), response_class=FileResponse)
def backtest_tearsheet(backtest_id: BacktestId, by: Reader, desk: Desk) -> FileResponse:
    """The tear sheet: one page that loads nothing, and is kept apart from this site."""
    return FileResponse(
        desk.file(backtest_id, SHEET), media_type="text/html; charset=utf-8", headers=PAGE_HEADERS,
    )  # fmt: skip
