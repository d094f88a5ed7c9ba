"""Orders by hand in a running session: order, cancel, amend, close, check, orders; each asked for at its control socket."""

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer

FOLDER = typer.Option("--folder", help="The run folder of `b25 up`, or of `b25 run`.")
FOLDER_DEFAULT = Path("data/run")
NAME = typer.Argument(help="Name of the session, or of its process in the plan.")
BY = typer.Option("--by", help="Who answers for it; you when left out.")
REQUEST = typer.Option("--id", help="Of the request: one that comes again is not done again.")
REASON = typer.Option("--reason", help="Why, in a sentence; kept in the audit.")
YES = typer.Option("--yes", "-y", help="Do not ask, though real orders may leave.")
SIDE = typer.Argument(help="buy or sell")
QUANTITY = typer.Argument(help="Base units, or contracts of an inverse instrument; whole lots.")
SYMBOL = typer.Option("--symbol", help="Unified symbol; needed where the session trades several.")
PRICE = typer.Option("--price", help="Limit price, on the grid; at market when left out.")
STOP = typer.Option("--stop-price", help="It waits until this price is reached.")
POST_ONLY = typer.Option("--post-only", help="Never take: the venue refuses it instead.")
REDUCE_ONLY = typer.Option("--reduce-only", help="Only bring the position nearer to nothing.")
TIF = typer.Option("--tif", help="gtc, ioc or fok")
REFUSED = 4


