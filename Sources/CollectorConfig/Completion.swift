// The defaults that rendering fills into a configuration: listen addresses of known components and the collector's own metrics.
// Hash, text, ports and services are made from the completed document, so that they agree with objects that already exist.
// It never overrides a value, never touches components that do not run, and its result is never written to the user's resource.

import CollectorComponents
import JSON

extension CollectorConfiguration {
    /// The configuration as the pods get it.
    public func completed() -> CollectorConfiguration {
        var completed = self
        for id in enabled(.receivers) { completed.completeReceiver(id) }
        for id in enabled(.exporters) { completed.completeExporter(id) }
        for id in enabled(.extensions) { completed.completeExtension(id) }
        completed.completeTelemetry()
        return completed
    }

    private mutating func completeReceiver(_ id: String) {
        let value = components(.receivers)[id] ?? .null
        switch ComponentID.registered(.receivers, id)?.listening {
        case nil, .asWritten?, .never?, .apiServer?: return
        case .single(let port)?:
            guard let number = port.number, value["listen_address"] == nil else { return }
            set(.receivers, id, Self.withEndpoint(value, port: number))
        case .protocols(let ports)?:
            guard var protocols = value["protocols"], let written = protocols.object else { return }
            for port in ports where written.contains(port.key) {
                guard let number = port.number else { continue }
                protocols[port.key] = Self.withEndpoint(protocols[port.key] ?? .null, port: number)
            }
            var value = value
            value["protocols"] = protocols
            set(.receivers, id, value)
        }
    }

    private mutating func completeExporter(_ id: String) {
        guard case .single(let port)? = ComponentID.registered(.exporters, id)?.listening, let number = port.number else { return }
        set(.exporters, id, Self.withEndpoint(components(.exporters)[id] ?? .null, port: number))
    }

    private mutating func completeExtension(_ id: String) {
        var value = components(.extensions)[id] ?? .null
        switch ComponentID.registered(.extensions, id)?.listening {
        case .single(let port)?:
            guard let number = port.number else { return }
            value = Self.withEndpoint(value, port: number)
            if value["path"] == nil { value["path"] = "/" }
        case .protocols(let ports)?:
            if value.object == nil { value = [:] }
            for port in ports { if let number = port.number { value[port.key] = Self.withEndpoint(value[port.key] ?? [:], port: number) } }
        case nil, .asWritten?, .never?, .apiServer?: return
        }
        set(.extensions, id, value)
    }

    private mutating func completeTelemetry() {
        let path = ["service", "telemetry", "metrics"]
        // What is no mapping is refused by validation; whoever looks at it all the same finds it as it is.
        for parent in [value["service"], value.at("service", "telemetry")] {
            if let parent, !parent.isNull, parent.object == nil { return }
        }
        var metrics = value.at(path) ?? [:]
        if metrics.isNull { metrics = [:] }
        guard metrics.object != nil, metrics["address"] == nil, metrics["readers"] == nil else { return }
        metrics["readers"] = [["pull": ["exporter": ["prometheus": ["host": "0.0.0.0", "port": JSONValue(Self.defaultTelemetryPort)]]]]]
        value.set(path, to: metrics)
    }

    private mutating func set(_ kind: ComponentKind, _ id: String, _ component: JSONValue) {
        value.set([kind.rawValue, id], to: component)
    }

    /// Null becomes a mapping; a missing endpoint becomes all addresses at the default port; an endpoint without a host gets one.
    private static func withEndpoint(_ value: JSONValue, port: Int) -> JSONValue {
        var value = value.isNull ? [:] : value
        guard value.object != nil else { return value }
        switch value["endpoint"] {
        case .string(let text)? where !text.isEmpty: value["endpoint"] = .string(Endpoint.withHost(text))
        case .int(let number)?: value["endpoint"] = .string("0.0.0.0:\(number)")
        case nil, .null?, .string?: value["endpoint"] = .string("0.0.0.0:\(port)")
        default: break
        }
        return value
    }
}
