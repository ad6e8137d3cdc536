"""TFX's InfraValidator: loads the model in the container of TensorFlow Serving and asks it."""

from __future__ import annotations

from tfx import types
from tfx.components import InfraValidator
from tfx.proto.infra_validator_pb2 import (
    LocalDockerConfig,
    RequestSpec,
    ServingSpec,
    TensorFlowServing,
    TensorFlowServingRequestSpec,
    ValidationSpec,
)

_REQUESTS = 3
# A second try helps where a container did not start. A model that fails does so again.
_TRIES = 2


def make_infra_validator(
    image: str, *, model: types.BaseChannel, examples: types.BaseChannel
) -> InfraValidator:
    """Return the step, which needs Docker on the machine where it runs.

    Args:
      image: of TensorFlow Serving, NAME:TAG or NAME@sha256:DIGEST.
      model: the model to load.
      examples: validation examples of which the requests are made.
    """
    name, at, digest = image.partition("@")
    if at:
        server = TensorFlowServing(image_name=name, digests=[digest])
    else:
        name, _, tag = image.rpartition(":")
        server = TensorFlowServing(image_name=name, tags=[tag])
    return InfraValidator(
        model=model,
        examples=examples,
        serving_spec=ServingSpec(
            tensorflow_serving=server, local_docker=LocalDockerConfig(), model_name="radio-signals"
        ),
        validation_spec=ValidationSpec(num_tries=_TRIES),
        request_spec=RequestSpec(
            tensorflow_serving=TensorFlowServingRequestSpec(),
            split_name="validation",
            num_examples=_REQUESTS,
        ),
    )
