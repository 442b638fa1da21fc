# JupyterLab with the panel on port 8888:   docker build -t seg-widgets . && docker run --rm -p 8888:8888 seg-widgets
# The panel alone, as a web page, on 8080:  docker run --rm -p 8080:8080 seg-widgets app
# With a GPU (NVIDIA container toolkit): add --gpus all; torch brings its own CUDA. scripts/docker does all of it.
FROM python:3.12-slim-bookworm

# Set to cpu for an image without CUDA, where that index can be reached.
ARG TORCH_BACKEND=""

LABEL org.opencontainers.image.title="seg-widgets" \
      org.opencontainers.image.licenses="Apache-2.0" \
      seg-widgets="image"

# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 --gid 100 jovyan \
 && install --directory --owner=1000 --group=100 /weights /home/jovyan/work

WORKDIR /opt/seg-widgets

# What changes seldom comes first, so that a change of code rebuilds in seconds. The package is installed as a folder, so
# that its files can come later.
COPY packaging/bootstrap.py packaging/hatch_build.py packaging/requirements.lock packaging/requirements.txt ./packaging/
COPY packaging/detectron2 ./packaging/detectron2
COPY pyproject.toml LICENSE ./
RUN mkdir seg_widgets && touch seg_widgets/__init__.py README.md \
 && UV_TORCH_BACKEND="${TORCH_BACKEND}" UV_NO_CACHE=1 PIP_NO_CACHE_DIR=1 python packaging/bootstrap.py

COPY packaging ./packaging
COPY seg_widgets ./seg_widgets
COPY weights ./weights
COPY --chown=1000:100 notebooks /home/jovyan/work

# The notebooks lie in the work folder here, so the samples are found beside them. What is fetched lies in /weights.
RUN ln -s /home/jovyan/work /opt/seg-widgets/notebooks
ENV PATH="/opt/seg-widgets/.venv/bin:${PATH}" \
    HOME=/home/jovyan \
    OMP_WAIT_POLICY=PASSIVE \
    SEG_WIDGETS_CACHE=/weights \
    SEG_WIDGETS_WORK=/home/jovyan/work
USER 1000:100
WORKDIR /home/jovyan/work
VOLUME ["/weights", "/home/jovyan/work"]
EXPOSE 8888 8080

HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["python", "/opt/seg-widgets/packaging/start.py", "health"]
ENTRYPOINT ["tini", "--", "python", "/opt/seg-widgets/packaging/start.py"]
CMD ["lab"]
