"""Writes docs/configuration.md, the reference of all configuration keys.

python -m pipeline.config.reference > docs/configuration.md
python -m pipeline.config.reference --check docs/configuration.md
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import click

from pipeline.config.keys import (
    Schema,
    config_schema,
    dereference,
    describe,
    is_section,
    list_properties,
    split_null,
)
from trainer.config import TrainingConfig

_COMMAND = "python -m pipeline.config.reference > docs/configuration.md"
_INTRODUCTION = f"""\
# Configuration

A run is configured by a YAML file (`--config FILE`), by single keys (`--set key=value`) and by
options of the command line. Single keys win over the file, and options win over both. A key within
a section is written with a dot: `--set schedule.kind=cosine`. In a file, `schedule.kind: cosine`
and `schedule: {{kind: cosine}}` mean the same. null leaves a key unset.

The tables are made from the types in `pipeline/config/` and `trainer/config.py` by
`{_COMMAND}`.
"""


def make_reference() -> str:
    """Return the page in Markdown."""
    properties = list_properties(config_schema())
    keys = {key: schema for key, schema in properties.items() if not is_section(schema)}
    training = {key: keys.pop(key) for key in TrainingConfig.model_fields if key in keys}
    sections = {key: schema for key, schema in properties.items() if is_section(schema)}
    parts = [
        _INTRODUCTION,
        _make_table("Data, outputs and steps", keys),
        _make_table("Training", training),
        *(_make_section(f"`{key}`", schema) for key, schema in sections.items()),
        _make_section("`kubeflow.resources`, by step", {"$ref": "Resources"}),
        _make_section("`kubeflow.tolerations`, each", {"$ref": "Toleration"}),
    ]
    return "\n".join(parts)


def _make_section(title: str, section: Schema) -> str:
    introduction = inspect.cleandoc(dereference(section)["description"])
    return _make_table(title, list_properties(section), f"{introduction}\n\n")


def _make_table(title: str, keys: dict[str, Schema], introduction: str = "") -> str:
    rows = "".join(
        f"| `{key}` | {_describe_values(schema)} | `{_format(schema['default'])}` | "
        f"{schema['description']} |\n"
        for key, schema in keys.items()
    )
    header = "| key | values | default | meaning |\n|---|---|---|---|\n"
    return f"## {title}\n\n{introduction}{header}{rows}"


def _describe_values(schema: Schema) -> str:
    _, can_be_null = split_null(schema)
    return describe(schema) + (", or null" if can_be_null else "")


def _format(default: Any) -> str:
    return default if default and isinstance(default, str) else json.dumps(default)


@click.command()
@click.option("--check", "page", type=click.Path(path_type=Path), help="Compare this page.")
def main(page: Path | None) -> None:
    """Print the reference of all configuration keys, or check that a page is up to date."""
    reference = make_reference()
    if page is None:
        click.echo(reference, nl=False)
    elif not page.exists() or page.read_text(encoding="utf-8") != reference:
        sys.exit(f"{page} is out of date. Write it again: {_COMMAND}")


if __name__ == "__main__":
    main()
