"""Names that the compiler and the entry point of the steps have to agree on.

They are in a module of their own because every step loads it, and the compiler takes seconds to
load.
"""

COMMAND = ("python3", "-m", "pipeline.kubeflow.entrypoint")
"""Command of every step's container."""

STEP, BLUEPRINT = "--radio_signals_step", "--radio_signals_blueprint"
"""Options of the command: the id of the step's node, and the graph's blueprint as JSON."""

RUN = "run_"
"""Prefix of the inputs with the parameters of a run; it tells them from TFX's inputs."""

PAGE, METRICS = "page", "metrics"
"""Outputs that the Report step has for Kubeflow's pages, in addition to TFX's outputs."""

DATA = "data_files"
"""Input of the first step: the data, if they are in a store from which the launcher copies."""
