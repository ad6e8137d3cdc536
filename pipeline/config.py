"""The one typed configuration: defaults here, a YAML file over them, the command line on top."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from data.reading.files import is_remote
from data.reading.layout import FORMAT_NAMES, VALUES, Layout, Tolerance
from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH
from trainer.models import MODELS

# Named here as well, because the modules that have them import Keras.
SCHEDULES = ("exponential", "cosine", "constant")
OPTIMIZERS = ("adam", "adamw", "rmsprop", "sgd")

STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker")
NORMALISATIONS = ("image", "levels")
MONITORS = ("val_accuracy", "val_loss")
ALGORITHMS = ("bayesian", "random", "hyperband")

# Keys whose own keys are not of the configuration: names of classes, of steps, of the cluster's.
_MAPPINGS = (
    "class_weights",
    "thresholds.class_precision",
    "thresholds.class_recall",
    "kubeflow.resources",
    "kubeflow.env",
    "kubeflow.secrets",
    "kubeflow.volumes",
    "kubeflow.node_selector",
)


class ConfigError(ValueError):
    """A key or value of the configuration is wrong. The message names the key."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


# From 0 to 1.
_Part = Annotated[float, Field(ge=0, le=1)]


def _is_part(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _refuse_unknown_classes(names: Iterable[str], classes: Sequence[str]) -> None:
    for name in names:
        # Where the classes themselves are wrong, their own message is the one to read.
        if classes and name not in classes:
            (nearest,) = difflib.get_close_matches(str(name), classes, n=1, cutoff=0)
            raise ValueError(f'there is no class "{name}"; the nearest is "{nearest}"')


def _one_of(choices: Sequence[str], value: str | None) -> str | None:
    if value is not None and value not in choices:
        raise ValueError(f"it is one of {', '.join(choices)}")
    return value


class Schedule(_Section):
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
        return _one_of(SCHEDULES, kind)

    @model_validator(mode="after")
    def _only_exponential_decays(self) -> Schedule:
        if self.kind in ("cosine", "constant"):
            for key in ("decay_steps", "decay_rate", "staircase"):
                if getattr(self, key) is not None:
                    raise ValueError(f"{key} is of the kind exponential, not of {self.kind}")
        return self


class Optimizer(_Section):
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
        return _one_of(OPTIMIZERS, name)

    @model_validator(mode="after")
    def _has_momentum(self) -> Optimizer:
        if self.name in ("adam", "adamw") and self.momentum is not None:
            raise ValueError(f"momentum is of sgd and rmsprop; {self.name} has none to set")
        return self


class Augment(_Section):
    """Random changes to training images; `trainer.augmentation` says which keep the class.

    Unset keys take the model's own values.
    """

    flip_time: bool | None = None
    flip_frequency: bool | None = None
    invert: bool | None = None
    shift_frequency: float | None = Field(None, ge=0, le=0.5)
    noise: float | None = Field(None, ge=0)


class Tuning(_Section):
    """A search for better training settings before training, under a budget.

    It chooses what `trainer.search_space` lists, except for what the configuration sets.

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
        return _one_of(ALGORITHMS, algorithm)

    @field_validator("objective")
    @classmethod
    def _known_objective(cls, objective: str) -> str | None:
        return _one_of(MONITORS, objective)


class Thresholds(_Section):
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

    accuracy: _Part = 0.9
    balanced_accuracy: _Part = 0.0
    class_precision: _Part | dict[str, _Part] = 0.8
    class_recall: _Part | dict[str, _Part] = 0.8
    baseline_margin: _Part = 0.01
    baseline_recall_margin: _Part = 0.05

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


class Input(_Section):
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


class Beam(_Section):
    """How Apache Beam runs the data steps."""

    args: tuple[str, ...] = ()


class Resources(_Section):
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


class Toleration(_Section):
    """Of a taint, by Kubernetes's names."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    @field_validator("operator")
    @classmethod
    def _known_operator(cls, operator: str) -> str | None:
        return _one_of(("Equal", "Exists"), operator)


class Kubeflow(_Section):
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
        return _one_of(("Always", "IfNotPresent", "Never"), policy)

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


class Config(_Section):
    """Everything a run depends on.

    Attributes:
      data: folder of labelled spectrograms (see data/README.md), or address of a bucket.
      output: local folder for metadata, artifacts, pushed models and the latest results.
      artifacts: where steps put what they make, a folder or the address of a bucket that Beam's
        workers reach; empty for artifacts/ in the output folder.
      classes: names in the order of the label columns.
      height, width: pixels along time and along frequency.
      model: a name in `trainer.models.MODELS`.
      epochs, batch_size, seed: of training; the seed also shuffles the data.
      initial_weights: a `.weights.h5` file to start from, or empty.
      warm_start: start from the newest pushed model that has these classes, this image size and
        this architecture; from random weights where none has.
      normalise: image brings each spectrogram to mean 0 and deviation 1, so that neither
        brightness nor contrast counts; levels leaves grey levels from 0 to 1; null for the
        model's own: levels for reference, image for all others.
      label_smoothing: part of each label that is spread over all classes. Training and
        validation loss are of smoothed labels; null for the model's own.
      class_weights: how much an image counts in the training loss: null for all alike, balanced
        for every class alike, or a mapping of class names to weights, 1 where not named.
      early_stopping: epochs without a better one before training ends, 0 never.
      keep_best: what makes an epoch better, for the exported weights and for early stopping:
        val_accuracy or val_loss.
      calibrate: serve probabilities that were brought to mean what they say, by one temperature
        fitted on validation; the most probable class stays the same. False serves the network's
        own.
      mixed_precision: compute in bfloat16, keep weights and probabilities in float32. For
        processors that have it; others get slower.
      steps_per_execution: training steps between two looks at callbacks; the largest number up
        to it that divides the steps of an epoch. Always 1 with several replicas.
      strategy: the devices that train: one_device, mirrored (all GPUs of this machine),
        multi_worker (the cluster in the environment variable TF_CONFIG), or auto: whichever of
        these is there. batch_size is that of all devices together.
      infer_schema: derive the schema from the data instead of importing the curated one.
      schema: a curated schema to import, or empty for the one in data/.
      interactive_report: put TFMA's interactive views, and scripts with them, into the report.
      cache: answer steps from earlier runs where nothing they depend on has changed.
    """

    data: str = ""
    output: str = "runs"
    artifacts: str = ""
    classes: tuple[str, ...] = CLASS_NAMES
    height: int = Field(HEIGHT, ge=16)
    width: int = Field(WIDTH, ge=16)
    model: str = "compact"
    epochs: int = Field(12, ge=1)
    batch_size: int = Field(32, ge=1)
    seed: int = Field(0, ge=0, lt=2**31)
    initial_weights: str = ""
    warm_start: bool = False
    normalise: str | None = None
    label_smoothing: float | None = Field(None, ge=0, lt=1)
    class_weights: str | dict[str, float] | None = None
    early_stopping: int = Field(0, ge=0)
    keep_best: str = "val_loss"
    calibrate: bool = True
    mixed_precision: bool = False
    steps_per_execution: int = Field(1, ge=1)
    strategy: str = "auto"
    infer_schema: bool = False
    schema_file: str = Field("", alias="schema")
    interactive_report: bool = False
    cache: bool = True
    input: Input = Input()
    schedule: Schedule = Schedule()
    optimizer: Optimizer = Optimizer()
    augment: Augment = Augment()
    tuning: Tuning = Tuning()
    thresholds: Thresholds = Thresholds()
    beam: Beam = Beam()
    kubeflow: Kubeflow = Kubeflow()

    @property
    def layout(self) -> Layout:
        """What the data must look like."""
        return Layout(
            self.classes, self.height, self.width, self.input.label_column, self.input.values
        )

    @property
    def given(self) -> frozenset[str]:
        """The keys that somebody set, nested ones with dots, whatever they were set to."""
        return frozenset(_given_keys(self))

    @field_validator("data")
    @classmethod
    def _local_path(cls, data: str) -> str:
        return data.removeprefix("file://")

    @field_validator("output")
    @classmethod
    def _local_folder(cls, output: str) -> str:
        if is_remote(output):
            raise ValueError(
                "it is a folder of this machine, because metadata are a SQLite file in it; what "
                "workers have to reach can be elsewhere: set artifacts to a bucket's address"
            )
        return output

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(classes) < 2 or len(set(classes)) != len(classes) or not all(classes):
            raise ValueError("at least two different class names are needed")
        return classes

    @field_validator("keep_best")
    @classmethod
    def _known_monitor(cls, keep_best: str) -> str | None:
        return _one_of(MONITORS, keep_best)

    @field_validator("normalise")
    @classmethod
    def _known_normalisation(cls, normalise: str | None) -> str | None:
        return _one_of(NORMALISATIONS, normalise)

    @field_validator("strategy")
    @classmethod
    def _known_strategy(cls, strategy: str) -> str | None:
        return _one_of(STRATEGIES, strategy)

    @field_validator("class_weights", mode="before")
    @classmethod
    def _weights_of_known_classes(cls, weights: Any, validated: ValidationInfo) -> Any:
        if weights in (None, "balanced"):
            return weights
        if not isinstance(weights, dict) or not all(
            isinstance(weight, (int, float)) and weight > 0 for weight in weights.values()
        ):
            raise ValueError("it is balanced, or a weight above 0 for each of some class names")
        _refuse_unknown_classes(weights, validated.data.get("classes", ()))
        return weights

    @field_validator("thresholds")
    @classmethod
    def _bounds_of_known_classes(
        cls, thresholds: Thresholds, validated: ValidationInfo
    ) -> Thresholds:
        for key in ("class_precision", "class_recall"):
            bounds = getattr(thresholds, key)
            try:
                names = bounds if isinstance(bounds, dict) else ()
                _refuse_unknown_classes(names, validated.data.get("classes", ()))
            except ValueError as error:
                # So that the message names the key within its section.
                wrong = InitErrorDetails(
                    type=PydanticCustomError("class", "{why}", {"why": str(error)}),
                    loc=(key,),
                    input=bounds,
                )
                raise ValidationError.from_exception_data("Thresholds", [wrong]) from None
        return thresholds

    @field_validator("warm_start")
    @classmethod
    def _one_start(cls, warm_start: bool, validated: ValidationInfo) -> bool:
        if warm_start and validated.data.get("initial_weights"):
            raise ValueError("training starts from initial_weights already; leave one of them out")
        return warm_start

    @field_validator("model")
    @classmethod
    def _known_model(cls, model: str) -> str:
        if model not in MODELS:
            raise ValueError(f"there is no such model; the models are {', '.join(MODELS)}")
        return model


def load_config(
    file: str | None = None, settings: tuple[str, ...] = (), options: dict[str, Any] | None = None
) -> Config:
    """Merge the layers into a checked configuration.

    Args:
      file: a YAML file, or None.
      settings: "key=value" strings, dots between the parts of a nested key, values in YAML.
      options: command-line options, nested like the configuration; None values are absent.

    Raises:
      ConfigError: naming the key that is unknown, or whose value does not fit.
    """
    merged: dict[str, Any] = {}
    if file:
        _merge(merged, _read_yaml(file))
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(f'--set {setting}: write key=value, for example "epochs=20".')
        value = value or '""'  # "key=" empties a text; YAML would call it null, which is "unset"
        _merge(merged, nested(key.strip(), _yaml_value(setting, value)))
    _merge(merged, options or {})
    _refuse_unknown_keys(merged)
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(error)) from None


