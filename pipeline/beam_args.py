"""Options for Apache Beam, which runs the data steps."""

from __future__ import annotations

from collections.abc import Sequence

# One process: at this size, starting workers takes longer than the work.
DIRECT_RUNNER = (
    "--runner=DirectRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
)

# With any of these options, TFX assumes that Beam's workers have the packages they need.
_WORKER_PACKAGES = {
    "--extra_package",
    "--extra_packages",
    "--requirements_file",
    "--sdk_container_image",
    "--setup_file",
    "--worker_harness_container_image",
}


def make_beam_args(options: Sequence[str] = ()) -> list[str]:
    """Return the Beam options to run steps with.

    Args:
      options: options of the configuration; empty for the direct runner.
    """
    args = list(options or DIRECT_RUNNER)
    if _WORKER_PACKAGES & {arg.partition("=")[0] for arg in args}:
        return args
    # Without any of these options, TFX builds a package of itself in every step for the workers to
    # install. That takes a second or two and leaves 50 MB in the temporary folder. A runner that
    # starts containers needs a real image and so has the option already; others ignore it.
    return [*args, "--sdk_container_image=none"]
