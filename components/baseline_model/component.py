"""BaselineModel: the newest model under the serving folder, as an artifact."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, base_driver, base_executor, executor_spec
from tfx.orchestration.portable import base_driver as portable_base_driver
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import path_utils

from components.baseline_model.selection import select_baseline
from data.storage import files
from trainer.export.model_card import read_model_card
from trainer.export.pushed_models import PushedModel, copy_model

_SERVING_DIR = "serving_dir"
_VERSION = "baseline_version"


class BaselineModelSpec(ComponentSpec):
    """Interface of BaselineModel."""

    PARAMETERS = {_SERVING_DIR: ExecutionParameter(type=str)}
    INPUTS = {"model": ChannelParameter(type=standard_artifacts.Model)}
    OUTPUTS = {"baseline": ChannelParameter(type=standard_artifacts.Model)}


class Driver(base_driver.BaseDriver, portable_base_driver.BaseDriver):
    """Makes the version of the baseline part of the cache key.

    Without it, a runner with a cache would reuse an earlier result even if a model has been pushed
    or removed since. Kubeflow runs no drivers; there, the step runs anew in each run.

    There are two base classes because components accept only drivers of the older kind, but the
    local runner calls only the newer kind.
    """

    def __init__(self, metadata_handle: Any) -> None:
        base_driver.BaseDriver.__init__(self, metadata_handle)
        portable_base_driver.BaseDriver.__init__(self, metadata_handle)

    def run(self, execution_info: Any) -> driver_output_pb2.DriverOutput:
        """Add the version of the baseline to the execution properties, 0 for no baseline."""
        baseline = _find_baseline(execution_info.input_dict, execution_info.exec_properties)
        output = driver_output_pb2.DriverOutput()
        output.exec_properties[_VERSION].int_value = baseline.version if baseline else 0
        return output


class Executor(base_executor.BaseExecutor):
    """Copies the newest pushed model into the output, or leaves the output empty."""

    def Do(  # noqa: N802 - TFX calls it by this name.
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write the output `baseline` and its property `version`, 0 for no baseline."""
        self._log_startup(input_dict, output_dict, exec_properties)
        output = artifact_utils.get_single_instance(output_dict["baseline"])
        baseline = _find_baseline(input_dict, exec_properties)
        files.make_folder(output.uri)
        if baseline is None:
            output.set_int_custom_property("version", 0)
            return
        # A copy, because old versions may be removed from the serving folder at any time.
        copy_model(baseline.path, path_utils.serving_model_dir(output.uri))
        output.set_int_custom_property("version", baseline.version)


def has_model(artifact: types.Artifact) -> bool:
    """Whether a `baseline` output holds a model; on a first run it does not."""
    return files.exists(files.join(path_utils.serving_model_dir(artifact.uri), "saved_model.pb"))


def _find_baseline(
    input_dict: dict[str, list[types.Artifact]], exec_properties: dict[str, Any]
) -> PushedModel | None:
    candidate = artifact_utils.get_single_instance(list(input_dict["model"]))
    card = read_model_card(path_utils.serving_model_dir(candidate.uri))
    return select_baseline(exec_properties[_SERVING_DIR], card)


class BaselineModel(base_component.BaseComponent):
    """The newest pushed model, with which a new model is compared; none on the first run.

    A TFX Resolver would ask ML Metadata for the latest blessed model. It is not used because
    Kubeflow's backend refuses Resolver nodes, and because ML Metadata does not know which models
    people removed from the serving folder to roll back.

    The output `baseline` is a Model artifact: an empty folder if nothing has been pushed yet.
    """

    SPEC_CLASS = BaselineModelSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, model: types.BaseChannel, serving_dir: str) -> None:
        """Construct the component.

        Args:
          model: the candidate. It is never its own baseline.
          serving_dir: folder or bucket address that holds one folder for each version.
        """
        super().__init__(
            BaselineModelSpec(
                model=model,
                serving_dir=serving_dir,
                baseline=types.Channel(type=standard_artifacts.Model),
            )
        )
