"""Records and arrays at an address: how one flat record can name all the arrays of a world.

Passing a dozen arrays into a compiled function costs microseconds a call; passing one address costs half of one. The
addresses are recomputed whenever a world is made or loaded and never stored in one. Whoever takes an address keeps a
reference to the array for as long as it is used.
"""

import ctypes

import numba
import numpy as np
from numba import carray, types
from numba.extending import intrinsic


@intrinsic
def _pointer(typingctx, address, dtype):
    pointer = types.CPointer(dtype.dtype)

    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(pointer))

    return pointer(address, dtype), codegen


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
