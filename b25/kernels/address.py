"""Records and arrays at an address: how one flat record can name all the arrays of a world.

Passing a dozen arrays into a compiled function costs microseconds a call; passing one address costs half of one. The
addresses are recomputed whenever a world is made or loaded and never stored in one. Whoever takes an address keeps a
reference to the array for as long as it is used.
"""

import ctypes
from typing import Any

import numba
import numpy as np
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def _pointer(typingctx, address, dtype):
    pointer = types.CPointer(dtype.dtype)

    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(pointer))

    return pointer(address, dtype), codegen


@intrinsic
def call_at(typingctx, address, kind, state, ctx):
    """Call the compiled `void(int64, uintp, uintp)` at an address; what it raises is raised here.

    Numba's own function values say the same, but handing one over costs some 40 µs a call from Python, an address nothing.
    """
    signature = types.void(types.uintp, types.int64, types.uintp, types.uintp)

    def codegen(context, builder, signature, args):
        kinds = signature.args[1:]
        pointer = context.call_conv.get_function_type(types.none, kinds).as_pointer()
        function = builder.inttoptr(args[0], pointer)
        status, _ = context.call_conv.call_function(builder, function, types.none, kinds, args[1:])
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return signature, codegen


def code_address(dispatcher: Any) -> np.uint64:
    """Address of a function compiled for one signature; valid for as long as the function lives."""
    compiled = dispatcher.overloads[dispatcher.signatures[0]]
    return np.uintp(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))


if numba.config.DISABLE_JIT:

    def array_at(address, shape, dtype):
        """Return the array of `shape` and `dtype` whose first byte is at `address`."""
        dtype = np.dtype(dtype)
        count = int(np.prod(shape))
        memory = (ctypes.c_char * (count * dtype.itemsize)).from_address(int(address))
        return np.frombuffer(memory, dtype, count).reshape(shape)

    def record_at(address, dtype):
        """Return the record of `dtype` whose first byte is at `address`."""
        return array_at(address, 1, dtype)[0]

else:

    @numba.njit(nogil=True)
    def array_at(address, shape, dtype):
        """Return the array of `shape` and `dtype` whose first byte is at `address`."""
        return carray(_pointer(address, dtype), shape, dtype)

    @numba.njit(nogil=True)
    def record_at(address, dtype):
        """Return the record of `dtype` whose first byte is at `address`."""
        return carray(_pointer(address, dtype), 1, dtype)[0]
