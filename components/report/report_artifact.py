"""The artifact type of a report."""

from __future__ import annotations

from tfx.types.artifact import Artifact

from components.report.artifact_files import REPORT_TYPE


class ReportArtifact(Artifact):
    """A folder with the files that `components.report.artifact_files` names."""

    TYPE_NAME = REPORT_TYPE
