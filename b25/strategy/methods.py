"""Let compiled code call methods on records: `self.fair(ctx)`, `ctx.mid()`, `self.slow.update(x)`.

Numba knows the fields of a record and nothing more. For each record type that has methods, an attribute template answers
with the field or the bound method, and a lowering calls the method's compiled function.
"""

from typing import Any

import numpy as np
from numba import types
from numba.core import imputils
from numba.core.typing import templates
from numba.np.numpy_support import from_dtype

_methods: dict[Any, dict[str, Any]] = {}
_kept: list[Any] = []  # numba's type of a function refers to it weakly


def give_methods(dtype: "np.dtype[Any]", methods: dict[str, Any]) -> None:
    """Let records of `dtype` have `methods`, names to compiled functions whose first argument is the record."""
    record = from_dtype(dtype)
    if record in _methods:
        _methods[record].update(_bound(record, methods))
        return
    _methods[record] = _bound(record, methods)

    @templates.infer_getattr
    class RecordAttribute(templates.AttributeTemplate):
        key = record

        def generic_resolve(self, owner: Any, name: str) -> Any:
            if name in _methods[record]:
                return types.BoundFunction(_methods[record][name], owner)
            return owner.typeof(name) if name in owner.fields else None


def _bound(record: Any, methods: dict[str, Any]) -> dict[str, Any]:
    return {name: _bind(record, name, function) for name, function in methods.items()}


def _bind(record: Any, name: str, function: Any) -> type:
    dispatcher = types.Dispatcher(function)
    _kept.append(function)
    # A class redefined in a notebook cell may have the record type of the one before; its methods are others.
    unique = (record, name, len(_kept))

    class Method(templates.AbstractTemplate):
        key = unique

        def generic(self, args: Any, kws: Any) -> Any:
            signature = dispatcher.get_call_type(self.context, (record, *args), kws)
            return signature.as_method()

    @imputils.lower_builtin(unique, types.Record, types.VarArg(types.Any))
    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        call = context.get_function(dispatcher, signature)
        out = call(builder, args)
        if libraries := getattr(call, "libs", None):
            context.add_linking_libs(libraries)
        return imputils.impl_ret_new_ref(context, builder, signature.return_type, out)

    return Method
