# make image, or: docker build --tag osmig:0.1.0 .
# A full version, so that two builds begin with the same Python. Where images are mirrored, name yours by its digest:
#   make image PYTHON_IMAGE=python@sha256:…
ARG PYTHON_IMAGE=python:3.13.9-slim-trixie

FROM ${PYTHON_IMAGE} AS build
# With it, wheels and bytecode are the same in each build of one commit.
ARG SOURCE_DATE_EPOCH=315532800
WORKDIR /src
COPY requirements.build.lock requirements.image.lock ./
# Each file that is installed is one whose hash is in a lock, what builds our own wheel included. pip is in /opt/build
# alone, which stays behind.
RUN python3 -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements.build.lock \
 && python3 -m venv --without-pip /opt/osmig \
 && /opt/build/bin/pip --python /opt/osmig/bin/python3 install --no-cache-dir --no-compile \
    --only-binary :all: --require-hashes -r requirements.image.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator ./operator
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/build/bin/pip --python /opt/osmig/bin/python3 install --no-cache-dir --no-compile \
    --no-deps --no-index /wheels/osmig-*.whl \
 && /opt/build/bin/pip --python /opt/osmig/bin/python3 check

# What is left of the base: Python, its libraries, certificates, time zones. No shell, no pip, no compiler.
FROM ${PYTHON_IMAGE} AS reduced
COPY --from=build /opt/osmig /opt/osmig
COPY image/reduce.py /reduce.py
# It ends as "osmig version", by which the build fails if too much was taken away.
RUN ["/opt/osmig/bin/python3", "-IB", "/reduce.py"]

FROM scratch
ARG PYTHON_IMAGE
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1980-01-01T00:00:00Z
LABEL org.opencontainers.image.title="osmig" \
      org.opencontainers.image.description="A Kubernetes operator that moves OpenStack servers, exactly once." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
# One layer without what was removed; it is small because of that.
# hadolint ignore=DL3067
COPY --from=reduced / /
ENV PATH="/opt/osmig/bin:/usr/local/bin:/usr/bin" \
    LANG="C.UTF-8" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 8080
HEALTHCHECK NONE
ENTRYPOINT ["/opt/osmig/bin/osmig"]
CMD ["run"]
