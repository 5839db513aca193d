# The operator's image: `make image` builds it, `make image-check` looks at what came out.
#
# A release pins the base by digest: --build-arg BASE=python:3.13-slim@sha256:...
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# The environment that ships has no pip of its own; the one beside it builds the wheel, and stays here.
RUN python -m venv --without-pip /venv && python -m venv /build
COPY requirements.txt requirements-build.txt ./
RUN /build/bin/pip install --require-hashes --only-binary :all: -r requirements-build.txt \
 && /build/bin/pip --python /venv/bin/python install \
      --require-hashes --only-binary :all: -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY operator/customevents operator/customevents
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
 && /build/bin/pip --python /venv/bin/python install --no-deps --no-index /wheel/*.whl
# The label below must not say another version than the package does.
ARG VERSION=unknown
RUN test "$VERSION" = unknown || test "customevents $VERSION" = "$(/venv/bin/customevents --version)"

FROM ${BASE}
ARG BASE VERSION=unknown REVISION=unknown
LABEL org.opencontainers.image.title="customevents" \
      org.opencontainers.image.description="A Kubernetes operator for custom events on the Komodor timeline" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /venv /venv
# The root may be read-only: the bytecode is there already, and nothing writes any.
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 8080
# No shell in between: SIGTERM reaches Python, which drains.
ENTRYPOINT ["customevents"]
CMD ["run"]
