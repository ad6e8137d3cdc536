"""Writes the documents of a package as YAML, with an overview for readers at the top."""

from __future__ import annotations

from typing import Any

import yaml

# Mappings of steps stay in the graph's order.
_STEP_MAPPINGS = ("tasks", "components", "executors")
# Parts of the pipeline specification in the order in which a reader needs them.
_ORDER = ("pipelineInfo", "defaultPipelineRoot", "root", "components", "deploymentSpec")


def format_package(documents: list[dict[str, Any]]) -> str:
    """Return a package as YAML; the same documents give the same text."""
    spec = documents[0]
    overview = [
        "# PIPELINE DEFINITION",
        f"# Name: {spec['pipelineInfo']['name']}",
        f"# Description: {spec['pipelineInfo']['description']}",
        "# Parameters of a run:",
    ]
    for name, parameter in spec["root"]["inputDefinitions"]["parameters"].items():
        overview.append(f"#    {name} = {parameter['defaultValue']!r}  {parameter['description']}")
    ordered_spec = {key: _sort_keys(spec[key], key) for key in _ORDER} | {
        key: value for key, value in sorted(spec.items()) if key not in _ORDER
    }
    text = yaml.dump_all(
        [ordered_spec, *documents[1:]],
        Dumper=_Dumper,
        sort_keys=False,
        width=100,
        allow_unicode=True,
    )
    return "\n".join(overview) + "\n" + text


def _sort_keys(value: Any, name: str = "") -> Any:
    """Sort the keys of nested mappings, because protocol buffers have no order of map keys."""
    if not isinstance(value, dict):
        return value
    keys = list(value) if name in _STEP_MAPPINGS else sorted(value)
    return {key: _sort_keys(value[key], key) for key in keys}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and repeats shared settings at each step."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - a method of yaml.Dumper
        """See yaml.Dumper."""
        return True


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    ),
)
