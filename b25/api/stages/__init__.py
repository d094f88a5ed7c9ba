"""What a request passes before it reaches its route: one file a stage, in the order of `install_stages`."""

from b25.api.stages.order import install_stages

__all__ = ["install_stages"]
