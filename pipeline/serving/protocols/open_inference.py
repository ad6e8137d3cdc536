"""The Open Inference Protocol, version 2, with the extension for binary tensor data.

https://github.com/kserve/open-inference-protocol, and Triton's `extension_binary_data.md`. A
request has one input: `spectrograms` [n, height, width], FP32 or FP64 from 0 to 1 or UINT8 from 0
to 255, or `examples` [n], BYTES, serialised tf.Examples.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from importlib.metadata import version as find_release
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from data.invalid import InvalidData
from pipeline.serving.protocols.json_values import (
    check_levels,
    count,
    describe,
    parse_object,
    read_examples,
)
from pipeline.serving.requests import Json, get_service
from pipeline.serving.served_model import (
    EXAMPLES,
    SPECTROGRAMS,
    Answers,
    ServedModel,
    Signature,
    Tensor,
)

_HEADER = "Inference-Header-Content-Length"
_NUMBERS = {"FP32": "<f4", "FP64": "<f8", "UINT8": "<u1"}
_BYTES = "BYTES"
_NAMES = {np.dtype(np.float32): "FP32", np.dtype(object): _BYTES}

# Parameters of extensions that change what an input or an output means.
_UNKNOWN_EXTENSIONS = ("shared_memory_region", "classification")


async def describe_server(_: Request) -> Response:
    """Return the name, the release and the extensions of the server."""
    return Json(
        {
            "name": "radio-signals",
            "version": find_release("radio-signals"),
            "extensions": ["binary_tensor_data"],
        }
    )


async def is_live(_: Request) -> Response:
    """Return that the server answers."""
    return Json({"live": True})


async def is_ready(request: Request) -> Response:
    """Return whether a version is loaded; status 503 if not."""
    ready = bool(get_service(request).versions.loaded)
    # The specification calls it "live", its implementations "ready".
    return Json({"live": ready, "ready": ready}, 200 if ready else 503)


async def is_model_ready(request: Request) -> Response:
    """Return that a version is loaded; `Service.find` raises if not."""
    get_service(request).find(request)
    return Json({"name": request.path_params["name"], "ready": True})


async def describe_model(request: Request) -> Response:
    """Return versions, inputs and outputs."""
    service = get_service(request)
    signature = service.find(request).signatures[SPECTROGRAMS]
    return Json(
        {
            "name": request.path_params["name"],
            "versions": [str(model.version) for model in service.versions.loaded],
            "platform": "tensorflow_savedmodel",
            "inputs": [_describe_tensor(signature.input)],
            "outputs": [_describe_tensor(output) for output in signature.outputs.values()],
        }
    )


async def infer(request: Request) -> Response:
    """Answer a batch."""
    service = get_service(request)
    model = service.find(request)
    header = request.headers.get(_HEADER)

    def parse(body: bytes) -> tuple[Mapping[str, Any], str, NDArray[Any]]:
        content, binary = _split_body(body, header, model)
        signature, inputs = _read_input(content, binary, model)
        _choose_outputs(content, signature)  # so that it is refused before it is computed
        return content, signature.name, inputs

    content, signature, inputs = await service.read(request, parse)
    answers = await service.answer(model, signature, inputs)
    chosen = _choose_outputs(content, model.signatures[signature])
    outputs, parts = _write_outputs(answers, chosen)
    answer = {
        "model_name": request.path_params["name"],
        "model_version": str(model.version),
        **({"id": content["id"]} if "id" in content else {}),
        "outputs": outputs,
    }
    if not any(chosen.values()):
        return Json(answer)
    begin = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(
        b"".join([begin, *parts]),
        headers={_HEADER: str(len(begin))},
        media_type="application/octet-stream",
    )


def _describe_tensor(tensor: Tensor) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "datatype": _NAMES[tensor.dtype],
        "shape": [-1, *tensor.shape],
    }


def _split_body(
    body: bytes, header: str | None, model: ServedModel
) -> tuple[dict[str, Any], memoryview]:
    """Return the JSON of a request and the binary data behind it."""
    if header is None:
        return parse_object(body), memoryview(b"")
    if not header.isdecimal() or len(header) > 19 or int(header) > len(body):
        raise InvalidData(f"{_HEADER}: {header[:20]} is not a length within the body.")
    length, binary = int(header), memoryview(body)[int(header) :]
    if length:
        return parse_object(body[:length]), binary
    # The body is one spectrogram and nothing else.
    tensor = model.signatures[SPECTROGRAMS].input
    raw = {
        "name": tensor.name,
        "datatype": "FP32",
        "shape": [1, *tensor.shape],
        "parameters": {"binary_data_size": len(binary)},
    }
    return {"inputs": [raw], "parameters": {"binary_data_output": True}}, binary


def _read_input(
    content: Mapping[str, Any], binary: memoryview, model: ServedModel
) -> tuple[Signature, NDArray[Any]]:
    inputs = content.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise InvalidData(f"$.inputs: {describe(inputs)} where a list of one input is expected.")
    tensor, place = inputs[0], "$.inputs[0]"
    by_name = {each.input.name: each for each in model.signatures.values()}
    signature = by_name.get(str(tensor.get("name")))
    if signature is None:
        raise InvalidData(
            f"{place}.name: {describe(tensor.get('name'))} is no input of the model. Inputs: "
            f"{', '.join(by_name)}."
        )
    shape = _read_shape(tensor, signature, place)
    parameters = _read_parameters(tensor, place)
    size = parameters.get("binary_data_size", 0)
    if size != len(binary):
        raise InvalidData(
            f"{place}.parameters.binary_data_size: {describe(size)}, but {len(binary):,} bytes "
            "follow the JSON."
        )
    if signature.name == EXAMPLES:
        return signature, _read_bytes(tensor, shape, binary, model)
    return signature, _read_numbers(tensor, shape, binary)


def _read_shape(tensor: Mapping[str, Any], signature: Signature, place: str) -> tuple[int, ...]:
    shape = tensor.get("shape")
    expected = [-1, *signature.input.shape]
    fits = (
        isinstance(shape, list)
        and all(type(size) is int for size in shape)
        and shape[1:] == expected[1:]
        and bool(shape)
        and shape[0] >= 1
    )
    if not fits or not isinstance(shape, list):
        received = shape if isinstance(shape, list) and len(shape) < 10 else describe(shape)
        raise InvalidData(
            f"{place}.shape: {received} where {expected} is expected; -1 stands for the number of "
            "instances, at least 1."
        )
    return tuple(shape)


def _read_parameters(owner: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    parameters = owner.get("parameters", {})
    if not isinstance(parameters, dict):
        raise InvalidData(
            f"{place}.parameters: {describe(parameters)} where an object is expected."
        )
    for name in _UNKNOWN_EXTENSIONS:
        if name in parameters:
            raise InvalidData(f"{place}.parameters.{name}: this server has no such extension.")
    return parameters


def _read_numbers(
    tensor: Mapping[str, Any], shape: tuple[int, ...], binary: memoryview
) -> NDArray[np.float32]:
    """Return float32 [n, height, width] from a JSON list, nested or flat, or from binary data."""
    place, datatype = "$.inputs[0]", tensor.get("datatype")
    if not isinstance(datatype, str) or datatype not in _NUMBERS:
        raise InvalidData(
            f"{place}.datatype: {describe(datatype)} where one of {', '.join(_NUMBERS)} is "
            "expected."
        )
    dtype = np.dtype(_NUMBERS[datatype])
    expected = count(shape)
    if "data" in tensor:
        values = _flatten(tensor["data"], f"{place}.data")
        size = f"{values.size:,} values"
    else:
        size = f"{len(binary):,} bytes of binary data"
        usable = len(binary) == expected * dtype.itemsize
        values = np.frombuffer(binary if usable else b"", dtype)
    if values.size != expected:
        raise InvalidData(
            f"{place}: {size} where {expected:,} values of type {datatype} are expected, "
            f"{' x '.join(map(str, shape))}."
        )
    levels = values.reshape(shape).astype(np.float32)
    if datatype == "UINT8":
        levels /= np.float32(255)
    return check_levels(levels, lambda i: f"{place}.data[{i}]")


def _flatten(data: Any, place: str) -> NDArray[np.float32]:
    try:
        with np.errstate(over="ignore"):
            return np.array(data, np.float32).reshape(-1)
    except (TypeError, ValueError):
        raise InvalidData(
            f"{place}: {describe(data)} that does not hold numbers in lists of equal lengths."
        ) from None


def _read_bytes(
    tensor: Mapping[str, Any], shape: tuple[int, ...], binary: memoryview, model: ServedModel
) -> NDArray[Any]:
    """Return serialised tf.Examples, object [n], from a JSON list or from binary data."""
    place, data = "$.inputs[0]", tensor.get("data")
    if tensor.get("datatype") != _BYTES:
        raise InvalidData(
            f"{place}.datatype: {describe(tensor.get('datatype'))} where {_BYTES} is expected."
        )
    if "data" not in tensor:
        texts = _split_bytes(binary)
    elif isinstance(data, list) and all(isinstance(text, str) for text in data):
        texts = [text.encode() for text in data]
    else:
        raise InvalidData(f"{place}.data: {describe(data)} where a list of texts is expected.")
    if len(texts) != shape[0]:
        raise InvalidData(
            f"{place}: {len(texts):,} texts where {shape[0]:,} are expected. A text of binary data "
            "has its length before it, in 4 bytes, little-endian."
        )
    return read_examples(texts, model, lambda i: f"{place}.data[{i}]")


def _split_bytes(binary: memoryview) -> list[bytes]:
    """Return texts that have their lengths before them; fewer if they end too early."""
    texts, position = [], 0
    while position + 4 <= len(binary):
        (length,) = struct.unpack_from("<I", binary, position)
        position += 4 + length
        if position <= len(binary):
            texts.append(bytes(binary[position - length : position]))
    return texts if position == len(binary) else []


def _choose_outputs(content: Mapping[str, Any], signature: Signature) -> dict[str, bool]:
    """Return the requested outputs, and whether each is to be binary."""
    default = _read_parameters(content, "$").get("binary_data_output", False) is True
    requested = content.get("outputs")
    if not requested:
        return dict.fromkeys(signature.outputs, default)
    if not isinstance(requested, list) or not all(isinstance(each, dict) for each in requested):
        raise InvalidData(f"$.outputs: {describe(requested)} where a list of objects is expected.")
    chosen = {}
    for number, output in enumerate(requested):
        name, place = output.get("name"), f"$.outputs[{number}]"
        if not isinstance(name, str) or name not in signature.outputs:
            raise InvalidData(
                f"{place}.name: {describe(name)} is no output of the model. Outputs: "
                f"{', '.join(signature.outputs)}."
            )
        chosen[name] = _read_parameters(output, place).get("binary_data", default) is True
    return chosen


def _write_outputs(
    answers: Answers, chosen: Mapping[str, bool]
) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Return the outputs in JSON, and the binary data of those that have some."""
    outputs: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for name, is_binary in chosen.items():
        values = answers[name]
        is_text = values.dtype == object
        output: dict[str, Any] = {
            "name": name,
            "datatype": _NAMES[values.dtype],
            "shape": list(values.shape),
        }
        if is_binary:
            joined = (
                b"".join(struct.pack("<I", len(text)) + text for text in values)
                if is_text
                else values.astype(values.dtype.newbyteorder("<")).tobytes()
            )
            parts.append(joined)
            output["parameters"] = {"binary_data_size": len(joined)}
        else:
            output["data"] = [t.decode() for t in values] if is_text else values.reshape(-1)
        outputs.append(output)
    return outputs, parts


def make_routes() -> list[Route]:
    """Return the routes under /v2."""
    routes = [
        Route("/v2", describe_server),
        Route("/v2/health/live", is_live),
        Route("/v2/health/ready", is_ready),
    ]
    for which in ("", "/versions/{version}"):
        path = "/v2/models/{name}" + which
        routes += [
            Route(f"{path}/infer", infer, methods=["POST"]),
            Route(f"{path}/ready", is_model_ready),
            Route(path, describe_model),
        ]
    return routes
