# syntax=docker/dockerfile:1
# Three images: `prepare` makes the certificates and passwords of docker-compose.yml, `build` compiles, and the last one
# is the service: the program, glibc, and the certificates of the public authorities. No shell, no package manager.
# Tags say which; pin digests of your own (docs/deploying.md#images).

FROM docker.io/library/debian:trixie-slim AS prepare
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates curl openssl \
 && rm -rf /var/lib/apt/lists/*
COPY deploy /deploy
ENTRYPOINT ["/deploy/prepare"]

FROM docker.io/library/rust:1.95-slim-trixie AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends build-essential nodejs npm \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# What was fetched and compiled before is kept beside the image, not in it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked --bin vouchsafe \
 && install -D target/release/vouchsafe /image/usr/local/bin/vouchsafe \
 && install -D LICENSE /image/usr/share/doc/vouchsafe/LICENSE \
 && install -d -m 700 -o 65532 -g 65532 /image/var/lib/vouchsafe

FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=build /image/usr /usr
# A volume mounted here begins as this folder is: empty, and the service's own.
COPY --from=build --chown=65532:65532 /image/var/lib/vouchsafe /var/lib/vouchsafe
USER 65532:65532
WORKDIR /var/lib/vouchsafe
ENV VOUCHSAFE_CONFIG=/etc/vouchsafe/vouchsafe.toml
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/usr/local/bin/vouchsafe", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/vouchsafe"]
CMD ["serve"]
