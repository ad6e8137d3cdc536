"""How many images ingest stored in each file of examples, so that a lost part is noticed.

A file of examples that is cut at the end of a record, emptied or removed reads without an error.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Sequence

from data.storage import files

FINDINGS_FILE = "findings.json"
"""Beside the folders of the splits: images of each class and of each file, dropped rows, warnings.
"""

STORED = "stored"
"""Key in this file: the number of images by path, relative to the file."""


def read_stored_images(patterns: Sequence[str]) -> dict[str, int]:
    """Return the number of images of each file of examples, by path, as ingest counted them.

    Args:
      patterns: file patterns such as `.../Split-train/*`, each with all files of one split.

    Returns:
      All files that ingest wrote, whether they are still there or not; an empty dictionary for
      examples that ingest did not count.
    """
    counts: dict[str, int] = {}
    for folder in map(posixpath.dirname, patterns):
        examples, split = posixpath.split(folder)
        try:
            findings = json.loads(files.read_text(files.join(examples, FINDINGS_FILE)))
        except FileNotFoundError:
            continue
        counts |= {
            files.join(examples, path): images
            for path, images in findings.get(STORED, {}).items()
            if posixpath.dirname(path) == split
        }
    return counts
