"""CuratedSchema: TFX's ImportSchemaGen, with a clear message for a file that is not a schema."""

from __future__ import annotations

from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0.schema_pb2 import Schema
from tfx.components.schema_gen.executor import DEFAULT_FILE_NAME
from tfx.components.schema_gen.import_schema_gen import executor as import_executor
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base import executor_spec
from tfx.types import Artifact, artifact_utils

from data.invalid import InvalidData
from data.storage import files


class Executor(import_executor.Executor):
    """Checks that the content is a schema and writes it."""

    def Do(  # noqa: N802 - TFX calls it by this name.
        self,
        input_dict: dict[str, list[Artifact]],  # noqa: ARG002 - TFX passes it.
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write the output `schema`.

        Raises:
          InvalidData: the content is not a schema. The message names the file, line and column.
        """
        try:
            text_format.Parse(exec_properties["content"], Schema())
        except text_format.ParseError as error:
            raise InvalidData(
                f"{exec_properties['schema_file']} is not a schema (a text-format "
                f"tensorflow.metadata.v0.Schema): line {error}"
            ) from error
        folder = artifact_utils.get_single_uri(output_dict["schema"])
        files.write_file(files.join(folder, DEFAULT_FILE_NAME), exec_properties["content"])


class CuratedSchema(ImportSchemaGen):
    """Imports a schema file. The output `schema` is the same as that of the stock component.

    The file is read when the graph is built. The cache therefore notices a schema that was
    corrected in place, and steps on other machines do not need the file.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, schema_file: str, shown_as: str = "") -> None:
        """Construct the component.

        Args:
          schema_file: path or bucket address of the schema in text format.
          shown_as: name of the file in messages; by default its path.
        """
        super().__init__(schema_file=shown_as or schema_file)
        # If the file is not text, the executor's parser reports it.
        content = files.read_bytes(schema_file).decode(errors="replace")
        self.exec_properties["content"] = content
