"""Evaluator that refuses broken models, and treats an empty baseline as no baseline."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import constants
from tfx.components.evaluator.executor import Executor as EvaluatorExecutor
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.artifact import Artifact
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import json_utils, path_utils, proto_utils

from components.baseline_model.component import has_model
from components.evaluator.eval_config import read_classes
from components.evaluator.evaluation import read_evaluation
from components.evaluator.served.faults import (
    find_excesses,
    refuse_faults,
    refuse_other_decisions,
)
from components.evaluator.served.process import FreshProcess
from components.evaluator.served.record import write_record
from components.spectrogram_example_gen.examples_artifact import find_evaluated_split
from data.storage import files
from trainer.inputs.records import read_records

_MOST_SECONDS, _MOST_MEMORY = "most_seconds", "most_memory"
_SLICES = "components.evaluator.slices"

# A process that exceeds the limit by so many seconds is ended. Until then it tells how long it
# took.
_PATIENCE = 300.0

_NOT_SERVABLE = (
    "TensorFlow Serving did not load the model or did not answer (serving_check.server_image); the "
    "log of the step InfraValidator says why"
)


class Executor(EvaluatorExecutor):
    """Runs the stock evaluation, and asks the model in a process of its own meanwhile.

    A baseline artifact that holds no model is left out.
    """

    def Do(  # noqa: N802 - TFX calls it by this name.
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write the outputs `evaluation` and `blessing`, for the split that measures the model.

        Raises:
          InvalidData: the answers of the model cannot be used, or are not those of the evaluation.
        """
        keys = standard_component_specs
        examples = artifact_utils.get_single_instance(input_dict[keys.EXAMPLES_KEY])
        split = find_evaluated_split(examples)
        exec_properties = {
            **exec_properties,
            keys.EXAMPLE_SPLITS_KEY: json_utils.dumps([split]),
        }
        config = proto_utils.json_to_proto(
            exec_properties[keys.EVAL_CONFIG_KEY], config_pb2.EvalConfig()
        )
        classes = read_classes(config)
        model = artifact_utils.get_single_instance(input_dict[keys.MODEL_KEY])
        patterns = [files.join(artifact_utils.get_split_uri([examples], split), "*")]
        seconds, memory = (float(exec_properties[key]) for key in (_MOST_SECONDS, _MOST_MEMORY))
        with FreshProcess(
            path_utils.serving_model_dir(model.uri), patterns, seconds and seconds + _PATIENCE
        ) as process:
            labels = read_records(patterns).read_labels()
            try:
                with _without_rewriting_graphs():
                    super().Do(_without_empty_baseline(input_dict), output_dict, exec_properties)
            except Exception:
                # If the model is the reason, this says so more clearly.
                refuse_faults(process.finish(), classes)
                raise
            served = process.finish()
        refuse_faults(served, classes)
        evaluation_dir = artifact_utils.get_single_uri(output_dict[keys.EVALUATION_KEY])
        evaluation = read_evaluation(evaluation_dir, classes)
        refuse_other_decisions(served, labels, evaluation.overall.confusion_matrix)
        excesses = find_excesses(served, seconds, memory)
        if not _is_servable(input_dict):
            excesses.append(_NOT_SERVABLE)
        write_record(evaluation_dir, served, excesses)
        if excesses:
            _withdraw_blessing(artifact_utils.get_single_instance(output_dict[keys.BLESSING_KEY]))


@contextlib.contextmanager
def _without_rewriting_graphs() -> Iterator[None]:
    """Have TensorFlow run the model as it was exported.

    Rewriting it takes most of a second before the first answer, and makes the others no faster.
    """
    before = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False, **before})


def _without_empty_baseline(input_dict: dict[str, list[Artifact]]) -> dict[str, list[Artifact]]:
    baseline = input_dict.get(standard_component_specs.BASELINE_MODEL_KEY)
    if not baseline or has_model(baseline[0]):
        return input_dict
    return {
        key: artifacts
        for key, artifacts in input_dict.items()
        if key != standard_component_specs.BASELINE_MODEL_KEY
    }


def _is_servable(input_dict: dict[str, list[Artifact]]) -> bool:
    """Return whether the InfraValidator, if there is one, could serve the model."""
    blessing = input_dict.get(standard_component_specs.INFRA_BLESSING_KEY)
    return not blessing or bool(
        model_utils.is_infra_validated(artifact_utils.get_single_instance(blessing))
    )


def _withdraw_blessing(blessing: Artifact) -> None:
    """Record that a model is not blessed, whatever the stock evaluation decided."""
    blessed = files.join(blessing.uri, constants.BLESSED_FILE_NAME)
    if files.exists(blessed):
        files.remove_file(blessed)
    files.write_file(files.join(blessing.uri, constants.NOT_BLESSED_FILE_NAME), "")
    blessing.set_int_custom_property(
        constants.ARTIFACT_PROPERTY_BLESSED_KEY, constants.NOT_BLESSED_VALUE
    )


class EvaluatorSpec(standard_component_specs.EvaluatorSpec):
    """Inputs, outputs and parameters of the component: the stock ones and a few more."""

    PARAMETERS = {
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        _MOST_SECONDS: ExecutionParameter(type=float),
        _MOST_MEMORY: ExecutionParameter(type=float),
    }
    INPUTS = {
        **standard_component_specs.EvaluatorSpec.INPUTS,
        standard_component_specs.INFRA_BLESSING_KEY: ChannelParameter(
            type=standard_artifacts.InfraBlessing, optional=True
        ),
    }


class BaselineAwareEvaluator(base_component.BaseComponent):
    """The stock Evaluator, except that it also checks the exported model as a server will use it.

    The artifact `baseline_model` may be empty. A runner that copies artifacts, such as Kubeflow,
    cannot pass "no artifact", but it can pass an empty folder.
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        *,
        eval_config: config_pb2.EvalConfig,
        most_seconds: float,
        most_memory: float,
        **inputs: types.BaseChannel | None,
    ) -> None:
        """Construct the component.

        Args:
          eval_config: what is measured, and the thresholds.
          most_seconds: the longest time to load the model and to answer the warm-up requests; 0 for
            no limit.
          most_memory: the most memory, in GB, of a process with the model; 0 for no limit.
          inputs: the channels that `EvaluatorSpec.INPUTS` names. `infra_blessing` is optional.
        """
        super().__init__(
            EvaluatorSpec(
                eval_config=eval_config,
                most_seconds=most_seconds,
                most_memory=most_memory,
                fairness_indicator_thresholds=json_utils.dumps(None),
                module_path=_SLICES,
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
                **inputs,
            )
        )
