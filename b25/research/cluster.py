"""Run the parts of a sweep on a Dask cluster: the very same code on the very same bars, so the very same figures."""

from __future__ import annotations

import hashlib
import socket
import sys
import sysconfig
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from b25.engine.sweep import SweepWorker
from b25.model.bar_run import POINT
from b25.model.errors import Misuse, Retry
from b25.research.bar_backtest import BarPlan
from b25.strategy.compile import compile_strategy
from b25.strategy.source_key import functions_in_reach
from b25.strategy.strategy import Strategy

KNOCK_S: Final = 5.0
CONNECT_S: Final = 10
LOOK_S: Final = 5  # between two looks at whether any worker is left
DESERTED_S: Final = 60.0  # how long a sweep waits for a worker to come back

_workers: dict[str, SweepWorker] = {}
_making = threading.Lock()


@dataclass
class Cluster:
    """Workers of a Dask cluster.

    Parameters
    ----------
    address : str
        Of its scheduler, e.g. ``"tcp://10.0.0.5:8786"``; or a `distributed.Client`.
    plan : BarPlan
    fixed : dict
        Parameters that are the same in all points.
    key : str
        Names the plan on the workers, which keep what they made for it.
    length : int
        Points of a part.

    Raises
    ------
    Misuse
        When nothing answers at the address, or no worker is there.
    """

    address: Any
    plan: BarPlan
    fixed: Mapping[str, Any]
    key: str
    length: int
    width: int = field(init=False)

    def __post_init__(self) -> None:
        try:
            import distributed
        except ImportError:
            raise Misuse("cluster=… needs distributed", remedy="pip install 'b25[cluster]'") from None
        self._distributed: Any = distributed
        self._ours = not isinstance(self.address, distributed.Client)
        self.client: Any = self._connect() if self._ours else self.address
        self._name = self.address if isinstance(self.address, str) else self.client.scheduler.address
        try:
            threads = self.client.nthreads()
            if not threads:
                raise Misuse(f"the cluster at {self._name} has no worker", remedy=f"start some: dask worker {self._name}")
            self.width = sum(threads.values())
            payload = packed(self.plan, self.fixed)
            with warnings.catch_warnings():
                # Bars go to the scheduler once, and are there for a worker that comes later: that it is much is meant.
                warnings.filterwarnings("ignore", message="(?s).*large graph", category=UserWarning)
                self.payload = self.client.submit(_as_it_is, payload, key=f"b25-plan-{hashlib.sha256(payload).hexdigest()}")
        except BaseException:
            self.close()
            raise

    def _connect(self) -> Any:
        knock(self.address)
        try:
            return self._distributed.Client(self.address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError, TypeError) as fault:
            raise nobody(self.address, type(fault).__name__) from None

    def submit(self, columns: Mapping[str, np.ndarray]) -> Any:
        """Begin a part."""
        return self.client.submit(run_part, self.payload, self.key, code_hash(), dict(columns), pure=False)

    def wait_any(self, futures: set[Any]) -> set[Any]:
        """Wait until one of them is done; a part whose worker died is run by another."""
        from asyncio import CancelledError as Cancelled
        from concurrent.futures import CancelledError

        alone_s = 0.0
        while True:
            begun = time.monotonic()
            try:
                with self.client.as_current():
                    done = set(self._distributed.wait(list(futures), timeout=LOOK_S, return_when="FIRST_COMPLETED").done)
                break
            except (TimeoutError, self._distributed.TimeoutError):
                alone_s = 0.0 if self._has_workers() else alone_s + time.monotonic() - begun
                if alone_s >= DESERTED_S:
                    raise Retry(f"the cluster at {self._name} has no worker left", remedy="start some, then go on") from None
            except (Cancelled, CancelledError):
                raise Retry(f"the cluster at {self._name} was lost", remedy="start it again, then go on") from None
        for future in done:
            if future.status == "error":
                self._tell(future.exception())
        return done

    def _has_workers(self) -> bool:
        try:
            return bool(self.client.nthreads())
        except Exception:
            return False  # the scheduler does not answer: nor do its workers, for us

    def _tell(self, fault: BaseException) -> None:
        """Say what the reader can do about a part that failed."""
        if isinstance(fault, self._distributed.KilledWorker):
            raise Retry(
                f"worker after worker of {self._name} died over one part", remedy="give them more memory, then go on"
            ) from None
        if isinstance(fault, ModuleNotFoundError):
            raise Misuse(
                f"a worker of {self._name} has no module {fault.name}", remedy="install there what is installed here"
            ) from None

    def cancel(self) -> None:
        """Give the connection back; what is under way ends with its futures."""
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self.payload = None
        if self._ours:
            self.client.close()


