# docker build --tag osmig:0.1.0 .
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY operator ./operator
# The versions of the lock, without what only development needs.
RUN sed -n 's/^\([A-Za-z0-9._-]*==[^ ]*\).*/\1/p' requirements.lock > constraints.txt \
 && python -m venv /opt/osmig \
 && /opt/osmig/bin/pip install --no-cache-dir --constraint constraints.txt . \
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
