"""Eight widgets for JupyterLab, each one small ES module that a dashboard may show as well.

They are views: none of them can place an order, and a kernel that dies takes nothing with it but the picture.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

MODULES: Final = {
    "SessionPanel": "session_panel", "Ladder": "ladder", "Candles": "candles", "Blotter": "blotter", "RiskGauges": "risk_gauges",
    "ParamExplorer": "param_explorer", "SweepHeatmap": "sweep_heatmap", "TradeReplay": "trade_replay",
}  # fmt: skip

__all__ = ["Blotter", "Candles", "Ladder", "ParamExplorer", "RiskGauges", "SessionPanel", "SweepHeatmap", "TradeReplay"]


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *MODULES})
