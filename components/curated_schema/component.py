"""CuratedSchema: TFX's ImportSchemaGen, aware of what is in the file."""

from __future__ import annotations

from typing import Any

from google.protobuf import text_format
from tfx import types
from tfx.components.schema_gen.import_schema_gen import executor as import_executor
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from data.invalid import InvalidData


class CuratedSchemaSpec(ComponentSpec):
    PARAMETERS = {
        "schema_file": ExecutionParameter(type=str),
        "digest": ExecutionParameter(type=str),
    }
    INPUTS = {}
    OUTPUTS = {"schema": ChannelParameter(type=standard_artifacts.Schema)}


class Executor(import_executor.Executor):
    """Copies the schema file, or says what is wrong with it."""

    def Do(self, input_dict, output_dict, exec_properties: dict[str, Any]) -> None:
        try:
            super().Do(input_dict, output_dict, exec_properties)
        except text_format.ParseError as error:
            raise InvalidData(
                f"{exec_properties['schema_file']} is not a schema (a text-format "
                f"tensorflow.metadata.v0.Schema): line {error}"
            ) from error


class CuratedSchema(ImportSchemaGen):
    """Imports a schema file.

    The stock component is cached by the file's name alone: a schema corrected after an anomaly
    would go unnoticed, and the run would be refused for ever.

    Output `schema`: the file as an artifact.
    """

    SPEC_CLASS = CuratedSchemaSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, schema_file: str, digest: str = ""):
        """Constructs the component.

        Args:
          schema_file: a schema in protocol-buffer text format.
          digest: fingerprint of the file's content.
        """
        base_component.BaseComponent.__init__(
            self,
            CuratedSchemaSpec(
                schema_file=schema_file,
                digest=digest,
                schema=types.Channel(type=standard_artifacts.Schema),
            ),
        )
