"""The typed configuration of a run."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field, ValidationInfo, field_validator

from data.reading.input_files import is_remote
from data.reading.layout import Division, Layout
from data.storage.object_store import SCHEMES
from pipeline.config.sections import (
    Beam,
    Input,
    Kubeflow,
    ModelCard,
    ServingCheck,
    Thresholds,
)
from trainer.config import Section, TrainingConfig, Tuning, refuse_unknown_classes


class ConfigError(ValueError):
    """A key or value of the configuration is wrong. The message names the key."""


class Config(TrainingConfig):
    """Everything that a run depends on. The keys of training are inherited."""

    data: str = Field(
        default="",
        description="The folder of labelled spectrograms, or the address of a bucket. "
        "`data/README.md` describes the layout.",
    )
    output: str = Field(
        default="runs",
        description="The local folder for metadata, artifacts, pushed models and the latest "
        "results.",
    )
    artifacts: str = Field(
        default="",
        description="Where steps write their outputs: a folder, or the address of a bucket that "
        "TensorFlow opens (`gs://`). Empty: `artifacts/` in the output folder.",
    )
    warm_start: bool = Field(
        default=False,
        description="Whether to start from the newest pushed model with the same classes, image "
        "size and architecture. If there is none, training starts from random weights.",
    )
    infer_schema: bool = Field(
        default=False,
        description="Whether to infer the schema from the data instead of importing one.",
    )
    schema_file: str = Field(
        default="",
        alias="schema",
        description="The curated schema to import. Empty: `data/schema.pbtxt`.",
    )
    interactive_report: bool = Field(
        default=False, description="Whether the report has TFMA's interactive views, with scripts."
    )
    cache: bool = Field(
        default=True,
        description="Whether steps are answered from earlier runs if nothing they depend on has "
        "changed.",
    )
    force_push_reason: str = Field(
        default="",
        description="Why the model is pushed even if it is not blessed. Empty: only a blessed "
        "model is pushed. The reason is kept in metrics.json, the report and the model card.",
    )
    input: Input = Input()
    tuning: Tuning = Tuning()
    thresholds: Thresholds = Thresholds()
    serving_check: ServingCheck = ServingCheck()
    model_card: ModelCard = ModelCard()
    beam: Beam = Beam()
    kubeflow: Kubeflow = Kubeflow()

    @property
    def layout(self) -> Layout:
        """What the data must look like."""
        return Layout(
            self.classes,
            self.height,
            self.width,
            self.input.label_column,
            self.input.values,
            self.input.resize,
            self.input.colour_map,
        )

    @property
    def division(self) -> Division:
        """How data that have no validation part are divided."""
        return Division(self.input.validation_fraction, self.seed)

    @property
    def training(self) -> TrainingConfig:
        """The keys of training alone."""
        return TrainingConfig(**{key: getattr(self, key) for key in TrainingConfig.model_fields})

    @property
    def set_keys(self) -> frozenset[str]:
        """The keys that have been set, nested ones with dots, even if to their default."""
        return frozenset(_list_set_keys(self))

    @field_validator("data")
    @classmethod
    def _take_local_path(cls, data: str) -> str:
        return data.removeprefix("file://")

    @field_validator("output")
    @classmethod
    def _is_local(cls, output: str) -> str:
        if is_remote(output):
            raise ValueError(
                "the output folder must be on this machine, because it holds metadata in a SQLite "
                "file. To keep artifacts where workers can reach them, set artifacts to the "
                "address of a bucket"
            )
        return output

    @field_validator("artifacts")
    @classmethod
    def _is_open_to_tensorflow(cls, artifacts: str) -> str:
        if artifacts.startswith(SCHEMES):
            raise ValueError(
                "TensorFlow writes artifacts, and opens neither s3:// nor minio://. Use a folder "
                "that all workers reach, or a bucket of Google's (gs://)"
            )
        return artifacts

    @field_validator("warm_start")
    @classmethod
    def _start_once(cls, warm_start: bool, validated: ValidationInfo) -> bool:
        if warm_start and validated.data.get("initial_weights"):
            raise ValueError("training starts from initial_weights already; leave one of them out")
        return warm_start

    @field_validator("thresholds")
    @classmethod
    def _bound_known_classes(cls, thresholds: Thresholds, validated: ValidationInfo) -> Thresholds:
        for key in ("class_precision", "class_recall"):
            bounds = getattr(thresholds, key)
            try:
                refuse_unknown_classes(
                    bounds if isinstance(bounds, dict) else (), validated.data.get("classes", ())
                )
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from error
        return thresholds


def _list_set_keys(section: Section, prefix: str = "") -> Iterator[str]:
    for name in section.model_fields_set:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _list_set_keys(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"
