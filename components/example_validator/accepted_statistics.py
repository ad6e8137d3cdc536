"""The folder of accepted statistics: what the data looked like, span by span."""

from __future__ import annotations

import os
import re
import uuid
from dataclasses import dataclass

from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from data.storage.object_store import fileio

_SPAN = re.compile(r"span-(\d+)")
# As in StatisticsGen's own output, for tools that look into such folders.
_FILE = os.path.join("Split-train", "FeatureStats.pb")


@dataclass(frozen=True)
class History:
    """Statistics of the training images of every accepted span: `span-7/Split-train/...`.

    A folder and not ML Metadata, for the same reasons as the serving folder: a Kubeflow backend
    refuses the Resolver node that asking ML Metadata needs, and people can see and remove what is
    there.

    Attributes:
      folder: local folder or bucket address; it need not exist.
    """

    folder: str

    def spans(self) -> list[int]:
        """Return the numbers of the accepted spans, in order."""
        if not fileio.isdir(self.folder):
            return []
        names = (_SPAN.fullmatch(name.rstrip("/")) for name in fileio.listdir(self.folder))
        numbers = [int(name[1]) for name in names if name]
        return sorted(number for number in numbers if fileio.exists(self._path(number)))

    def newest_before(self, span: int) -> int | None:
        """Return the greatest accepted span below `span`, None where there is none."""
        return max((number for number in self.spans() if number < span), default=None)

    def read(self, span: int) -> DatasetFeatureStatisticsList:
        """Return the statistics of an accepted span."""
        with fileio.open(self._path(span), "rb") as file:
            return DatasetFeatureStatisticsList.FromString(file.read())

    def accept(self, span: int, statistics: DatasetFeatureStatisticsList) -> None:
        """Write the statistics of a span, completely or not at all; earlier ones are replaced."""
        path = self._path(span)
        fileio.makedirs(os.path.dirname(path))
        unfinished = f"{path}.unfinished-{uuid.uuid4().hex}"
        with fileio.open(unfinished, "wb") as file:
            file.write(statistics.SerializeToString())
        fileio.rename(unfinished, path, overwrite=True)

    def _path(self, span: int) -> str:
        return os.path.join(self.folder, f"span-{span}", _FILE)
