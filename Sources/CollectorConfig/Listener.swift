// Every address that components of a configuration listen on, as far as it is certain, those that no Service shows included.
// The rules about ports compare them.
// It never counts an address that may be remote: of types that the registry does not know to listen, there is none.

import CollectorComponents
import JSON

/// An address that a component opens.
struct Listener: Hashable, Sendable {
    let kind: ComponentKind
    /// As written or by default: `0.0.0.0:4317`.
    let address: String
    let number: Int
    let transport: String
    /// Whether the resource says the address, so that the component's default does not matter.
    let isWritten: Bool
    /// `spec.config.receivers.otlp.protocols.grpc.endpoint`.
    let path: String

    func collides(with other: Listener) -> Bool {
        number == other.number && transport == other.transport && Endpoint.overlap(address, other.address)
    }
}

extension CollectorConfiguration {
    /// Sorted by kind and id. Call it on a completed configuration to have defaults filled in as the pods get them.
    var listeners: [Listener] {
        [ComponentKind.receivers, .processors, .exporters, .extensions].flatMap { kind in enabled(kind).flatMap { listeners(kind, $0) } }
    }

    private func listeners(_ kind: ComponentKind, _ id: String) -> [Listener] {
        guard let component = ComponentID.registered(kind, id) else { return [] }
        let value = components(kind)[id] ?? .null
        let hidden = component.hiddenListeners.compactMap { hidden in
            listener(kind, id, value, at: hidden.path, default: hidden.number, hidden.transport)
        }
        switch component.listening {
        case .asWritten, .never: return hidden
        case .apiServer:
            guard value.at("api_server", "enabled")?.bool == true else { return hidden }
            return hidden + [listener(kind, id, value, at: ["api_server", "server_config", "endpoint"], default: nil, "TCP")].compactMap { $0 }
        case .single(let port):
            let key = value["endpoint"] == nil && value["listen_address"] != nil ? "listen_address" : "endpoint"
            return hidden + [listener(kind, id, value, at: [key], default: port.number, port.transport)].compactMap { $0 }
        case .protocols(let ports):
            let parent = kind == .receivers ? ["protocols"] : []
            return hidden
                + ports.compactMap { port in
                    guard value.at(parent + [port.key]) != nil || parent.isEmpty else { return nil }
                    return listener(kind, id, value, at: parent + [port.key, "endpoint"], default: port.number, port.transport)
                }
        }
    }

    /// Components listen on the pod's own loopback by default, unless rendering fills in an address.
    private func listener(_ kind: ComponentKind, _ id: String, _ value: JSONValue, at path: [String], default number: Int?, _ transport: String) -> Listener? {
        let text = value.at(path)?.string ?? ""
        // A hidden listener below a key that is not there does not exist: `tcp.listen_address` without `tcp`.
        guard path.count == 1 || value.at(Array(path.dropLast())) != nil || kind == .extensions else { return nil }
        let place = "spec.config.\(kind.rawValue).\(id).\(path.joined(separator: "."))"
        if let port = Endpoint.port(text) { return Listener(kind: kind, address: text, number: port, transport: transport, isWritten: true, path: place) }
        guard let number, text.isEmpty else { return nil }
        return Listener(kind: kind, address: "localhost:\(number)", number: number, transport: transport, isWritten: false, path: place)
    }
}
