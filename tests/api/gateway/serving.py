"""Serves a gateway whose callers say themselves who they are, in a process of its own."""

import sys
from pathlib import Path

from b25.api.compose import compose
from b25.api.serve import serve
from b25.config.settings import GatewaySettings, Settings
from b25.runner.structured_log import StructuredLog
from tests.api.conftest import TestAuthenticator


def main(folder, words):
    given = dict(word.split("=", 1) for word in words)
    store = given.pop("database_url", f"sqlite:///{folder}/b25.db")
    settings = Settings(
        database_url=store, run_folder=folder / "run", catalog=folder / "catalog", secrets_folder=folder / "secrets",
        reports_folder=folder / "reports", gateway=GatewaySettings(port=0, **given),
    )  # fmt: skip
    gateway = compose(settings)
    gateway.authenticator = TestAuthenticator()
    gateway.join(StructuredLog(folder / "gateway.jsonl", process="gateway"))  # standard output is a pipe that nobody empties
    serve(gateway, lambda host, port: print(f"listens {host} {port}", flush=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
