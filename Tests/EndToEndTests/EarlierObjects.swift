// The objects that the operator of existing clusters makes for `Example.collector()`, written by hand from what it is known to do.
// Adoption tests create them under that operator's field manager.
// It never uses Sonde's rendering: these objects are another hand's.

import JSON
import Kubernetes
import SondeAPI
import Testing

/// What another operator left in a namespace.
struct EarlierObjects {
    let world: World
    /// The live resource.
    let owner: JSONValue

    static let finalizer = "opentelemetrycollector.opentelemetry.io/finalizer"
    /// SHA-256 of the configuration with that operator's defaults, in Go's JSON form, computed apart from Sonde.
    static let hash = "46d0a7ae4a3cdb4bca5865e4a10bdc0642b000be6d28407ff51b23d1cfd6ff26"
    static let configMap = "gateway-collector-46d0a7ae"

    /// Creates all of them, and two earlier ConfigMaps.
    func create(replicas: Int = 1) async throws {
        for name in ["gateway-collector-00000001", "gateway-collector-00000002", Self.configMap] {
            try await create(.configMaps, name, name: "gateway-collector", ["data": ["collector.yaml": .string(Self.text)]])
        }
        try await create(.serviceAccounts, "gateway-collector", name: "gateway-collector", [:])
        for (type, object) in services { try await create(.services, object.metadata.name, name: type, object) }
        try await create(.deployments, "gateway-collector", name: "gateway-collector", ["spec": deployment(replicas)])
        try await create(
            .podDisruptionBudgets, "gateway-collector", name: "gateway-collector",
            ["spec": ["maxUnavailable": 1, "selector": ["matchLabels": selector]]])
    }

    private func create(_ type: ResourceType, _ name: String, name label: String, _ content: JSONValue) async throws {
        var object = content
        object["apiVersion"] = .string(type.apiVersion)
        object["kind"] = .string(type.kind)
        var labels = self.labels(label)
        for (key, value) in content.metadata.labels { labels[key] = .string(value) }
        var annotations = self.annotations
        for (key, value) in content.metadata.annotations { annotations[key] = .string(value) }
        object["metadata"] = [
            "name": .string(name), "namespace": .string(world.namespace), "labels": labels, "annotations": annotations,
            "ownerReferences": [OwnerReference(controller: owner, type: .openTelemetryCollectors).jsonValue],
        ]
        try await world.api.create(type, object, fieldManager: "manager")
    }

    var selector: JSONValue {
        [
            "app.kubernetes.io/managed-by": "opentelemetry-operator", "app.kubernetes.io/instance": .string("\(world.namespace).gateway"),
            "app.kubernetes.io/part-of": "opentelemetry", "app.kubernetes.io/component": "opentelemetry-collector",
        ]
    }

    private func labels(_ name: String) -> JSONValue {
        var labels = selector
        labels["app.kubernetes.io/name"] = .string(name)
        labels["app.kubernetes.io/version"] = "latest"
        labels["team"] = "payments"
        return labels
    }

    /// That operator copies every annotation of the resource, those of tools too.
    private var annotations: JSONValue { ["argocd.argoproj.io/tracking-id": "x"] }

    private var services: [(name: String, object: JSONValue)] {
        let ports: JSONValue = [
            ["name": "otlp-grpc", "port": 4317, "targetPort": 4317, "appProtocol": "grpc"],
            ["name": "otlp-http", "port": 4318, "targetPort": 4318, "appProtocol": "http"],
        ]
        func service(_ name: String, _ type: String, _ labels: JSONValue, _ spec: JSONValue) -> JSONValue {
            var spec = spec
            spec["selector"] = selector
            var labels = labels
            labels["operator.opentelemetry.io/collector-service-type"] = .string(type)
            return ["metadata": ["name": .string(name), "labels": labels], "spec": spec]
        }
        let exists: JSONValue = "Exists"
        var headless = service(
            "gateway-collector-headless", "headless", ["operator.opentelemetry.io/collector-headless-service": exists],
            ["clusterIP": "None", "ports": ports, "internalTrafficPolicy": "Cluster", "ipFamilyPolicy": "SingleStack"])
        headless.set(["metadata", "annotations"], to: ["service.beta.openshift.io/serving-cert-secret-name": "gateway-collector-headless-tls"])
        return [
            (
                "gateway-collector",
                service("gateway-collector", "base", [:], ["ports": ports, "internalTrafficPolicy": "Cluster", "ipFamilyPolicy": "SingleStack"])
            ), ("gateway-collector", headless),
            (
                "gateway-collector-monitoring",
                service(
                    "gateway-collector-monitoring", "monitoring", ["operator.opentelemetry.io/collector-monitoring-service": exists],
                    ["ports": [["name": "monitoring", "port": 8888]], "ipFamilyPolicy": "SingleStack"])
            ),
            (
                "gateway-collector-extension",
                service("gateway-collector-extension", "extension", [:], ["ports": [["name": "health-check", "port": 13133, "targetPort": 13133]]])
            ),
        ]
    }

    private func deployment(_ replicas: Int) -> JSONValue {
        var podAnnotations = annotations
        for (key, value) in [
            ("prometheus.io/scrape", "true"), ("prometheus.io/port", "8888"), ("prometheus.io/path", "/metrics"),
            ("operator.opentelemetry.io/prometheus-annotations-added", "true"), ("opentelemetry-operator-config/sha256", Self.hash),
        ] { podAnnotations[key] = .string(value) }
        return [
            "replicas": JSONValue(replicas), "selector": ["matchLabels": selector],
            "template": ["metadata": ["labels": labels("gateway-collector"), "annotations": podAnnotations], "spec": pod],
        ]
    }

    private var pod: JSONValue {
        let check: JSONValue = ["httpGet": ["path": "/", "port": 13133]]
        let limits = [("GOMEMLIMIT", "limits.memory"), ("GOMAXPROCS", "limits.cpu")].map { name, resource -> JSONValue in
            ["name": .string(name), "valueFrom": ["resourceFieldRef": ["containerName": "otc-container", "resource": .string(resource)]]]
        }
        let podName: JSONValue = ["name": "POD_NAME", "valueFrom": ["fieldRef": ["fieldPath": "metadata.name"]]]
        return [
            "serviceAccountName": "gateway-collector", "dnsPolicy": "ClusterFirst",
            // That operator always sets these two, also when the resource says nothing of them.
            "dnsConfig": [:], "shareProcessNamespace": false,
            "containers": [
                [
                    "name": "otc-container", "image": "localhost/busybox:1", "args": ["--config=/conf/collector.yaml"], "env": .array([podName] + limits),
                    "ports": [
                        ["name": "health-check", "containerPort": 13133], ["name": "metrics", "containerPort": 8888],
                        ["name": "otlp-grpc", "containerPort": 4317], ["name": "otlp-http", "containerPort": 4318],
                    ],
                    "volumeMounts": [["name": "otc-internal", "mountPath": "/conf"]], "livenessProbe": check, "readinessProbe": check, "startupProbe": check,
                ]
            ],
            "volumes": [
                ["name": "otc-internal", "configMap": ["name": .string(Self.configMap), "items": [["key": "collector.yaml", "path": "collector.yaml"]]]]
            ],
        ]
    }

    private static let text = "receivers: {}\n"
}
