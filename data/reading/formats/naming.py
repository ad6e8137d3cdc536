"""Finds the files of a split by their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence


def find_pairs(
    names: Sequence[str], split: str, extension: str, compressions: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """Return pairs of images*.EXTENSION and labels*.EXTENSION in the folder of a split.

    Args:
      names: paths relative to the data folder.
      split: name of the folder, or `UNDIVIDED` for the data folder itself.
      extension: of the files.
      compressions: extensions that may follow it, such as ".gz".
    """
    compressed = "|".join(re.escape(compression) for compression in compressions)
    folder = f"{split}/" if split else ""
    pattern = (
        rf"{re.escape(folder)}(?P<kind>images|labels)(?P<which>([-_.].*)?)"
        rf"\.{extension}({compressed})?"
    )
    return match_pairs(names, pattern, lambda which, kind: f"{folder}{kind}{which}.{extension}")


def match_pairs(
    names: Sequence[str], pattern: str, expected_path: Callable[[str, str], str]
) -> list[tuple[str, str]]:
    """Return pairs of a file of images and a file of labels.

    Args:
      names: paths relative to the data folder.
      pattern: of a whole path. Its group `kind` is "images" or "labels". Its group `which` is the
        same in both paths of a pair.
      expected_path: from `which` and `kind` to the path that stands for a missing file.
    """
    pairs: dict[str, dict[str, str]] = {}
    compiled = re.compile(pattern)
    for name in sorted(names):
        if match := compiled.fullmatch(name):
            pairs.setdefault(match["which"], {})[match["kind"]] = name
    return [
        (
            pair.get("images") or expected_path(which, "images"),
            pair.get("labels") or expected_path(which, "labels"),
        )
        for which, pair in pairs.items()
    ]


def find_single_files(
    names: Sequence[str], split: str, extension: str, beginning: str = ""
) -> list[tuple[str, str]]:
    """Return files that hold images and labels: SPLIT, SPLIT-* or SPLIT/*, each paired with itself.

    Args:
      names: paths relative to the data folder.
      split: name of the split, or `UNDIVIDED` for all files of the data folder itself.
      extension: pattern of the end of the names.
      beginning: pattern of the beginning of names in the folder of the split.
    """
    pattern = rf"{re.escape(split)}([-_].*)?(/{beginning}.*)?{extension}"
    if not split:
        pattern = rf"{beginning}[^/]*{extension}"
    return [(name, name) for name in sorted(filter(re.compile(pattern).fullmatch, names))]
