"""Every type of configuration, with the schema that it is held to."""

from __future__ import annotations

import difflib
from typing import Any, Final

from b25.config.schemas.alerts import AlertRule, NotificationRoute
from b25.config.schemas.base import Schema
from b25.config.schemas.platform import CustomConfig, FeatureFlag, ReportConfig, SystemSetting
from b25.config.schemas.risk import AccountPolicy, RiskLimit
from b25.config.schemas.trading import ExchangeConfig, SessionConfig, StrategyConfig, TradingPair
from b25.model.errors import Misuse

TYPES: Final[dict[str, type[Schema]]] = {
    "strategy": StrategyConfig,
    "risk_limit": RiskLimit,
    "account_policy": AccountPolicy,
    "trading_pair": TradingPair,
    "session": SessionConfig,
    "exchange": ExchangeConfig,
    "alert_rule": AlertRule,
    "notification_route": NotificationRoute,
    "report": ReportConfig,
    "feature_flag": FeatureFlag,
    "system": SystemSetting,
    "custom": CustomConfig,
}
# What a running session takes over between two events; of the rest it says that it needs a new start.
LIVE: Final = ("strategy", "risk_limit", "trading_pair")
AT_START: Final = ("account_policy", "session", "exchange")


def schema_of(kind: str) -> type[Schema]:
    """Return the schema of a type. Raises Misuse for a type that nobody knows."""
    if kind not in TYPES:
        near = difflib.get_close_matches(kind, TYPES, 1)
        raise Misuse(
            f"there is no configuration of type {kind!r}",
            remedy=f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(TYPES)}",
        )
    return TYPES[kind]


def json_schemas() -> dict[str, Any]:
    """Return the JSON Schema of every type."""
    return {kind: model.model_json_schema() for kind, model in TYPES.items()}
