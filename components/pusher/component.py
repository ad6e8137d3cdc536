"""Pusher: TFX's Pusher with atomic pushes."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Any

from google.protobuf import json_format
from tfx import types
from tfx.components.pusher import executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter

from components.pusher.evaluated_model import describe_evaluated_model
from data.storage import files
from data.storage.lease import hold_lease
from trainer.export.model_card import read_model_card
from trainer.export.model_card_page import complete_model_card
from trainer.export.pushed_models import copy_model, push_model

FORCE_PUSH_REASON = "force_push_reason"
"""Why an unblessed model was pushed: a property of the output, and a key of the model card."""

CARD = "model_card"
"""What the configuration adds to the model card: `licence` and `contact`."""

HOLD_LEASE = "hold_lease"
"""Whether several machines may push into the same folder, so that a push must hold its lease."""

# A push takes seconds, or perhaps a minute from a store on another continent.
_LEASE_SECONDS = 600.0


class Executor(executor.Executor):
    """Copies a model that is blessed or forced into the output and the serving folder.

    TFX's executor writes into the folder of the version itself. A push that is killed leaves an
    incomplete model there, which servers try to load. It also pushes nothing if the clock
    gives a version that exists already.
    """

    def Do(  # noqa: N802 - TFX calls it by this name.
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Push the model if it is blessed or a reason to force it is given, and record where."""
        self._log_startup(input_dict, output_dict, exec_properties)
        output = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        blessed = self.CheckBlessing(input_dict)
        config = json.loads(exec_properties.get(standard_component_specs.CUSTOM_CONFIG_KEY) or "{}")
        reason = config.get(FORCE_PUSH_REASON, "")
        if not blessed and not reason:
            self._MarkNotPushed(output)
            return
        destination = json_format.Parse(
            exec_properties[standard_component_specs.PUSH_DESTINATION_KEY],
            pusher_pb2.PushDestination(),
        )
        model = self.GetModelPath(input_dict)
        if files.exists(output.uri):  # TFX creates it beforehand
            files.remove_folder(output.uri)
        copy_model(model, output.uri)
        facts = config.get(CARD, {})
        if not blessed:
            output.set_string_custom_property(FORCE_PUSH_REASON, reason)
            facts[FORCE_PUSH_REASON] = reason
        _complete_card(output.uri, input_dict, facts)
        serving_dir = destination.filesystem.base_directory
        with contextlib.ExitStack() as stack:
            if config.get(HOLD_LEASE):
                holder = f"the Pusher on {socket.gethostname()}"
                stack.enter_context(hold_lease(serving_dir, holder, _LEASE_SECONDS))
            pushed = push_model(output.uri, serving_dir)
        self._MarkPushed(output, pushed_destination=pushed.path, pushed_version=str(pushed.version))


def _complete_card(
    model_dir: str, inputs: dict[str, list[types.Artifact]], facts: dict[str, Any]
) -> None:
    if standard_component_specs.EVALUATION_KEY in inputs:
        facts = facts | describe_evaluated_model(inputs, read_model_card(model_dir)["classes"])
    if facts:
        complete_model_card(model_dir, facts)


class PusherSpec(standard_component_specs.PusherSpec):
    """Inputs, outputs and parameters of the component: the stock ones and those of the card."""

    INPUTS = {
        **standard_component_specs.PusherSpec.INPUTS,
        standard_component_specs.EXAMPLES_KEY: ChannelParameter(
            type=standard_artifacts.Examples, optional=True
        ),
        standard_component_specs.EVALUATION_KEY: ChannelParameter(
            type=standard_artifacts.ModelEvaluation, optional=True
        ),
    }


class Pusher(base_component.BaseComponent):
    """Puts a model with its card into the serving folder as a new version.

    The model must be blessed, or `custom_config` must have a `force_push_reason`.
    """

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        push_destination: pusher_pb2.PushDestination,
        custom_config: dict[str, Any],
        **inputs: types.BaseChannel,
    ) -> None:
        """Construct the component.

        Args:
          push_destination: the serving folder.
          custom_config: values of `FORCE_PUSH_REASON`, `CARD` and `HOLD_LEASE`.
          inputs: the channels `model` and `model_blessing`; `evaluation` and `examples`, which the
            card describes.
        """
        super().__init__(
            PusherSpec(
                push_destination=push_destination,
                custom_config=json.dumps(custom_config),
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
                **inputs,
            )
        )
