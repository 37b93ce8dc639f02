# docker build --tag osmig:0.1.0 .
# A full version, so that two builds begin with the same Python. Where images are mirrored, name yours by its digest:
#   docker build --build-arg PYTHON_IMAGE=python@sha256:… .
ARG PYTHON_IMAGE=python:3.13.9-slim-trixie

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
COPY requirements.build.lock requirements.image.lock ./
# Each file that is installed is one whose hash is in a lock, what builds our own wheel included.
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements.build.lock \
 && python -m venv /opt/osmig \
 && /opt/osmig/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements.image.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator ./operator
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/osmig/bin/pip install --no-cache-dir --no-deps --no-index /wheels/osmig-*.whl \
 && /opt/osmig/bin/pip check \
 && /opt/osmig/bin/pip uninstall --yes pip

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="osmig" \
      org.opencontainers.image.description="A Kubernetes operator that moves OpenStack servers, exactly once." \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/osmig /opt/osmig
ENV PATH="/opt/osmig/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/opt/osmig/bin/osmig"]
CMD ["run"]
