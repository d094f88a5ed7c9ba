"""What may be configured: every type's good value passes, and what is wrong is named with what would be right."""

import copy
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.config.bundle import PROFILES, profiles, read_profile
from b25.config.check import FAULTS_MAX, check, resolved
from b25.config.documents import canonical, parse, written
from b25.config.keys import Key
from b25.config.ports import PORTS
from b25.config.schemas.risk import RiskLimit
from b25.config.schemas.types import TYPES, json_schemas
from b25.config.secret import HIDDEN, looks_secret
from b25.config.settings import GatewaySettings
from b25.model.errors import Misuse
from b25.runner.config_strategies import loader
from b25.venue.wire.server import VenueSettings
from tests.config.examples import GOOD, load

BTC = "BTC/USDT:USDT"


@pytest.mark.spec("CF-N4")
@pytest.mark.spec("CF-11")
@pytest.mark.parametrize("kind", TYPES)
def test_no_type_of_ours_is_refused(kind):
    assert check(kind, GOOD[kind], load=load) == []
    assert json_schemas()[kind]["additionalProperties"] is False


@pytest.mark.spec("CF-12")
@pytest.mark.parametrize("kind", TYPES)
def test_a_key_that_nobody_knows_is_refused_by_name(kind):
    first = next(iter(TYPES[kind].model_fields))
    (fault, *_) = check(kind, {**GOOD[kind], first + "x": 1}, load=load)
    assert (fault.field, fault.rule) == (first + "x", "is not known")
    assert fault.remedy == f"did you mean {first!r}?"


def faulty(kind, field, value):
    """One field of a good value replaced; a path with dots."""
    made = copy.deepcopy(GOOD[kind])
    at = made
    *path, last = field.split(".")
    for part in path:
        at = at[part] if part in at else at.setdefault(part, {})
    at[last] = value
    return check(kind, made, load=load)


@pytest.mark.spec("CF-07")
@pytest.mark.spec("CF-08")
@pytest.mark.spec("CF-09")
@pytest.mark.spec("CF-10")
@pytest.mark.spec("CF-12")
@pytest.mark.parametrize(
    ("kind", "field", "value", "rule", "remedy"),
    [
        ("strategy", "parameters.spreed", 0.1, "no parameter 'spreed'", "did you mean spread?"),
        ("strategy", "parameters.spread", 5.0, "out of bounds", ""),
        ("strategy", "type", "strategies/../etc.py:X", "pattern", ""),
        ("strategy", "type", "strategies/none.py:X", "no strategy file", ""),
        ("risk_limit", "max_daily_loss", 0, "greater than 0", "above 0"),
        ("risk_limit", "max_leverage", 101, "less than or equal to 100", "at most 100"),
        ("risk_limit", "stop_loss_percent", 101, "less than or equal to 100", "at most 100"),
        ("risk_limit", "stop_loss_percent", 5, "does nothing alone", "together"),
        ("risk_limit", "max_daily_loss", 10.0, "said in two words", "one of them"),
        ("risk_limit", "account.collar", -0.1, "limit collar=-0.1", "positive"),
        ("risk_limit", "symbol", {BTC: {"leverage_max": 3.0}}, "limit of the account", "under account"),
        ("trading_pair", "price_precision", 19, "less than or equal to 18", "at most 18"),
        ("trading_pair", "min_order_size", "11", "above max_order_size", ""),
        ("trading_pair", "min_order_size", "0", "greater than 0", "above 0"),
        ("trading_pair", "quote", "USDC", "is not BTC/USDC", ""),
        ("system", "value", "ninety", "declared as int", ""),
        ("system", "value", True, "declared as int", ""),
        ("custom", "values.depth", 10, "outside 1.0…9.0", ""),
        ("custom", "values.other", 1, "not among fields", ""),
        ("alert_rule", "condition", {"op": "gt"}, "needs a threshold", ""),
        ("alert_rule", "severity", "bad", "", "use one of"),
        ("notification_route", "quiet_hours.timezone", "Mars/Base", "IANA", ""),
        ("account_policy", "policies", [{"id": "a", "metric": "luck", "threshold": 1}], "", "use one of"),
        ("session", "symbols", [], "at least 1", "at least 1"),
        ("exchange", "rest_url", "https://ann:pw@host/", "secret", "secretref"),
        ("report", "schedule", "daily", "five fields", ""),
    ],
)  # fmt: skip
def test_a_fault_names_field_value_rule_and_what_would_be_right(kind, field, value, rule, remedy):
    (fault, *_) = faulty(kind, field, value)
    assert rule in fault.rule
    assert remedy in fault.remedy
    assert fault.remedy


@pytest.mark.spec("CF-12")
def test_limits_are_looked_at_together():
    def faults(**account):
        return [(one.field, one.level) for one in check("risk_limit", {"account": account})]

    assert faults(gross_max=100_000.0, leverage_max=50.0) == []
    assert faults(gross_max=100_001.0, leverage_max=10.1) == [("account.leverage_max", 2)]
    assert faults(gross_max=1_000.0, daily_loss_max=500.0) == []
    assert faults(gross_max=1_000.0, daily_loss_max=500.1) == [("account.daily_loss_max", 2)]


