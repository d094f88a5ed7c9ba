"""What a command says: one JSON object with `--json`, else lines for a person; and how a fault is told.

A command computes first and then answers once:

    def check(catalog: Path, json: Annotated[bool, JSON] = False) -> None:
        report = quality_report(catalog)
        answer(report.as_dict(), json=json, lines=[f"{report.gaps} gaps in {report.rows:,} rows"])

It raises `B25Error` kinds for what went wrong and catches nothing: `b25.cli.main` prints what and remedy, or the same
as JSON. `progress` writes to standard error, so that standard output holds the answer and nothing else.
"""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import typer

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
    print(text, file=sys.stderr, flush=True)


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
    if json:
        _print_json({"ok": False, "code": code, "error": {"code": kind, "what": what, "remedy": remedy}})
    else:
        print(f"b25: {what}\n  remedy: {remedy}", file=sys.stderr)
    return code


def _print_json(value: Mapping[str, Any]) -> None:
    print(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode())
