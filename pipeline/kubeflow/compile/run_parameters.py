"""The configuration keys that can be set for each run when it is started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.config.config import Config
from pipeline.config.loading import load_config
from trainer.config import nest


@dataclass(frozen=True)
class RunParameter:
    """A configuration key that a run can set.

    Attributes:
      name: name in Kubeflow's user interface.
      key: configuration key, with dots.
      type: type in the pipeline specification: STRING, NUMBER_INTEGER or NUMBER_DOUBLE.
      description: description in the user interface.
      unset: value that stands for a key that is not set.
    """

    name: str
    key: str
    type: str
    description: str
    unset: Any = None

    def get_value(self, config: Config) -> Any:
        """Return the value in a configuration."""
        value: Any = config
        for name in self.key.split("."):
            value = getattr(value, name)
        return self.unset if value is None else value

    def apply(self, config: Config, value: Any) -> Config:
        """Return the configuration with another value.

        Args:
          config: the compiled configuration.
          value: as Kubeflow passes it; every number is a float.

        Raises:
          ConfigError: the value is not valid.
        """
        if self.type == "NUMBER_INTEGER":
            value = int(value)
        if value == self.get_value(config):
            # The tuner treats a key that was set differently, even if it has its default value.
            return config
        if value == self.unset:
            value = None
        others = config.model_dump(
            mode="json", by_alias=True, exclude_unset=True, exclude=nest(self.key, True)
        )
        return load_config(options={**others, self.key: value})


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
        "Initial learning rate; 0 for the model's own.",
        unset=0.0,
    ),
    RunParameter(
        "accuracy_threshold",
        "thresholds.accuracy",
        "NUMBER_DOUBLE",
        "Accuracy that a model must reach to be pushed, 0 to 1.",
    ),
)
