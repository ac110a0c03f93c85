# An image for a class hub: JupyterLab, the package and its notebooks. docker build -t icon_nb . && docker run -p 8888:8888 icon_nb
FROM quay.io/jupyter/base-notebook:python-3.12
# A torch without CUDA is 0.3 GB instead of 5 GB; on a hub with GPUs, leave this line out.
RUN python -m pip install --no-cache-dir torch torchvision --index-url https://download.pytorch.org/whl/cpu
COPY --chown=${NB_UID}:${NB_GID} . /tmp/icon_nb
RUN python -m pip install --no-cache-dir "/tmp/icon_nb[notebook]" && rm -rf /tmp/icon_nb
RUN icon-nb notebooks /home/${NB_USER}/notebooks
