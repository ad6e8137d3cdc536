"""The sections of the configuration that only the pipeline reads."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from data.reading.layout import FormatChoice, ScaleChoice, Tolerance
from pipeline.config.secrets import hide_secrets, is_secret_name
from trainer.config import ClassName, Fraction, Section

ClassBounds = (
    Annotated[Fraction, Field(strict=True)]
    | dict[ClassName, Annotated[Fraction, Field(strict=True)]]
)
"""One bound for every class, or bounds by class name."""

_IMAGE = re.compile(r"[^\s:@]+(:\d+/[^\s:@]+)?(:[\w.-]+|@sha256:[0-9a-f]{64})")

# A Kubernetes secret and a key in it. A secret itself that is given by mistake rarely fits.
_SECRET_AND_KEY = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?/[-._a-zA-Z0-9]{1,253}")


class Thresholds(Section):
    """What a model must reach on the validation split to be blessed. 0 turns a threshold off."""

    accuracy: Fraction = Field(
        default=0.9, description="The lowest fraction of all images with the right class."
    )
    balanced_accuracy: Fraction = Field(
        default=0.0,
        description="The lowest mean recall of the classes, for data with rare classes.",
    )
    class_precision: ClassBounds = Field(
        default=0.8,
        description="The lowest precision of every class, or bounds by class name. Classes that "
        "are not named have none.",
    )
    class_recall: ClassBounds = Field(
        default=0.8,
        description="The lowest recall of every class, or bounds by class name. Classes that are "
        "not named have none.",
    )
    baseline_margin: Fraction = Field(
        default=0.01, description="How far accuracy may lie below that of the model in service."
    )
    baseline_recall_margin: Fraction = Field(
        default=0.05,
        description="How far the lowest recall of any class may lie below that of the model in "
        "service.",
    )


class ServingCheck(Section):
    """What an exported model must do in a process of its own before it can be blessed."""

    seconds: float = Field(
        default=60.0,
        ge=0,
        description="The longest time to load the model and to answer the warm-up requests. 0: no "
        "limit.",
    )
    memory: float = Field(
        default=4.0,
        ge=0,
        description="The most memory of a process with TensorFlow and the model, in GB. 0: no "
        "limit.",
    )
    server_image: str = Field(
        default="",
        description="An image of TensorFlow Serving in which TFX's InfraValidator loads and asks "
        "the model, such as tensorflow/serving:2.20.0. It needs Docker on this machine, and cannot "
        "run on Kubeflow. Empty: no such step.",
    )

    @field_validator("server_image")
    @classmethod
    def _has_tag_or_digest(cls, image: str) -> str:
        if image and not _IMAGE.fullmatch(image):
            raise ValueError(
                f'"{image}" names no release of an image; write NAME:TAG or NAME@sha256:DIGEST'
            )
        return image


class ModelCard(Section):
    """What the model card cannot know by itself."""

    licence: str = Field(
        default="",
        description="The licence under which the model may be used. Empty: the card says that none "
        "is stated.",
    )
    contact: str = Field(
        default="", description="Who answers questions about the model. Empty: nobody is named."
    )


class Input(Section):
    """How the data are read, and which faults are tolerated."""

    format: FormatChoice = Field(
        default="auto", description="The format of the files. `auto`: as their names show."
    )
    values: ScaleChoice = Field(
        default="auto",
        description="How grey levels are written: `unit` from 0 to 1, `levels` from 0 to 255. "
        "`auto`: as the first row shows.",
    )
    label_column: str = Field(
        default="auto",
        description="The label's column in files that hold images and labels: `first`, `last` or "
        "a name in the header. `auto`: a column called label, class or target, else the last.",
    )
    span: int | None = Field(
        default=None,
        ge=0,
        description="Which of span-1/, span-2/ and so on to read. null: the newest.",
    )
    max_bad_rows: int = Field(
        default=0,
        ge=0,
        description="Up to this many bad rows are left out. With more, the data are refused.",
    )
    allow_duplicates: bool = Field(
        default=False,
        description="Whether the same spectrogram may be in training and validation data.",
    )
    validation_fraction: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="How much of each class is set aside for validation, of data that have no "
        "validation part. 0: the data have one.",
    )
    resize: bool = Field(
        default=True,
        description="Whether pictures of another size are resized to `height` and `width`. "
        "Otherwise they are bad rows.",
    )
    colour_map: str = Field(
        default="",
        description="Matplotlib's name of the colour map that pictures in colour were drawn with, "
        "such as viridis, which is inverted. Empty: their luma.",
    )

    @field_validator("colour_map")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name:  # Importing Matplotlib takes half a second.
            from data.reading.pictures.colour_map import check_colour_map

            check_colour_map(name)
        return name

    @property
    def tolerance(self) -> Tolerance:
        """Which faults are tolerated."""
        return Tolerance(self.max_bad_rows, self.allow_duplicates)


class Beam(Section):
    """How Apache Beam runs the data steps."""

    args: tuple[str, ...] = Field(
        default=(),
        description="Pipeline options. Empty: the direct runner in one process. Secrets in them "
        "reach the runner, and are hidden in everything that is written.",
    )


class Resources(Section):
    """Resources of a step in a cluster."""

    cpu: float | None = Field(default=None, gt=0, description="Cores, as request and limit.")
    memory: float | None = Field(default=None, gt=0, description="GB, as request and limit.")
    accelerator: str = Field(
        default="", description="Name of the resource, such as nvidia.com/gpu. Empty: none."
    )
    accelerators: int = Field(default=1, ge=1, description="Number of accelerators.")


class Toleration(Section):
    """A toleration of a taint, in the words of Kubernetes."""

    key: str = Field(default="", description="The taint's key.")
    operator: Literal["Equal", "Exists"] = Field(
        default="Equal", description="How key and value are compared."
    )
    value: str = Field(default="", description="The taint's value.")
    effect: str = Field(default="", description="The taint's effect. Empty: any.")


class Kubeflow(Section):
    """How the steps run in a cluster."""

    pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        default="IfNotPresent", description="When a machine pulls the image."
    )
    pull_secret: str = Field(
        default="", description="Name of the secret for the image's registry. Empty: none."
    )
    retries: int = Field(
        default=2,
        ge=0,
        description="How often a failed step is tried again. Training continues after its last "
        "epoch.",
    )
    resources: dict[str, Resources] = Field(
        default={"default": Resources(cpu=2, memory=8)},
        description="Resources by step. `default` holds for all other steps.",
    )
    env: dict[str, str] = Field(
        default={},
        description="Environment variables by name. Secrets are refused: they belong in `secrets`.",
    )
    secrets: dict[str, str] = Field(
        default={},
        description="Environment variables from secrets: the variable's name, and `secret/key`.",
    )
    volumes: dict[str, str] = Field(
        default={}, description="Names of volume claims, by the path to mount them at."
    )
    node_selector: dict[str, str] = Field(
        default={}, description="Labels that a step's machine must have."
    )
    tolerations: tuple[Toleration, ...] = Field(
        default=(), description="Taints that a step's machine may have."
    )

    @field_validator("env")
    @classmethod
    def _refuse_secrets(cls, env: dict[str, str]) -> dict[str, str]:
        for name, value in env.items():
            if is_secret_name(name) or hide_secrets(value) != value:
                raise ValueError(
                    f"{name} may hold a secret, and a compiled package contains these values. Put "
                    "the value into a Kubernetes secret and name that under kubeflow.secrets, as "
                    f"in {name}: SECRET/KEY"
                )
        return env

    @field_validator("secrets")
    @classmethod
    def _name_secret_and_key(cls, secrets: dict[str, str]) -> dict[str, str]:
        for name, source in secrets.items():
            if not _SECRET_AND_KEY.fullmatch(source):
                raise ValueError(
                    f"{name} does not name a Kubernetes secret and a key in it. Write "
                    f"{name}: SECRET/KEY, and not the secret itself"
                )
        return secrets

    @field_validator("volumes")
    @classmethod
    def _mount_absolutely(cls, volumes: dict[str, str]) -> dict[str, str]:
        for path in volumes:
            if not path.startswith("/"):
                raise ValueError(f'"{path}" is not an absolute path, so no volume can be mounted')
        return volumes
