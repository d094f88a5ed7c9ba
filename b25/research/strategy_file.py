"""Load a strategy class from a file: `path/to/file.py:Class`."""

import difflib
import hashlib
import importlib.util
import sys
import traceback
from pathlib import Path

from b25.model.errors import B25Error, Misuse
from b25.strategy.strategy import Strategy


def load_strategy(where: str, *, by_content: bool = False) -> type[Strategy]:
    """Import a file and return one strategy class of it.

    Parameters
    ----------
    where : str
        ``FILE.py:Class``; the class may be left out when the file holds one.
    by_content : bool
        Name its module by what stands in the file instead of where it lies: copies in temporary folders share machine code.

    Raises
    ------
    Misuse
        When the file or the class is not there, or the file cannot be imported.
    """
    name, _, wanted = where.rpartition(":") if where.rpartition(":")[0].endswith(".py") else (where, "", "")
    path = Path(name)
    if not path.is_file():
        raise Misuse(
            f"there is no strategy file {name}", remedy="give FILE.py:Class, e.g. strategies/market_maker.py:MarketMaker"
        )
    classes = {
        key: value
        for key, value in vars(_module(path, path.read_bytes() if by_content else str(path.resolve()).encode())).items()
        if isinstance(value, type) and issubclass(value, Strategy) and value is not Strategy
    }
    if not classes:
        raise Misuse(f"{name} holds no strategy", remedy="derive a class from b25.Strategy in it")
    if wanted in classes:
        return classes[wanted]
    if not wanted and len(classes) == 1:
        return next(iter(classes.values()))
    near = difflib.get_close_matches(wanted, classes, 1)
    hint = f"did you mean {near[0]}?" if near else f"it holds {', '.join(classes)}"
    raise Misuse(f"{name} has no strategy {wanted!r}" if wanted else f"{name} holds {len(classes)} strategies", remedy=hint)


def _module(path: Path, identity: bytes) -> object:
    # The name is stable, because the cached machine code names the module of each function.
    key = hashlib.sha256(identity).hexdigest()[:8]
    name = f"b25_strategy_{path.stem}_{key}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Misuse(f"{path} is no Python file", remedy="give FILE.py:Class")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    beside = str(path.resolve().parent)
    sys.path.insert(0, beside)
    try:
        spec.loader.exec_module(module)
    except B25Error:
        raise
    except SyntaxError as fault:
        raise Misuse(f"{path}:{fault.lineno}: {fault.msg}", remedy="mend that line") from None
    except Exception as fault:
        frames = [f for f in traceback.extract_tb(fault.__traceback__) if Path(f.filename) == path]
        line = f":{frames[-1].lineno}" if frames else ""
        raise Misuse(f"{path}{line}: {type(fault).__name__}: {fault}", remedy="mend that line") from None
    finally:
        sys.path.remove(beside)
    return module