@pytest.mark.spec("CF-08")
def test_the_other_words_for_limits_are_limits_of_the_gate():
    words = {
        "max_position_size": 10_000,
        "max_loss_per_trade": 500,
        "max_daily_loss": 2_000,
        "max_leverage": 10,
        "stop_loss_percent": 5,
    }
    found = RiskLimit.model_validate(words).limit_set().account
    assert (found.gross_max, found.order_value_max, found.daily_loss_max, found.leverage_max) == (10_000, 10_000, 2_000, 10)


def test_many_faults_are_told_up_to_a_bound():
    assert len(check("system", {f"x{k}": 1 for k in range(100)})) == FAULTS_MAX


# Secrets.

SECRETS = [
    "-----BEGIN EC PRIVATE KEY-----", "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJlMTIzNA", "b25_k1_0123456789abcdefXYZ",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345", "AKIAIOSFODNN7EXAMPLE", "123456789:AAF-abcdefghijklmnopqrstuvwxyz012345",
    "https://hooks.slack.com/services/T000/B000/XXXX", "postgresql://ann:hunter2@db/b25", "signature=deadbeef",
    "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
]  # fmt: skip


@pytest.mark.spec("CF-N6")
@pytest.mark.spec("CF-05")
@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("kind", ["feature_flag", "custom", "system", "strategy"])
def test_what_looks_like_a_secret_is_refused_and_never_told(kind, secret):
    for value in ({**GOOD[kind], "description": secret}, {**GOOD[kind], secret: 1}, {**GOOD[kind], "name": [{"x": secret}]}):
        faults = check(kind, value, load=load)
        assert "holds a secret" in faults[0].rule
        assert all(secret not in f"{one.facts()}{one}" for one in faults)
        assert faults[0].value == HIDDEN


@pytest.mark.parametrize(
    "text", ["default/mm/live/limits", "BTC/USDT:USDT", "a warning of the drawdown", "secretref://alerts/x-1", "1000000000"]
)
def test_what_is_no_secret_passes(text):
    assert not looks_secret("description", text)


# Keys and what is inherited.


def test_a_key_inherits_from_the_most_general_to_itself():
    pairs = "default/default/default main/default/default default/default/live main/default/live".split()
    pairs += "default/mm/default main/mm/default default/mm/live main/mm/live".split()
    assert [str(one) for one in Key.of("main/mm/live/limits").chain()] == [f"{one}/limits" for one in pairs]
    assert [str(one) for one in Key.of("default/default/default/x").chain()] == ["default/default/default/x"]


@pytest.mark.parametrize("key", ["", "a/b/c", "a/b/c/d/e", "a//c/d", "a/b/c/d e", "../b/c/d", "a/b/c/" + "d" * 65])
def test_what_is_no_key_is_refused(key):
    with pytest.raises(Misuse, match="key"):
        Key.of(key)


PART = st.sampled_from(["default", "a", "b"])
KEYS = st.builds(Key, PART, PART, PART, st.just("n"))


@given(KEYS, KEYS)
def test_a_key_covers_exactly_those_whose_chain_it_is_in(one, other):
    assert one.covers(other) == (one in other.chain())


VALUES = st.fixed_dictionaries(
    {}, optional={n: st.floats(0.001, 0.9) for n in ("collar", "spread_max", "drawdown_max", "leverage_max")}
)


@settings(deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=4))
def test_of_limits_that_inherit_the_tightest_holds(accounts):
    found = resolved("risk_limit", [{"account": one} for one in accounts]).get("account", {})
    naive = {}
    for one in accounts:
        for name, value in one.items():
            naive[name] = min(value, naive.get(name, value))
    assert found == naive


# Texts.

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(
        st.characters(codec="utf-8", exclude_characters="\0\x85\u2028\u2029\ufeff"), max_size=20
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcxyz_", min_size=1, max_size=8), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(deadline=None)
@given(st.dictionaries(st.text("abcxyz_", min_size=1, max_size=8), PLAIN, max_size=4))
def test_what_is_written_is_read_again_and_equal_values_share_one_checksum(value):
    for form in ("json", "yaml"):
        again = parse(written(value, form), form)
        assert canonical(again) == canonical(value)


# What comes with b25.


@pytest.mark.spec("CF-13")
def test_every_profile_may_be_configured_as_it_stands():
    real = loader(PROFILES.parents[2] / "strategies")
    assert profiles() == ["momentum_scalper", "seeds", "small_account", "standard_risk"]
    for name in profiles():
        for item in read_profile(name):
            assert check(item.type, item.value, load=real) == []


@pytest.mark.spec("SYS-07")
def test_the_small_account_is_as_it_was_asked_for():
    limits, policies = read_profile("small_account")
    account = limits.value["account"]
    assert (account["order_value_max"], account["daily_loss_max"], account["drawdown_max"]) == (500.0, 50.0, 0.10)
    assert account["gross_max"] / account["leverage_max"] == 100.0
    assert [one["threshold"] for one in policies.value["policies"] if one["metric"] == "leverage"] == [3.0, 5.0]


@pytest.mark.spec("CF-18")
def test_ports_are_named_once_and_the_documents_say_the_same():
    assert GatewaySettings().port == PORTS["gateway"]
    assert GatewaySettings().host == "127.0.0.1"
    assert (VenueSettings().tls_port, VenueSettings().port) == (PORTS["venue_tls"], PORTS["venue"])
    text = (PROFILES.parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.MULTILINE))
    assert {name: int(port) for name, port in told.items()} == PORTS
