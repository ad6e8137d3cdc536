"""CuratedSchema: TFX's ImportSchemaGen, with words for a file that is no schema."""

from __future__ import annotations

import os
from typing import Any

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0.schema_pb2 import Schema
from tfx.components.schema_gen.executor import DEFAULT_FILE_NAME
from tfx.components.schema_gen.import_schema_gen import executor as import_executor
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils

from data.invalid import InvalidData


class Executor(import_executor.Executor):
    """Writes the schema, or says what is wrong with it."""

    def Do(self, input_dict, output_dict, exec_properties: dict[str, Any]) -> None:
        try:
            text_format.Parse(exec_properties["content"], Schema())
        except text_format.ParseError as error:
            raise InvalidData(
                f"{exec_properties['schema_file']} is not a schema (a text-format "
                f"tensorflow.metadata.v0.Schema): line {error}"
            ) from error
        folder = artifact_utils.get_single_uri(output_dict["schema"])
        tf.io.gfile.makedirs(folder)
        with tf.io.gfile.GFile(os.path.join(folder, DEFAULT_FILE_NAME), "w") as file:
            file.write(exec_properties["content"])


class CuratedSchema(ImportSchemaGen):
    """Imports a schema file: output `schema`, as of the stock component.

    The file is read when the graph is made, so that the cache notices a schema corrected in place,
    and that steps in other places need not have the file.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, schema_file: str, shown_as: str = ""):
        """Constructs the component.

        Args:
          schema_file: the schema in text format.
          shown_as: what messages call it, unless it is the file's path.
        """
        super().__init__(schema_file=shown_as or schema_file)
        with tf.io.gfile.GFile(schema_file, "rb") as file:
            # Of a file that is no text, parsing says what is wrong.
            self.exec_properties["content"] = file.read().decode(errors="replace")
