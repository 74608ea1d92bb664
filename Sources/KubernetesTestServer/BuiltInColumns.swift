// The columns of built-in kinds in `kubectl get`, as a kube-apiserver prints them (pkg/printers/internalversion).
// TableView takes them before those of paths; kinds that are not here have their columns in BuiltInKinds or just name and age.
// It never fails on an incomplete object: what is absent is shown as absent.

import JSON
import Kubernetes

/// One column of a table and how its cell is made.
struct TableColumn: Sendable {
    let name: String
    let type: String
    var format = ""
    var description = ""
    /// 0 is always shown, 1 with `-o wide`.
    var priority = 0
    let cell: @Sendable (_ object: JSONValue, _ now: Timestamp) -> JSONValue

    static func text(_ name: String, priority: Int = 0, _ text: @escaping @Sendable (JSONValue) -> String) -> TableColumn {
        TableColumn(name: name, type: "string", priority: priority) { object, _ in .string(text(object)) }
    }

    /// A number at a path; 0 when it is absent.
    static func count(_ name: String, type: String = "string", _ path: String...) -> TableColumn {
        TableColumn(name: name, type: type) { object, _ in .int(Int64(object.at(path)?.int ?? 0)) }
    }

    static func path(_ name: String, absent: String = "", priority: Int = 0, _ path: String...) -> TableColumn {
        text(name, priority: priority) { object in object.at(path).map { $0.string ?? $0.text() } ?? absent }
    }

    static let objectName = TableColumn(name: "Name", type: "string", format: "name", description: "Name must be unique within a namespace.") { object, _ in
        .string(object.metadata.name)
    }
    static let age = TableColumn(name: "Age", type: "string", description: "Time since the object was created.") { object, now in
        .string(HumanDuration.text(since: object.at("metadata", "creationTimestamp"), now: now))
    }
    static let createdAt = TableColumn(name: "Created At", type: "date") { object, _ in object.at("metadata", "creationTimestamp") ?? .null }
}

enum BuiltInColumns {
    /// All columns of a kind; nil when it has none of its own.
    static func columns(_ type: ResourceType) -> [TableColumn]? {
        switch (type.group, type.kind) {
        case ("apps", "Deployment"):
            [.objectName, readyOfDesired, .count("Up-to-date", "status", "updatedReplicas"), .count("Available", "status", "availableReplicas"), .age]
                + workload + [selector]
        case ("apps", "StatefulSet"): [.objectName, readyOfDesired, .age] + workload
        case ("apps", "ReplicaSet"):
            [.objectName, .count("Desired", type: "integer", "spec", "replicas"), .count("Current", type: "integer", "status", "replicas")]
                + [.count("Ready", type: "integer", "status", "readyReplicas"), .age] + workload + [selector]
        case ("apps", "DaemonSet"): daemonSet
        case ("", "Service"): service
        case ("", "Pod"): PodColumns.all
        case ("", "Node"): [.objectName, nodeStatus, nodeRoles, .age, .path("Version", "status", "nodeInfo", "kubeletVersion")]
        case ("", "Event"), ("events.k8s.io", "Event"): EventColumns.all
        case ("", "ConfigMap"): [.objectName, members("Data", ["data", "binaryData"]), .age]
        case ("", "Secret"): [.objectName, .path("Type", "type"), members("Data", ["data"]), .age]
        case ("", "Namespace"): [.objectName, .path("Status", "status", "phase"), .age]
        case ("coordination.k8s.io", "Lease"): [.objectName, .path("Holder", "spec", "holderIdentity"), .age]
        case ("policy", "PodDisruptionBudget"):
            [.objectName, .path("Min Available", absent: "N/A", "spec", "minAvailable"), .path("Max Unavailable", absent: "N/A", "spec", "maxUnavailable")]
                + [.count("Allowed Disruptions", type: "integer", "status", "disruptionsAllowed"), .age]
        case ("apiextensions.k8s.io", _), ("rbac.authorization.k8s.io", "Role"), ("rbac.authorization.k8s.io", "ClusterRole"): [.objectName, .createdAt]
        case ("rbac.authorization.k8s.io", _): [.objectName, role, .age]
        case ("admissionregistration.k8s.io", _): [.objectName, members("Webhooks", ["webhooks"], type: "integer"), .age]
        default: nil
        }
    }

    private static let readyOfDesired = TableColumn.text("Ready") {
        "\($0.at("status", "readyReplicas")?.int ?? 0)/\($0.at("spec", "replicas")?.int ?? 0)"
    }

    private static let workload: [TableColumn] = [
        .text("Containers", priority: 1) { containers($0, "name") }, .text("Images", priority: 1) { containers($0, "image") },
    ]

    private static func containers(_ object: JSONValue, _ key: String) -> String {
        (object.at("spec", "template", "spec", "containers")?.array ?? []).compactMap { $0[key]?.string }.joined(separator: ",")
    }

    private static let selector = TableColumn.text("Selector", priority: 1) { object in
        object.at("spec", "selector").flatMap { try? LabelSelector(decoding: $0) }?.text ?? "<none>"
    }

    private static let daemonSet: [TableColumn] =
        [
            .objectName, .count("Desired", type: "integer", "status", "desiredNumberScheduled"),
            .count("Current", type: "integer", "status", "currentNumberScheduled"), .count("Ready", type: "integer", "status", "numberReady"),
            .count("Up-to-date", type: "integer", "status", "updatedNumberScheduled"), .count("Available", type: "integer", "status", "numberAvailable"),
            .text("Node Selector") { labels($0.at("spec", "template", "spec", "nodeSelector")) }, .age,
        ] + workload + [selector]

