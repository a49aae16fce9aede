# The server as an image, for App Engine, Cloud Run, or any other place that runs containers.
# Plain instructions that every docker build knows: `gcloud app deploy` may build without BuildKit.
# One instruction a line for COPY, ENV and the like: scripts/offline/check-image.sh reads them.

# Rust's version is that of rust-toolchain.toml; scripts/offline/check-image.sh fails if they differ.
FROM rust:1.95.0-slim-trixie AS build
WORKDIR /src
# curl fetches cargo-leptos; where it can't, OpenSSL's headers shorten the compilation. npm fetches wasm-opt; the
# allocator is built with make.
RUN apt-get update && apt-get install -y --no-install-recommends curl libssl-dev make npm pkg-config && rm -rf /var/lib/apt/lists/*

# The tools, as `make setup` installs them and in the versions of scripts/versions.env: a layer that stays until
# one of these files changes.
COPY rust-toolchain.toml ./
COPY scripts/versions.env scripts/lib.sh scripts/lib-cargo-tool.sh scripts/
COPY scripts/offline/build-wasm-target.sh scripts/offline/
COPY scripts/setup-rust.sh scripts/setup-cargo-tools.sh scripts/setup-wasm-opt.sh scripts/
RUN scripts/setup-rust.sh && scripts/setup-cargo-tools.sh && scripts/setup-wasm-opt.sh

# The dependencies: a layer that stays until a manifest changes. It takes most of the build's time.
COPY Cargo.toml Cargo.lock ./
COPY app/Cargo.toml app/
COPY bench/Cargo.toml bench/
COPY frontend/Cargo.toml frontend/
COPY server/Cargo.toml server/
COPY sessions/Cargo.toml sessions/
COPY scripts/build.sh scripts/
COPY scripts/deploy/build-dependencies.sh scripts/deploy/
RUN scripts/deploy/build-dependencies.sh

# The project itself.
COPY app app
COPY bench bench
COPY frontend frontend
COPY public public
COPY server server
COPY sessions sessions
COPY style style
# Cargo goes by time stamps: sources that are older than the layer of the dependencies would pass for built.
RUN find . -name target -prune -o -name '*.rs' -exec touch {} + && scripts/build.sh && mkdir /empty

# Distroless: the C library, CA certificates (the client asks the system for them), and no shell or package
# manager to keep patched. Debian 13, as the build stage is, since a newer C library's programs don't start on an
# older one.
FROM gcr.io/distroless/cc-debian13:nonroot
LABEL org.opencontainers.image.title="hello-sessions"
LABEL org.opencontainers.image.description="A page that greets each visitor and counts that visitor's views"
LABEL org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY --from=build /src/target/release/server /app/server
COPY --from=build /src/target/site /app/site
# Where SQLite's file goes unless SESSION_STORE says otherwise: a place for a volume, and the only folder of the
# image that the server may write to.
COPY --from=build --chown=65532:65532 /empty /app/data
ENV HOST=0.0.0.0
ENV PORT=8080
ENV LEPTOS_SITE_ROOT=/app/site
EXPOSE 8080
# The image's nonroot, by number, so that Kubernetes can see that it isn't root.
USER 65532:65532
ENTRYPOINT ["/app/server"]
