"""Evaluator that refuses broken models, and treats an empty baseline as no baseline."""

from __future__ import annotations

from typing import Any

import tensorflow_model_analysis as tfma
from tfx.components import Evaluator
from tfx.components.evaluator.executor import Executor as EvaluatorExecutor
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils, standard_component_specs
from tfx.types.artifact import Artifact
from tfx.utils import json_utils, path_utils, proto_utils

from components.baseline_model.component import has_model
from components.evaluator.eval_config import read_classes
from components.evaluator.served_answers import check_answers
from data.storage import files
from trainer.inputs.batches import read_records


class Executor(EvaluatorExecutor):
    """Checks the answers of the model, then runs the stock evaluation.

    A baseline artifact that holds no model is left out.
    """

    def Do(  # noqa: N802 - TFX calls it by this name.
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write the outputs `evaluation` and `blessing`.

        Raises:
          InvalidData: the answers of the model cannot be used.
        """
        _check_model(input_dict, exec_properties)
        inputs = dict(input_dict)
        baseline = inputs.get(standard_component_specs.BASELINE_MODEL_KEY)
        if baseline and not has_model(baseline[0]):
            del inputs[standard_component_specs.BASELINE_MODEL_KEY]
        super().Do(inputs, output_dict, exec_properties)


def _check_model(input_dict: dict[str, list[Artifact]], exec_properties: dict[str, Any]) -> None:
    keys = standard_component_specs
    model = artifact_utils.get_single_instance(input_dict[keys.MODEL_KEY])
    splits = json_utils.loads(exec_properties[keys.EXAMPLE_SPLITS_KEY])
    records = read_records(
        [
            files.join(uri, "*")
            for split in splits
            for uri in artifact_utils.get_split_uris(input_dict[keys.EXAMPLES_KEY], split)
        ]
    )
    config = proto_utils.json_to_proto(exec_properties[keys.EVAL_CONFIG_KEY], tfma.EvalConfig())
    model_dir = path_utils.serving_model_dir(model.uri)
    check_answers(model_dir, records.serialised, read_classes(config))


class BaselineAwareEvaluator(Evaluator):
    """The stock Evaluator, except that it checks the answers of the model first.

    The artifact `baseline_model` may be empty. A runner that copies artifacts, such as Kubeflow,
    cannot pass "no artifact", but it can pass an empty folder.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
