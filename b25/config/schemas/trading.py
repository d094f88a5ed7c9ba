"""Types `strategy`, `trading_pair`, `session` and `exchange`: what runs, on what, where, and how."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from b25.config.schemas.base import Name, Positive, Schema, SecretRef
from b25.config.schemas.risk import Symbol
from b25.risk.limit_set import LimitSet
from b25.risk.limits import Limits

_FILE = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*\.py:[A-Za-z_][A-Za-z0-9_]*$"  # below a folder, never above
StrategyFile = Annotated[str, Field(max_length=200, pattern=_FILE)]


class StrategyConfig(Schema):
    """A strategy and its parameters, by that strategy's own schema.

    Attributes
    ----------
    type : str
        ``FILE.py:Class``, below the folder of strategies.
    enabled : bool
        False: a session that runs it pauses, and lets only exits pass. A person resumes it.
    """

    name: Name
    type: StrategyFile
    enabled: bool = True
    parameters: dict[Annotated[str, Field(max_length=64)], float | int | bool] = Field(default_factory=dict)


class TradingPair(Schema):
    """An instrument as it may be traded here, within what the venue allows.

    Attributes
    ----------
    min_order_size, max_order_size : decimal
        Base units. Beyond the largest the gate refuses; below the smallest the venue does.
    enabled : bool
        False: nothing leaves for it but cancels.
    """

    symbol: Symbol
    base: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}$")]
    quote: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}$")]
    min_order_size: Positive
    max_order_size: Positive
    price_precision: Annotated[int, Field(ge=0, le=18)]
    quantity_precision: Annotated[int, Field(ge=0, le=18)]
    enabled: bool = True

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.min_order_size > self.max_order_size:
            raise ValueError(f"min_order_size {self.min_order_size} is above max_order_size {self.max_order_size}")
        if self.symbol.partition(":")[0] != f"{self.base}/{self.quote}":
            raise ValueError(f"symbol {self.symbol} is not {self.base}/{self.quote}")
        return self

    def limit_set(self, version: int = 1) -> LimitSet:
        """Return what the gate makes of it."""
        limits = {self.symbol: Limits(order_qty_max=float(self.max_order_size))}
        return LimitSet(version=version, symbol=limits, restricted=frozenset() if self.enabled else frozenset({self.symbol}))


class SessionConfig(Schema):
    """How a session is started, in the words of `b25 run`. A session that runs keeps what it was started with."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,20}$")]
    strategy: StrategyFile
    mode: Literal["observe", "paper", "live"] = "paper"
    venue: Name = "sim"
    symbols: Annotated[tuple[Symbol, ...], Field(min_length=1, max_length=50)]
    account: Name | None = None
    timeframe: Annotated[str, Field(max_length=32)] = ""
    on_latch: Literal["reduce", "kill", "flatten"] = "reduce"
    balance: Positive | None = None
    paused: bool = False
    flatten: bool = False

    def words(self) -> list[str]:
        """Return the arguments of `b25 run` that start it."""
        found = [self.strategy, "--name", self.name, "--mode", self.mode, "--venue", self.venue]
        found += ["--symbol", ",".join(self.symbols), "--on-latch", self.on_latch]
        for option, value in (("--account", self.account), ("--timeframe", self.timeframe), ("--balance", self.balance)):
            found += [option, format(value, "f") if option == "--balance" else str(value)] if value else []
        return found + ["--paused"] * self.paused + ["--flatten"] * self.flatten


class ExchangeConfig(Schema):
    """A connection to a venue: where, how often and how patiently, and where its key is found."""

    name: Name
    exchange: Name
    testnet: bool = True
    rest_url: Annotated[str, Field(pattern=r"^https?://[^\s/@]+(/\S*)?$", max_length=200)] | None = None
    ws_url: Annotated[str, Field(pattern=r"^wss?://[^\s/@]+(/\S*)?$", max_length=200)] | None = None
    key: SecretRef | None = None
    requests_per_s: Annotated[float, Field(gt=0, le=1_000)] = 10.0
    timeout_s: Annotated[float, Field(gt=0, le=120)] = 10.0
    recv_window_ms: Annotated[int, Field(ge=100, le=60_000)] = 5_000
    reconcile_s: Annotated[float, Field(ge=1, le=3_600)] = 30.0
    book_levels: Annotated[int, Field(ge=1, le=5_000)] = 1_000

    def addresses(self) -> list[Any]:
        """Return the addresses that are given."""
        return [one for one in (self.rest_url, self.ws_url) if one]