def add_orders(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("order")(order)
    group.command("cancel")(cancel)
    group.command("amend")(amend)
    group.command("close")(close)
    group.command("check")(check)
    group.command("orders")(orders)


def order(
    name: Annotated[str, NAME],
    side: Annotated[str, SIDE],
    quantity: Annotated[str, QUANTITY],
    price: Annotated[str | None, PRICE] = None,
    symbol: Annotated[str, SYMBOL] = "",
    stop_price: Annotated[str | None, STOP] = None,
    post_only: Annotated[bool, POST_ONLY] = False,
    reduce_only: Annotated[bool, REDUCE_ONLY] = False,
    tif: Annotated[str | None, TIF] = None,
    reason: Annotated[str, REASON] = "",
    by: Annotated[str, BY] = "",
    request: Annotated[str, REQUEST] = "",
    yes: Annotated[bool, YES] = False,
    folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Send one order through the session's own gate and desk; the strategy does not see it, and its executions count."""
    terms = _terms(side, quantity, price, symbol, stop_price, post_only, reduce_only, tif)
    at = "at market" if price is None else f"at {price}"
    _sure(folder, name, f"{side} {quantity} {symbol} {at}".replace("  ", " "), yes=yes)
    _told(_ask(folder, name, "order", by=by, id=request, reason=reason, **terms), json=json)


def cancel(
    name: Annotated[str, NAME],
    order_id: Annotated[str | None, typer.Argument(help="Of the order in the session: see `b25 session orders`.")] = None,
    client_id: Annotated[str | None, typer.Option(help="Of the order at the venue.")] = None,
    symbol: Annotated[str, SYMBOL] = "",
    all_: Annotated[bool, typer.Option("--all", help="Every working order, the strategy's too; that may quote anew.")] = False,
    manual: Annotated[bool, typer.Option("--manual", help="Of those, only what was sent by hand.")] = False,
    reason: Annotated[str, REASON] = "",
    by: Annotated[str, BY] = "",
    request: Annotated[str, REQUEST] = "",
    folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Cancel one order, those of a symbol, or all; never held back by a limit."""
    terms = {"order_id": order_id, "client_id": client_id, "symbol": symbol, "all": all_, "manual": manual}
    told = _ask(folder, name, "cancel", by=by, id=request, reason=reason, **{key: one for key, one in terms.items() if one})
    lines = [f"{one['order_id']} {one['client_id'] or ''}: {_word(one)}" for one in told["orders"]]
    answer(_plain(told), json=json, lines=lines or ["nothing works that could be cancelled"])
    _end(told)


def amend(
    name: Annotated[str, NAME],
    order_id: Annotated[str, typer.Argument(help="Of the order in the session: see `b25 session orders`.")],
    price: Annotated[str | None, PRICE] = None,
    quantity: Annotated[str | None, typer.Option(help="The whole quantity, with what is filled already.")] = None,
    reason: Annotated[str, REASON] = "",
    by: Annotated[str, BY] = "",
    request: Annotated[str, REQUEST] = "",
    yes: Annotated[bool, YES] = False,
    folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Change the price, the quantity, or both of a working order; what it adds is judged as a new order would be."""
    wanted = " ".join(f"{word} {value}" for word, value in (("price", price), ("quantity", quantity)) if value)
    _sure(folder, name, f"amend {order_id}: {wanted}", yes=yes)
    terms = {"order_id": order_id, "price": price, "quantity": quantity}
    _told(_ask(folder, name, "amend", by=by, id=request, reason=reason, **terms), json=json)


def close(
    name: Annotated[str, NAME],
    symbol: Annotated[str, typer.Argument(help="Unified symbol; needed where the session trades several.")] = "",
    quantity: Annotated[str | None, typer.Option(help="All that is held when left out.")] = None,
    reason: Annotated[str, REASON] = "",
    by: Annotated[str, BY] = "",
    request: Annotated[str, REQUEST] = "",
    yes: Annotated[bool, YES] = False,
    folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Close what is held of a symbol at market, reduce-only. The strategy goes on: pause it first, or it may buy back."""
    _sure(folder, name, f"close {quantity or 'all'} {symbol} at market".replace("  ", " "), yes=yes)
    terms = {"symbol": symbol, "quantity": quantity}
    _told(_ask(folder, name, "close", by=by, id=request, reason=reason, **terms), json=json)


def check(
    name: Annotated[str, NAME],
    side: Annotated[str, SIDE],
    quantity: Annotated[str | None, typer.Argument(help="Base units; only the largest size is told when left out.")] = None,
    price: Annotated[str | None, PRICE] = None,
    symbol: Annotated[str, SYMBOL] = "",
    stop_price: Annotated[str | None, STOP] = None,
    post_only: Annotated[bool, POST_ONLY] = False,
    reduce_only: Annotated[bool, REDUCE_ONLY] = False,
    tif: Annotated[str | None, TIF] = None,
    folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Ask what the gate would say to an order, and how large it might be; nothing is sent, nothing is written down."""
    told = _ask(folder, name, "check", **_terms(side, quantity, price, symbol, stop_price, post_only, reduce_only, tif))
    before, after = told["metrics_before"], told.get("metrics_after")
    lines = [f"largest    {told['max_quantity']}"]
    if after is not None:
        lines.insert(0, f"verdict    {_word(told)}")
        for word in ("position", "gross", "net", "leverage"):
            lines.append(f"{word:<10} {_shown(before[word])} -> {_shown(after[word])}")
        lines += [f"limit      {word}: {share:.1%} of it" for word, share in sorted(after["limits_used"].items())]
    if why := told.get("stopped_by"):
        lines.append(f"stopped    {why}")
    answer(_plain(told), json=json, lines=lines)


def orders(
    name: Annotated[str, NAME], folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT, json: Annotated[bool, JSON] = False
) -> None:
    """Working orders of a session, by whom each is."""
    told = _ask(folder, name, "orders")
    row = "{:>8} {:<20} {:<4} {:<12} {:>14} {:>14} {:>12} {:<10} {:>8}  {:<8} {}"
    lines = [row.format("order", "symbol", "side", "type", "price", "quantity", "filled", "state", "age s", "whose", "client id")]
    for one in told["orders"]:
        whose = "person" if one["is_manual"] else f"parent {one['parent']}" if one["parent"] else "strategy"
        cells = [one[word] for word in ("order_id", "symbol", "side", "type", "price", "quantity", "filled", "state")]
        shown = [_shown(cell) for cell in (*cells, round(one["age_s"], 1), whose, one["client_id"])]
        lines.append(row.format(*shown))
    answer(_plain(told), json=json, lines=lines if told["orders"] else ["no order works"])


def _terms(
    side: str, quantity: str | None, price: str | None, symbol: str, stop_price: str | None, post_only: bool, reduce_only: bool,
    tif: str | None,
) -> dict[str, Any]:  # fmt: skip
    terms = {
        "side": side, "quantity": quantity, "price": price, "symbol": symbol, "stop_price": stop_price, "post_only": post_only,
        "reduce_only": reduce_only, "tif": tif,
    }  # fmt: skip
    return {name: value for name, value in terms.items() if value is not None and value != ""}


def _sure(folder: Path, name: str, what: str, *, yes: bool) -> None:
    """Ask a person before something may leave for a venue; on paper and in observation nobody is asked."""
    from b25.model.errors import Misuse
    from b25.runner.control import ask_session

    if yes or ask_session(folder, name, "status")["mode"] != "live":
        return
    try:
        is_sure = typer.confirm(f"{name} is live: {what}?", err=True)
    except typer.Abort:  # nobody is there to answer
        is_sure = False
    if not is_sure:
        raise Misuse("nothing was sent", remedy="answer y, or give --yes")


def _ask(folder: Path, name: str, command: str, *, by: str = "", **more: Any) -> dict[str, Any]:
    from b25.runner.control import ask_session

    return ask_session(folder, name, command, by=by or getpass.getuser(), **more)


def _told(told: dict[str, Any], *, json: bool) -> None:
    known = f", {told['client_id']} at the venue" if told.get("client_id") else ""
    answer(_plain(told), json=json, lines=[f"order {told['order_id']}{known}: {_word(told)}"])
    _end(told)


def _word(told: dict[str, Any]) -> str:
    reasons = told.get("reasons") or []
    return "ok" if told["verdict"] == "ok" else f"refused, {told['verdict']}" + (f" ({', '.join(reasons)})" if reasons else "")


def _end(told: dict[str, Any]) -> None:
    """A refusal is told by the exit code as well."""
    if told["verdict"] != "ok":
        raise typer.Exit(REFUSED)


def _plain(told: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if key != "ok"}


def _shown(value: Any) -> str:
    return "n/a" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
