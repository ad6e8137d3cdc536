"""What a compiled package and the entry point of its steps have agreed on.

Apart from both, because every pod reads it first, and the compiler takes seconds to load.
"""

COMMAND = ("python3", "-m", "pipeline.kubeflow.entrypoint")
"""What the container of every step runs."""

STEP, BLUEPRINT = "--radio_signals_step", "--radio_signals_blueprint"
"""Options of it: the node's id, and how to make its parameters again."""

RUN = "run_"
"""Begins the name under which a step is given a run parameter, so that it is none of TFX's."""

PAGE, METRICS = "page", "metrics"
"""Outputs of the Report step beside TFX's artifacts, which Kubeflow's own pages show."""

DATA = "data_files"
"""Input of the first step: data in a store that only the launcher can open, copied by it."""
