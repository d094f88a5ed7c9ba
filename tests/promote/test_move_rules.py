"""Who may move a version, what can be passed over, what counts as evidence, and what is believed of what was written."""

import itertools
from dataclasses import replace

import orjson
import pytest

from b25.config.configurations import Configurations
from b25.model.errors import Misuse
from b25.promote.gate import ADMIN, RESEARCHER, RISK
from b25.promote.moves import Unmet
from b25.promote.record import believed
from b25.promote.starting import may_start, why_stopped
from b25.promote.states import LADDER, NotAllowed, Refused, State
from b25.promote.version import find
from b25.store.promotion_log import moves_of
from b25.store.store import open_store
from tests.promote.frozen import AUTHOR, OWNER, PROOF, ROSE, TEXT, TIM, Bench, enrol, person, to


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield opened
    opened.close()


@pytest.fixture
def bench(store, tmp_path):
    return Bench(store, tmp_path)


@pytest.fixture
def desk(bench):
    """Of an installation with three people."""
    enrol(bench.store, "ann", "tim", "rose")
    return bench


@pytest.mark.parametrize(
    ("state", "by", "why"),
    [
        ("validated", person("vic", "viewer"), "may not move"),
        ("observe", person("res", RESEARCHER), "may not move"),
        ("observe", ROSE, "may not move"),
        ("canary", TIM, "may not move"),
        ("canary", AUTHOR, "ann made mine@1"),
        ("canary", person("rose", RISK, proven=False), "nobody proves on a command line"),
        ("live", AUTHOR, "ann made mine@1"),
        ("live", person("res", RESEARCHER), "may not move"),
        ("live", person("adm", ADMIN), "may not move"),
    ],
)
def test_who_may_not(desk, state, by, why):
    version = desk.freeze()
    before = LADDER[LADDER.index(State(state)) - 1]
    if before != "draft":
        desk.climb(version, before)
    desk.limit(key="default/default/live/limits") if state == "observe" else None
    desk.ran(version, "paper", hours=24, fills=30)
    desk.ran(version, "live", hours=24, fills=30, fee_e8=10**7)
    desk.drifted(version)
    desk.tested()
    with pytest.raises(NotAllowed, match=why):
        desk.promotions.move("mine@1", to(state), by)
    assert desk.promotions.standing(version)[0].state == before


def test_no_way_leads_a_researcher_to_money(desk):
    version = desk.freeze()
    desk.climb(version, "paper")
    researcher = person("res", RESEARCHER)
    for state, skip in itertools.product(("canary", "live", "paused", "retired"), (False, True)):
        with pytest.raises((NotAllowed, Refused)):
            desk.promotions.move("mine@1", to(state, skip=skip), researcher)
    with pytest.raises(NotAllowed):
        desk.promotions.rollback("mine", researcher, reason="x")


def test_a_step_is_skipped_by_risk_with_a_reason_and_what_was_not_met_is_told(desk):
    version = desk.freeze()
    with pytest.raises(Refused, match="steps are left out"):
        desk.promotions.move("mine@1", to("paper"), TIM)
    with pytest.raises(NotAllowed):
        desk.promotions.move("mine@1", to("paper", skip=True), TIM)
    with pytest.raises(Refused, match="without a reason"):
        desk.promotions.move("mine@1", to("paper", skip=True, reason=" "), ROSE)
    with pytest.raises(Unmet, match="limits"):
        desk.promotions.move("mine@1", to("paper", skip=True), ROSE)
    desk.limit()
    came = desk.promotions.move("mine@1", to("canary", skip=True), ROSE)
    assert set(orjson.loads(came.move.skipped)) >= {"state validated", "state paper", "observe_hours", "paper_fills", "drift"}
    desk.drifted(version, "unexplained")
    with pytest.raises(Unmet, match="unexplained"):
        desk.promotions.move("mine@1", to("live", skip=True), ROSE)


def test_a_version_that_is_not_proven_goes_nowhere(desk):
    for number, proof in enumerate(({}, PROOF | {"vacuous": ["no fills"]}, PROOF | {"controls": {"fee": ""}}), 1):
        desk.freeze(TEXT + b"#" * number, proof)
        with pytest.raises(Unmet, match="proof"):
            desk.promotions.move(f"mine@{number}", to("validated", skip=True), ROSE)


