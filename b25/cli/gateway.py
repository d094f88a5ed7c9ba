"""The gateway: serve the API to people and programs, on this machine unless TLS and sign-in are there."""

from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("gateway", epilog="Example: b25 gateway --port 8080")(gateway)


def gateway(
    host: Annotated[str | None, typer.Option(help="Where to listen; others reach it only with TLS and sign-in.")] = None,
    port: Annotated[int | None, typer.Option(help="0 takes a free one.")] = None,
    folder: Annotated[Path | None, typer.Option(help="The run folder, as of b25 up.")] = None,
    store: Annotated[str | None, typer.Option(help="Database: sqlite:///path or postgresql+pg8000://…")] = None,
    openapi: Annotated[bool, typer.Option("--openapi", help="Print the OpenAPI document, and serve nothing.")] = False,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Serve until Ctrl-C or SIGTERM. Settings are in b25.toml and B25_…; what is given here goes before them."""
    from b25.api.compose import compose
    from b25.api.serve import serve
    from b25.config.settings import read_settings

    given: dict[str, Any] = {"database_url": store, "run_folder": folder}
    settings = read_settings(**given)
    own = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    if own:
        settings = read_settings(**given, gateway=settings.gateway.model_dump() | own)
    made = compose(settings)
    if openapi:
        from b25.api.app import make_app

        answer(make_app(made).openapi(), json=True, lines=[])
        return
    scheme = "https" if settings.gateway.tls_certificate else "http"

    def say(at: str, number: int) -> None:
        url = f"{scheme}://{f'[{at}]' if ':' in at else at}:{number}"
        answer({"url": url}, json=json, lines=[f"the gateway listens on {url}; the API is {url}/api/v1/openapi.json"])

    try:
        serve(made, say)
    finally:
        made.store.close()
