"""b25 runs the reference strategies, through its command line's own entry: what people and scripts call is what is timed."""

import contextlib
import io
import json
import tempfile
from typing import Any

from agreement import fills_digest
from reference_runs import backtest_words
from serving import seconds, serve

from b25.cli import main


def command(words: list[str]) -> dict[str, Any]:
    """Run one b25 command in this process and return its JSON answer."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = main(words)
    answer: dict[str, Any] = json.loads(said.getvalue())
    if code != 0:
        raise RuntimeError(f"b25 {' '.join(words)}: {answer['error']['what']}")
    return answer


def backtest(run: dict[str, Any], place: list[str], python: bool = False) -> dict[str, Any]:
    """One run; counts and amounts under the names that every contestant uses."""
    with tempfile.TemporaryDirectory() as folder:
        words = [*backtest_words(run, place), "--fills", f"{folder}/fills.parquet"]
        whole_s, answer = seconds(command, [*words, "--python"] if python else words)
        digest = digest_of(f"{folder}/fills.parquet")
    return {
        "run_s": answer["run_s"],
        "compile_s": answer["compile_s"],
        "whole_s": whole_s,
        "rows": answer["rows"],
        "hash": answer["hash"],
        "steps": answer["steps"],
        "submits": answer["submits"],
        "cancels": answer["cancels"],
        "fill_count": answer["fills"],
        "position": float(answer["position"]),
        "balance": float(answer["cash"]),
        "fee": float(answer["fees"]),
        "digest": digest,
    }


def digest_of(path: str) -> str:
    import polars

    fills = polars.read_parquet(path)
    names = ("order_id", "side", "price_ticks", "qty_lots", "venue_ns", "maker")
    return fills_digest(*(fills[name].to_list() for name in names))


if __name__ == "__main__":
    serve({"backtest": backtest, "command": lambda words: command(words)})
