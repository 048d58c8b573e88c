# tweedied, with the default model, for CUDA GPUs (or, as an option, for CPUs only).
#
#   docker build -t tweedie .                                 # CUDA; runs on CPUs too
#   docker build -t tweedie:cpu --build-arg TWEEDIE_CUDA=OFF .
#   docker run --gpus all -p 127.0.0.1:7433:7433 -v tweedie:/var/lib/tweedie \
#     -e TWEEDIE_WITHOUT_TLS=true -e TWEEDIE_WITHOUT_TOKENS=true tweedie
#
# The CUDA runtime is the one that LibTorch was built with: its wheel's nvidia-*
# packages. A CUDA base image would bring a second one, and another glibc than
# the build's; of the host, only the driver and its container toolkit are needed.
ARG DEBIAN_IMAGE=debian:12-slim

FROM ${DEBIAN_IMAGE} AS build
ARG TWEEDIE_CUDA=ON
ENV TWEEDIE_CACHE=/opt/tweedie-cache
WORKDIR /src
# A layer of its own: it changes only with the dependencies.
COPY scripts/common.sh scripts/setup scripts/
RUN case "${TWEEDIE_CUDA}" in \
      ON) scripts/setup --cuda ;; \
      OFF) scripts/setup ;; \
      *) echo "TWEEDIE_CUDA must be ON or OFF; was ${TWEEDIE_CUDA}" >&2; exit 1 ;; \
    esac
COPY . .
RUN preset=release \
    && if [ "${TWEEDIE_CUDA}" = ON ]; then preset=cuda; fi \
    && cmake --preset "${preset}" -DTWEEDIE_TESTS=OFF \
    && cmake --build "build/${preset}" -j "$(nproc)" --target tweedied tweedie tweedie_manual \
    && scripts/bundle "${preset}" /bundle

FROM ${DEBIAN_IMAGE}
RUN useradd --system --uid 7433 --home-dir /var/lib/tweedie --create-home tweedie
COPY --from=build /bundle /opt/tweedie
COPY models /opt/tweedie/models
COPY LICENSE /opt/tweedie/LICENSE
# Inside, every address must be listened on; who may come is for those to say who publish
# ports: TWEEDIE_TOKENS_FILE and TLS, or TWEEDIE_WITHOUT_TOKENS and TWEEDIE_WITHOUT_TLS.
ENV PATH=/opt/tweedie/bin:${PATH} \
    LD_LIBRARY_PATH=/opt/tweedie/lib \
    TWEEDIE_DATA_DIR=/var/lib/tweedie \
    TWEEDIE_MODELS_DIR=/opt/tweedie/models \
    TWEEDIE_LISTEN=0.0.0.0:7433 \
    TWEEDIE_HTTP=0.0.0.0:7480 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 7433
VOLUME /var/lib/tweedie
EXPOSE 7433 7480
# By HTTP, which asks nobody for a token; with TLS, which bash does not speak, only whether
# the port is listened on.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/7480 && { [[ -n $TWEEDIE_TLS_CERT ]] || { printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q ' 200 ' <&3; }; }"]
ENTRYPOINT ["tweedied"]
