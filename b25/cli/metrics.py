"""Show what the processes of a run folder measure, or serve it to Prometheus where no gateway runs."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer, progress

RUN_FOLDER = Path("data/run")
PORT = 9125

Folder = Annotated[Path, typer.Option(help="The run folder.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help=__doc__, no_args_is_help=True)
    group.command("show", epilog="Example: b25 metrics show --folder data/run")(show)
    group.command("serve", epilog="Example: b25 metrics serve --port 9125")(serve)
    group.command("list", epilog="Example: b25 metrics list")(listed)
    app.add_typer(group, name="metrics")


def show(folder: Folder = RUN_FOLDER, json: Annotated[bool, JSON] = False) -> None:
    """Print what every process of a run folder tells, in Prometheus' text format."""
    from b25.runner.metrics_serving import told_now

    text = told_now(folder)
    if json:
        series = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        answer({"series": [{"series": head, "value": float(value)} for head, _, value in series]}, json=True)
        return
    sys.stdout.write(text)


def serve(
    folder: Folder = RUN_FOLDER,
    host: Annotated[str, typer.Option(help="Where to listen; another address than loopback asks for a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = PORT,
    token_file: Annotated[Path | None, typer.Option(help="Who asks must send the token in this file.")] = None,
) -> None:
    """Answer GET /metrics until interrupted: for a machine or a pod whose gateway is elsewhere."""
    from b25.runner.metrics_serving import serving

    with serving(folder, host, port, token_file) as server:
        progress(f"b25: metrics of {folder} at http://{host}:{server.server_address[1]}/metrics")
        server.serve_forever()


def listed(json: Annotated[bool, JSON] = False) -> None:
    """Print every metric there is, with what it means."""
    from b25.observe.declared import CONSTANT, DECLARED

    rows: list[dict[str, Any]] = [
        {"name": one.name, "kind": one.kind, "labels": [*CONSTANT, *one.labels], "help": one.help} for one in DECLARED.values()
    ]
    lines = [f"{row['name']:<42} {row['kind']:<10} {row['help']}" for row in rows]
    answer({"metrics": rows}, json=json, lines=lines)
