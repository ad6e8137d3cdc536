"""CuratedSchema: TFX's ImportSchemaGen, with words for a file that is no schema."""

from __future__ import annotations

from typing import Any

from google.protobuf import text_format
from tfx.components.schema_gen.import_schema_gen import executor as import_executor
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base import executor_spec

from data.invalid import InvalidData


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
    """Imports a schema file: output `schema`, as of the stock component."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
