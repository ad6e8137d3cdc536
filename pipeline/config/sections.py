"""The sections of the configuration: keys below a key, with their defaults and what they may be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from data.reading.layout import FORMAT_NAMES, VALUES, Tolerance

# Named here as well, because the modules that have them import Keras.
SCHEDULES = ("exponential", "cosine", "constant")
OPTIMIZERS = ("adam", "adamw", "rmsprop", "sgd")

MONITORS = ("val_accuracy", "val_loss")
ALGORITHMS = ("bayesian", "random", "hyperband")


class Section(BaseModel):
    """A part of the configuration: typed, checked also where a default is taken, and final."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


Part = Annotated[float, Field(ge=0, le=1)]
"""From 0 to 1."""


def _is_part(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def refuse_unknown_classes(names: Iterable[str], classes: Sequence[str]) -> None:
    """Raise a ValueError that names the nearest class, if one of the names is no class."""
    for name in names:
        # Where the classes themselves are wrong, their own message is the one to read.
        if classes and name not in classes:
            (nearest,) = difflib.get_close_matches(str(name), classes, n=1, cutoff=0)
            raise ValueError(f'there is no class "{name}"; the nearest is "{nearest}"')


def one_of(choices: Sequence[str], value: str | None) -> str | None:
    """Return the value, or raise a ValueError that names the choices; None is always one."""
    if value is not None and value not in choices:
        raise ValueError(f"it is one of {', '.join(choices)}")
    return value


class Schedule(Section):
    """The learning rate over a run. Unset keys take the model's own values.

    Attributes:
      kind: exponential, cosine (to a hundredth of the initial rate) or constant.
      initial_rate: where the rate starts, or where the warm-up ends.
      warmup_epochs: epochs, and parts of one, over which the rate first rises from 0.
      decay_steps, decay_rate, staircase: of exponential alone: the rate is multiplied by
        decay_rate every decay_steps, at once if it is a staircase.
    """

    kind: str | None = None
    initial_rate: float | None = Field(None, gt=0)
    warmup_epochs: float | None = Field(None, ge=0)
    decay_steps: int | None = Field(None, gt=0)
    decay_rate: float | None = Field(None, gt=0, le=1)
    staircase: bool | None = None

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str | None) -> str | None:
        return one_of(SCHEDULES, kind)

    @model_validator(mode="after")
    def _only_exponential_decays(self) -> Schedule:
        if self.kind in ("cosine", "constant"):
            for key in ("decay_steps", "decay_rate", "staircase"):
                if getattr(self, key) is not None:
                    raise ValueError(f"{key} is of the kind exponential, not of {self.kind}")
        return self


class Optimizer(Section):
    """What turns gradients into steps. Unset keys take the model's own values, or Keras's.

    Attributes:
      name: adam, adamw, rmsprop or sgd.
      weight_decay: decoupled, in parts of the learning rate; biases and the scales of
        normalisation are spared.
      momentum: of sgd and rmsprop.
      clip_norm: largest norm of all gradients together.
    """

    name: str | None = None
    weight_decay: float | None = Field(None, ge=0)
    momentum: float | None = Field(None, ge=0, lt=1)
    clip_norm: float | None = Field(None, gt=0)

    @field_validator("name")
    @classmethod
    def _known_name(cls, name: str | None) -> str | None:
        return one_of(OPTIMIZERS, name)

    @model_validator(mode="after")
    def _has_momentum(self) -> Optimizer:
        if self.name in ("adam", "adamw") and self.momentum is not None:
            raise ValueError(f"momentum is of sgd and rmsprop; {self.name} has none to set")
        return self


class Augment(Section):
    """Random changes to training images; `trainer.inputs.augmentation` says which keep the class.

    Unset keys take the model's own values.
    """

    flip_time: bool | None = None
    flip_frequency: bool | None = None
    invert: bool | None = None
    shift_frequency: float | None = Field(None, ge=0, le=0.5)
    noise: float | None = Field(None, ge=0)


class Tuning(Section):
    """A search for better training settings before training, under a budget.

    It chooses what `trainer.tuning.search_space` lists, except for what the configuration sets.

    Attributes:
      enabled: whether there is one; the command `tune` sets it.
      trials: how many settings to try at most. The first trial is of those without tuning.
      minutes: how long to search at most, over all the runs that an interrupted search takes.
        The trial that is running then ends with its epoch. Null for no limit.
      algorithm: bayesian, random, or hyperband, whose trials begin with few epochs.
      epochs: of a trial; null for half of training's.
      objective: what makes a trial better: val_accuracy or val_loss.
    """

    enabled: bool = False
    trials: int = Field(20, ge=1)
    minutes: float | None = Field(None, gt=0)
    algorithm: str = "bayesian"
    epochs: int | None = Field(None, ge=1)
    objective: str = "val_accuracy"

    @field_validator("algorithm")
    @classmethod
    def _known_algorithm(cls, algorithm: str) -> str | None:
        return one_of(ALGORITHMS, algorithm)

    @field_validator("objective")
    @classmethod
    def _known_objective(cls, objective: str) -> str | None:
        return one_of(MONITORS, objective)


