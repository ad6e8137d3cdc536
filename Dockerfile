# One image for the command line, the steps of a Kubeflow pipeline, and the workers of Apache Beam.
# docs/image.md describes how to build it behind a proxy or with another package index.
#
# Secrets, all optional. The image does not contain them.
#   pip.conf    pip's configuration, for another index or credentials
#   ca.crt      certificates to trust while packages are downloaded

# Debian 13, whose C library the wheels of TFX 1.21 need, with venv and a python3 of 3.11 to 3.13:
# python:3.13-slim-trixie@sha256:... There is no default, because a tag alone names another system
# after each of its updates.
ARG BASE_IMAGE
# The image that provides Beam's boot program, which Beam's Python package lacks: Beam's own image of
# the same release, apache/beam_python3.13_sdk:2.77.0. Dataflow and other runners that start
# containers need it. Without it, Flink and Spark can use worker pools.
ARG BEAM_BOOT=${BASE_IMAGE}


FROM ${BASE_IMAGE} AS base
ENV PATH=/opt/radio-signals/bin:$PATH


# Two packages of the lock have no wheels. The compiler for them stays in this stage.
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
# Headers, static libraries and tests are removed, because no run reads them. Bytecode is compiled,
# which makes every start faster. It is not compared with its source, because nobody edits an image.
COPY scripts/trim-packages.sh /src/
RUN sh /src/trim-packages.sh /opt/radio-signals \
 && PYTHONWARNINGS=ignore python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/radio-signals/lib \
 && pip check


# A wheel of our own code, built with the build tool from the lock.
FROM packages AS wheel
COPY pyproject.toml README.md LICENSE /src/
COPY pipeline /src/pipeline
COPY components /src/components
COPY trainer /src/trainer
COPY data /src/data
RUN pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index \
      --wheel-dir /wheel /src


# Without BEAM_BOOT the folder is empty; see scripts/image-entry.sh.
FROM ${BEAM_BOOT} AS boot
RUN mkdir -p /opt/apache/beam


FROM base AS image
# Kubeflow's launcher runs as the user of the image and copies artifacts to folders that are named
# after their stores. Group 0 has the rights of the user, for platforms that choose another user number.
RUN useradd --uid 1000 --gid 0 --create-home --shell /bin/sh radio \
 && chmod 770 /home/radio \
 && mkdir -m 1777 /gcs /minio /s3
COPY --from=boot /opt/apache/beam /opt/apache/beam
COPY --from=packages /opt/radio-signals /opt/radio-signals
COPY --chmod=755 scripts/image-entry.sh /usr/local/bin/image-entry
# Our own code comes last because it changes most often. The layers above come from the cache.
RUN --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    pip install --quiet --no-cache-dir --disable-pip-version-check --no-index --no-deps \
      /wheel/*.whl

# Makes Beam's boot program use the installed packages instead of creating an environment.
ENV HOME=/home/radio RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
WORKDIR /home/radio
# A number, so that Kubernetes can verify that the user is not root.
USER 1000
ENTRYPOINT ["image-entry"]

ARG BASE_IMAGE
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
ARG LICENSES=Apache-2.0
LABEL org.opencontainers.image.title="Radio Signals" \
      org.opencontainers.image.description="A TFX pipeline that turns CSV spectrograms of radio signals into a served classifier." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.base.name="${BASE_IMAGE}" \
      org.opencontainers.image.licenses="${LICENSES}"
