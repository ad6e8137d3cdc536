"""Compares what a run on another Beam runner left with what a run in one process left."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import json_format
from tensorflow_metadata.proto.v0 import statistics_pb2

from tests.end_to_end.support.pipeline_runs import Run


def assert_same_records(run: Run, expected: Run) -> None:
    """The stored examples are the same files, byte for byte."""
    files = digests(artifact(expected, "SpectrogramExampleGen", "examples"))
    assert {os.path.dirname(path) for path in files} == {"Split-train", "Split-validation"}
    assert digests(artifact(run, "SpectrogramExampleGen", "examples")) == files


def assert_same_statistics(run: Run, expected: Run, *, train: int, validation: int) -> None:
    """The statistics of this many images are the same, but for the last digits."""
    values = statistics(expected)
    assert (values["train images"], values["validation images"]) == (train, validation)
    # Each worker sums its own chunks, so the last digits of a sum depend on the number of workers.
    assert statistics(run) == {
        path: pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
        for path, value in values.items()
    }


def assert_same_weights(run: Run, expected: Run) -> None:
    """The trained weights are the same to the bit."""
    assert run.card["model_id"] == expected.card["model_id"], "a digest of all weights"


def assert_same_metrics(run: Run, expected: Run, *, validation: int) -> None:
    """The metrics, of this many images, are the same to the bit."""
    same = ("accuracy", "classes", "confusion_matrix", "data_fingerprint")
    assert {key: run.metrics[key] for key in same} == {key: expected.metrics[key] for key in same}
    assert sum(map(sum, run.metrics["confusion_matrix"])) == validation


def assert_same_results(run: Run, expected: Run, *, train: int, validation: int) -> None:
    """Everything is the same."""
    assert_same_records(run, expected)
    assert_same_statistics(run, expected, train=train, validation=validation)
    assert_same_weights(run, expected)
    assert_same_metrics(run, expected, validation=validation)


def log_of(run: Run) -> str:
    return "\n".join(
        path.read_text(errors="replace")[-4000:] for path in (run.output / "logs").glob("*.log")
    )


def artifact(run: Run, node: str, key: str) -> Path:
    """The folder of a step's output in the first run of an output folder."""
    versions = (run.output / "artifacts" / node / key).iterdir()
    return min(versions, key=lambda path: int(path.name))


def digests(examples: Path) -> dict[str, str]:
    return {
        str(path.relative_to(examples)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in examples.glob("Split-*/*")
    }


def statistics(run: Run) -> dict[str, object]:
    """Every value of the statistics, by split, feature and its path through the messages."""
    folder = artifact(run, "StatisticsGen", "statistics")
    values: dict[str, object] = {}
    for split in ("train", "validation"):
        content = (folder / f"Split-{split}" / "FeatureStats.pb").read_bytes()
        (dataset,) = statistics_pb2.DatasetFeatureStatisticsList.FromString(content).datasets
        values[f"{split} images"] = dataset.num_examples
        # The order of the features depends on which worker was first.
        for feature in dataset.features:
            name = f"{split} {feature.path.step[0]}"
            values.update(flat(json_format.MessageToDict(feature), name))
    return values


def flat(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from flat(item, f"{path}.{key}")
    else:
        yield path, value
