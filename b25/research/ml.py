"""What a notebook needs to put a model into a strategy, in one place: `from b25.research import ml`."""

from b25.research.features import Finding, evaluate, tail_equals_batch
from b25.research.labels import Labels, forward_return, triple_barrier, uniqueness
from b25.research.linear_weights import linear_weights
from b25.research.model_files import as_model, load_model, save_model
from b25.research.models import Model
from b25.research.splits import Split, Splits, combinatorial_purged, purged_kfold
from b25.research.training import Samples, Trained, gather, train

__all__ = [
    "Finding",
    "Labels",
    "Model",
    "Samples",
    "Split",
    "Splits",
    "Trained",
    "as_model",
    "combinatorial_purged",
    "evaluate",
    "forward_return",
    "gather",
    "linear_weights",
    "load_model",
    "purged_kfold",
    "save_model",
    "tail_equals_batch",
    "train",
    "triple_barrier",
    "uniqueness",
]
