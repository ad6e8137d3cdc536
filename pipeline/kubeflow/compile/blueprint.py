"""What a compiled graph was made of, so that a step can make it again with other values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tfx.orchestration.kubeflow.v2 import compiler_utils
from tfx.orchestration.pipeline import Pipeline

from pipeline.config.config import Config, load_config
from pipeline.dag import create_pipeline
from pipeline.kubeflow.compile.run_parameters import RUN_PARAMETERS


@dataclass(frozen=True)
class Blueprint:
    """Everything that `pipeline.dag.create_pipeline` is called with.

    Attributes:
      given: the configuration's keys that differ from their defaults, nested.
      root: address of the bucket folder where artifacts go.
      serving_dir, accepted_statistics_dir, checkpoint_dir: as of `create_pipeline`; what outlives
        a run and is not an artifact.
    """

    given: Mapping[str, Any]
    root: str
    serving_dir: str
    accepted_statistics_dir: str
    checkpoint_dir: str

    @property
    def config(self) -> Config:
        """The configuration that was compiled."""
        return load_config(options=dict(self.given))

    def pipeline(self, values: Mapping[str, Any] | None = None) -> Pipeline:
        """Return the graph, with run parameters set to these values.

        Args:
          values: by name of the parameter (`pipeline.kubeflow.compile.run_parameters`).

        Raises:
          ConfigError: a value does not fit.
        """
        config = self.config
        for parameter in RUN_PARAMETERS:
            if parameter.name in (values or {}):
                config = parameter.applied(config, values[parameter.name])
        return create_pipeline(
            config,
            root=self.root,
            serving_dir=self.serving_dir,
            accepted_statistics_dir=self.accepted_statistics_dir,
            checkpoint_dir=self.checkpoint_dir,
            warm_start_from=self.serving_dir if config.warm_start else "",
        )

    def to_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Blueprint:
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


def step_parameters(pipeline: Pipeline) -> dict[str, dict[str, Any]]:
    """Return the parameters of every step as the compiled graph holds them, by node id.

    Numbers and texts; everything else is text that TFX's executors parse.
    """
    return {
        node.id: {
            name: _plain(value) for name, value in node.exec_properties.items() if value is not None
        }
        for node in pipeline.components
    }


def _plain(value: Any) -> Any:
    constant = compiler_utils.value_converter(value).constant
    return getattr(constant, constant.WhichOneof("kind"))
