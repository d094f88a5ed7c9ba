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
from numba.core import cgutils, sigutils
from numba.extending import intrinsic


@intrinsic
def _pointer(typingctx, address, dtype):
    pointer = types.CPointer(dtype.dtype)

    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(pointer))

    return pointer(address, dtype), codegen


@intrinsic
def _record(typingctx, address, dtype):
    # A record is a pointer to its bytes. By way of an array numba would count references to it.
    record = dtype.dtype

    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(record))

    return record(address, dtype), codegen


def calls(signature: str, *, otherwise: Any = None) -> Any:
    """Make a kernel function `f(address, *arguments)` that calls the compiled code of `signature` at an address.

    What is called so is neither inlined nor compiled again with its caller. Numba's own function values do the same, but
    handing one over from Python costs some 40 µs a call, an address nothing. What the code raises is raised at the call.

    Parameters
    ----------
    signature : str
        As numba writes it, e.g. ``"void(int64, uintp, uintp)"``.
    otherwise : callable
        What to call with the JIT off, where code has no address.
    """
    if numba.config.DISABLE_JIT:
        return lambda address, arguments: otherwise(*arguments)
    kinds, returned = sigutils.normalize_signature(signature)

    @intrinsic
    def call(typingctx, address, arguments):
        whole = returned(types.uintp, types.Tuple(kinds))

        def codegen(context, builder, signature, args):
            pointer = context.call_conv.get_function_type(returned, kinds).as_pointer()
            function = builder.inttoptr(args[0], pointer)
            values = [builder.extract_value(args[1], k) for k in range(len(kinds))]
            status, result = context.call_conv.call_function(builder, function, returned, kinds, values)
            with cgutils.if_unlikely(builder, status.is_error):
                context.call_conv.return_status_propagate(builder, status)
            return result if returned != types.none else context.get_dummy_value()

        return whole, codegen

    return call


def code_address(dispatcher: Any) -> np.uint64:
    """Address of a function compiled for one signature; valid for as long as the function lives."""
    compiled = dispatcher.overloads[dispatcher.signatures[0]]
    return np.uintp(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))


def address_of(part: Any) -> np.uint64:
    """Address of a late kernel's code, compiled now if it was not; 0 with the JIT off."""
    return np.uint64(0) if numba.config.DISABLE_JIT else code_address(part.code())


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
        return _record(address, dtype)
