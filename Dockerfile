# heedful in a container: docker build -t heedful . && docker run --rm -it heedful run --example
# The same hashed lock file as everywhere else; the second stage has neither pip's cache nor any build tool's leftovers.
FROM python:3.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/heedful
WORKDIR /src
COPY requirements.txt ./
RUN /opt/heedful/bin/pip install --require-hashes --only-binary :all: -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY monitor ./monitor
COPY connectors ./connectors
COPY config ./config
COPY migrations ./migrations
RUN /opt/heedful/bin/pip install --no-deps --no-build-isolation . \
 && /opt/heedful/bin/pip uninstall --yes hatchling editables pip \
 && /opt/heedful/bin/python -m compileall -q /opt/heedful/lib

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/heedful --create-home heedful \
 && mkdir /etc/heedful
COPY --from=build /opt/heedful /opt/heedful
# STATE_DIRECTORY is where the SQLite file goes when the configuration names no database.
ENV PATH=/opt/heedful/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 STATE_DIRECTORY=/var/lib/heedful
USER 10001
WORKDIR /var/lib/heedful
VOLUME /var/lib/heedful
EXPOSE 8383
# /healthz of the default port; with another health_port give another --health-cmd.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8383/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["heedful"]
CMD ["run"]
