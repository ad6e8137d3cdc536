"""Records how a graph was created, so that a step can create it again with the values of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tfx.orchestration.kubeflow.v2 import compiler_utils
from tfx.orchestration.pipeline import Pipeline

from pipeline.config.config import Config
from pipeline.config.loading import load_config
from pipeline.config.secrets import hide_environment
from pipeline.dag import create_pipeline
from pipeline.kubeflow.compile.run_parameters import RUN_PARAMETERS


@dataclass(frozen=True)
class Blueprint:
    """The arguments that a graph was created with.

    Attributes:
      settings: the configuration keys that were set, nested.
      root: bucket folder for artifacts.
      serving_dir: see `create_pipeline`.
      accepted_statistics_dir: see `create_pipeline`.
      checkpoint_dir: see `create_pipeline`.
    """

    settings: Mapping[str, Any]
    root: str
    serving_dir: str
    accepted_statistics_dir: str
    checkpoint_dir: str

    @property
    def config(self) -> Config:
        """The compiled configuration."""
        return load_config(options=dict(self.settings))

    def create_graph(self, values: Mapping[str, Any] | None = None) -> Pipeline:
        """Create the graph.

        Args:
          values: values of run parameters by name; the others keep their compiled values.

        Raises:
          ConfigError: a value is not valid.
        """
        values = values or {}
        config = self.config
        for parameter in RUN_PARAMETERS:
            if parameter.name in values:
                config = parameter.apply(config, values[parameter.name])
        return create_pipeline(
            config,
            root=self.root,
            serving_dir=self.serving_dir,
            accepted_statistics_dir=self.accepted_statistics_dir,
            checkpoint_dir=self.checkpoint_dir,
            warm_start_from=self.serving_dir if config.warm_start else "",
        )

    def to_json(self) -> str:
        """Return the blueprint as JSON, without the values of environment variables.

        No graph depends on them.
        """
        fields = asdict(self)
        settings = hide_environment(fields.pop("settings"))
        return json.dumps({"given": settings, **fields}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Blueprint:
        """Return the blueprint that `to_json` wrote."""
        fields = json.loads(text)
        return cls(settings=fields.pop("given"), **fields)


def list_step_parameters(graph: Pipeline) -> dict[str, dict[str, Any]]:
    """Return the parameters of every step by node id, as the compiled package holds them.

    They are numbers and texts; TFX's executors parse everything else from text.
    """
    return {
        node.id: {
            name: _compile_value(value)
            for name, value in node.exec_properties.items()
            if value is not None
        }
        for node in graph.components
    }


def _compile_value(value: Any) -> Any:
    constant = compiler_utils.value_converter(value).constant
    return getattr(constant, constant.WhichOneof("kind"))
