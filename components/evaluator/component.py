"""Evaluator that treats an empty baseline as no baseline."""

from __future__ import annotations

from typing import Any

from tfx.components import Evaluator
from tfx.components.evaluator.executor import Executor as EvaluatorExecutor
from tfx.dsl.components.base import executor_spec
from tfx.types import standard_component_specs
from tfx.types.artifact import Artifact

from components.baseline_model.component import has_model


class Executor(EvaluatorExecutor):
    """Drops a baseline artifact that holds no model, then runs the stock evaluation."""

    def Do(  # noqa: N802 - TFX calls it by this name.
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the outputs `evaluation` and `blessing`."""
        inputs = dict(input_dict)
        baseline = inputs.get(standard_component_specs.BASELINE_MODEL_KEY)
        if baseline and not has_model(baseline[0]):
            del inputs[standard_component_specs.BASELINE_MODEL_KEY]
        super().Do(inputs, output_dict, exec_properties)


class BaselineAwareEvaluator(Evaluator):
    """The stock Evaluator, except that the artifact `baseline_model` may be empty.

    A runner that copies artifacts, such as Kubeflow, cannot pass "no artifact", but it can pass
    an empty folder.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
