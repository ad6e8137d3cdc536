"""TensorFlow Serving's REST API, version 1.

https://www.tensorflow.org/tfx/serving/api_rest. The model has two signatures: `serving_default`
for serialised tf.Examples, and `classify_spectrograms` for grey levels. `:classify` builds the
tf.Examples of `serving_default` from JSON, and gives the probability of each class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from data.invalid import InvalidData
from pipeline.serving.protocols.json_values import (
    describe,
    is_base64,
    parse_object,
    read_bytes,
    read_examples,
    read_instances,
)
from pipeline.serving.requests import Json, get_service
from pipeline.serving.served_model import (
    CLASS,
    EXAMPLES,
    PROBABILITIES,
    Answers,
    ServedModel,
    Signature,
)

_ROWS, _COLUMNS = "instances", "inputs"


async def get_status(request: Request) -> Response:
    """Return the state of all versions, or of one."""
    service = get_service(request)
    states = service.versions.states
    service.check_name(request.path_params["name"])
    if "label" in request.path_params:
        version = service.find(request).version
        states = {version: states[version]}
    elif named := request.path_params.get("version"):
        states = {v: state for v, state in states.items() if str(v) == named}
        if not states:
            raise HTTPException(404, f"There is no version {named} of the model.")
    status = [
        {
            "version": str(version),
            "state": state,
            "status": {
                "error_code": "FAILED_PRECONDITION" if error else "OK",
                "error_message": error,
            },
        }
        for version, (state, error) in states.items()
    ]
    return Json({"model_version_status": status})


async def get_metadata(request: Request) -> Response:
    """Return the signatures of a version."""
    model = get_service(request).find(request)
    spec = {
        "name": request.path_params["name"],
        "signature_name": "",
        "version": str(model.version),
    }
    definitions = {
        name: {
            **definition,
            "inputs": _fill_shapes(definition.get("inputs", {})),
            "outputs": _fill_shapes(definition.get("outputs", {})),
        }
        for name, definition in model.signature_defs.items()
    }
    metadata = {"signature_def": {"signature_def": definitions}}
    return Json({"model_spec": spec, "metadata": metadata})


async def predict(request: Request) -> Response:
    """Answer instances in rows or in columns."""
    service = get_service(request)
    model = service.find(request)

    def parse(body: bytes) -> tuple[str, str, NDArray[Any]]:
        content = parse_object(body)
        signature = _choose_signature(content, model)
        kind = _choose_format(content)
        read = _read_rows if kind == _ROWS else _read_columns
        return signature.name, kind, read(content[kind], model, signature)

    signature, kind, inputs = await service.read(request, parse)
    columns = _make_columns(await service.answer(model, signature, inputs))
    if kind == _COLUMNS:
        return Json({"outputs": columns})
    rows = zip(*columns.values(), strict=True)
    return Json({"predictions": [dict(zip(columns, row, strict=True)) for row in rows]})


async def classify(request: Request) -> Response:
    """Answer tf.Examples that are written as JSON with the probability of each class."""
    service = get_service(request)
    model = service.find(request)

    def parse(body: bytes) -> NDArray[Any]:
        content = parse_object(body)
        if _choose_signature(content, model).name != EXAMPLES:
            raise InvalidData(
                f"$.signature_name: only {EXAMPLES} reads tf.Examples. Leave signature_name out."
            )
        return _read_features(content, model)

    answers = await service.answer(model, EXAMPLES, await service.read(request, parse))
    results = [
        list(zip(model.classes, probabilities, strict=True))
        for probabilities in answers[PROBABILITIES]
    ]
    return Json({"results": results})


async def regress(request: Request) -> Response:
    """Refuse to regress."""
    model = get_service(request).find(request)
    raise InvalidData(
        f"Version {model.version} classifies and has no signature for regression. Use :classify or "
        ":predict."
    )


def _fill_shapes(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Add what protocol buffers leave out and TensorFlow Serving writes."""
    return {
        name: {
            **tensor,
            "tensor_shape": {
                "dim": [{"name": "", **size} for size in tensor["tensor_shape"].get("dim", [])],
                "unknown_rank": tensor["tensor_shape"].get("unknown_rank", False),
            },
        }
        for name, tensor in tensors.items()
    }


