"""First set bit of a 64-bit word from either end: one machine instruction, which numba does not offer by itself."""

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

if numba.config.DISABLE_JIT:

    def leading_zeros(word):
        """Zero bits above the highest set bit of a uint64; 64 when there is none."""
        return 64 - int(word).bit_length()

    def trailing_zeros(word):
        """Zero bits below the lowest set bit of a uint64; 64 when there is none."""
        return (int(word) & -int(word)).bit_length() - 1 if word else 64

else:

    @intrinsic
    def leading_zeros(typing_context, word):
        """Zero bits above the highest set bit of a uint64; 64 when there is none."""

        def codegen(context, builder, signature, args):
            return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))

        return types.int64(types.uint64), codegen

    @intrinsic
    def trailing_zeros(typing_context, word):
        """Zero bits below the lowest set bit of a uint64; 64 when there is none."""

        def codegen(context, builder, signature, args):
            return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

        return types.int64(types.uint64), codegen