class Thresholds(Section):
    """What a model must reach to be blessed, on validation. 0 turns one off.

    Attributes:
      accuracy: the least part of all images taken for the right class.
      balanced_accuracy: the least mean of the classes' recalls, for data with rare classes.
      class_precision, class_recall: the least of every class, or a mapping of class names to
        bounds, none for classes that are not named.
      baseline_margin: how far accuracy may lie below that of the model in service.
      baseline_recall_margin: how far the lowest recall of any class may lie below the lowest of
        the model in service.
    """

    accuracy: Part = 0.9
    balanced_accuracy: Part = 0.0
    class_precision: Part | dict[str, Part] = 0.8
    class_recall: Part | dict[str, Part] = 0.8
    baseline_margin: Part = 0.01
    baseline_recall_margin: Part = 0.05

    @field_validator("class_precision", "class_recall", mode="before")
    @classmethod
    def _one_bound_or_by_class(cls, bounds: Any) -> Any:
        if not isinstance(bounds, dict) and not _is_part(bounds):
            raise ValueError("it is a number from 0 to 1, or such a number for some class names")
        if not isinstance(bounds, dict):
            return bounds
        for name, bound in bounds.items():
            if not _is_part(bound):
                raise ValueError(f'the bound of "{name}" is not a number from 0 to 1')
        return {str(name): bound for name, bound in bounds.items()}


class Input(Section):
    """How the data are read, and how strictly.

    Attributes:
      format: a format of `data.reading.formats`, or auto: by the names of the files.
      values: how grey levels are written: unit (0 to 1), levels (0 to 255), or auto.
      label_column: of files that hold images and labels: first, last, a name in the header, or
        auto: a column called label, class or target, else the last.
      span: of a data folder with span-1/, span-2/ and so on; null for the newest.
      max_bad_rows: leave out up to so many bad rows instead of refusing the data.
      allow_duplicates: let a spectrogram be in training and in validation.
    """

    format: str = "auto"
    values: str = "auto"
    label_column: str = "auto"
    span: int | None = Field(None, ge=0)
    max_bad_rows: int = Field(0, ge=0)
    allow_duplicates: bool = False

    @property
    def tolerance(self) -> Tolerance:
        """What is let pass."""
        return Tolerance(self.max_bad_rows, self.allow_duplicates)

    @field_validator("format")
    @classmethod
    def _known_format(cls, name: str) -> str:
        if name not in ("auto", *FORMAT_NAMES):
            raise ValueError(f"the formats are auto, {', '.join(FORMAT_NAMES)}")
        return name

    @field_validator("values")
    @classmethod
    def _known_values(cls, values: str) -> str:
        if values not in VALUES:
            raise ValueError(f"it is one of {', '.join(VALUES)}")
        return values


class Beam(Section):
    """How Apache Beam runs the data steps."""

    args: tuple[str, ...] = ()


class Resources(Section):
    """What a step gets of a cluster's machine.

    Attributes:
      cpu: cores, as request and as limit.
      memory: in GB, as request and as limit.
      accelerator: the resource's name, nvidia.com/gpu for one; empty for none.
      accelerators: how many of them.
    """

    cpu: float | None = Field(None, gt=0)
    memory: float | None = Field(None, gt=0)
    accelerator: str = ""
    accelerators: int = Field(1, ge=1)


class Toleration(Section):
    """Of a taint, by Kubernetes's names."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    @field_validator("operator")
    @classmethod
    def _known_operator(cls, operator: str) -> str | None:
        return one_of(("Equal", "Exists"), operator)


class Kubeflow(Section):
    """How the steps run in a cluster.

    Attributes:
      pull_policy: of the image: Always, IfNotPresent or Never.
      pull_secret: name of the secret for the image's registry.
      retries: how often a step that failed is tried again. Training goes on from its last epoch.
      resources: by step, and under `default` for all others; see Resources.
      env: environment variables, values by name.
      secrets: of which secret an environment variable is: NAME: secret/key.
      volumes: names of volume claims, by the path where they are mounted.
      node_selector: labels that a step's machine must have.
      tolerations: of taints that it may have.
    """

    pull_policy: str = "IfNotPresent"
    pull_secret: str = ""
    retries: int = Field(2, ge=0)
    resources: dict[str, Resources] = {"default": Resources(cpu=2, memory=8)}
    env: dict[str, str] = {}
    secrets: dict[str, str] = {}
    volumes: dict[str, str] = {}
    node_selector: dict[str, str] = {}
    tolerations: tuple[Toleration, ...] = ()

    @field_validator("pull_policy")
    @classmethod
    def _known_policy(cls, policy: str) -> str | None:
        return one_of(("Always", "IfNotPresent", "Never"), policy)

    @field_validator("secrets")
    @classmethod
    def _secret_and_key(cls, secrets: dict[str, str]) -> dict[str, str]:
        for name, source in secrets.items():
            if not all(source.partition("/")):
                raise ValueError(f'"{source}" of {name} is not of the form secret/key')
        return secrets

    @field_validator("volumes")
    @classmethod
    def _absolute_paths(cls, volumes: dict[str, str]) -> dict[str, str]:
        for path in volumes:
            if not path.startswith("/"):
                raise ValueError(f'"{path}" is no absolute path to mount a volume at')
        return volumes
