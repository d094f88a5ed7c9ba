"""What is deployed, as plain data: every file of deploy/, and every command that it starts."""

import configparser
import json
import shlex
import subprocess

import yaml

from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
FILES = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file() and "secrets" not in path.relative_to(DEPLOY).parts]


def documents(path):
    """The documents of a YAML file."""
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one is not None]


def manifests(overlay="paper"):
    """What kustomize makes of an overlay; of the base's files alone where there is no kubectl."""
    try:
        words = ["kubectl", "kustomize", str(DEPLOY / "kubernetes" / "overlays" / overlay)]
        text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        base = DEPLOY / "kubernetes" / "base"
        named = documents(base / "kustomization.yaml")[0]["resources"]
        return [one for name in named for one in documents(base / name)]
    return [one for one in yaml.safe_load_all(text) if one is not None]


def units():
    """systemd's units by name: sections of settings, each a list of values."""
    found = {}
    for path in sorted((DEPLOY / "systemd").iterdir()):
        parser = configparser.RawConfigParser(strict=False, interpolation=None)
        parser.optionxform = str
        text = path.read_text(encoding="utf-8")
        parser.read_string(text)
        sections = {section: {} for section in parser.sections()}
        section = ""
        for line in text.splitlines():
            if line.startswith("["):
                section = line.strip("[]")
            elif "=" in line and not line.startswith("#"):
                name, _, value = line.partition("=")
                sections[section].setdefault(name, []).append(value)
        found[path.name] = sections
    return found


def compose():
    return documents(DEPLOY / "compose.yaml")[0]


def pods(found=None):
    """Name, kind and pod of every workload."""
    for one in found or manifests():
        if one["kind"] in ("Deployment", "StatefulSet"):
            yield one["metadata"]["name"], one["kind"], one["spec"]["template"]
        elif one["kind"] == "CronJob":
            yield one["metadata"]["name"], one["kind"], one["spec"]["jobTemplate"]["spec"]["template"]


def probes(container):
    return [container[name] for name in ("startupProbe", "livenessProbe", "readinessProbe") if name in container]


def commands():
    """Where, and the words after `b25`, of every command that deploy/ starts."""
    found = []
    for name, service in compose()["services"].items():
        found.append((f"compose {name}", service.get("command", [])))
        found.append((f"compose {name} healthcheck", service.get("healthcheck", {}).get("test", [])))
    for name, _, pod in pods():
        for container in pod["spec"]["containers"]:
            lifecycle = container.get("lifecycle", {}).get("preStop", {})
            lists = [
                container.get("args", []),
                *(one.get("exec", {}).get("command", []) for one in [*probes(container), lifecycle]),
            ]
            found += [(f"pod {name}", words) for words in lists]
    for name, unit in units().items():
        found += [(name, shlex.split(line)) for line in unit.get("Service", {}).get("ExecStart", [])]
    return [(where, words[words.index("b25") + 1 :]) for where, words in found if "-m" in words and "b25" in words]


def rules():
    """Every alerting rule."""
    return [rule for group in documents(DEPLOY / "prometheus" / "rules.yml")[0]["groups"] for rule in group["rules"]]


def dashboards():
    """Pages by the name of their file."""
    return {path.name: json.loads(path.read_text()) for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))}
