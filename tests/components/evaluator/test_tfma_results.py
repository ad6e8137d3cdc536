"""Reading TFMA's results."""

from types import SimpleNamespace

from components.evaluator.tfma_results import confusion_matrix, overall_metrics


def test_with_a_baseline_the_matrix_is_that_of_the_new_model():
    def metric(entries: list[dict]) -> dict:
        matrices = [{"threshold": 0.0, "entries": entries}]
        return {"multiClassConfusionMatrixAtThresholds": {"matrices": matrices}}

    candidate = metric(
        [
            {"numWeightedExamples": 3.0},
            {"predictedClassId": 1, "numWeightedExamples": 1.0},
            {"actualClassId": 1, "predictedClassId": 1, "numWeightedExamples": 2.0},
        ]
    )
    change = metric([{"numWeightedExamples": -1.0}])
    values = {"confusion_matrix": candidate, "confusion_matrix_diff": change}
    result = SimpleNamespace(slicing_metrics=[((), {"": {"": values}})])
    assert confusion_matrix(overall_metrics(result), 2).tolist() == [[3, 1], [0, 2]]
