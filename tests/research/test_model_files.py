"""Model files: what was written is what is read, and nothing else is opened."""

import hashlib
import json

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from b25.model.errors import Misuse
from b25.research import optional
from b25.research.labels import forward_return
from b25.research.model_files import load_model, save_model
from b25.research.training import gather, train
from b25.strategy.feature import feature
from tests.research.walks import walk_bars

FEATURES = {"last": feature(pl.col("close").pct_change(1), lookback=2)}
TREE = "sklearn.tree._tree.Tree"


@pytest.fixture(scope="module")
def bars():
    return walk_bars(400, seed=6, momentum=0.3)


@pytest.fixture(scope="module")
def trained(bars):
    return train(LogisticRegression(), gather(FEATURES, bars, forward_return(bars, 3, over_bps=0)))


@pytest.fixture(scope="module")
def tree(bars):
    estimator = DecisionTreeClassifier(max_depth=3, random_state=1)
    return train(estimator, gather(FEATURES, bars, forward_return(bars, 3, over_bps=0)))


@pytest.mark.parametrize("suffix", [".onnx", ".skops"])
def test_what_is_saved_is_what_is_loaded(tmp_path, trained, suffix):
    path = tmp_path / f"up{suffix}"
    assert save_model(trained, path) == tmp_path / f"up{suffix}.json"
    model = load_model(path, features=FEATURES)
    x = trained.samples.x[:5]
    assert model.predict(x) == pytest.approx(trained.estimator.predict_proba(x)[:, 1], abs=1e-6)
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name, f"{path.name}.json"]


def test_the_manifest_says_what_was_learned_from_and_how_it_did(tmp_path, trained, bars):
    path = tmp_path / "up.onnx"
    manifest = json.loads(save_model(trained, path).read_text())
    assert manifest["model"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest["data"]["hash"] == bars.hash
    assert manifest["data"]["samples"] == len(trained.samples)
    assert manifest["features"] == [
        {"name": "last", "expression": FEATURES["last"].text, "key": FEATURES["last"].key, "lookback": 2}
    ]
    assert manifest["label"] == "close[t + 3] / close[t] - 1 > 0 bps"
    assert manifest["test"]["splits"] == 5
    assert manifest["test"]["embargo"] == 0.01
    assert manifest["scores"]["accuracy"]["out_of_sample"] == trained.scores["accuracy"]
    assert {"b25", "python", "numpy", "polars", "scikit-learn", "skl2onnx"} <= set(manifest["versions"])
    assert manifest["estimator"]["text"] == "LogisticRegression()"


def test_two_saves_are_equal_bytes(tmp_path, trained):
    first, again = (tmp_path / name for name in ("a.onnx", "b.onnx"))
    save_model(trained, first)
    save_model(trained, again)
    assert first.read_bytes() == again.read_bytes()
    assert (tmp_path / "a.onnx.json").read_bytes() == (tmp_path / "b.onnx.json").read_bytes()


def test_another_model_under_the_manifest_is_refused(tmp_path, trained, tree):
    save_model(trained, tmp_path / "a.onnx")
    save_model(tree, tmp_path / "b.onnx")
    (tmp_path / "a.onnx").write_bytes((tmp_path / "b.onnx").read_bytes())
    with pytest.raises(Misuse, match="its manifest says"):
        load_model(tmp_path / "a.onnx")


def test_types_that_skops_does_not_know_must_be_named(tmp_path, tree):
    path = tmp_path / "tree.skops"
    save_model(tree, path)
    with pytest.raises(Misuse, match=f"contains {TREE}"):
        load_model(path)
    model = load_model(path, trusted=[TREE])
    assert np.isfinite(model.predict_row([0.0]))


def test_a_model_kept_by_another_scikit_learn_is_refused(tmp_path, trained):
    path = tmp_path / "up.skops"
    beside = save_model(trained, path)
    manifest = json.loads(beside.read_text())
    manifest["versions"]["scikit-learn"] = "0.1.0"
    beside.write_text(json.dumps(manifest))
    with pytest.raises(Misuse, match=r"kept by scikit-learn 0\.1\.0"):
        load_model(path)


def test_a_manifest_that_is_none_is_refused(tmp_path, trained):
    path = tmp_path / "up.onnx"
    beside = save_model(trained, path)
    beside.write_text("{}")
    with pytest.raises(Misuse, match="is no manifest"):
        load_model(path)
    beside.write_text('{"schema": "b25-model/0"}')
    with pytest.raises(Misuse, match="has schema 'b25-model/0'"):
        load_model(path)
    beside.unlink()
    with pytest.raises(Misuse, match=r"there is no .*up\.onnx\.json"):
        load_model(path)


def test_a_name_or_a_folder_that_will_not_do_is_refused_before_anything_is_written(tmp_path, trained):
    with pytest.raises(Misuse, match=r"a model named up\.pkl"):
        save_model(trained, tmp_path / "up.pkl")
    with pytest.raises(Misuse, match="there is no folder"):
        save_model(trained, tmp_path / "deep" / "up.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_is_not_there_is_missed_in_one_line():
    with pytest.raises(Misuse, match=r'no_such_library is not installed\n  remedy: .*"b25\[ml\]"'):
        optional.needed("no_such_library.part", extra="ml")
