# The images of hack/image with Docker: the same files, collected by the same script.
#   docker build --target operator -t sonde-operator .
#   docker build --target agent -t sonde-agent .
FROM swift:6.3-bookworm AS build
WORKDIR /src
COPY hack/lib/apt hack/lib/common hack/lib/build hack/lib/
RUN apt-get update -qq && hack/lib/apt pkg-config libcurl4-openssl-dev libyaml-dev libbpf-dev libelf-dev zlib1g-dev libssl-dev linux-libc-dev binutils ca-certificates python3
COPY Package.swift LICENSE ./
COPY Plugins Plugins
COPY Sources Sources
# Package.swift names the test targets, so their folders must be there.
COPY Tests Tests
RUN hack/lib/build --product sonde-operator && hack/lib/build --product sonde-agent
COPY charts/sonde/Chart.yaml charts/sonde/Chart.yaml
COPY hack/image hack/image
RUN hack/image --bin .build/release --roots /roots

FROM scratch AS operator
COPY --from=build /roots/operator/ /
USER 65532:65532
ENTRYPOINT ["/sonde-operator"]

# Root, since only root's process gets the capabilities of its pod: BPF and PERFMON, and nothing else.
FROM scratch AS agent
COPY --from=build /roots/agent/ /
USER 0:0
ENTRYPOINT ["/sonde-agent"]
