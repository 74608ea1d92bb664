// Ports of a collector's container and Services: the user's first, then the inferred ones that do not clash with them.
// CollectorContainer and CollectorServices use it.
// It never gives two ports one name or one number: server-side apply refuses both.

import CollectorConfig
import JSON
import SondeAPI

/// Joins `spec.ports` and inferred ports.
struct PortMerge {
    /// `spec.ports` with unique names and a protocol.
    let given: [JSONValue]

    init(_ ports: JSONValue?) {
        var names: Set<String> = []
        given = (ports?.array ?? []).map { port in
            var port = port
            if let name = port["name"]?.string, !names.insert(name).inserted { port["name"] = .string("port-\(port["port"]?.int ?? 0)") }
            if port["protocol"]?.string == nil { port["protocol"] = "TCP" }
            return port
        }
    }

    /// The inferred ports that stay: a number that is taken drops the port, a name that is taken becomes `port-<number>`.
    func inferred(_ ports: [ComponentPort]) -> [ComponentPort] {
        var numbers = Set(given.map { "\($0["port"]?.int ?? 0)/\($0["protocol"]?.string ?? "TCP")" })
        var names = Set(given.compactMap { $0["name"]?.string })
        return ports.compactMap { port in
            guard numbers.insert("\(port.number)/\(port.transport)").inserted else { return nil }
            var port = port
            if names.contains(port.name) { port.name = "port-\(port.number)" }
            return names.insert(port.name).inserted ? port : nil
        }
    }
}

struct ContainerPorts {
    let context: CollectorContext

    /// Sorted by name.
    var ports: JSONValue {
        let merge = PortMerge(context.spec["ports"])
        let telemetry = context.configuration.telemetryListener
        let inferred = merge.inferred(context.ports.all + [telemetry]).map { port in
            JSONValue.members([("name", .string(port.name)), ("containerPort", JSONValue(port.number)), ("protocol", .string(port.transport))])
        }
        let given = merge.given.map { port -> JSONValue in
            let hostPort = port["hostPort"].flatMap { $0.int == 0 ? Optional.none : .some($0) }
            return JSONValue.members([
                ("name", port["name"]), ("containerPort", port["port"]), ("protocol", port["protocol"]),
                ("hostPort", hostPort),
            ])
        }
        return .array((given + inferred).sorted { ($0["name"]?.string ?? "") < ($1["name"]?.string ?? "") })
    }
}
