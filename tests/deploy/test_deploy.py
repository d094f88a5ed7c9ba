"""deploy/ is read as a machine would read it, and compared with settings, commands and declared metrics."""

import json
import re
import shutil
import subprocess
import tomllib

import pytest
import yaml

from b25.bus.address import PORT as BUS_PORT
from b25.bus.message import BYTES_MAX
from b25.bus.server import STORE_BYTES_MAX
from b25.cli.metrics import PORT as METRICS_PORT
from b25.config.settings import GatewaySettings, Settings
from b25.observe.dashboards import pages
from b25.observe.declared import DECLARED, series_names
from b25.runner.metrics_folder import SILENT_S
from tests.conftest import ROOT
from tests.deploy.asking import faults
from tests.deploy.reading import DEPLOY, FILES, commands, compose, dashboards, documents, manifests, pods, probes, rules, units

PORTS = {GatewaySettings().port, BUS_PORT, METRICS_PORT}
NOT_OURS = {53, 443, 587, 5432, 8222}  # names, the exchange, mail, PostgreSQL, the bus server's own probe
SERIES = {name for metric in DECLARED.values() for name in series_names(metric)}
METRIC = re.compile(r"\bb25_[a-z0-9_]+")
OVERLAYS = ("paper", "live")
LIMITS = {"sessions": ("2", "2g"), "gateway": ("1", "1g"), "database": ("2", "4g"), "bus": ("1", "1g")}  # DP-01


def test_every_file_can_be_read():
    kinds = {path.suffix for path in FILES}
    assert {".yaml", ".yml", ".json", ".toml", ".service", ".timer", ".conf"} <= kinds
    for path in FILES:
        if path.suffix in (".yaml", ".yml"):
            assert documents(path), path
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".toml":
            tomllib.loads(path.read_text())
    assert units()


@pytest.mark.spec("DP-11")
@pytest.mark.parametrize(("where", "words"), commands(), ids=lambda one: one if isinstance(one, str) else "")
def test_every_command_is_one_that_b25_takes(where, words):
    assert faults(words) == []


def test_there_are_commands_to_look_at():
    assert {words[0] for _, words in commands()} >= {"up", "gateway", "health", "db", "metrics", "session", "analytics", "alerts"}


@pytest.mark.spec("CF-18", "DP-N1")
def test_ports_are_those_of_the_settings():
    text = "\n".join(path.read_text() for path in FILES if path.suffix in (".yaml", ".conf", ".toml") or path.name == "Caddyfile")
    named = {int(port) for port in re.findall(r"(?:gateway|bus|127\.0\.0\.1|0\.0\.0\.0):(\d{4,5})\b", text)}
    named |= {int(port) for port in re.findall(r"--port\"?,? \"?(\d+)", text)}
    for one in manifests():
        if one["kind"] == "Service":
            named |= {port["port"] for port in one["spec"]["ports"]}
        if one["kind"] == "NetworkPolicy":
            for way in ("ingress", "egress"):
                named |= {port["port"] for rule in one["spec"].get(way, []) for port in rule.get("ports", [])}
    assert named - NOT_OURS - {3000} <= PORTS
    assert named >= PORTS


def test_settings_in_the_containers_are_settings():
    for path in (DEPLOY / "compose" / "b25.toml", DEPLOY / "kubernetes" / "base" / "b25.toml"):
        told = tomllib.loads(path.read_text())
        assert set(told) <= set(Settings.model_fields)
        GatewaySettings(**told["gateway"])
    names = re.findall(r"\bB25_([A-Z_]+?)(?:_FILE)?\b", (DEPLOY / "compose.yaml").read_text())
    own = {"NATS_URL", "NATS_TOKEN", "RUN_FOLDER"}
    for name in set(names) - own:
        first, _, rest = name.lower().partition("__")
        assert first in Settings.model_fields, name
        assert not rest or rest in GatewaySettings.model_fields, name


def test_plans_and_bus_are_as_b25_reads_them(tmp_path, monkeypatch):
    from b25.runner.bus_process import with_bus
    from b25.runner.supervisor_plan import read_plan

    for path in (DEPLOY / "compose" / "up.toml", DEPLOY / "kubernetes" / "base" / "up.toml"):
        plans = with_bus(read_plan(path, tmp_path), path, tmp_path)
        assert [plan.name for plan in plans] == ["paper"]
        words = list(plans[0].command)
        assert faults(words[words.index("b25") + 1 :]) == []
        assert str(BUS_PORT) in plans[0].environment["B25_NATS_URL"]
    for path in (DEPLOY / "compose" / "nats.conf", DEPLOY / "kubernetes" / "base" / "nats.conf"):
        text = path.read_text()
        assert f"listen: 0.0.0.0:{BUS_PORT}" in text
        assert f"max_payload: {BYTES_MAX}" in text
        assert f"max_file_store: {STORE_BYTES_MAX}" in text
        assert "authorization" not in re.sub(r"#.*", "", text)  # the token is included from a secret


