#!/bin/sh
# What the image runs: the command line, or a Beam worker where a Beam runner starts it.
#
# Runners give the image's entry point options only: where to report to, or --worker_pool.
case ${1:-} in
  --id | --id=* | --worker_pool | --worker_pool=* | --*_endpoint | --*_endpoint=*)
    exec /opt/apache/beam/boot "$@" ;;
esac
exec radio-signals "$@"