    private static let service: [TableColumn] = [
        .objectName, .path("Type", "spec", "type"), .path("Cluster-IP", absent: "<none>", "spec", "clusterIP"), .text("External-IP", externalAddress),
        .text("Port(s)", servicePorts), .age, .text("Selector", priority: 1) { labels($0.at("spec", "selector")) },
    ]

    private static func externalAddress(_ service: JSONValue) -> String {
        if service.at("spec", "type") == "ExternalName" { return service.at("spec", "externalName")?.string ?? "<none>" }
        let balanced = (service.at("status", "loadBalancer", "ingress")?.array ?? []).compactMap { ($0["ip"] ?? $0["hostname"])?.string }
        let given = (service.at("spec", "externalIPs")?.array ?? []).compactMap(\.string)
        let all = balanced + given
        if all.isEmpty { return service.at("spec", "type") == "LoadBalancer" ? "<pending>" : "<none>" }
        return all.joined(separator: ",")
    }

    private static func servicePorts(_ service: JSONValue) -> String {
        let ports = (service.at("spec", "ports")?.array ?? []).map { port -> String in
            let node = port["nodePort"]?.int.map { $0 > 0 ? ":\($0)" : "" } ?? ""
            return "\(port["port"]?.int ?? 0)\(node)/\(port["protocol"]?.string ?? "TCP")"
        }
        return ports.isEmpty ? "<none>" : ports.joined(separator: ",")
    }

    private static func labels(_ labels: JSONValue?) -> String {
        let pairs = (labels?.object ?? [:]).map { "\($0)=\($1.string ?? "")" }.sorted()
        return pairs.isEmpty ? "<none>" : pairs.joined(separator: ",")
    }

    /// How many members or elements the fields have together.
    private static func members(_ name: String, _ fields: [String], type: String = "string") -> TableColumn {
        TableColumn(name: name, type: type) { object, _ in
            .int(Int64(fields.reduce(0) { $0 + (object[$1]?.object?.count ?? object[$1]?.array?.count ?? 0) }))
        }
    }

    private static let role = TableColumn.text("Role") { "\($0.at("roleRef", "kind")?.string ?? "")/\($0.at("roleRef", "name")?.string ?? "")" }

    private static let nodeStatus = TableColumn.text("Status") { node in
        let ready = (node.at("status", "conditions")?.array ?? []).first { $0["type"] == "Ready" }?["status"]?.string
        let status = ready.map { $0 == "True" ? "Ready" : "NotReady" } ?? "Unknown"
        return node.at("spec", "unschedulable") == true ? "\(status),SchedulingDisabled" : status
    }

    private static let nodeRoles = TableColumn.text("Roles") { node in
        let prefix = "node-role.kubernetes.io/"
        let roles = node.metadata.labels.keys.filter { $0.hasPrefix(prefix) && $0 != prefix }.map { String($0.dropFirst(prefix.count)) }.sorted()
        return roles.isEmpty ? "<none>" : roles.joined(separator: ",")
    }
}

/// The columns of pods.
enum PodColumns {
    static let all: [TableColumn] = [
        .objectName,
        .text("Ready") { pod in "\(statuses(pod).count { $0["ready"] == true })/\(pod.at("spec", "containers")?.array?.count ?? 0)" },
        .text("Status", status), .text("Restarts") { String(statuses($0).reduce(0) { $0 + ($1["restartCount"]?.int ?? 0) }) }, .age,
        .path("IP", absent: "<none>", priority: 1, "status", "podIP"), .path("Node", absent: "<none>", priority: 1, "spec", "nodeName"),
    ]

    private static func statuses(_ pod: JSONValue) -> [JSONValue] { pod.at("status", "containerStatuses")?.array ?? [] }

    /// The pod's reason or phase; a container that waits or ended for a reason says more, and a pod that is being deleted is Terminating.
    private static func status(_ pod: JSONValue) -> String {
        if pod.metadata.isBeingDeleted { return pod.at("status", "reason") == "NodeLost" ? "Unknown" : "Terminating" }
        var out = pod.at("status", "reason")?.string ?? pod.at("status", "phase")?.string ?? "Unknown"
        for container in statuses(pod).reversed() {
            for state in ["waiting", "terminated"] {
                if let reason = container.at("state", state, "reason")?.string, !reason.isEmpty { out = reason }
            }
        }
        return out
    }
}

/// The columns of events, of both groups.
enum EventColumns {
    static let all: [TableColumn] = [
        TableColumn(name: "Last Seen", type: "string") { event, now in
            let last = [event.at("series", "lastObservedTime"), event["lastTimestamp"], event["deprecatedLastTimestamp"], event["eventTime"]]
            return .string(HumanDuration.text(since: last.lazy.compactMap { $0 }.first { !$0.isNull }, now: now))
        },
        .path("Type", "type"), .path("Reason", "reason"),
        .text("Object") { event in
            let about = event["involvedObject"] ?? event["regarding"] ?? [:]
            return "\(about["kind"]?.string?.lowercased() ?? "")/\(about["name"]?.string ?? "")"
        },
        .text("Message") { ($0["message"] ?? $0["note"])?.string ?? "" },
        TableColumn(name: "Name", type: "string", format: "name", priority: 1) { event, _ in .string(event.metadata.name) },
    ]
}
