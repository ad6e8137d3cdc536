"""The configuration's keys and the values they accept, read from the types."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.config.config import Config

Schema = dict[str, Any]
"""A part of the configuration's JSON Schema."""

_NOUNS = {
    "string": ("a string", "strings"),
    "integer": ("a whole number", "whole numbers"),
    "number": ("a number", "numbers"),
    "boolean": ("true or false", "true or false"),
}


def list_keys() -> Iterator[str]:
    """Yield every configuration key, nested ones with dots."""
    for key, value in list_properties(config_schema()).items():
        if is_section(value):
            yield from (f"{key}.{name}" for name in list_properties(value))
        else:
            yield key


@functools.cache
def config_schema() -> Schema:
    """Return the JSON Schema of the configuration."""
    return Config.model_json_schema()


def is_section(schema: Schema) -> bool:
    """Whether values are sections, with keys that the configuration defines."""
    return "$ref" in schema


def list_properties(section: Schema) -> dict[str, Schema]:
    """Return the keys of a section, or of the whole configuration, with their schemas."""
    properties: dict[str, Schema] = dereference(section)["properties"]
    return properties


def dereference(section: Schema) -> Schema:
    """Return the definition of a section that a schema refers to."""
    if not is_section(section):
        return section
    definition: Schema = config_schema()["$defs"][section["$ref"].rpartition("/")[2]]
    return definition


def split_null(schema: Schema) -> tuple[list[Schema], bool]:
    """Return the alternatives that a value has beside null, and whether it can be null."""
    alternatives = schema.get("anyOf", [schema])
    others = [alternative for alternative in alternatives if alternative.get("type") != "null"]
    return others, len(others) < len(alternatives)


def locate(path: Sequence[str | int]) -> tuple[Schema, int]:
    """Follow a path of pydantic into the configuration, as far as it consists of keys.

    Args:
      path: keys and indices. Within a value that has alternatives, names of types follow.

    Returns:
      The schema that the path leads to, and the number of keys and indices that led there.
    """
    schema = config_schema()
    for depth, name in enumerate(path):
        alternatives, _ = split_null(schema)
        if len(alternatives) > 1:
            return schema, depth
        current = dereference(alternatives[0])
        below = current.get("properties", {}).get(name)
        below = below or current.get("additionalProperties") or current.get("items")
        if not below:
            return schema, depth
        schema = below
    return schema, len(path)


def describe(schema: Schema, *, plural: bool = False) -> str:
    """Return in words which values a schema accepts, beside null."""
    alternatives, _ = split_null(schema)
    return ", or ".join(_describe_one(alternative, plural) for alternative in alternatives)


def _describe_one(schema: Schema, plural: bool) -> str:
    if is_section(schema):
        keys = ", ".join(list_properties(schema))
        return f"sections with the keys {keys}" if plural else f"a section with the keys {keys}"
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    if schema["type"] == "array":
        return f"a list of {describe(schema['items'], plural=True)}"
    if schema["type"] == "object":
        return f"a mapping of names to {describe(schema['additionalProperties'], plural=True)}"
    return f"{_NOUNS[schema['type']][plural]}{_describe_bounds(schema)}"


def _describe_bounds(schema: Schema) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f" from {schema['minimum']} to {schema['maximum']}"
    words = {
        "minimum": "of at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    bounds = [f"{words[bound]} {schema[bound]}" for bound in words if bound in schema]
    return f" {' and '.join(bounds)}" if bounds else ""
