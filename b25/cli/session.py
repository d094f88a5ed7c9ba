"""Start, stop, list and look into the sessions that `b25 up` watches."""

import typer

from b25.cli.session_control import add_control


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(rich_markup_mode=None, help=__doc__, no_args_is_help=True)
    add_control(group)
    app.add_typer(group, name="session")
