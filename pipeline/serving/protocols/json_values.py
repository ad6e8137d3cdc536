"""From JSON to arrays, and the place where the JSON is not as it should be.

Places are JSON paths: $.instances[3][0][17] is the number in row 0, column 17 of the fourth
instance.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from data.invalid import InvalidData
from pipeline.serving.served_model import EXAMPLES, ServedModel, Signature

Place = Callable[[int], str]
"""From the number of an instance to its JSON path."""

_BASE64 = "b64"
_MOST_QUOTED = 40

# Resizing and filters overshoot a little, and the model cuts that off. What is farther away from
# 0 to 1 is no grey level.
_LEAST, _GREATEST = -1.0, 2.0


def parse_object(body: bytes | memoryview) -> dict[str, Any]:
    """Return the JSON object that a body holds.

    Raises:
      InvalidData: it holds something else.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidData(
            f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from None
    if not isinstance(content, dict):
        raise InvalidData(f"$: {describe(content)} where an object is expected.")
    return content


def read_instances(
    values: Any, model: ServedModel, signature: Signature, place: Place, whole: str
) -> NDArray[Any]:
    """Return the input of a signature.

    Args:
      values: a list of instances, as JSON has it.
      model: the model that is to answer.
      signature: its signature.
      place: where each instance is.
      whole: where the list is.

    Returns:
      float32 [n, height, width], or the bytes of tf.Examples, object [n].

    Raises:
      InvalidData: they cannot be its input.
    """
    if not isinstance(values, list) or not values:
        raise InvalidData(f"{whole}: {describe(values)} where a list of instances is expected.")
    if signature.name == EXAMPLES:
        return read_examples([read_bytes(v, place(i)) for i, v in enumerate(values)], model, place)
    return check_levels(read_numbers(values, signature.input.shape, place), place)


def read_numbers(
    values: Sequence[Any], shape: tuple[int, ...], place: Place
) -> NDArray[np.float32]:
    """Return nested lists of numbers as float32 [n, *shape]."""
    try:
        # With the type given, NumPy does not choose one that holds the longest text.
        with np.errstate(over="ignore"):
            numbers = np.array(values, np.float32)
    except (TypeError, ValueError):
        numbers = np.zeros(0, np.float32)
    if numbers.shape[1:] == shape:
        return numbers
    faults = (_find_fault(value, shape, place(i)) for i, value in enumerate(values))
    fault = next(filter(None, faults), f"{place(0)}: this cannot be read.")
    raise InvalidData(f"{fault} An instance has the shape {list(shape)}.")


def check_levels(levels: NDArray[Any], place: Place) -> NDArray[np.float32]:
    """Refuse numbers, [n, height, width], that are not grey levels from 0 to 1."""
    good = (levels >= _LEAST) & (levels <= _GREATEST)  # false for NaN too
    if good.all():
        return np.asarray(levels, np.float32)
    number, *where = (int(axis[0]) for axis in np.nonzero(~good))
    value = levels[number, where[0], where[1]]
    remedy = " Divide levels from 0 to 255 by 255." if _GREATEST < value <= 255 else ""
    raise InvalidData(
        f"{place(number)}[{where[0]}][{where[1]}]: {value:g} is not a grey level from 0 to 1."
        f"{remedy}"
    )


def read_examples(examples: Sequence[bytes], model: ServedModel, place: Place) -> NDArray[Any]:
    """Return serialised tf.Examples as object [n]."""
    array = np.empty(len(examples), object)
    array[:] = examples
    if bad := model.find_bad_example(array):
        number, text = bad
        raise InvalidData(f"{place(number)}: {text}")
    return array


def read_bytes(value: Any, place: str) -> bytes:
    """Return a text, or an object {"b64": text} of which the text is Base64, as bytes."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and list(value) == [_BASE64] and isinstance(value[_BASE64], str):
        try:
            return base64.b64decode(value[_BASE64], validate=True)
        except binascii.Error:
            raise InvalidData(f"{place}.{_BASE64}: this is not Base64.") from None
    advice = ""
    if isinstance(value, list):
        advice = (
            f" {EXAMPLES} reads serialised tf.Examples. For arrays of grey levels add "
            '"signature_name": "classify_spectrograms".'
        )
    raise InvalidData(
        f'{place}: {describe(value)} where {{"b64": "..."}} or a text is expected.{advice}'
    )


def is_base64(value: Any) -> bool:
    """Return whether a value is an object that stands for bytes."""
    return isinstance(value, dict) and list(value) == [_BASE64]


def describe(value: Any) -> str:
    """Return what a value of JSON is, for a message."""
    if isinstance(value, list):
        return f"a list of {len(value):,}" if value else "an empty list"
    if isinstance(value, dict):
        return "an object"
    text = json.dumps(value)
    return text if len(text) <= _MOST_QUOTED else text[:_MOST_QUOTED] + '..."'


def count(shape: Sequence[int]) -> int:
    """Return the number of values in an array."""
    return math.prod(shape)


def _find_fault(value: Any, shape: Sequence[int], place: str) -> str:
    """Return where a value differs from nested lists of numbers of a shape, or nothing."""
    if not shape:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return "" if is_number else f"{place}: {describe(value)} where a number is expected."
    if not isinstance(value, list) or len(value) != shape[0]:
        return f"{place}: {describe(value)} where a list of {shape[0]:,} is expected."
    faults = (_find_fault(item, shape[1:], f"{place}[{i}]") for i, item in enumerate(value))
    return next(filter(None, faults), "")
