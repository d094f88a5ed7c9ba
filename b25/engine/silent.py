"""A strategy callback that does nothing: what the loop is handed when the strategy runs as plain Python."""

from b25.kernels.jit import typed_kernel


@typed_kernel("void(int64, uintp, uintp)")
def silent(kind, state, ctx):
    """Do nothing."""
