// Which ports a collector listens on, read from its configuration: for Services, the container and network policies.
// Rendering, validation and the search for an OTLP receiver use it.
// It never counts components that do not run. Which address is a listener, the registry says; the rules are the existing operator's.

import CollectorComponents
import JSON
import SondeAPI

/// One port that a component listens on.
public struct ComponentPort: Hashable, Sendable {
    /// At most 15 characters.
    public var name: String
    public let number: Int
    /// `TCP` or `UDP`.
    public let transport: String
    /// `grpc`, `http`, or nil.
    public let applicationProtocol: String?
    /// The component that listens: `otlp`.
    public let component: String
    /// Where it is written: `spec.config.receivers.otlp.protocols.grpc`.
    public let path: String
}

/// The ports of a configuration, each kind sorted by name, and what could not be read.
public struct ComponentPorts: Hashable, Sendable {
    public var receivers: [ComponentPort] = []
    public var exporters: [ComponentPort] = []
    public var extensions: [ComponentPort] = []
    public var findings: [Finding] = []

    /// Ports of the base and headless Services.
    public var service: [ComponentPort] { Self.sorted(receivers + exporters) }
    public var all: [ComponentPort] { Self.sorted(receivers + exporters + extensions) }

    static func sorted(_ ports: [ComponentPort]) -> [ComponentPort] {
        ports.sorted { ($0.name, $0.number) < ($1.name, $1.number) }
    }
}

extension CollectorConfiguration {
    /// The port of the collector's own metrics, as the container names it.
    public var telemetryListener: ComponentPort {
        ComponentPort(
            name: "metrics", number: telemetryPort, transport: "TCP", applicationProtocol: nil, component: "telemetry",
            path: "spec.config.service.telemetry.metrics")
    }

    /// The ports of all components that run. Works on the configuration as written and on the completed one alike.
    public var ports: ComponentPorts {
        var ports = ComponentPorts()
        for id in enabled(.receivers) { addReceiver(id, to: &ports) }
        for id in enabled(.exporters) {
            guard case .single(let port)? = ComponentID.registered(.exporters, id)?.listening, let number = port.number else { continue }
            ports.exporters.append(Self.port(id, .exporters, components(.exporters)[id] ?? .null, default: number))
        }
        for id in enabled(.extensions) { addExtension(id, to: &ports) }
        ports.receivers = ComponentPorts.sorted(ports.receivers)
        ports.exporters = ComponentPorts.sorted(ports.exporters)
        ports.extensions = ComponentPorts.sorted(ports.extensions)
        return ports
    }

    private func addReceiver(_ id: String, to ports: inout ComponentPorts) {
        let value = components(.receivers)[id] ?? .null
        switch ComponentID.registered(.receivers, id)?.listening {
        case nil, .asWritten?:
            // What the existing operator does with every type that it does not know, remote addresses too: pods that run have these ports in their template.
            if let number = Endpoint.port(Self.listenAddress(value)) { ports.receivers.append(Self.make(id, "", number, nil, .receivers)) }
        case .never?: break
        case .apiServer?: addPrometheusReceiver(id, value, to: &ports)
        case .single(let port)?: addSingle(id, value, port, to: &ports)
        case .protocols(let known)?: addProtocols(id, value, known, to: &ports)
        }
    }

    private func addSingle(_ id: String, _ value: JSONValue, _ port: Component.ListeningPort, to ports: inout ComponentPorts) {
        guard let number = Endpoint.port(Self.listenAddress(value)) ?? port.number else {
            ports.findings.append(
                Finding(
                    .error, rule: "port-unknown", path: "spec.config.receivers.\(id)", message: "has no port",
                    remedy: "write where it listens, for example listen_address: 0.0.0.0:54525"))
            return
        }
        ports.receivers.append(Self.make(id, "", number, port, .receivers))
    }

    private func addProtocols(_ id: String, _ value: JSONValue, _ known: [Component.ListeningPort], to ports: inout ComponentPorts) {
        for (key, settings) in value["protocols"]?.object ?? [:] {
            guard let port = known.first(where: { $0.key == key }) else {
                ports.findings.append(
                    Finding(
                        .error, rule: "unknown-protocol", path: "spec.config.receivers.\(id).protocols.\(key)",
                        message: "is no protocol of the \(ComponentID.type(id)) receiver", remedy: "write one of: \(known.map(\.key).joined(separator: ", "))"))
                continue
            }
            if let number = Endpoint.port(Self.listenAddress(settings)) ?? port.number {
                ports.receivers.append(Self.make(id, key, number, port, .receivers))
            }
        }
    }

    private func addPrometheusReceiver(_ id: String, _ value: JSONValue, to ports: inout ComponentPorts) {
        guard value.at("api_server", "enabled")?.bool == true,
            let number = Endpoint.port(value.at("api_server", "server_config", "endpoint")?.string)
        else { return }
        ports.receivers.append(Self.make(id, "", number, nil, .receivers))
    }

    private func addExtension(_ id: String, to ports: inout ComponentPorts) {
        let value = components(.extensions)[id] ?? .null
        switch ComponentID.registered(.extensions, id)?.listening {
        case .single(let port)?:
            if let number = port.number { ports.extensions.append(Self.port(id, .extensions, value, default: number)) }
        case .protocols(let known)?:
            guard let port = known.first, let number = port.number else { return }
            let http = Self.port(id, .extensions, value[port.key] ?? [:], default: number)
            ports.extensions.append(http)
            if let grpc = Endpoint.port(value.at("grpc", "endpoint")?.string), grpc != http.number {
                ports.extensions.append(Self.make("\(id)-2", "", grpc, nil, .extensions))
            }
        case nil, .asWritten?, .never?, .apiServer?: break
        }
    }

    private static func port(_ id: String, _ kind: ComponentKind, _ value: JSONValue, default number: Int) -> ComponentPort {
        make(id, "", Endpoint.port(value["endpoint"]?.string) ?? number, nil, kind)
    }

    private static func make(_ id: String, _ key: String, _ number: Int, _ port: Component.ListeningPort?, _ kind: ComponentKind) -> ComponentPort {
        ComponentPort(
            name: Names.port(key.isEmpty ? id : "\(id)-\(key)", number: number), number: number, transport: port?.transport ?? "TCP",
            applicationProtocol: port?.applicationProtocol, component: id, path: "spec.config.\(kind.rawValue).\(id)" + (key.isEmpty ? "" : ".protocols.\(key)")
        )
    }

    /// `endpoint` wins over `listen_address`, unless it is empty.
    private static func listenAddress(_ value: JSONValue) -> String? {
        ["endpoint", "listen_address"].lazy.compactMap { value[$0]?.string }.first { !$0.isEmpty }
    }
}
