#!/bin/sh
# Entry point of the image: runs the command line, or Beam's workers if a runner starts the image.
#
# Runners pass options only: the addresses of their services, or --worker_pool.
set -eu
boot=/opt/apache/beam/boot
case ${1:-} in
  --worker_pool)
    [ -x "$boot" ] && exec "$boot" "$@"
    shift
    # The same pool, on the same port, but without boot. Boot would also download the files of a
    # job, but our jobs have none.
    exec python -m apache_beam.runners.worker.worker_pool_main --service_port 50000 "$@" ;;
  --id | --id=* | --*_endpoint | --*_endpoint=*)
    [ -x "$boot" ] && exec "$boot" "$@"
    echo "This image has no $boot, which this runner needs to start workers: build it with BEAM_BOOT, \
or make the runner use a worker pool (--environment_type=EXTERNAL)." >&2
    exit 2 ;;
esac
exec radio-signals "$@"
