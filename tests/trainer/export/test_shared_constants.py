"""Tests for constants that are stored once."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from trainer.export.shared_constants import share_constants


class _Branches(tf.Module):
    """Adds rows to each other, and the same numbers in either branch."""

    @tf.function(input_signature=[tf.TensorSpec([3, 2])])
    def add(self, rows: tf.Tensor) -> dict[str, tf.Tensor]:
        total = rows[0] + rows[1] + rows[2] + tf.constant([1.0, 2.0])
        branch = tf.cond(
            total[0] > 0, lambda: [1.0, 2.0] * total * [1.0, 2.0], lambda: total - [1.0, 2.0]
        )
        return {"branch": branch, "constant": tf.constant([1.0, 2.0])}


@pytest.fixture(name="exported")
def export(tmp_path: Path) -> str:
    tf.saved_model.save(_Branches(), str(tmp_path))
    return str(tmp_path)


def _count_copies(directory: str) -> int:
    content = (Path(directory) / "saved_model.pb").read_bytes()
    graph = saved_model_pb2.SavedModel.FromString(content).meta_graphs[0].graph_def
    values = [
        [
            node.attr["value"].SerializeToString(deterministic=True)
            for node in function.node_def
            if node.op == "Const" and not node.input
        ]
        for function in graph.library.function
    ]
    return sum(len(each) - len(set(each)) for each in values)


def test_no_function_holds_a_constant_twice(exported: str) -> None:
    assert _count_copies(exported) > 5
    share_constants(exported)
    assert _count_copies(exported) == 0


@pytest.mark.parametrize(
    ("first", "branch"), [(1.0, [4.0, 20.0]), (-9.0, [-7.0, 3.0])], ids=["true", "false"]
)
def test_the_answers_stay_the_same(exported: str, first: float, branch: list[float]) -> None:
    share_constants(exported)
    rows = np.array([[first, 1], [1, 1], [1, 1]], np.float32)
    answer = tf.saved_model.load(exported).signatures["serving_default"](rows=tf.constant(rows))
    np.testing.assert_array_equal(answer["branch"], branch)
    np.testing.assert_array_equal(answer["constant"], [1, 2])
