"""How files of a split are found by their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence


def pairs(
    names: Sequence[str], split: str, ending: str, packings: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """Pairs of images*.ENDING and labels*.ENDING in a split's folder, by what is between.

    Args:
      names: paths relative to the data folder.
      split: name of the split's folder.
      ending: of the files.
      packings: what may follow it.
    """
    packed = "|".join(re.escape(packing) for packing in packings)
    pattern = (
        rf"{re.escape(split)}/(?P<kind>images|labels)(?P<which>([-_.].*)?)\.{ending}({packed})?"
    )
    return matched_pairs(names, pattern, lambda which, kind: f"{split}/{kind}{which}.{ending}")


def matched_pairs(
    names: Sequence[str], pattern: str, expected: Callable[[str, str], str]
) -> list[tuple[str, str]]:
    """Pairs of files of images and of labels.

    Args:
      names: paths relative to the data folder.
      pattern: of a whole path; its group `kind` is "images" or "labels", and its group `which` the
        same for both of a pair.
      expected: from `which` and `kind` to the path of a file that is missing.
    """
    found: dict[str, dict[str, str]] = {}
    for name in sorted(names):
        if match := re.fullmatch(pattern, name):
            found.setdefault(match["which"], {})[match["kind"]] = name
    return [
        tuple(pair.get(kind) or expected(which, kind) for kind in ("images", "labels"))
        for which, pair in found.items()
    ]


def single_files(
    names: Sequence[str], split: str, ending: str, inside: str = ""
) -> list[tuple[str, str]]:
    """Files that hold images and labels: SPLIT, SPLIT-* or SPLIT/*, each as its own partner.

    Args:
      names: paths relative to the data folder.
      split: name of the split.
      ending: pattern of what the names end with.
      inside: pattern of how names in a split's folder begin.
    """
    pattern = rf"{re.escape(split)}([-_].*)?(/{inside}.*)?{ending}"
    return [(name, name) for name in sorted(names) if re.fullmatch(pattern, name)]
