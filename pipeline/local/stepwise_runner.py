"""TFX's local runner with a call before and after each step."""

from __future__ import annotations

from collections.abc import Callable

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler.constants import PIPELINE_RUN_ID_PARAMETER_NAME
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.portable.runtime_parameter_utils import substitute_runtime_parameter
from tfx.proto.orchestration import pipeline_pb2

from pipeline.history.digests import Digests
from pipeline.history.records import StepRecord, read_step
from pipeline.local.cache_check import checked_by_cache


class StepwiseRunner(LocalDagRunner):
    """Runs a pipeline on this machine and reports the start and the end of each step.

    TFX's LocalDagRunner runs the nodes of a compiled pipeline in order and has no hook between
    them. So this runner passes it one node at a time, all with the same run id: a node finds its
    inputs in ML Metadata and does not need the nodes before it.
    """

    def __init__(
        self,
        connection: metadata_store_pb2.ConnectionConfig,
        run_id: str,
        digests: Digests,
        on_start: Callable[[str], None],
        on_finish: Callable[[StepRecord], None],
    ) -> None:
        """Initialises the runner.

        Args:
          connection: the ML Metadata store of the pipelines that are run.
          run_id: start of the run, ISO 8601, local time.
          digests: digests of earlier outputs. A step whose cached output is damaged runs again.
          on_start: called with the id of a node before it runs.
          on_finish: called with the record of a step after it ran or was taken from the cache.
        """
        super().__init__()
        self._connection = connection
        self._run_id = run_id
        self._digests = digests
        self._on_start = on_start
        self._on_finish = on_finish

    def run_with_ir(
        self, pipeline: pipeline_pb2.Pipeline, run_options: pipeline_pb2.RunOptions | None = None
    ) -> None:
        """Run the nodes of a compiled pipeline. `run` calls this after it compiled the pipeline.

        Args:
          pipeline: the compiled pipeline.
          run_options: as of LocalDagRunner.
        """
        substitute_runtime_parameter(pipeline, {PIPELINE_RUN_ID_PARAMETER_NAME: self._run_id})
        for node in pipeline.nodes:
            step = node.pipeline_node.node_info.id
            single = pipeline_pb2.Pipeline()
            single.CopyFrom(pipeline)
            del single.nodes[:]
            single.nodes.append(node)
            self._on_start(step)
            with checked_by_cache(self._digests):
                super().run_with_ir(single, run_options)
            record = read_step(self._connection, self._run_id, step)
            if not record.cached:
                self._digests.add(record.outputs)
            self._on_finish(record)
