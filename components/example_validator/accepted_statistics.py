"""The folder of accepted statistics: one set of statistics for each accepted span."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from data.storage import files

_SPAN = re.compile(r"span-(\d+)")
# The same path as in StatisticsGen's output, so that tools for such folders can read this one.
_FILE = files.join("Split-train", "FeatureStats.pb")


@dataclass(frozen=True)
class AcceptedStatistics:
    """Statistics of the training images of every accepted span: `span-7/Split-train/...`.

    They are in a folder and not in ML Metadata for the same reasons as the pushed models: to read
    ML Metadata, a step needs a Resolver node, which Kubeflow's backend refuses; and people can
    list and remove the files of a folder.

    Attributes:
      folder: local folder or bucket address. It need not exist.
    """

    folder: str

    def list_spans(self) -> list[int]:
        """Return the numbers of the accepted spans in ascending order."""
        if not files.is_folder(self.folder):
            return []
        matches = (_SPAN.fullmatch(name) for name in files.list_folder(self.folder))
        numbers = [int(match[1]) for match in matches if match]
        return sorted(number for number in numbers if files.exists(self._path(number)))

    def find_newest_before(self, span: int) -> int | None:
        """Return the greatest accepted span below `span`, or None if there is none."""
        return max((number for number in self.list_spans() if number < span), default=None)

    def read(self, span: int) -> DatasetFeatureStatisticsList:
        """Return the statistics of an accepted span."""
        return DatasetFeatureStatisticsList.FromString(files.read_bytes(self._path(span)))

    def accept(self, span: int, statistics: DatasetFeatureStatisticsList) -> None:
        """Store the statistics of a span in one step. They replace earlier ones of this span."""
        files.write_file(self._path(span), statistics.SerializeToString())

    def _path(self, span: int) -> str:
        return files.join(self.folder, f"span-{span}", _FILE)
