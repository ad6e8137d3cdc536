# One image for all three: the command line, the steps of a Kubeflow pipeline, and the workers of
# Apache Beam. docs/image.md says how to build it behind a proxy or with an index of your own.
#
# Secrets, all optional, and none of them is left in the image:
#   pip.conf    pip's configuration: another index, credentials
#   ca.crt      certificates to trust while packages are fetched

# Debian 13 with a python3 of 3.11 to 3.13 that has venv: the wheels of TFX 1.21 need its C library.
ARG BASE_IMAGE=python:3.13-slim-trixie
# Where Beam's boot program comes from, which is no part of its Python package: Beam's own image of
# the same releases, apache/beam_python3.13_sdk:2.77.0. Needed on Dataflow and wherever a runner
# starts containers; without it Flink and Spark find workers in worker pools.
ARG BEAM_BOOT=${BASE_IMAGE}


FROM ${BASE_IMAGE} AS base
ENV PATH=/opt/radio-signals/bin:$PATH


# The compiler stays here: two packages of the lock have no wheels.
FROM base AS packages
RUN apt-get update \
 && apt-get install --yes --no-install-recommends g++ \
 && { test -e "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" \
      || apt-get install --yes --no-install-recommends python3-dev; }
RUN python3 -m venv /opt/radio-signals
COPY requirements-image.lock /src/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca.crt,target=/run/secrets/ca.crt \
    if [ -s /run/secrets/ca.crt ]; then export PIP_CERT=/run/secrets/ca.crt; fi \
 && pip install --no-cache-dir --disable-pip-version-check --no-compile --no-deps \
      --require-hashes --requirement /src/requirements-image.lock
# No run reads what follows: headers and libraries to compile against, and tests. Bytecode is
# compiled because every start would otherwise pay for it. It is not held against its source: nobody
# edits an image.
COPY scripts/trim-packages.sh /src/
RUN sh /src/trim-packages.sh /opt/radio-signals \
 && PYTHONWARNINGS=ignore python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/radio-signals/lib \
 && pip check


# A wheel of our own code, made with the build tool that the lock brought.
FROM packages AS wheel
COPY pyproject.toml README.md LICENSE /src/
COPY pipeline /src/pipeline
COPY components /src/components
COPY trainer /src/trainer
COPY data /src/data
RUN pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index \
      --wheel-dir /wheel /src


# The folder is empty where the program is not asked for; see scripts/image-entry.sh.
FROM ${BEAM_BOOT} AS boot
RUN mkdir -p /opt/apache/beam


FROM base AS image
# Kubeflow's launcher copies artifacts to the folders named after their stores, as the user of the
# image. Group 0 may do what the user may, for platforms that choose another number for the user.
RUN useradd --uid 1000 --gid 0 --create-home --shell /bin/sh radio \
 && chmod 770 /home/radio \
 && mkdir -m 1777 /gcs /minio /s3
COPY --from=boot /opt/apache/beam /opt/apache/beam
COPY --from=packages /opt/radio-signals /opt/radio-signals
COPY --chmod=755 scripts/image-entry.sh /usr/local/bin/image-entry
# Last, because it changes most often: what is above is then taken from the cache.
RUN --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    pip install --quiet --no-cache-dir --disable-pip-version-check --no-index --no-deps \
      /wheel/*.whl

# Beam's boot program is to use the packages that are here, not to make an environment of its own.
ENV HOME=/home/radio RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
WORKDIR /home/radio
# By number, so that Kubernetes can tell that it is not root.
USER 1000
ENTRYPOINT ["image-entry"]

ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
ARG LICENSES=Apache-2.0
LABEL org.opencontainers.image.title="Radio Signals" \
      org.opencontainers.image.description="A TFX pipeline that turns CSV spectrograms of radio signals into a served classifier." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="${LICENSES}"
