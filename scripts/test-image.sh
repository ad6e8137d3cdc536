#!/bin/sh
# Build the container image without any registry, and run real tasks in it as its own user.
#
#   WORK=DIR         keep base image, layers and results there (default: a temporary folder, removed
#                    at the end)
#
# The base image is a Debian 13 with Debian's own Python, installed with debootstrap. This needs root,
# buildah and debootstrap. build-image.sh describes how to pass certificates and a package index.
set -eu
cd "$(dirname "$0")/.."

fail() { printf 'Image not tested: %s\n' "$*" >&2; exit 1; }
say() { printf '\n== %s\n' "$*"; }
[ "$(id -u)" = 0 ] || fail "this needs root, to install the base image."
for program in buildah debootstrap; do
  command -v "$program" >/dev/null 2>&1 ||
    fail "$program is missing (Debian: apt-get install $program)."
done

work=${WORK:-$(mktemp -d /var/tmp/radio-signals-image.XXXXXX)}
work=$(mkdir -p "$work" && realpath "$work")
image=localhost/radio-signals:tested
TOOL="buildah --root $work/storage --runroot $work/run"
b() { $TOOL "$@"; }

finish() {
  status=$?
  trap - EXIT
  b rm --all >/dev/null 2>&1 || :
  # Mounted layers cannot be removed, and rm must not enter them.
  if [ -z "${WORK:-}" ]; then
    b rmi --all --force >/dev/null 2>&1 || :
    umount "$work/storage/overlay" 2>/dev/null || :
    rm -rf --one-file-system "$work"
  fi
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

if ! b inspect localhost/debian-python >/dev/null 2>&1; then
  say "Base image, with debootstrap"
  scripts/debian-root.sh "$work/base" ca-certificates python3 python3-venv
  container=$(b from scratch)
  cp -a "$work/base/." "$(b mount "$container")"
  b umount "$container" >/dev/null
  b commit --quiet --rm "$container" localhost/debian-python >/dev/null
  rm -rf "$work/base"
fi

say "Image"
started=$(date +%s)
TOOL=$TOOL IMAGE=$image BASE_IMAGE=localhost/debian-python scripts/build-image.sh --quiet >/dev/null
echo "built in $(($(date +%s) - started)) s"
container=$(b from --pull-never "$image")
mounted=$(b mount "$container")

say "Sizes of layers and packages"
b inspect --type image "$image" >"$work/image.json"
python3 scripts/image-sizes.py "$mounted" "$work/image.json" \
  "$work/storage/overlay-layers/layers.json"
b inspect --format '{{range $k, $v := .OCIv1.Config.Labels}}{{$k}}: {{$v}}{{"\n"}}{{end}}' "$container"

# Runs a command in the image as its user. Files that it writes stay in this container. Workers call
# Beam's job service by the host name, so the host name must resolve.
inside() { b run --isolation chroot --hostname localhost "$container" -- "$@"; }

say "User and contents of the image"
inside sh -euc '
  [ "$(id -u)" = 1000 ] || { echo "user $(id -u)"; exit 1; }
  for program in cc c++ gcc g++ go; do ! command -v "$program" || exit 1; done
  [ ! -e /root/.cache ] && [ ! -e /run/secrets/ca.crt ] && [ ! -e /src ]
  pip check'
say "radio-signals --help"
inside image-entry --help
say "radio-signals data simulate"
inside image-entry data simulate data --train 800 --validation 200
say "radio-signals run"
inside image-entry run --data data --epochs 3 --output runs
say "Another user number in the same group, as some platforms use"
b run --isolation chroot --user 12345:0 "$container" -- sh -euc '
  image-entry runs --output runs
  touch "$HOME/writable" /gcs/writable /minio/writable /s3/writable'

say "A Beam worker that a worker pool starts"
inside sh -euc '
  python -m apache_beam.runners.portability.local_job_service_main --port 18099 >jobs.log 2>&1 &
  service=$!
  image-entry --worker_pool >pool.log 2>&1 &
  pool=$!
  trap "kill $service $pool" EXIT
  image-entry run --data data --epochs 3 --output beam \
    --beam-args "--runner=PortableRunner --job_endpoint=localhost:18099 \
      --environment_type=EXTERNAL --environment_config=localhost:50000" ||
    { status=$?; cat jobs.log pool.log; exit "$status"; }
  grep "Starting worker" pool.log | cut -c 1-120'

say "The steps of a compiled pipeline, started as Kubeflow does, on a read-only root file system"
# Only the folders that a pod mounts can be written to (deploy/kubeflow/pod-defaults.yaml).
volumes=
for folder in mnt/radio tmp home/radio gcs minio s3; do
  mkdir -p "$work/pod/$folder"
  volumes="$volumes --volume $work/pod/$folder:/$folder"
done
mv "$mounted/home/radio/data" "$work/pod/mnt/radio/data"
chown -R 1000:0 "$work/pod"
b run --isolation chroot --user root --cap-add CAP_SYS_ADMIN --volume "$PWD/tests:/checks/tests:ro" \
  $volumes "$container" -- sh -euc '
  mount -o remount,bind,ro /
  exec setpriv --reuid 1000 --regid 0 --clear-groups --bounding-set=-all --no-new-privs sh -euc "$1"' - '
  ! touch /opt/radio-signals/written /written 2>/dev/null || exit 1
  image-entry compile package.yaml --image radio-signals --root minio://mlpipeline/v2/artifacts \
    --data /mnt/radio/data --serving /mnt/radio/serving \
    --set "kubeflow.volumes={/mnt/radio: radio}" --epochs 3
  PYTHONPATH=/checks python -m tests.image.run_package package.yaml /mnt/radio/kubeflow'
say "All tasks succeeded"
