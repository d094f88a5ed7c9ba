"""What a command says: one JSON object with `--json`, else lines for a person; and how a fault is told.

A command computes first and then answers once:

    def check(catalog: Path, json: Annotated[bool, JSON] = False) -> None:
        report = quality_report(catalog)
        answer(report.as_dict(), json=json, lines=[f"{report.gaps} gaps in {report.rows:,} rows"])

It raises `B25Error` kinds for what went wrong and catches nothing: `b25.cli.main` prints what and remedy, or the same
as JSON. `progress` writes to standard error, so that standard output holds the answer and nothing else.
"""

import importlib.util
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
import typer

from b25.observe.redaction import redacted

JSON = typer.Option("--json", help="Answer with one JSON object.")


def answer(result: Mapping[str, Any], *, json: bool, lines: Iterable[str] = ()) -> None:
    """Print the result of a command.

    Parameters
    ----------
    result : mapping of str to JSON values
        The facts; numpy scalars and arrays are allowed. NaN and infinities become null.
    json : bool
        Print `result` as one JSON object, with `ok` and `code` in front; else print `lines`.
    lines : iterable of str
        The same for a person. Left out: one `name  value` line for each fact.
    """
    if json:
        _print_json({"ok": True, "code": 0, **result})
        return
    width = max(map(len, result), default=0)
    for line in lines or (f"{name:<{width}}  {value}" for name, value in result.items()):
        print(line)


def progress(text: str) -> None:
    """Say on standard error what is being done."""
    print(redacted(text), file=sys.stderr, flush=True)


@contextmanager
def share_bar(what: str, unit: str = "rows") -> Iterator[Callable[[float, int], None]]:
    """Show how far something is and how long it still takes, on standard error, if somebody is looking.

    Gives a function that is told the share that is done, from 0 to 1, and a count.
    """
    if not sys.stderr.isatty():
        yield lambda share, count: None
    elif importlib.util.find_spec("rich"):
        from rich import progress as bars
        from rich.console import Console

        columns = (bars.TextColumn(what), bars.BarColumn(), bars.TaskProgressColumn(), bars.TextColumn("{task.fields[count]}"))
        with bars.Progress(*columns, bars.TimeRemainingColumn(), console=Console(stderr=True)) as shown:
            task = shown.add_task(what, total=1.0, count="")
            yield lambda share, count: shown.update(task, completed=share, count=f"{count:,} {unit}")
    else:
        begun = time.monotonic()

        def tell(share: float, count: int) -> None:
            left_s = (time.monotonic() - begun) * (1 - share) / share if share > 0 else 0.0
            print(f"\r{what}: {share:4.0%}, {count:,} {unit}, {left_s:,.0f} s left ", end="", file=sys.stderr, flush=True)

        try:
            yield tell
        finally:
            print(file=sys.stderr)


@contextmanager
def recording_line(what: str, every_s: float = 60.0) -> Iterator[Callable[[Any], None]]:
    """Show how a recording stands, on standard error: a line that is rewritten for a person, else one a minute.

    Gives a function that is told a `b25.market.record_listener.Progress`.
    """
    seen = sys.stderr.isatty()
    said_s = 0.0

    def tell(now: Any) -> None:
        nonlocal said_s
        lag = f"{now.lag_ms:,.0f} ms" if now.lag_ms is not None else "n/a"
        text = f"{what}: {now.seconds:,.0f} s, {now.messages:,} messages ({now.messages_per_s:,.0f}/s), {now.rows:,} rows, "
        text += f"{now.gaps} gaps, {now.refused} set aside, {now.raw_bytes / 1e6:,.1f} MB, lag {lag}"
        text += f"; held: {'; '.join(now.held)}" if now.held else ""
        if seen:
            print(f"\r\x1b[2K{text}", end="", file=sys.stderr, flush=True)
        elif now.seconds - said_s >= every_s:
            said_s = now.seconds
            progress(text)

    try:
        yield tell
    finally:
        if seen:
            print(file=sys.stderr)


def refuse(code: int, kind: str, what: str, remedy: str, *, json: bool) -> int:
    """Tell a fault and give the exit code back.

    Parameters
    ----------
    code : int
        Exit code.
    kind : str
        The error's kind in one word: misuse, retry, resync, halt, usage, interrupted.
    what : str
        What happened, and where.
    remedy : str
        What the reader can do now.
    json : bool
        Tell it as a JSON object on standard output; else as text on standard error.
    """
    what, remedy = redacted(what), redacted(remedy)
    if json:
        _print_json({"ok": False, "code": code, "error": {"code": kind, "what": what, "remedy": remedy}})
    else:
        print(f"b25: {what}\n  remedy: {remedy}", file=sys.stderr)
    return code


def _print_json(value: Mapping[str, Any]) -> None:
    print(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode())
