"""ExampleValidator whose anomalies fail the step, so that nothing is trained on bad data."""

from __future__ import annotations

from typing import Any

from tfx.components import ExampleValidator
from tfx.components.example_validator.executor import Executor as ExampleValidatorExecutor
from tfx.dsl.components.base import executor_spec

from data.invalid import InvalidData


class Executor(ExampleValidatorExecutor):
    """Runs the stock validation and raises when it found anything."""

    def Do(self, input_dict, output_dict, exec_properties: dict[str, Any]):
        self._found: list[str] = []
        output = super().Do(input_dict, output_dict, exec_properties)
        if self._found:
            raise InvalidData(
                "The data do not fit the schema: "
                + "; ".join(self._found)
                + ". Correct the data, or the schema if it is the one that is wrong."
            )
        return output

    def _Validate(self, inputs, outputs):
        anomalies = super()._Validate(inputs, outputs)
        (folder,) = outputs.values()
        split = folder.rstrip("/").rpartition("Split-")[2]
        for name, anomaly in sorted(anomalies.anomaly_info.items()):
            self._found.append(f"{split}, feature {name}: {anomaly.description.rstrip('.')}")
        if anomalies.HasField("dataset_anomaly_info"):
            self._found.append(f"{split}: {anomalies.dataset_anomaly_info.description.rstrip('.')}")
        return anomalies


class GatingExampleValidator(ExampleValidator):
    """Same inputs and outputs as the stock component; anomalies fail it with `InvalidData`.

    The stock component only records anomalies and lets the run go on. Nodes that must not run
    on bad data have to be placed after this one with `add_upstream_node`.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