def knock(address: Any) -> None:
    """See whether a scheduler listens at an address; a client would try for long, and wait for ever for one that says nothing.

    Raises
    ------
    Misuse
        When nobody does, or the address is none.
    """
    if not isinstance(address, str):
        return  # a cluster object of dask's, which knows its own address
    scheme, _, place = address.rpartition("://")
    if scheme not in ("", "tcp", "tls"):
        return
    host, colon, port = place.rpartition(":")
    if not colon or not host or not port.isdigit():
        raise Misuse(f"cluster={address!r} is no address", remedy='give that of a Dask scheduler, e.g. "tcp://10.0.0.5:8786"')
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S) as door:
            # A scheduler speaks first, unless it waits for the client to agree on a cipher.
            heard = scheme == "tls" or bool(door.recv(1))
    except TimeoutError:
        raise nobody(address, "what listens there is no scheduler, or does not answer") from None
    except (OSError, OverflowError) as fault:
        raise nobody(address, getattr(fault, "strerror", None) or type(fault).__name__) from None
    if not heard:
        raise nobody(address, "what listens there hung up")


def nobody(address: Any, why: str) -> Misuse:
    """Return the error of an address where no cluster is."""
    return Misuse(
        f"no cluster answers at {address!r} ({why})",
        remedy="start one (dask scheduler; dask worker tcp://…), or leave cluster out to use this machine",
    )


def packed(plan: BarPlan, fixed: Mapping[str, Any]) -> bytes:
    """Pickle a plan so that it needs no file of ours: the strategy's class travels whole, and what of ours it calls with it."""
    import cloudpickle

    named = cloudpickle.list_registry_pickle_by_value()
    travelling = [module for module in modules_of(plan.cls) if module.__name__ not in named]
    try:
        for module in travelling:
            cloudpickle.register_pickle_by_value(module)
        whole: bytes = cloudpickle.dumps((plan, dict(fixed)))
        return whole
    finally:
        for module in travelling:
            cloudpickle.unregister_pickle_by_value(module)


def modules_of(cls: type[Strategy]) -> Iterator[ModuleType]:
    """Modules that a class is written in, without b25 and what is installed: a worker has those, and none of the others."""
    kinds = [*cls.__mro__, *(part.kind for part in cls.parts.values())]
    names = {kind.__module__ for kind in kinds} | {function.__module__ for _, function in functions_in_reach(cls)}
    installed = [sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")]
    for name in sorted(names - {"__main__", "builtins"}):
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if module is None or name.partition(".")[0] in ("b25", *sys.builtin_module_names):
            continue
        if file is None or not any(Path(file).is_relative_to(folder) for folder in installed):
            yield module


@cache
def code_hash() -> str:
    """Hash of all of b25's sources: a worker with others might find other figures."""
    home = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(home.rglob("*.py")):
        digest.update(path.relative_to(home).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _as_it_is(payload: bytes) -> bytes:
    return payload


def run_part(payload: bytes, key: str, code: str, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Run one part on a worker; it keeps its compiled strategy and its engine for the next one."""
    if code != code_hash():
        raise Misuse("a worker of the cluster has another b25", remedy="install the version that is installed here, everywhere")
    worker = _worker_of(payload, f"{key}:{threading.get_ident()}", key)
    results = np.zeros(next(iter(columns.values())).size, POINT)
    worker.run(columns, results)
    return results


def _worker_of(payload: bytes, name: str, key: str) -> SweepWorker:
    import cloudpickle

    with _making:  # two threads that compile one class at once would be in each other's way
        worker = _workers.get(name)
        if worker is None:
            plan, fixed = cloudpickle.loads(payload)
            worker = SweepWorker(plan.cls, fixed, plan.tracks(), plan.setup(), compile_strategy(plan.cls))
            for old in [k for k in _workers if not k.startswith(key)]:
                _workers.pop(old, None)
            _workers[name] = worker
    return worker