def _choose_signature(content: Mapping[str, Any], model: ServedModel) -> Signature:
    name = content.get("signature_name") or EXAMPLES
    if not isinstance(name, str) or name not in model.signatures:
        raise InvalidData(
            f"$.signature_name: {describe(name)} is no signature of the model. Signatures: "
            f"{', '.join(model.signatures)}."
        )
    return model.signatures[name]


def _choose_format(content: Mapping[str, Any]) -> str:
    kinds = [kind for kind in (_ROWS, _COLUMNS) if kind in content]
    if len(kinds) != 1:
        both_or_neither = "both instances and" if kinds else "neither instances nor"
        raise InvalidData(f"$: the object holds {both_or_neither} inputs. Give one of the two.")
    return kinds[0]


def _read_rows(values: Any, model: ServedModel, signature: Signature) -> NDArray[Any]:
    """Read a list of instances, each of which may be an object with the name of the input."""
    name, whole = signature.input.name, f"$.{_ROWS}"
    is_named = (
        isinstance(values, list)
        and bool(values)
        and isinstance(values[0], dict)
        and not is_base64(values[0])
    )
    if not is_named:
        return read_instances(values, model, signature, lambda i: f"{whole}[{i}]", whole)
    for number, value in enumerate(values):
        if not isinstance(value, dict) or list(value) != [name]:
            received = (
                f"the names {', '.join(value)}" if isinstance(value, dict) else describe(value)
            )
            raise InvalidData(
                f"{whole}[{number}]: {received} where an object with the name {name} is expected."
            )
    values = [value[name] for value in values]
    return read_instances(values, model, signature, lambda i: f"{whole}[{i}].{name}", whole)


def _read_columns(values: Any, model: ServedModel, signature: Signature) -> NDArray[Any]:
    """Read the input, or an object with the name of the input."""
    name, whole = signature.input.name, f"$.{_COLUMNS}"
    if isinstance(values, dict):
        if list(values) != [name]:
            raise InvalidData(
                f"{whole}: the names {', '.join(values) or 'of nothing'} where {name} is expected."
            )
        values, whole = values[name], f"{whole}.{name}"
    return read_instances(values, model, signature, lambda i: f"{whole}[{i}]", whole)


def _read_features(content: Mapping[str, Any], model: ServedModel) -> NDArray[Any]:
    """Return serialised tf.Examples, object [n], from objects of features."""
    examples, context = content.get("examples"), content.get("context", {})
    if not isinstance(examples, list) or not examples:
        raise InvalidData(f"$.examples: {describe(examples)} where a list of objects is expected.")
    for place, features in [("$.context", context), *_number(examples)]:
        if not isinstance(features, dict):
            raise InvalidData(f"{place}: {describe(features)} where an object is expected.")
    serialised = [
        _make_example({**context, **features}, place) for place, features in _number(examples)
    ]
    return read_examples(serialised, model, lambda i: f"$.examples[{i}]")


def _number(examples: list[Any]) -> list[tuple[str, Any]]:
    return [(f"$.examples[{i}]", features) for i, features in enumerate(examples)]


def _make_example(features: Mapping[str, Any], place: str) -> bytes:
    import tensorflow as tf

    example = tf.train.Example()
    for name, value in features.items():
        values = value if isinstance(value, list) else [value]
        feature = example.features.feature[name]
        if all(isinstance(item, (bool, int)) for item in values):
            feature.int64_list.value.extend(values)
        elif all(isinstance(item, (bool, int, float)) for item in values):
            feature.float_list.value.extend(values)
        else:
            texts = [read_bytes(item, f"{place}.{name}") for item in values]
            feature.bytes_list.value.extend(texts)
    serialised: bytes = example.SerializeToString()
    return serialised


def _make_columns(answers: Answers) -> dict[str, Any]:
    """Return outputs as JSON has them: class names are texts."""
    return {
        name: [text.decode() for text in values] if name == CLASS else values
        for name, values in answers.items()
    }


def make_routes() -> list[Route]:
    """Return the routes under /v1."""
    routes = []
    for which in ("", "/versions/{version}", "/labels/{label}"):
        path = "/v1/models/{name}" + which
        routes += [
            Route(f"{path}:predict", predict, methods=["POST"]),
            Route(f"{path}:classify", classify, methods=["POST"]),
            Route(f"{path}:regress", regress, methods=["POST"]),
            Route(f"{path}/metadata", get_metadata),
            Route(path, get_status),
        ]
    return routes
