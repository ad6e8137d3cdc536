"""Evaluator that treats an empty baseline as no baseline."""

from __future__ import annotations

from typing import Any

from tfx.components import Evaluator
from tfx.components.evaluator.executor import Executor as EvaluatorExecutor
from tfx.dsl.components.base import executor_spec
from tfx.types import standard_component_specs

from components.baseline_model.component import has_model


class Executor(EvaluatorExecutor):
    """Leaves out a baseline that holds no model, then runs the stock evaluation."""

    def Do(self, input_dict, output_dict, exec_properties: dict[str, Any]) -> None:
        inputs = dict(input_dict)
        baseline = inputs.get(standard_component_specs.BASELINE_MODEL_KEY)
        if baseline and not has_model(baseline[0]):
            del inputs[standard_component_specs.BASELINE_MODEL_KEY]
        super().Do(inputs, output_dict, exec_properties)


class BaselineAwareEvaluator(Evaluator):
    """The stock Evaluator, except that the `baseline_model` artifact may be empty.

    A runner that copies artifacts (Kubeflow) cannot express "no artifact"; an empty folder it
    can.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
