# The page and the HTTP service of dvsa, for others to use:
#
#     docker build --tag dvsa .
#     docker run --rm --read-only --tmpfs /tmp --publish 127.0.0.1:8000:8000 dvsa
#
# Then open http://localhost:8000/. For another host name add --allow-origin, see docs/serving.md.

FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
COPY constraints.txt /tmp/constraints.txt
COPY --from=build /wheels /tmp/wheels
RUN python -m pip install --no-cache-dir --constraint /tmp/constraints.txt "$(echo /tmp/wheels/*.whl)[serve]" \
    && rm -r /tmp/constraints.txt /tmp/wheels \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin dvsa
USER 10001
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["dvsa", "serve", "--host", "0.0.0.0", "--port", "8000", "--no-open"]
