"""BaselineModel: the newest model under the serving folder, as an artifact."""

from __future__ import annotations

import os
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_component, base_driver, base_executor, executor_spec
from tfx.orchestration.portable import base_driver as portable_base_driver
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import io_utils, path_utils

from components.baseline_model.newest import newest_baseline
from trainer.export.model_card import read_model_card

_SERVING_DIR = "serving_dir"
_VERSION = "baseline_version"


class BaselineModelSpec(ComponentSpec):
    PARAMETERS = {_SERVING_DIR: ExecutionParameter(type=str)}
    INPUTS = {"model": ChannelParameter(type=standard_artifacts.Model)}
    OUTPUTS = {"baseline": ChannelParameter(type=standard_artifacts.Model)}


class Driver(base_driver.BaseDriver, portable_base_driver.BaseDriver):
    """Makes the serving folder's state part of the cache key.

    Only a runner with TFX's drivers needs it, to know whether an earlier answer still holds.
    Kubeflow has none; there the executor alone decides. (Two base classes: components accept
    only drivers of the older kind, the runner calls only the newer.)
    """

    def __init__(self, metadata_handle):
        base_driver.BaseDriver.__init__(self, metadata_handle)
        portable_base_driver.BaseDriver.__init__(self, metadata_handle)

    def run(self, execution_info) -> driver_output_pb2.DriverOutput:
        baseline = _find(execution_info.input_dict, execution_info.exec_properties)
        output = driver_output_pb2.DriverOutput()
        output.exec_properties[_VERSION].int_value = baseline.version if baseline else 0
        return output


class Executor(base_executor.BaseExecutor):
    """Copies the newest pushed model into the output, or leaves the output empty."""

    def Do(self, input_dict, output_dict, exec_properties: dict[str, Any]) -> None:
        self._log_startup(input_dict, output_dict, exec_properties)
        output = artifact_utils.get_single_instance(output_dict["baseline"])
        baseline = _find(input_dict, exec_properties)
        tf.io.gfile.makedirs(output.uri)
        if baseline is None:
            output.set_int_custom_property("version", 0)
            return
        # A copy, because the serving folder's owner may remove old versions at any time.
        io_utils.copy_dir(baseline.path, path_utils.serving_model_dir(output.uri))
        output.set_int_custom_property("version", baseline.version)


def has_model(artifact: types.Artifact) -> bool:
    """Whether a `baseline` output holds a model; a first run's does not."""
    return tf.io.gfile.exists(
        os.path.join(path_utils.serving_model_dir(artifact.uri), "saved_model.pb")
    )


def _find(input_dict, exec_properties):
    candidate = artifact_utils.get_single_instance(list(input_dict["model"]))
    card = read_model_card(path_utils.serving_model_dir(candidate.uri))
    return newest_baseline(exec_properties[_SERVING_DIR], card)


class BaselineModel(base_component.BaseComponent):
    """The model that a new one has to beat: the newest pushed one, none on the first run.

    A TFX Resolver would ask ML Metadata for the latest blessed model; Kubeflow's backend refuses
    Resolver nodes, and a serving folder also knows the models that people rolled back.

    Output `baseline`: a Model artifact, an empty folder where nothing has been pushed yet.
    """

    SPEC_CLASS = BaselineModelSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, model: types.BaseChannel, serving_dir: str):
        """Constructs the component.

        Args:
          model: the candidate, which is never its own baseline.
          serving_dir: folder or bucket address that holds one folder a version.
        """
        super().__init__(
            BaselineModelSpec(
                model=model,
                serving_dir=serving_dir,
                baseline=types.Channel(type=standard_artifacts.Model),
            )
        )
