"""The one decorator that makes a kernel: compiled, cached under the build key, free of the GIL.

Kernels import only this, numba and the model's dtypes. They hold no strings, dicts or exceptions; they return a status
or a number, and their Python caller validates and raises. The core does not protect you.
"""

from collections.abc import Callable
from typing import Any

import numba
from numba.core.types import unliteral

from b25.kernels.build import cache_directory

if not numba.config.DISABLE_JIT:
    numba.config.CACHE_DIR = str(cache_directory())


def kernel(function: Callable[..., Any]) -> Any:
    """Compile `function` at its first call for each signature; keep the machine code on disk."""
    return _without_literals(numba.njit(cache=True, nogil=True)(function))


def hot_kernel(function: Callable[..., Any]) -> Any:
    """Make a kernel that makes no array, view or tuple of arrays, so that numba need not count references to its arrays.

    Counting costs about 10 ns a call where a kernel branches into others: more than setting a level of the book does.
    """
    return _without_literals(numba.njit(cache=True, nogil=True, _nrt=False)(function))


def inlined_kernel(function: Callable[..., Any]) -> Any:
    """Make a hot kernel whose machine code is put into each kernel that calls it: for the few that run once a row."""
    return _without_literals(numba.njit(cache=True, nogil=True, _nrt=False, forceinline=True)(function))


class LateKernel:
    """A kernel of one signature that is compiled when its code is first asked for, not when its module is imported."""

    def __init__(self, signature: Any, function: Callable[..., Any]) -> None:
        self.signature, self.function, self.compiled = signature, function, None

    def __call__(self, *arguments: Any) -> Any:
        """Run as plain Python, which the JIT's absence asks for; compiled code reaches it by its address."""
        return self.function(*arguments)

    def code(self) -> Any:
        """Return the compiled function; with the JIT off, the function as it stands."""
        if numba.config.DISABLE_JIT:
            return self.function
        if self.compiled is None:
            self.compiled = numba.njit(self.signature, cache=True, nogil=True)(self.function)
        return self.compiled


def late_kernel(signature: Any) -> Callable[[Callable[..., Any]], LateKernel]:
    """Compile for one signature, when the code is first asked for."""
    return lambda function: LateKernel(signature, function)


def _without_literals(dispatcher: Any) -> Any:
    """Let `f(x, 0)` and `f(x, 1)` share one machine code: numba compiles another for every constant it sees in a call.

    LLVM inlines small kernels and folds the constants anyway; the book compiles in half the time.
    """
    if numba.config.DISABLE_JIT:
        return dispatcher
    ask = dispatcher.get_call_template

    def asked_without_literals(args: Any, kws: Any) -> Any:
        return ask(tuple(map(unliteral, args)), {name: unliteral(kind) for name, kind in kws.items()})

    dispatcher.get_call_template = asked_without_literals
    return dispatcher
