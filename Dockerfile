# JupyterLab with the panel on port 8888:  docker build -t seg-widgets . && docker run --rm -p 8888:8888 seg-widgets
# With a GPU (NVIDIA container toolkit): add --gpus all; torch brings its own CUDA.
FROM python:3.12-slim-bookworm

# Set to cpu for an image without CUDA, where that index can be reached.
ARG TORCH_BACKEND=""

RUN apt-get update \
 && apt-get install --yes --no-install-recommends tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 --gid 100 jovyan

WORKDIR /opt/seg-widgets

# What changes seldom comes first, so that a change of code rebuilds in seconds.
COPY packaging ./packaging
COPY pyproject.toml README.md LICENSE ./
COPY seg_widgets/__init__.py ./seg_widgets/__init__.py
RUN UV_TORCH_BACKEND="${TORCH_BACKEND}" UV_NO_CACHE=1 PIP_NO_CACHE_DIR=1 python packaging/bootstrap.py

COPY seg_widgets ./seg_widgets
COPY weights ./weights
COPY --chown=1000:100 notebooks /home/jovyan/work

# The notebooks lie in the work folder here, so the samples are found beside them.
RUN ln -s /home/jovyan/work /opt/seg-widgets/notebooks
ENV PATH="/opt/seg-widgets/.venv/bin:${PATH}" HOME=/home/jovyan OMP_WAIT_POLICY=PASSIVE
USER 1000:100
WORKDIR /home/jovyan/work
EXPOSE 8888

HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8888/api', timeout=4)"]
ENTRYPOINT ["tini", "--"]
# JupyterLab prints the address with its token; set JUPYTER_TOKEN to choose one.
CMD ["python", "/opt/seg-widgets/packaging/lab.py", "--ip=0.0.0.0", "--port=8888", "--no-browser", "--folder=/home/jovyan/work"]
