"""Routes: every module here has `router`, and is found by `b25.api.app`. One with `AT_ROOT = True` is not under /api/v1."""
