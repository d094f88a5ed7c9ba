"""Accounts: what they hold and are worth, whether their books hold, adjustments that wait for a signature, and their history."""

import getpass
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from b25.cli.output import JSON, answer
from b25.model.errors import Misuse

if TYPE_CHECKING:
    from b25.account.ledger.account import Account
    from b25.store.account_log import AccountLog

STORE = typer.Option("--store", help="The store of the session: sqlite:///PATH or postgresql+pg8000://…")
ACCOUNT = typer.Option("--account", help="VENUE/NAME; may be left out where the store holds one account.")
STORE_DEFAULT = "sqlite:///data/b25.db"
BROKEN_EXIT_CODE = 1
PLAN_DEFAULT = Path("up.toml")


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=__doc__)
    for command in (show, reconcile, adjust, resume, history, watch):
        group.command(command.__name__)(command)
    app.add_typer(group, name="account", epilog="Example: b25 account show --json")


def show(
    store: Annotated[str, STORE] = STORE_DEFAULT,
    account: Annotated[str, ACCOUNT] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Tell the last statement: equity, balances, positions, each strategy's part, margin, what is held back and why."""
    import orjson

    log = _log(store, account)
    state = log.state()
    rows = log.snapshots(every_ns=2**62)
    if state is None or not rows:
        raise Misuse(
            f"{log.venue}/{log.account} has no statement yet", remedy="let a session trade it, or look at another --store"
        )
    facts: dict[str, Any] = orjson.loads(rows[-1].body)
    halted = _halt(log, state[1])
    facts |= {"venue": log.venue, "account": log.account, "at": _when(rows[-1].ts_ns), "halted": halted}
    facts |= {"holds": state[1].get("holds", {}), "pending": _pending(log)}
    answer(facts, json=json, lines=_statement_lines(facts))


def reconcile(
    store: Annotated[str, STORE] = STORE_DEFAULT,
    account: Annotated[str, ACCOUNT] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Fold every fill and entry again, and compare with the kept state, the order log's positions, and the venue's last words."""
    from b25.session.account.loading import load_account

    log = _log(store, account)
    whole, kept = load_account(log, None, anew=True), load_account(log, None)
    faults = [*_apart(whole.account, kept.account), *whole.account.unbalanced(), *_projection_faults(log, whole.account)]
    faults += [f"{what}: a fill of no instrument of this account" for what in whole.strangers]
    balances = {
        asset: {"ledger": _digits(whole.account.wallet(asset, as_told=True)), "venue_total": row.total, "at": _when(row.ts_ns)}
        for asset, row in log.balances().items()
    }
    facts: dict[str, Any] = {
        "venue": log.venue, "account": log.account, "fills": whole.folded, "holds_together": not faults, "faults": faults,
        "balances": balances, "pending": _pending(log),
    }  # fmt: skip
    lines = [f"folded     {whole.folded:,} fills again: {'the books hold' if not faults else f'{len(faults)} faults'}", *faults]
    lines += [
        f"{asset:<10} {one['ledger']} in the ledger, {one['venue_total']} at the venue with unrealised profit ({one['at']})"
        for asset, one in balances.items()
    ]
    answer(facts, json=json, lines=[*lines, *_pending_lines(facts["pending"])])
    if faults:
        raise typer.Exit(BROKEN_EXIT_CODE)


def adjust(
    ref: Annotated[str, typer.Argument(help="Reference of the adjustment; without one, what waits is listed.")] = "",
    by: Annotated[str, typer.Option(help="Who answers for it; you when left out.")] = "",
    reason: Annotated[str, typer.Option(help="Why it is right; kept in the audit.")] = "",
    reject: Annotated[bool, typer.Option("--reject", help="It must not be booked.")] = False,
    store: Annotated[str, STORE] = STORE_DEFAULT,
    account: Annotated[str, ACCOUNT] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Sign an adjustment that waits, or reject it. The session books it at its next comparison with the venue."""
    from b25.session.account.loading import signature_row
    from b25.store.audit import append_audit

    log = _log(store, account)
    waiting = _pending(log)
    if not ref:
        answer({"pending": waiting}, json=json, lines=_pending_lines(waiting) or ["nothing waits for a signature"])
        return
    found = next((one for one in waiting if one["ref"] == ref), None)
    if found is None:
        raise Misuse(f"no adjustment {ref!r} waits for a signature", remedy="see `b25 account adjust`")
    if not reason:
        raise Misuse(f"{ref}: no reason is given", remedy='say why: --reason "…"')
    who, now_ns = by or getpass.getuser(), time.time_ns()
    action = "reject_adjustment" if reject else "sign_adjustment"
    append_audit(log.store, actor=who, action=action, body={**found, "reason": reason}, now_ns=now_ns)
    log.add(signature_row(ref, by=who, reason=reason, time_ms=now_ns // 10**6, rejects=reject))
    done = "rejected" if reject else "signed"
    answer({"ref": ref, "result": done, "by": who}, json=json, lines=[f"{done}  {ref} by {who}: {found['why']}"])


def resume(
    by: Annotated[str, typer.Option(help="Who answers for it.")],
    reason: Annotated[str, typer.Option(help="Why it may trade again.")],
    store: Annotated[str, STORE] = STORE_DEFAULT,
    account: Annotated[str, ACCOUNT] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """End the halt that a drift brought about. The session trades again after its next comparison with the venue."""
    from b25.session.account.loading import resume_row
    from b25.store.audit import append_audit

    log = _log(store, account)
    state = log.state()
    halted = _halt(log, state[1]) if state is not None else ""
    if not halted:
        raise Misuse(f"{log.venue}/{log.account} is not halted", remedy="see `b25 account show`")
    now_ns = time.time_ns()
    append_audit(log.store, actor=by, action="resume_account", body={"halted": halted, "reason": reason}, now_ns=now_ns)
    log.add(resume_row(halted, by=by, reason=reason, time_ms=now_ns // 10**6))
    answer(
        {"resumed": halted, "by": by}, json=json, lines=[f"resumed  {log.venue}/{log.account} by {by}; it was halted {halted}"]
    )


def history(
    hours: Annotated[float, typer.Option(help="How far back.")] = 24.0,
    every_s: Annotated[int, typer.Option(help="One statement for each span of so many seconds; 86400 is daily, UTC.")] = 3_600,
    store: Annotated[str, STORE] = STORE_DEFAULT,
    account: Annotated[str, ACCOUNT] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Tell equity, profit, fees, funding and drawdown over time: cumulative sums, and by what equity changed."""
    if every_s < 1 or hours <= 0:
        raise Misuse(f"--every-s {every_s} and --hours {hours:g}", remedy="give spans above 0")
    log = _log(store, account)
    rows = log.snapshots(since_ns=time.time_ns() - int(hours * 3_600e9), every_ns=every_s * 10**9)
    names = ("equity", "realised", "unrealised", "fees", "funding", "drawdown_daily", "drawdown_max", "margin_usage")
    told: list[dict[str, Any]] = [{"at": _when(r.ts_ns), "quote": r.quote} | {n: getattr(r, n) for n in names} for r in rows]
    for before, after in zip([None, *told[:-1]], told, strict=True):
        known = before is not None and before["equity"] is not None and after["equity"] is not None
        after["equity_change"] = _change(before["equity"], after["equity"]) if known and before is not None else None
    lines = [f"{'at':<25} {'equity':>18} {'change':>14} {'realised':>14} {'fees':>12} {'funding':>12}"]
    for one in told:
        cells = (_short(one[name]) for name in ("equity", "equity_change", "realised", "fees", "funding"))
        lines.append("{:<25} {:>18} {:>14} {:>14} {:>12} {:>12}".format(one["at"], *cells))
    answer({"venue": log.venue, "account": log.account, "history": told}, json=json, lines=lines)


def watch(
    name: Annotated[str, typer.Argument(help="Account of the plan.")],
    plan: Annotated[Path, typer.Option(help="The plan of `b25 up`, whose [accounts] say how to reach the venue.")] = PLAN_DEFAULT,
    every_s: Annotated[float, typer.Option(help="How often to compare.")] = 30.0,
    looks: Annotated[int, typer.Option(help="End after so many comparisons; 0 for never.")] = 0,
    store: Annotated[str, STORE] = STORE_DEFAULT,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Read every trade a second time, by a connection of its own, and hold what the session booked differently."""
    import asyncio

    from b25.cli.output import progress
    from b25.runner.drop_copy import watch as compare

    _check_is_there(store)
    apart = asyncio.run(compare(plan, name, store, say=progress, every_s=every_s, looks=looks))
    answer({"account": name, "symbols_apart": apart}, json=json, lines=[f"{name}: {apart} symbols differ"])
    if apart:
        raise typer.Exit(BROKEN_EXIT_CODE)


# -- reading ----------------------------------------------------------------------------------------


def _log(url: str, account: str) -> "AccountLog":
    from b25.store.account_log import AccountLog, accounts_of
    from b25.store.store import open_store

    shown = _check_is_there(url)
    store = open_store(url)
    known = accounts_of(store)
    venue, _, name = account.partition("/")
    if not account and len(known) == 1:
        venue, name = known[0]
    if (venue, name) not in known:
        names = ", ".join("/".join(one) for one in known) or "none yet"
        raise Misuse(f"account {account or '(not given)'} in {shown}", remedy=f"choose one of: {names}")
    return AccountLog(store, venue, name, now_ns=time.time_ns)


def _check_is_there(url: str) -> str:
    """Looking must not make a store; its address without a password."""
    from sqlalchemy.engine import make_url

    made = make_url(url)
    if made.get_backend_name() == "sqlite" and not Path(made.database or "").is_file():
        raise Misuse(f"there is no store at {made.database}", remedy="give it with --store sqlite:///PATH")
    return made.render_as_string()


def _halt(log: "AccountLog", state: dict[str, Any]) -> str:
    from b25.session.account.loading import is_resumed

    halted = str(state.get("halted", ""))
    return "" if is_resumed(log, halted) else halted


def _pending(log: "AccountLog") -> list[dict[str, Any]]:
    from b25.session.account.loading import ADJUSTMENT, pending_of
    from b25.store.account_log import body_of

    waiting = pending_of(log)
    return [
        {"ref": row.ref, "symbol": row.symbol, "asset": row.asset, "why": body_of(row)["why"], "since": _when(row.ts_ns)}
        for row in log.entries(ADJUSTMENT)
        if row.ref in waiting
    ]


def _apart(whole: "Account", kept: "Account") -> list[str]:
    """Where the state that is kept differs from what everything folds to."""
    faults = []
    for symbol in {*whole.net, *kept.net}:
        if (
            symbol not in whole.net
            or symbol not in kept.net
            or whole.net[symbol].rows.tobytes() != kept.net[symbol].rows.tobytes()
        ):
            faults.append(f"{symbol}: the kept position is not what the fills fold to")
    for asset in sorted({*whole.assets(), *kept.assets()}):
        if whole.wallet(asset) != kept.wallet(asset):
            faults.append(
                f"{asset}: {_digits(kept.wallet(asset))} is kept, and {_digits(whole.wallet(asset))} is what was booked"
            )
    return faults


def _projection_faults(log: "AccountLog", account: "Account") -> list[str]:
    """Where the order log's positions are not the sum of the fills: those know no adjustments."""
    from decimal import Decimal

    from sqlalchemy import select

    from b25.store.tables import position

    mine = select(position).where(position.c.venue == log.venue, position.c.account == log.account)
    said: dict[str, Decimal] = {}
    for row in log.store.rows(mine):
        said[row.symbol] = said.get(row.symbol, Decimal(0)) + Decimal(row.qty)
    summed: dict[str, Decimal] = {}
    for row in log.fills():
        summed[row.symbol] = summed.get(row.symbol, Decimal(0)) + Decimal(row.qty) * (1 if row.side == "buy" else -1)
    return [
        f"{symbol}: the order log holds {said.get(symbol, Decimal(0))}, its fills sum to {summed.get(symbol, Decimal(0))}"
        for symbol in sorted({*said, *summed} & {*account.instruments})
        if said.get(symbol, Decimal(0)) != summed.get(symbol, Decimal(0))
    ]


# -- words ------------------------------------------------------------------------------------------


def _when(ts_ns: int) -> str:
    return datetime.fromtimestamp(ts_ns / 1e9, UTC).isoformat(timespec="seconds")


def _digits(amount: Any) -> str:
    from b25.session.account.rendering import number_text

    return number_text(amount) or "unknown"


def _change(before: str, after: str) -> str:
    from decimal import Decimal

    return f"{Decimal(after) - Decimal(before):f}"


def _short(text: str | None) -> str:
    return "–" if text is None else f"{float(text):,.4f}"


def _pending_lines(waiting: list[dict[str, Any]]) -> list[str]:
    return [f"waits      {one['ref']}: {one['why']} (since {one['since']})" for one in waiting]


def _statement_lines(facts: dict[str, Any]) -> list[str]:
    unknown = f" ({'; '.join(facts['unknown'])} unknown)" if facts["unknown"] else ""
    lines = [
        f"account    {facts['venue']}/{facts['account']}, {facts['at']}",
        f"equity     {_short(facts['equity'])} {facts['quote']}{unknown}",
        f"drawdown   {_short(facts['drawdown_daily'])} of the day's begin, {_short(facts['drawdown_max'])} of the peak",
        f"margin     usage {_short(facts['margin']['usage'])}, maintenance {_short(facts['margin']['maintenance'])}",
    ]
    lines += [f"balance    {asset} {amount}" for asset, amount in facts["balances"].items()]
    for name, whose in (("positions", ""), ("strategies", "of ")):
        for one in facts[name]:
            owner = f"{whose}{one['strategy'] or 'nobody'}  " if whose else ""
            sums = ", ".join(f"{what} {_short(one[what])}" for what in ("realised", "unrealised", "fees", "funding"))
            where = f"{owner}{one['symbol']} {one['quantity']} at {_short(one['entry'])}"
            lines.append(f"{name[:8]:<10} {where}; {sums} {one['settle']}")
    if facts["halted"]:
        lines.append(f"halted     {facts['halted']}")
    lines += [f"on hold    {why}" for why in facts["holds"].values()]
    return [*lines, *_pending_lines(facts["pending"])]