def test_a_pause_is_at_once_stops_what_runs_and_risk_leads_back(desk):
    version = desk.climb(desk.freeze(), "canary")
    assert may_start(desk.promotions, version, "live").size_factor == 0.25
    desk.promotions.move("mine@1", to("paused", reason=""), person("adm", ADMIN))
    for mode in ("observe", "paper", "live"):
        with pytest.raises(Refused, match=r"mine@1 does not run: it is paused \(it was canary\), by adm") as told:
            may_start(desk.promotions, version, mode)
        assert "approve mine@1 --to canary" in told.value.remedy
    assert "paused" in why_stopped(desk.promotions, version, "live")
    with pytest.raises(NotAllowed):
        desk.promotions.move("mine@1", to("canary"), TIM)
    with pytest.raises(NotAllowed, match="ann made"):
        desk.promotions.move("mine@1", to("canary"), AUTHOR)
    desk.promotions.move("mine@1", to("canary"), ROSE)
    assert may_start(desk.promotions, version, "live").size_factor == 0.25
    desk.promotions.move("mine@1", to("retired"), TIM)
    with pytest.raises(Refused, match="for good"):
        desk.promotions.move("mine@1", to("canary"), ROSE)
    with pytest.raises(Refused, match="it is retired, by tim"):
        may_start(desk.promotions, version, "paper")


def test_a_start_is_refused_with_state_lack_and_command(desk):
    version = desk.freeze()
    with pytest.raises(Refused, match="it is draft, and mode observe needs validated") as told:
        may_start(desk.promotions, version, "observe")
    assert "approve mine@1 --to validated" in told.value.remedy
    desk.climb(version, "observe")
    assert may_start(desk.promotions, version, "paper").size_factor == 1
    with pytest.raises(Refused, match="mode live needs canary") as told:
        may_start(desk.promotions, version, "live")
    assert "observe_hours: 0.0 of 2 h" in told.value.remedy


def test_nothing_leads_back_to_what_was_never_live_or_is_not_as_signed(desk):
    desk.freeze(TEXT + b"# never\n")
    desk.climb(desk.freeze())
    with pytest.raises(Refused, match="it is draft"):
        desk.promotions.rollback("mine", TIM, reason="x")
    with pytest.raises(Refused, match="stands for nothing"):
        desk.promotions.rollback("other", TIM, reason="x")
    desk.climb(desk.freeze(TEXT + b"# third\n"))
    source = find(desk.folder / "live", "mine@2").folder / "strategy.py"
    source.chmod(0o644)
    source.write_bytes(TEXT + b"\n")
    with pytest.raises(Misuse, match=r"strategy\.py is"):
        desk.promotions.rollback("mine", TIM, reason="x")


def test_what_a_session_did_counts_only_for_what_it_ran(desk):
    version = desk.climb(desk.freeze(), "observe")
    desk.ran(version, "observe", hours=2, content="another")
    with pytest.raises(Unmet, match="not of this version"):
        desk.promotions.move("mine@1", to("paper"), TIM)
    desk.ran(version, "observe", hours=2, as_promoted=False)
    with pytest.raises(Unmet, match=r"0\.0 of 2 h"):
        desk.promotions.move("mine@1", to("paper"), TIM)
    gone = desk.ran(version, "observe", hours=2)
    gone.unlink()
    with pytest.raises(Unmet, match="cannot be read"):
        desk.promotions.move("mine@1", to("paper"), TIM)
    desk.ran(version, "observe", hours=2)
    desk.ran(version, "observe", hours=0.1, ends=False)
    with pytest.raises(Unmet, match="cut off"):
        desk.promotions.move("mine@1", to("paper"), TIM)
    desk.ran(version, "observe", hours=1)
    desk.ran(version, "observe", hours=1)
    assert desk.promotions.move("mine@1", to("paper"), TIM).standing.state == "paper"


def test_a_canary_may_be_smaller_and_never_larger(desk):
    desk.freeze()
    desk.limit()
    for factor in (0.3, 0.0, -1.0, float("nan")):
        with pytest.raises(Refused, match="size factor"):
            desk.promotions.move("mine@1", to("canary", skip=True, size_factor=factor), ROSE)
    desk.promotions.move("mine@1", to("canary", skip=True, size_factor=0.1), ROSE)
    assert may_start(desk.promotions, find(desk.folder / "live", "mine@1"), "live").size_factor == 0.1


def test_a_move_of_another_version_or_out_of_its_place_is_not_believed(desk):
    desk.climb(desk.freeze(), "observe")
    desk.freeze(TEXT + b"# more\n")
    first, second = moves_of(desk.store, "mine", 1)
    version, secrets = find(desk.folder / "live", "mine@1"), desk.folder / "secrets"
    with pytest.raises(Refused, match="does not follow"):
        believed([second], version, secrets)
    with pytest.raises(Refused, match="of another content"):
        believed([first], find(desk.folder / "live", "mine@2"), secrets)
    with pytest.raises(Refused, match="not what this installation signed"):
        believed([replace(first, who="rose")], version, secrets)


def test_limits_of_another_mode_are_none(bench):
    bench.limit(key="default/default/paper/limits")
    bench.freeze()
    for state in ("validated", "observe"):
        bench.promotions.move("mine@1", to(state), OWNER)
    with pytest.raises(Unmet, match="no risk_limit that holds live sets order_value_max"):
        bench.promotions.move("mine@1", to("canary", skip=True), OWNER)
    assert Configurations(bench.store).active("risk_limit")
