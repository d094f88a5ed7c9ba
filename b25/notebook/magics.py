"""`%b25 …`: how sessions stand, their logs, checks of a result, a promoted version back in a cell, and the kill switch."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from IPython.core.magic import Magics as Base
from IPython.core.magic import line_magic, magics_class

from b25.model.errors import Misuse
from b25.notebook.arguments import AskedForHelp, Words
from b25.notebook.data_options import add_data_options, add_run_options, open_data, run_keywords

MAGICS: Final = {"line": ("b25",)}
Act = Callable[["Magics", str], Any]


@magics_class
class Magics(Base):
    """The line magic `%b25`."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._client: Any = None

    @line_magic
    def b25(self, line: str) -> Any:
        """`%b25 status|sessions|positions|orders|logs|check|checkout|diff|kill|doctor|connect`; each gives what it found.

        `%b25 WORD --help` tells what a word takes.
        """
        word, _, rest = line.strip().partition(" ")
        if word in ("", "-h", "--help", "help"):
            print(overview())
            return None
        if word not in ACTS:
            near = difflib.get_close_matches(word, ACTS, 1)
            meant = f"did you mean %b25 {near[0]}?" if near else f"use one of {', '.join(ACTS)}"
            raise Misuse(f"there is no %b25 {word}", remedy=meant)
        try:
            return ACTS[word][1](self, rest)
        except AskedForHelp:
            return None

    @property
    def kernel(self) -> Any:
        """The shell that these magics are of."""
        return self.shell

    @property
    def client(self) -> Any:
        """The client of the gateway; opened when it is first needed."""
        if self._client is None:
            from b25.client.connect import connect

            self._client = connect()
        return self._client

    def close(self) -> None:
        """Close the client, if there is one."""
        if self._client is not None:
            self._client.close()
            self._client = None


def overview() -> str:
    """What `%b25` can, a line each."""
    width = max(map(len, ACTS))
    lines = [f"  %b25 {word:<{width}}  {about}" for word, (about, _) in ACTS.items()]
    return "\n".join(["Each gives what it found; %b25 WORD --help tells more.", *lines])


def _connect(magics: Magics, line: str) -> Any:
    from b25.client.connect import connect

    words = Words("%b25 connect", "Use another gateway from now on.", "%b25 connect http://127.0.0.1:8080")
    words.add_argument("url", nargs="?", help="Left out: that of the settings.")
    options = words.read(line)
    magics.close()
    magics._client = connect(options.url, check=True)
    return magics._client


def _status(magics: Magics, line: str) -> Any:
    words = Words("%b25 status", "How every session stands, or one.", "%b25 status mm")
    words.add_argument("name", nargs="?", help="Name of a session.")
    options = words.read(line)
    bots = magics.client.bots()
    return bots[options.name].status if options.name else bots


def _positions(magics: Magics, line: str) -> Any:
    from b25.client.bot_status import Rows
    from b25.client.bots import POSITION_COLUMNS

    words = Words("%b25 positions", "What is held, by all sessions or one.", "%b25 positions mm")
    words.add_argument("name", nargs="?", help="Name of a session.")
    name = words.read(line).name
    told = magics.client.positions(**({"session": name} if name else {}))
    return Rows(told["data"], title=f"Positions of {name or 'all sessions'}", columns=POSITION_COLUMNS)


def _orders(magics: Magics, line: str) -> Any:
    from b25.client.bot_status import Rows
    from b25.client.bots import ORDER_COLUMNS

    words = Words("%b25 orders", "Orders that work now, of all sessions or one.", "%b25 orders mm")
    words.add_argument("name", nargs="?", help="Name of a session.")
    name = words.read(line).name
    told = magics.client.active(**({"session": name} if name else {}))
    columns = ORDER_COLUMNS if name else ("session", *ORDER_COLUMNS)
    return Rows(told["data"], title=f"Open orders of {name or 'all sessions'}", columns=columns)


def _logs(magics: Magics, line: str) -> Any:
    words = Words("%b25 logs", "The last log lines of a session.", "%b25 logs mm -n 20")
    words.add_argument("name", help="Name of a session.")
    words.add_argument("-n", type=int, default=50, help="How many lines.")
    words.add_argument("--alarms", action="store_true", help="Only what somebody must look at.")
    options = words.read(line)
    return magics.client.bot(options.name).logs(options.n, alarms=options.alarms)


