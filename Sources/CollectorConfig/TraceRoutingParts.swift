// The documents of the two tiers: receivers and what needs the sender in one, everything else behind internal OTLP receivers in the other.
// TraceRouting makes them from the shape of a configuration.
// It never writes a setting that releases from 0.100 on do not have.

import CollectorComponents
import JSON

struct TraceRoutingParts {
    let shape: TraceRoutingShape
    /// By number of the lane.
    let lanePorts: [Int]
    /// The headless Service of the sampling tier.
    let host: String
    /// Nil for images that nobody here knows: they get the names that old and new releases take.
    let version: ReleaseVersion?

    private var configuration: CollectorConfiguration { shape.configuration }

    // MARK: Sampling

    /// The user's configuration with each lane's receiver in the place of the receivers that moved.
    var sampling: CollectorConfiguration {
        var value = configuration.value
        for id in shape.moved { value.set(["receivers", id], to: nil) }
        for (number, port) in lanePorts.enumerated() { value.set(["receivers", Self.id("otlp", number)], to: Self.receiver(port)) }
        for pipeline in shape.parted { part(pipeline, in: &value) }
        return CollectorConfiguration(value)
    }

    /// What stays of a pipeline when some of its receivers do not move keeps all of its processors; what comes by a lane has passed the first ones,
    /// of which only memory limiters run in both tiers.
    private func part(_ pipeline: Pipeline, in value: inout JSONValue) {
        let lanes = shape.lanes.filter { $0.signal == pipeline.signal && $0.pipelines.contains(pipeline.id) }
        let staying = pipeline.receivers.filter { !shape.moved.contains($0) }
        let passed = lanes.first?.processors ?? []
        let remaining = passed.filter { ComponentID.type($0) == "memory_limiter" } + pipeline.processors.dropFirst(passed.count)
        let arriving = lanes.map { Self.id("otlp", $0.number) }
        let path = ["service", "pipelines", pipeline.id]
        guard !staying.isEmpty, !passed.isEmpty else {
            value.set(path + ["receivers"], to: Self.texts(staying + arriving))
            if !passed.isEmpty { value.set(path + ["processors"], to: Self.texts(remaining)) }
            return
        }
        var second = value.at(path) ?? [:]
        second["receivers"] = Self.texts(arriving)
        second["processors"] = Self.texts(remaining)
        value.set(path + ["receivers"], to: Self.texts(staying))
        value.set(["service", "pipelines", Self.second(pipeline.id)], to: second)
    }

    /// `metrics/sonde-routing`, `metrics/a-sonde-routing`.
    static func second(_ pipeline: String) -> String { pipeline.contains("/") ? "\(pipeline)-\(TraceRouting.mark)" : "\(pipeline)/\(TraceRouting.mark)" }

    /// Batches that were taken from a sender go on as they are, so more than the 4 MiB of the default; connections end after a minute, so that the routing
    /// tier looks for new pods.
    private static func receiver(_ port: Int) -> JSONValue {
        [
            "protocols": [
                "grpc": [
                    "endpoint": .string("0.0.0.0:\(port)"), "max_recv_msg_size_mib": 64,
                    "keepalive": ["server_parameters": ["max_connection_age": "60s", "max_connection_age_grace": "10s"]],
                ]
            ]
        ]
    }

    // MARK: Routing

    func routing(healthCheckPort: Int) -> CollectorConfiguration {
        var value: JSONValue = ["receivers": [:], "exporters": [:]]
        for id in shape.moved { value.set(["receivers", id], to: configuration.components(.receivers)[id] ?? [:]) }
        for lane in shape.lanes { add(lane, to: &value) }
        addExtensions(to: &value, healthCheckPort: healthCheckPort)
        if let telemetry = configuration.value.at("service", "telemetry") { value.set(["service", "telemetry"], to: telemetry) }
        return CollectorConfiguration(value)
    }

    private func add(_ lane: TraceLane, to value: inout JSONValue) {
        var processors = lane.processors
        if processors.first.map(ComponentID.type) != "memory_limiter" {
            let limiter = Self.id("memory_limiter", 0)
            value.set(["processors", limiter], to: ["check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 20])
            processors.insert(limiter, at: 0)
        }
        for id in lane.processors { value.set(["processors", id], to: configuration.components(.processors)[id] ?? [:]) }
        let exporter = Self.id(name(lane.signal == "traces" ? "load_balancing" : "otlp_grpc"), lane.number)
        value.set(["exporters", exporter], to: lane.signal == "traces" ? balancing(lanePorts[lane.number]) : forwarding(lanePorts[lane.number]))
        value.set(
            ["service", "pipelines", Self.id(lane.signal, lane.number)],
            to: ["receivers": Self.texts(lane.receivers), "processors": Self.texts(processors), "exporters": Self.texts([exporter])])
    }

    /// DNS needs no right at the API server. Nothing waits in this tier: what no sampling pod took is an error for the sender, who sends it again, by then
    /// to a pod that is there.
    private func balancing(_ port: Int) -> JSONValue {
        [
            "routing_key": "traceID", "resolver": ["dns": ["hostname": .string(host), "port": .string("\(port)"), "interval": "5s"]],
            "protocol": [
                "otlp": [
                    "tls": ["insecure": true], "timeout": "5s", "sending_queue": ["enabled": false],
                    "retry_on_failure": ["enabled": true, "initial_interval": "500ms", "max_interval": "2s", "max_elapsed_time": "5s"],
                ]
            ],
        ]
    }

    /// Signals that share a receiver with traces, to any pod of the sampling tier.
    private func forwarding(_ port: Int) -> JSONValue {
        [
            "endpoint": .string("dns:///\(host):\(port)"), "balancer_name": "round_robin", "tls": ["insecure": true], "timeout": "5s",
            "sending_queue": ["enabled": false],
            "retry_on_failure": ["enabled": true, "initial_interval": "500ms", "max_interval": "2s", "max_elapsed_time": "5s"],
        ]
    }

    /// What the receivers and processors of this tier name, and a health check for its probes.
    private func addExtensions(to value: inout JSONValue, healthCheckPort: Int) {
        let named = Set((value["receivers"] ?? [:]).allStrings + (value["processors"] ?? [:]).allStrings)
        var ids = configuration.enabledExtensions.filter { named.contains($0) && configuration.components(.extensions).contains($0) }
        if let check = configuration.enabled(.extensions, ofType: ["health_check"]).first {
            if !ids.contains(check.id) { ids.append(check.id) }
        } else {
            let check = Self.id("health_check", 0)
            value.set(["extensions", check], to: ["endpoint": .string("0.0.0.0:\(healthCheckPort)")])
            ids.append(check)
        }
        for id in ids where configuration.components(.extensions).contains(id) {
            value.set(["extensions", id], to: configuration.components(.extensions)[id] ?? [:])
        }
        value.set(["service", "extensions"], to: Self.texts(ids))
    }

    private func name(_ exporter: String) -> String {
        guard let component = ComponentRegistry.shared.component(.exporter, exporter) else { return exporter }
        return version.map(component.name(in:)) ?? component.names.last ?? exporter
    }

    /// `otlp/sonde-routing`, `otlp/sonde-routing-2`.
    static func id(_ type: String, _ number: Int) -> String { "\(type)/\(TraceRouting.mark)" + (number == 0 ? "" : "-\(number + 1)") }

    private static func texts(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
}
