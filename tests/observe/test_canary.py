"""A secret put everywhere that secrets go appears nowhere that anything is told.

Places are a key of a venue, an environment, a password in an address, the bus's token, headers, texts of libraries' exceptions.
Other parts add theirs to `TELLERS`: a function that is handed the canary and returns everything that it told.
"""

import json
import subprocess
import sys
import traceback

import pytest

from b25.bus.address import BusAddress, bus_address
from b25.bus.link import told as bus_told
from b25.cli import main
from b25.cli.output import refuse
from b25.config.settings import read_settings
from b25.model.errors import B25Error, Retry
from b25.observe import redaction
from b25.observe.meter import Meter
from b25.observe.redaction import hide
from b25.runner.alarms import Alarms
from b25.runner.kill_account import read_accounts
from b25.runner.structured_log import StructuredLog, correlated
from b25.store.revisions import shown_url, standing
from b25.venue.ccxt.profile import Profile, Where
from b25.venue.port.reports import Kind
from tests.conftest import ROOT

CANARY = "canary-5d2f81c07e4b93aa"


@pytest.fixture(autouse=True)
def forgotten():
    known = dict(redaction._known)
    yield
    redaction._known.clear()
    redaction._known.update(known)
    hide()


def a_profile(canary, folder, capsys):
    """A venue's key in a profile: its repr and what a plan says of it."""
    profile = Profile(
        exchange="binance", kind=Kind.LINEAR, where=Where.LOOPBACK, key=canary, secret=canary, password=canary,
        rest_url="https://127.0.0.1:1", ws_url="ws://127.0.0.1:1", cafile="none.pem",
    )  # fmt: skip
    return repr(profile) + str(profile)


def a_plan(canary, folder, capsys):
    """A key file that a plan names: accounts, and everything that is said of them."""
    (folder / "keys.json").write_text(json.dumps({"api_key": canary, "secret": canary}))
    (folder / "keys.json").chmod(0o600)
    (folder / "cert.pem").write_text("none")
    rows = 'exchange = "binance"\nkind = "linear"\nwhere = "loopback"\nrest_url = "https://127.0.0.1:1"\n'
    rows += 'cafile = "cert.pem"\nkey_file = "keys.json"\nsymbols = ["BTC/USDT:USDT"]\n'
    (folder / "up.toml").write_text(f"[accounts.demo]\n{rows}")
    accounts = read_accounts(folder / "up.toml")
    log = StructuredLog(folder / "plan.jsonl")
    log.alarm(
        "refused", what=f"binance POST https://127.0.0.1:1/order {canary} {{'X-MBX-APIKEY': '{canary}'}}", accounts=accounts
    )
    return repr(accounts) + (folder / "plan.jsonl").read_text()


def a_bus(canary, folder, capsys):
    """The bus's token: its address, its refusals."""
    (folder / "token").write_text(canary)
    address = bus_address("nats://127.0.0.1:4222", folder, {"B25_NATS_TOKEN_FILE": str(folder / "token")})
    hide(address.token)
    faults = [bus_told(OSError(f"no route for {kind}"), address) for kind in ("authorization", "x")]
    try:
        BusAddress(f"nats://b25:{canary}@127.0.0.1:4222")
    except B25Error as fault:
        faults.append(fault)
    return repr(address) + "".join(f"{fault}{fault!r}" for fault in faults)


def a_database(canary, folder, capsys):
    """A password in the database's address: settings, commands, faults."""
    url = f"postgresql+pg8000://b25:{canary}@127.0.0.1:1/b25"
    told = shown_url(url)
    try:
        standing(url)
    except Exception as fault:
        told += redaction.redacted("".join(traceback.format_exception(fault)))
        told += redaction.redacted(f"{fault}")
    for words in (["db", "status", "--url", url], ["db", "check", "--url", url, "--json"], ["health", "--store", url, "--json"]):
        try:
            main([*words, *(["--folder", str(folder)] if words[0] == "health" else [])])
        except Exception as fault:
            told += redaction.redacted(str(fault))
    captured = capsys.readouterr()
    return told + captured.out + captured.err


def a_log(canary, folder, capsys):
    """Every way into a log line: names, values, keys, deep, bytes, exceptions, bound ids, the event itself."""
    hide(canary)
    log = StructuredLog(folder / "log.jsonl", note=canary).bind(more=[canary])
    with correlated(request_id=canary):
        log.info(f"event {canary}", text=canary, deep={canary: {"a": (canary, canary.encode())}}, fault=ValueError(canary))
        for name in ("api_key", "Authorization", "cookie", "db_password", "x-api-key"):
            log.error("names", **{name: canary})
    log.alarm("object", thing=type("Thing", (), {"__repr__": lambda self: canary})())
    return (folder / "log.jsonl").read_text()


def an_alarm(canary, folder, capsys):
    """An alarm that a library's words raise."""
    said = []
    alarms = Alarms(folder, "mm", said.append)
    alarms.alarm("venue", f"binance GET https://x/order?signature={canary}", headers={"X-MBX-APIKEY": canary})
    return (folder / "alarms.jsonl").read_text() + "".join(said)


def an_error(canary, folder, capsys):
    """What a command says when something fails."""
    hide(canary)
    for json_ in (True, False):
        refuse(1, "retry", f"binance said {canary}", f"look at {canary}", json=json_)
    captured = capsys.readouterr()
    return captured.out + captured.err


def a_metric(canary, folder, capsys):
    """Metrics have no place for what a library says; a name of an account is the nearest."""
    meter = Meter("session", "mm")
    with pytest.raises(B25Error):
        meter.set("b25_order_limiter_halted", 1, exchange="binance", api_key=canary)
    return meter.text()


TELLERS = (a_profile, a_plan, a_bus, a_database, a_log, an_alarm, an_error, a_metric)


@pytest.mark.spec("TR-N1", "DP-N7")
@pytest.mark.parametrize("tell", TELLERS, ids=lambda tell: tell.__name__)
def test_the_canary_sings_nowhere(tell, tmp_path, capsys):
    told = tell(CANARY, tmp_path, capsys)
    assert CANARY not in told
    assert CANARY[:14] not in told  # not even a prefix


def test_a_process_that_breaks_says_so_without_what_it_knows(tmp_path):
    code = (
        "from b25.observe.redaction import hide, redact_tracebacks\n"
        "import os\nredact_tracebacks()\nkey = os.environ['B25_TEST_SECRET']\n"
        "raise RuntimeError(f'binance refused {key} with signature={key[::-1]}')\n"
    )
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "B25_TEST_SECRET": CANARY}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 1
    assert "RuntimeError: binance refused ***" in done.stderr
    assert CANARY not in done.stderr + done.stdout
    assert CANARY[::-1] not in done.stderr


def test_settings_and_errors_never_hold_one(monkeypatch):
    monkeypatch.setenv("B25_GATEWAY__PORT", CANARY)
    with pytest.raises(B25Error) as told:
        read_settings()
    assert CANARY not in f"{told.value}{told.value!r}"
    assert CANARY not in str(Retry("x", remedy="y"))
