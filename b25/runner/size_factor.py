"""The size of a canary: every limit of what may be held and ordered, times a factor below one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

import numpy as np

from b25.model.errors import Misuse
from b25.model.instrument import Instrument
from b25.risk.limit_set import LimitSet
from b25.risk.limits import Limits

SIZES: Final = ("position_max", "order_qty_max", "order_value_max", "gross_max", "net_max", "turnover_max", "daily_loss_max")
MUST: Final = ("position_max", "order_value_max")


class Planned(Protocol):
    """As much of a plan as is needed here."""

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What is traded."""

    @property
    def cls(self) -> Any:
        """The strategy."""

    @property
    def size_factor(self) -> float:
        """By which limits are scaled."""


def scaled(limits: Limits, factor: float) -> Limits:
    """Return limits whose sizes are times a factor; those that are no sizes stay."""
    held = {name: value * factor for name in SIZES if (value := getattr(limits, name)) is not None}
    return replace(limits, **held)


def scaled_set(limit_set: LimitSet, factor: float) -> LimitSet:
    """Return a set of limits whose sizes are times a factor, in every scope."""
    if factor == 1.0:
        return limit_set
    strategy = {name: scaled(one, factor) for name, one in limit_set.strategy.items()}
    symbol = {name: scaled(one, factor) for name, one in limit_set.symbol.items()}
    return replace(limit_set, account=scaled(limit_set.account, factor), strategy=strategy, symbol=symbol)


def scaled_records(limit_set: LimitSet, plan: Planned) -> np.ndarray[Any, Any]:
    """Return the LIMITS rows that a plan's world is made with.

    Raises
    ------
    Misuse
        When the size of a canary is limited by nothing, or nothing is left of it.
    """
    name = plan.cls.__name__
    made = scaled_set(limit_set, plan.size_factor)
    rows = made.records(plan.instruments, name)
    if plan.size_factor < 1.0:
        for one, row in zip(plan.instruments, rows, strict=True):
            limits = made.limits(one.symbol, name)
            if missing := [limit for limit in MUST if getattr(limits, limit) is None]:
                raise Misuse(
                    f"{one.symbol}: a size factor of {plan.size_factor:g} of no {' and no '.join(missing)} is no limit",
                    remedy="set them: --limits FILE, or b25 config set … --type risk_limit",
                )
            if row["position_lots_max"] < 1:
                raise Misuse(
                    f"{one.symbol}: {plan.size_factor:g} of its position_max is less than a lot of {one.lot}",
                    remedy="raise position_max, or choose another instrument",
                )
    return rows