@pytest.mark.spec("DP-01", "DP-07")
def test_containers_can_do_as_little_as_possible():
    told = compose()
    for name, service in told["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service.get("read_only") or name == "database", name
        assert re.search(r":[\w.-]*\d[\w.-]*$", service["image"]), name
        assert ":latest" not in service["image"], name
        if name in LIMITS:
            limits = service["deploy"]["resources"]["limits"]
            assert (limits["cpus"], limits["memory"]) == LIMITS[name]
    assert set(told["services"]["sessions"]["depends_on"]) == {"gateway"}
    assert set(told["services"]["gateway"]["depends_on"]) == {"bus", "database"}
    assert all(
        one["condition"] == "service_healthy" for s in told["services"].values() for one in s.get("depends_on", {}).values()
    )
    exposed = [port for service in told["services"].values() for port in service.get("ports", [])]
    assert sorted(exposed) == ["127.0.0.1:3000:3000", "443:443"]
    assert told["networks"]["inside"] == {"internal": True}
    on_exchange = {name for name, one in told["services"].items() if "exchange" in one.get("networks", [])}
    assert on_exchange == {"sessions"}


@pytest.mark.spec("DP-N4", "DP-06")
def test_a_backup_leaves_no_volume_out():
    told = compose()
    backup = told["services"]["backup"]
    mounted = {volume.partition(":")[0] for volume in backup["volumes"]}
    kept_elsewhere = {"cache", "proxy", "proxy_config", "prometheus", "alertmanager", "grafana", "backups", "database", "bus"}
    assert set(told["volumes"]) - kept_elsewhere <= mounted  # the database by its own tool; the bus holds nothing alone
    assert {"--catalog", "--secrets", "--journals"} <= set(backup["command"])
    assert units()["b25-backup.timer"]["Timer"]["OnCalendar"] == ["*-*-* 02:00:00 UTC"]
    assert next(one for one in manifests() if one["kind"] == "CronJob")["spec"]["schedule"] == "0 2 * * *"


HARDENED = {
    "NoNewPrivileges": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
    "ProtectKernelTunables": "yes", "ProtectKernelModules": "yes", "ProtectControlGroups": "yes", "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes", "CapabilityBoundingSet": "", "User": "b25",
}  # fmt: skip


@pytest.mark.spec("DP-03")
@pytest.mark.parametrize("name", [name for name in units() if name.endswith(".service")])
def test_a_unit_is_hardened_bounded_and_ends_in_order(name):
    service = units()[name]["Service"]
    assert {key: service.get(key, [None])[0] for key in HARDENED} == HARDENED
    assert service["MemoryMax"]
    assert service["CPUQuota"]
    assert "WatchdogSec" not in service  # nothing feeds it: the supervisor watches heartbeats instead
    assert "MemoryDenyWriteExecute" not in service  # compiled strategies are machine code made at run time
    if name != "b25-backup.service":
        assert service["Restart"] == ["on-failure"]
        assert service["KillMode"] == ["mixed"]
        assert int(service["TimeoutStopSec"][0]) >= 30


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_finds_no_fault_in_a_unit(tmp_path):
    for path in (DEPLOY / "systemd").iterdir():
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", path.read_text(), flags=re.MULTILINE)
        text = re.sub(r"^(User|Group)=.*\n", "", text, flags=re.MULTILINE)
        (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(path) for path in sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
    )
    told = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "b25-" in line]
    assert [line for line in told if "Unknown" in line or "Failed to parse" in line or "Invalid" in line] == []