def _read_yaml(file: str) -> dict[str, Any]:
    try:
        with open(file, encoding="utf-8") as stream:
            content = yaml.safe_load(stream) or {}
    except FileNotFoundError:
        raise ConfigError(f"The configuration file {file} does not exist.") from None
    except OSError as error:
        raise ConfigError(f"The configuration file {file}: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{file} must hold keys and values, for example: epochs: 20")
    merged: dict[str, Any] = {}
    for key, value in content.items():
        # "thresholds.accuracy: 0.9" means the same as the key within its section.
        _merge(merged, nested(str(key), value))
    return merged


def _yaml_value(setting: str, value: str) -> Any:
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"--set {setting}: the value is not YAML.") from None


def nested(key: str, value: Any) -> dict[str, Any]:
    """Return a mapping with one value at a key with dots."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def _merge(base: dict[str, Any], over: dict[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        elif isinstance(value, dict):
            base[key] = {}
            _merge(base[key], value)
        elif value is not None:
            base[key] = value


def _refuse_unknown_keys(given: dict[str, Any]) -> None:
    known = list(known_keys())
    sections = {key.partition(".")[0] for key in known if "." in key}
    for key in _leaf_keys(given):
        if key in known or key in sections:
            continue
        if key.startswith(tuple(f"{mapping}." for mapping in _MAPPINGS)):
            continue
        nearest = difflib.get_close_matches(key, known, n=1, cutoff=0)
        raise ConfigError(f'There is no configuration key "{key}". Did you mean "{nearest[0]}"?')


def known_keys() -> Iterator[str]:
    """Yield every configuration key, nested ones with dots."""
    for name, field in Config.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, _Section):
            yield from (f"{name}.{key}" for key in section.model_fields)
        else:
            yield field.alias or name


def _given_keys(section: _Section, prefix: str = "") -> Iterator[str]:
    for name in section.model_fields_set:
        value = getattr(section, name)
        if isinstance(value, _Section):
            yield from _given_keys(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _leaf_keys(given: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in given.items():
        if isinstance(value, dict) and value:
            yield from _leaf_keys(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]}. Received: {first['input']!r}."


def packaged_schema() -> str:
    """Return the path of the curated schema that comes with the package."""
    import data

    return os.path.join(os.path.dirname(data.__file__), "schema.pbtxt")
