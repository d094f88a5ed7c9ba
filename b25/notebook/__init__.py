"""What a notebook is given: set-up, magics, displays of results, the skeleton of a new one. Nothing here trades."""

from b25.notebook.set_up import fast, setup

__all__ = ["fast", "setup"]