@pytest.mark.spec("K8-01", "K8-02")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_have_bounds_probes_and_no_rights(overlay):
    found = manifests(overlay)
    for name, kind, pod in pods(found):
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["automountServiceAccountToken"] is False, name
        for container in spec["containers"]:
            own = container["securityContext"]
            assert own["readOnlyRootFilesystem"] is True, name
            assert own["allowPrivilegeEscalation"] is False, name
            assert own["capabilities"] == {"drop": ["ALL"]}, name
            assert set(container["resources"]) == {"requests", "limits"}, name
            assert re.search(r":[\w.-]*\d[\w.-]*$", container["image"]), name
            assert kind == "CronJob" or container.get("livenessProbe"), name
            for one in container.get("env", []):
                secret = any(word in one["name"] for word in ("PASSWORD", "SECRET", "DATABASE_URL"))
                assert not secret or "secretKeyRef" in one.get("valueFrom", {}), one
    assert not [one for one in found if one["kind"] == "Secret"]
    budgets = {
        one["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] for one in found if one["kind"] == "PodDisruptionBudget"
    }
    assert budgets == {"bus", "gateway", "session-paper"}
    config_maps = [one for one in found if one["kind"] == "ConfigMap"]
    assert len(config_maps) == 3
    assert all(re.search(r"-[a-z0-9]{10}$", one["metadata"]["name"]) for one in config_maps) or shutil.which("kubectl") is None


@pytest.mark.spec("K8-01", "K8-03")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_session_is_one_pod_that_drains_and_alone_reaches_the_exchange(overlay):
    found = manifests(overlay)
    sessions = [(one, pod) for one in found if one["kind"] == "StatefulSet" for pod in [one["spec"]["template"]]]
    sessions = [(one, pod) for one, pod in sessions if pod["metadata"]["labels"].get("b25/kind") == "session"]
    assert sessions
    for one, pod in sessions:
        assert one["spec"]["replicas"] == 1
        assert one["spec"]["updateStrategy"] == {"type": "OnDelete"}
        assert one["spec"]["volumeClaimTemplates"][0]["spec"]["accessModes"] == ["ReadWriteOncePod"]
        assert pod["spec"]["containers"][0]["lifecycle"]["preStop"]
        assert pod["spec"]["terminationGracePeriodSeconds"] >= 120
    policies = {one["metadata"]["name"]: one["spec"] for one in found if one["kind"] == "NetworkPolicy"}
    assert policies["deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    outside = {name for name, spec in policies.items() if "ipBlock" in json.dumps(spec.get("egress", []))}
    assert outside == {"session-to-exchange", "alerts-to-receivers"}
    assert policies["session-to-exchange"]["podSelector"] == {"matchLabels": {"b25/kind": "session"}}


@pytest.mark.spec("SYS-12")
def test_probes_look_as_often_as_agreed():
    for name, kind, pod in pods():
        if kind == "CronJob" or name in ("analytics", "alerts"):
            continue
        for container in pod["spec"]["containers"]:
            periods = {key: container[key]["periodSeconds"] for key in ("livenessProbe", "readinessProbe") if key in container}
            assert set(periods.values()) == {10}, name
            assert container.get("startupProbe", {"periodSeconds": 5})["periodSeconds"] == 5
            assert all(probe["timeoutSeconds"] <= 10 for probe in probes(container))


@pytest.mark.spec("OB-N2", "OB-04")
def test_rules_and_dashboards_name_declared_metrics_only():
    for rule in rules():
        assert set(METRIC.findall(rule["expr"])) <= SERIES, rule
        assert rule["expr"].count("(") == rule["expr"].count(")")
    for name, page in dashboards().items():
        texts = [target["expr"] for panel in page["panels"] for target in panel.get("targets", [])]
        texts += [one["query"] for one in page["templating"]["list"]]
        assert {found for text in texts for found in METRIC.findall(text)} <= SERIES, name


@pytest.mark.spec("OB-07")
def test_dashboards_are_those_of_the_code():
    assert {path.name: path.read_bytes() for path in (DEPLOY / "grafana" / "dashboards").glob("*.json")} == pages()
    assert {"health.json", "performance.json", "business.json", "alerts.json"} <= set(pages())
    drawn = {panel["title"] for page in dashboards().values() for panel in page["panels"]}
    assert set(DECLARED) <= drawn


CRITICAL = (
    "ProcessDown RestartLoop FeedDisconnected BookStale PositionMismatch DailyDrawdown BalanceLow RiskViolation DiskFull "
    "DatabaseDown ServerErrors MarginCushionThin VenueBannedUs UnknownOrder"
).split()
WARNING = "CpuHigh MemoryHigh OrdersSlow RequestErrors RejectsHigh FillRateLow PositionNearLimit Backlog LoopLag".split()


@pytest.mark.spec("OB-08", "OB-09", "OB-10", "OB-11", "OB-12")
def test_what_is_to_be_told_is_told_with_its_weight_and_its_runbook():
    found = {rule["alert"]: rule for rule in rules()}
    assert len(found) == len(rules())
    assert {found[name]["labels"]["severity"] for name in CRITICAL} == {"critical"}
    assert {found[name]["labels"]["severity"] for name in WARNING} == {"warning"}
    assert all((ROOT / rule["annotations"]["runbook"]).is_file() for rule in rules())
    assert all(len(rule["annotations"]["summary"]) > 10 for rule in rules())
    routes = documents(DEPLOY / "alertmanager" / "alertmanager.yml")[0]
    assert (routes["route"]["group_wait"], routes["route"]["repeat_interval"]) == ("10s", "12h")
    named = set(re.findall(r'alertname[=~]+"([^"]+)"', yaml.safe_dump(routes)))
    assert {name for text in named for name in text.split("|")} <= set(found)
    assert {one["receiver"] for one in routes["route"]["routes"]} <= {one["name"] for one in routes["receivers"]}


@pytest.mark.spec("OB-01", "OB-N3")
def test_prometheus_reads_the_gateway_and_mounts_what_is_here():
    told = documents(DEPLOY / "prometheus" / "prometheus.yml")[0]
    assert told["global"] == {"scrape_interval": "15s", "evaluation_interval": "15s"}
    (job,) = told["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"gateway:{GatewaySettings().port}"]}]
    assert job["metrics_path"] == "/metrics"
    assert SILENT_S >= 15
    for service in compose()["services"].values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).exists(), volume
            assert source.startswith(".") or source in compose()["volumes"], volume
        for secret in service.get("secrets", []):
            assert (secret if isinstance(secret, str) else secret["source"]) in compose()["secrets"]


@pytest.mark.spec("GW-N6")
@pytest.mark.spec("DP-07")
@pytest.mark.parametrize("name", ["Caddyfile", "nginx.conf"])
def test_a_proxy_hands_on_upgrade_and_origin_and_verifies(name):
    text = (DEPLOY / "proxy" / name).read_text()
    assert f":{GatewaySettings().port}" in text
    assert "Upgrade" in text
    assert "Origin" in text
    assert "Host" in text
    assert "insecure" not in text
    assert "verify off" not in text
    assert text.count("{") == text.count("}")


SECRET = re.compile(r"(?i)(?:password|secret|token|api_?key|passwd)\w*[\"']?\s*[:=]\s*[\"']?(?![/.{$\[])[\w+-]{12,}")


@pytest.mark.spec("DP-N7", "K8-02")
def test_no_secret_stands_in_any_file():
    assert SECRET.search("password: hunter2hunter2")
    assert SECRET.search('api_key = "abcdefabcdefabcd"')
    for path in FILES:
        text = path.read_text()
        assert [line for line in text.splitlines() if SECRET.search(line)] == [], path
        assert not re.search(r"[0-9a-f]{32,}|[A-Za-z0-9+]{48,}={0,2}|BEGIN [A-Z ]*PRIVATE|://[^\s:/]+:[^\s@]+@", text), path
    assert (DEPLOY / ".gitignore").read_text().split() == ["secrets/"]


def test_the_image_installs_by_hash_as_nobody_and_names_no_index():
    text = (DEPLOY / "Dockerfile").read_text()
    assert "--require-hashes" in text
    assert "USER 10001:10001" in text
    assert not re.search(r"index-url|find-links|trusted-host|https?://", text)
    assert all(re.search(r":[\d.]+\S*", line) for line in text.splitlines() if line.startswith("FROM"))
    for name in re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / one).exists() for one in name.split()), name


def test_secrets_come_from_files_and_are_printed_nowhere(tmp_path):
    (tmp_path / "url").write_text("postgresql+pg8000://b25:hush-hush@db/b25\n")
    entry = str(DEPLOY / "entrypoint.sh")
    environment = {"PATH": "/usr/bin:/bin", "B25_DATABASE_URL_FILE": str(tmp_path / "url"), "B25_NATS_TOKEN_FILE": "/nowhere"}
    script = 'echo "$B25_DATABASE_URL ${B25_DATABASE_URL_FILE-gone} $B25_NATS_TOKEN_FILE"'
    done = subprocess.run(["sh", entry, "sh", "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "postgresql+pg8000://b25:hush-hush@db/b25 gone /nowhere\n"
    assert done.stderr == ""
    environment["B25_DATABASE_URL_FILE"] = str(tmp_path / "missing")
    done = subprocess.run(["sh", entry, "true"], capture_output=True, text=True, env=environment)
    assert done.returncode == 4
    assert "B25_DATABASE_URL_FILE" in done.stderr
