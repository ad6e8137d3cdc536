#!/bin/sh
# What the image runs: the command line, or Beam's workers where a runner starts the image.
#
# Runners give it options only: where to report to, or --worker_pool.
set -eu
boot=/opt/apache/beam/boot
case ${1:-} in
  --worker_pool)
    [ -x "$boot" ] && exec "$boot" "$@"
    shift
    # The same pool, on the same port, that starts workers without boot. What boot would do besides
    # is fetch what was sent along with a job, and nothing is.
    exec python -m apache_beam.runners.worker.worker_pool_main --service_port 50000 "$@" ;;
  --id | --id=* | --*_endpoint | --*_endpoint=*)
    [ -x "$boot" ] && exec "$boot" "$@"
    echo "This image has no $boot, by which this runner starts workers: build it with BEAM_BOOT, or \
have the runner use a worker pool (--environment_type=EXTERNAL)." >&2
    exit 2 ;;
esac
exec radio-signals "$@"
