"""The folder of accepted statistics: one set of statistics for each accepted span."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass

from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from data.invalid import InvalidData
from data.storage import files

_LOG = logging.getLogger("radio_signals.validation")

_SPAN = re.compile(r"span-(\d+)")
# The same path as in StatisticsGen's output, so that tools for such folders can read this one.
_FILE = files.join("Split-train", "FeatureStats.pb")
# The SHA-256 of that file, in the form that the command sha256sum writes and checks.
_CHECKSUMS = "SHA256SUMS"


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

    def find_newest_before(self, span: int) -> tuple[int, DatasetFeatureStatisticsList] | None:
        """Return the greatest accepted span below `span` and its statistics; None for none.

        Statistics that cannot be used are left out with a warning.
        """
        for number in reversed(self.list_spans()):
            if number >= span:
                continue
            try:
                return number, self.read(number)
            except InvalidData as error:
                _LOG.warning("%s", error)
        return None

    def read(self, span: int) -> DatasetFeatureStatisticsList:
        """Return the statistics of an accepted span.

        Raises:
          InvalidData: they are empty or damaged.
        """
        path = self._path(span)
        content = files.read_bytes(path)
        try:
            statistics = DatasetFeatureStatisticsList.FromString(content)
        except DecodeError:
            statistics = DatasetFeatureStatisticsList()
        checksums = files.join(self.folder, f"span-{span}", _CHECKSUMS)
        # Earlier releases wrote none.
        intact = not files.exists(checksums) or files.read_bytes(checksums) == _checksum(content)
        if not statistics.datasets or not intact:
            raise InvalidData(
                f"{path} is empty or damaged, so span {span} is left out of comparisons. Restore "
                "it from a copy, or remove its folder."
            )
        return statistics

    def accept(self, span: int, statistics: DatasetFeatureStatisticsList) -> None:
        """Store the statistics of a span. They replace earlier ones of this span."""
        content = statistics.SerializeToString()
        checksums = files.join(self.folder, f"span-{span}", _CHECKSUMS)
        # If the process were killed between the files, the old checksum would not fit.
        if files.exists(checksums):
            files.remove_file(checksums)
        files.write_file(self._path(span), content)
        files.write_file(checksums, _checksum(content))

    def _path(self, span: int) -> str:
        return files.join(self.folder, f"span-{span}", _FILE)


def _checksum(content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {_FILE}\n".encode()
