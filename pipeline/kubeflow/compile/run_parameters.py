"""What can be set in Kubeflow's UI when a run is started: keys of the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.config.config import Config, load_config, nested


@dataclass(frozen=True)
class RunParameter:
    """A key of the configuration that a run can set.

    Attributes:
      name: as the UI shows it.
      key: of the configuration, with dots.
      type: of the pipeline specification: STRING, NUMBER_INTEGER or NUMBER_DOUBLE.
      description: for the UI.
      unset: the value that stands for a key that is not set.
    """

    name: str
    key: str
    type: str
    description: str
    unset: Any = None

    def value(self, config: Config) -> Any:
        """Return what a configuration sets it to."""
        found: Any = config
        for part in self.key.split("."):
            found = getattr(found, part)
        return self.unset if found is None else found

    def applied(self, config: Config, value: Any) -> Config:
        """Return the configuration with another value.

        Args:
          config: the compiled one.
          value: as Kubeflow hands it over, every number a double.

        Raises:
          ConfigError: the value does not fit.
        """
        if self.type == "NUMBER_INTEGER":
            value = int(value)
        if value == self.value(config):
            # Of what somebody set, and what not, the tuner makes a difference.
            return config
        if value == self.unset:
            value = None
        given = config.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return load_config(options=_over(given, nested(self.key, value)))


RUN_PARAMETERS = (
    RunParameter(
        "data",
        "data",
        "STRING",
        "Folder of labelled spectrograms: a mounted path, or an address in a bucket.",
    ),
    RunParameter("model", "model", "STRING", "The network: compact or reference."),
    RunParameter("epochs", "epochs", "NUMBER_INTEGER", "Passes over the training images."),
    RunParameter(
        "learning_rate",
        "schedule.initial_rate",
        "NUMBER_DOUBLE",
        "Where the learning rate starts; 0 for the model's own.",
        unset=0.0,
    ),
    RunParameter(
        "accuracy_threshold",
        "thresholds.accuracy",
        "NUMBER_DOUBLE",
        "Accuracy that a model must reach to be pushed, 0 to 1.",
    ),
)


def _over(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, dict):
            value = _over(merged.get(key) or {}, value)
        merged[key] = value
    return merged
