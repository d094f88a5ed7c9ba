"""One good value of each type, and a strategy to hold parameters to."""

import b25
from b25.model.errors import Misuse


class Sample(b25.Strategy):
    spread: float = b25.param(0.002, gt=0, le=0.1)
    levels: int = b25.param(3, ge=1, le=10)


def load(where):
    if where != "strategies/sample.py:Sample":
        raise Misuse(f"there is no strategy file {where}", remedy="give another")
    return Sample


GOOD = {
    "strategy": {"name": "sample", "type": "strategies/sample.py:Sample", "parameters": {"spread": 0.004, "levels": 5}},
    "risk_limit": {"account": {"order_value_max": 500.0, "daily_loss_max": 50.0}, "symbol": {"BTC/USDT:USDT": {"collar": 0.02}}},
    "account_policy": {"policies": [{"id": "day", "metric": "drawdown_daily", "threshold": 0.05}]},
    "trading_pair": {
        "symbol": "BTC/USDT:USDT", "base": "BTC", "quote": "USDT", "min_order_size": "0.001", "max_order_size": "10",
        "price_precision": 2, "quantity_precision": 8,
    },
    "session": {"name": "mm", "strategy": "strategies/sample.py:Sample", "symbols": ["BTC/USDT:USDT"]},
    "exchange": {"name": "main", "exchange": "binanceusdm", "key": "secretref://exchange/main"},
    "alert_rule": {
        "name": "drops", "source": "metric", "metric": "b25_drops_total", "condition": {"op": "gt", "threshold": 5},
        "severity": "critical", "channels": ["ops"],
    },
    "notification_route": {
        "name": "ops", "kind": "telegram", "secretref": "secretref://alerts/telegram", "severities": ["critical"],
        "quiet_hours": {"start": "22:00", "end": "08:00", "timezone": "Europe/Berlin"},
    },
    "report": {"name": "daily", "template": "daily.ipynb", "schedule": "0 6 * * *", "parameters": {"days": 1}},
    "feature_flag": {"name": "new-screen", "enabled": True},
    "system": {"name": "retention_days", "type": "int", "value": 90},
    "custom": {"name": "mine", "fields": {"depth": {"type": "int", "ge": 1, "le": 9}}, "values": {"depth": 3}},
}  # fmt: skip
