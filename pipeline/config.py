"""The one typed configuration: defaults here, a YAML file over them, the command line on top."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from data.reading.files import is_remote
from data.reading.layout import FORMAT_NAMES, VALUES, Layout, Tolerance
from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH
from trainer.models import MODELS


class ConfigError(ValueError):
    """A key or value of the configuration is wrong. The message names the key."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Schedule(_Section):
    """Exponential decay of the learning rate. Unset keys take the model's own values."""

    initial_rate: float | None = Field(None, gt=0)
    decay_steps: int | None = Field(None, gt=0)
    decay_rate: float | None = Field(None, gt=0, le=1)
    staircase: bool | None = None


class Augment(_Section):
    """Random changes to training images; `trainer.augmentation` says which keep the class.

    Unset keys take the model's own values.
    """

    flip_time: bool | None = None
    flip_frequency: bool | None = None
    shift_frequency: float | None = Field(None, ge=0, le=0.5)
    noise: float | None = Field(None, ge=0)


class Thresholds(_Section):
    """What a model must reach to be blessed, on validation. 0 turns one off."""

    accuracy: float = Field(0.9, ge=0, le=1)
    class_precision: float = Field(0.8, ge=0, le=1)
    class_recall: float = Field(0.8, ge=0, le=1)
    baseline_margin: float = Field(0.01, ge=0, le=1)


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
      early_stopping: epochs without a better validation accuracy before training ends, 0 never.
      infer_schema: derive the schema from the data instead of importing the curated one.
      schema: a curated schema to import, or empty for the one in data/.
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
    early_stopping: int = Field(0, ge=0)
    infer_schema: bool = False
    schema_file: str = Field("", alias="schema")
    cache: bool = True
    input: Input = Input()
    schedule: Schedule = Schedule()
    augment: Augment = Augment()
    thresholds: Thresholds = Thresholds()
    beam: Beam = Beam()

    @property
    def layout(self) -> Layout:
        """What the data must look like."""
        return Layout(
            self.classes, self.height, self.width, self.input.label_column, self.input.values
        )

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
        _merge(merged, _nested(key.strip(), _yaml_value(setting, value)))
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
    nested: dict[str, Any] = {}
    for key, value in content.items():
        # "thresholds.accuracy: 0.9" means the same as the key within its section.
        _merge(nested, _nested(str(key), value))
    return nested


def _yaml_value(setting: str, value: str) -> Any:
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"--set {setting}: the value is not YAML.") from None


def _nested(key: str, value: Any) -> dict[str, Any]:
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
