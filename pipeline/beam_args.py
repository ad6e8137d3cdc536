"""Options for Apache Beam, which runs the data steps."""

from __future__ import annotations

from collections.abc import Sequence

# One process: at this size starting workers takes longer than the work.
DIRECT_RUNNER = (
    "--runner=DirectRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
)

# Options by which TFX can tell that Beam's workers have what they need.
_WORKER_PACKAGES = {
    "--extra_package",
    "--extra_packages",
    "--requirements_file",
    "--sdk_container_image",
    "--setup_file",
    "--worker_harness_container_image",
}


def beam_args(given: Sequence[str] = ()) -> list[str]:
    """Return the options that steps are run with: those given, or the direct runner's."""
    args = list(given) or list(DIRECT_RUNNER)
    if _WORKER_PACKAGES & {arg.partition("=")[0] for arg in args}:
        return args
    # Without one of them TFX packs itself up again in every step, for a second or two, and leaves
    # 50 MB behind in the temporary folder, for workers to install over the versions they have.
    # Runners that start containers by this option are given a real image; others do not read it.
    return [*args, "--sdk_container_image=none"]
