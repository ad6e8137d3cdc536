"""TFX components of this pipeline, a folder each.

Types of artifacts that Kubeflow's form of the graph names are here, by the names it has for them.
They are loaded when they are asked for, because TFX takes seconds.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "ReportArtifact":
        from components.report.report_artifact import ReportArtifact

        return ReportArtifact
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