def _check(magics: Magics, line: str) -> Any:
    from b25.research import bias
    from b25.research.result import Backtest
    from b25.strategy.strategy import Strategy

    words = Words("%b25 check", "Look for look-ahead and warm-up faults of a result, or of a class.", "%b25 check result")
    words.add_argument("name", help="Name of a backtest or of a strategy class in this notebook.")
    add_data_options(words)
    add_run_options(words)
    options = words.read(line)
    if options.name not in magics.kernel.user_ns:
        raise Misuse(f"there is no {options.name} in this notebook", remedy="name a backtest or a strategy class")
    found = magics.kernel.user_ns[options.name]
    if isinstance(found, Backtest):
        made = found.made
        if hasattr(found, "check"):
            return found.check()
        how: dict[str, Any] = {
            "fees": made.models[0].fees,
            "latency": made.models[0].latency,
            "limits": made.limits,
            "balance": made.balance,
        }
        return bias.check(made.cls, list(made.datasets), result=found, **how, **found.parameters)
    if isinstance(found, type) and issubclass(found, Strategy):
        data = open_data(options, found)
        return bias.check(found, data, **run_keywords(options, data))
    raise Misuse(f"{options.name} is a {type(found).__name__}", remedy="name a backtest or a strategy class")


def _checkout(magics: Magics, line: str) -> Any:
    from b25.promote.checkout import checkout

    about = "Put a promoted version into a new cell, with its data and parameters."
    words = Words("%b25 checkout", about, "%b25 checkout lean@7")
    words.add_argument("reference", metavar="NAME@NUMBER")
    words.add_argument("--write", metavar="FILE.ipynb", type=Path, help="Write a notebook in place of a cell.")
    options = words.read(line)
    found = checkout(options.reference)
    if options.write is not None:
        found.write(options.write)
        print(f"written: {options.write}")
    else:
        magics.kernel.set_next_input("\n\n\n".join(cell.source for cell in found.cells), replace=False)
    return found


def _diff(magics: Magics, line: str) -> Any:
    from b25.notebook.saved_notebook import notebook_path
    from b25.promote.diff import diff

    words = Words("%b25 diff", "How a notebook differs from a promoted version.", "%b25 diff lean@7 other.ipynb")
    words.add_argument("reference", metavar="NAME@NUMBER")
    words.add_argument("notebook", nargs="?", help="Left out: this notebook, as it is saved.")
    options = words.read(line)
    return diff(options.reference, str(notebook_path(magics.kernel, options.notebook)))


def _kill(magics: Magics, line: str) -> Any:
    from b25.notebook.kill import WAIT_S, kill

    about = "Stop a session, or every account, now. It needs no gateway. While a cell runs it waits: then b25 kill in a shell."
    words = Words("%b25 kill", about, "%b25 kill mm")
    words.add_argument("session", nargs="?", default="", help="Left out: the account.")
    words.add_argument("--account", default="all")
    words.add_argument("--flatten", action="store_true", help="Close positions as well; of an account.")
    words.add_argument("--reason", default="from a notebook")
    words.add_argument("--folder", type=Path, help="The run folder; left out: as the settings say.")
    words.add_argument("--plan", type=Path, help="The plan, whose accounts say how to reach the venue.")
    words.add_argument("--wait-s", type=float, default=WAIT_S)
    options = words.read(line)
    return kill(
        options.session, account=options.account, flatten=options.flatten, reason=options.reason, folder=options.folder,
        plan=options.plan, wait_s=options.wait_s,
    )  # fmt: skip


def _doctor(magics: Magics, line: str) -> Any:
    from b25.notebook.doctor import examined

    words = Words("%b25 doctor", "Whether this machine, its settings and its venues are fit.", "%b25 doctor")
    words.add_argument("--folder", type=Path, help="The run folder; left out: as the settings say.")
    words.add_argument("--plan", type=Path, help="A plan whose accounts are tried.")
    options = words.read(line)
    return examined(options.folder, options.plan)


ACTS: Final[dict[str, tuple[str, Act]]] = {
    "status": ("how every session stands, or one", _status),
    "sessions": ("the same: every session", _status),
    "positions": ("what is held", _positions),
    "orders": ("orders that work now", _orders),
    "logs": ("the last log lines of a session", _logs),
    "check": ("look-ahead and warm-up of a result or a class", _check),
    "checkout": ("a promoted version back in a cell", _checkout),
    "diff": ("how this notebook differs from a promoted version", _diff),
    "kill": ("stop a session, or everything; needs no gateway", _kill),
    "doctor": ("whether this machine is fit to trade", _doctor),
    "connect": ("use another gateway", _connect),
}
