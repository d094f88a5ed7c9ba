"""A run of the reference file, as the words of a b25 command."""

from pathlib import Path
from typing import Any

STRATEGIES = Path(__file__).resolve().parent / "strategies.py"
CLASSES = {"maker": "ReferenceMaker", "taker": "ReferenceTaker"}
QUEUES = {
    "risk_adverse_queue_model": "risk_adverse",
    "power_prob_queue_model3": "power_prob_3",
    "log_prob_queue_model2": "log_prob_2",
}


def backtest_words(run: dict[str, Any], place: list[str]) -> list[str]:
    """The command for one run, which is laid out as in the reference file; `place` says venue, symbol and catalog."""
    name, *arguments = run["queue"]
    words = ["backtest", f"{STRATEGIES}:{CLASSES[run['strategy']]}", *place, "--profile", "hftbacktest"]
    words += ["--queue", ":".join([QUEUES[name], *map(str, arguments)]), "--latency-ns", str(run["order_latency_ns"])]
    words += ["--fee-maker", str(run["fee_maker"]), "--fee-taker", str(run["fee_taker"])]
    for parameter, value in run["params"].items():
        words += ["--set", f"{parameter}={value}"]
    return [*words, "--json"]
