// Rules of a collector's objects that single values show best: names, labels, ports, environment, who owns what.
// Resources are YAML in place; whole objects are in GoldenTests.
// It never applies anything.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI
import Testing
import YAML
import _StringProcessing

@testable import Rendering

@Suite struct CollectorRenderingTests {
    static let config =
        "{receivers: {otlp: {protocols: {grpc: {}}}}, exporters: {debug: }, service: {pipelines: {traces: {receivers: [otlp], "
        + "exporters: [debug]}}}}"

    /// The manifests of `shop/gateway` with this spec and metadata, by kind and name.
    private func render(_ spec: String = "{}", metadata: String = "{}", facts: CollectorFacts = .init(), config: String = config) throws -> [String: JSONValue]
    {
        var object: JSONValue = ["apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector"]
        object["metadata"] = try YAML.parse(metadata).first
        object.set(["metadata", "name"], to: "gateway")
        object.set(["metadata", "namespace"], to: "shop")
        object["spec"] = try YAML.parse(spec).first
        object.set(["spec", "config"], to: try YAML.parse(config).first)
        let manifests = CollectorRendering.render(try OpenTelemetryCollector(object: object), facts)
        return Dictionary(manifests.map { ("\($0.type.kind) \($0.name.name)", $0.object) }, uniquingKeysWith: { $1 })
    }

    private func container(_ objects: [String: JSONValue]) throws -> JSONValue {
        try #require(
            (objects["Deployment gateway-collector"] ?? objects["DaemonSet gateway-collector"])?.at("spec", "template", "spec", "containers")?.array?.first)
    }

    @Test func deploymentHasItsEightObjects() throws {
        #expect(
            try render().keys.sorted().map { $0.replacing(try Regex("-[0-9a-f]{8}$"), with: "-HASH") } == [
                "ConfigMap gateway-collector-HASH", "Deployment gateway-collector", "NetworkPolicy gateway-collector-networkpolicy",
                "PodDisruptionBudget gateway-collector", "Service gateway-collector",
                "Service gateway-collector-headless", "Service gateway-collector-monitoring", "ServiceAccount gateway-collector",
            ])
    }

    @Test func daemonSetHasNoDisruptionBudgetAndNearTraffic() throws {
        let objects = try render("{mode: daemonset}")
        #expect(objects["PodDisruptionBudget gateway-collector"] == nil)
        #expect(objects["Deployment gateway-collector"] == nil)
        #expect(objects["Service gateway-collector"]?.at("spec", "internalTrafficPolicy") == "Local")
        #expect(objects["DaemonSet gateway-collector"]?.at("spec", "replicas") == nil)
    }

    @Test func twoTiersHaveNamesOfTheirOwnThatFit() throws {
        let sampling =
            "{receivers: {otlp: {protocols: {grpc: {}}}}, processors: {tail_sampling: {policies: []}}, exporters: {debug: {}}, "
            + "service: {pipelines: {traces: {receivers: [otlp], processors: [tail_sampling], exporters: [debug]}}}}"
        for length in [7, 44, 55, 63, 200] {
            var object: JSONValue = ["apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector"]
            object["metadata"] = ["namespace": "shop", "annotations": ["sonde.dev/trace-routing": "managed"]]
            object.set(["metadata", "name"], to: .string(String(repeating: "n", count: length)))
            object["spec"] = ["replicas": 3, "config": try YAML.parse(sampling).first ?? .null]
            let manifests = CollectorRendering.render(try OpenTelemetryCollector(object: object), CollectorFacts())
            #expect(manifests.count == 14, "\(manifests.map { "\($0.type.kind) \($0.name.name)" })")
            #expect(manifests.allSatisfy { $0.name.name.utf8.count <= 63 }, "\(manifests.map(\.name.name))")
            let selectors = manifests.filter { $0.type == .deployments }.map { $0.object.at("spec", "selector", "matchLabels") }
            #expect(selectors.count == 2 && selectors[0] != selectors[1], "no workload takes the other one's pods")
        }
    }

    @Test func anUnknownModeRendersNothing() throws { #expect(try render("{mode: Deployment}").isEmpty) }

    @Test func aSidecarsMonitorFindsThePodsAndPortsThatInjectionMakes() throws {
        let spec = "{mode: sidecar, observability: {metrics: {enableMetrics: true}}}"
        let config = Self.config.replacing("{debug: }", with: "{prometheus: {endpoint: '0.0.0.0:9000'}}").replacing("traces:", with: "metrics:")
            .replacing("[debug]", with: "[prometheus]")
        let monitor = try #require(try render(spec, config: config)["PodMonitor gateway-collector"]?["spec"])
        var object: JSONValue = [
            "apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector", "metadata": ["name": "gateway", "namespace": "shop"],
        ]
        object["spec"] = try YAML.parse(spec).first
        object.set(["spec", "config"], to: try YAML.parse(config).first)
        let sidecar = SidecarRendering(try OpenTelemetryCollector(object: object), CollectorFacts())
        #expect(monitor.at("selector", "matchLabels") == [SidecarRendering.label: .string(sidecar.instance)])
        #expect(monitor.at("namespaceSelector", "any") == true, "a pod of any namespace may carry it")
        let endpoints = (monitor["podMetricsEndpoints"]?.array ?? []).compactMap { $0["port"]?.string }
        let ports = (sidecar.container(attributes: [])["ports"]?.array ?? []).filter { endpoints.contains($0["name"]?.string ?? "") }
        #expect(ports.compactMap { $0["containerPort"]?.int }.sorted() == [8888, 9000] && endpoints.count == 2)
    }

    @Test func sidecarHasNothingThatSelectsPods() throws {
        let all =
            "{mode: sidecar, ingress: {type: ingress}, httpRoute: {enabled: true, gateway: a}, networkPolicy: {enabled: true}, autoscaler: {maxReplicas: 2}}"
        #expect(Set(try render(all).values.map(\.kind)) == ["ConfigMap", "ServiceAccount"])
    }

    @Test func statefulSetHasTheDefaultsOfTheExistingOperator() throws {
        let spec = try #require(try render("{mode: statefulset}")["StatefulSet gateway-collector"]?["spec"])
        #expect(spec["serviceName"] == "gateway-collector-headless")
        #expect(spec["podManagementPolicy"] == "Parallel")
        #expect(spec["replicas"] == 1)
        #expect(spec["volumeClaimTemplates"] == nil && spec["updateStrategy"] == nil)
    }

    @Test func collectorWithoutListenersHasNoBaseService() throws {
        let config = "{receivers: {hostmetrics: {}}, exporters: {debug: }, service: {pipelines: {metrics: {receivers: [hostmetrics], exporters: [debug]}}}}"
        #expect(try render(config: config).keys.filter { $0.hasPrefix("Service ") } == ["Service gateway-collector-monitoring"])
    }

    @Test func ownerAndInventoryStandOnObjectsAndNeverOnPods() throws {
        for (name, object) in try render(metadata: "{uid: abc}") {
            #expect(object.metadata.labels["sonde.dev/owner-uid"] == "abc", "\(name)")
            #expect(object.metadata.controller?.uid == "abc", "\(name)")
            #expect(object.metadata.controller?.blockOwnerDeletion == true)
            for path in [["spec", "template", "metadata", "labels"], ["spec", "selector", "matchLabels"], ["spec", "selector"]] {
                #expect(object.at(path)?["sonde.dev/owner-uid"] == nil, "\(name)")
            }
        }
    }

    @Test func objectsOfAFileHaveNoOwner() throws {
        for object in try render().values { #expect(object.metadata.ownerReferences.isEmpty) }
    }

    @Test func nothingIsNull() throws {
        func hasNull(_ value: JSONValue) -> Bool {
            value.isNull || value.array?.contains(where: hasNull) == true || value.object?.values.contains(where: hasNull) == true
        }
        for (name, object) in try render("{hostNetwork: null, ports: [{port: 1, name: a}], podDisruptionBudget: {minAvailable: 1}}") {
            #expect(!hasNull(object), "\(name)")
        }
    }

    @Test func labelsOfDeploymentToolsStayBehind() throws {
        let objects = try render(
            metadata: "{labels: {argocd.argoproj.io/instance: a, team: b, app.kubernetes.io/name: own, app.kubernetes.io/instance: theirs}, "
                + "annotations: {meta.helm.sh/release-name: a, note: c}}")
        let metadata = try #require(objects["Service gateway-collector"]).metadata
        #expect(metadata.labels["argocd.argoproj.io/instance"] == nil)
        #expect(metadata.labels["team"] == "b")
        #expect(metadata.labels["app.kubernetes.io/name"] == "own")
        #expect(metadata.labels["app.kubernetes.io/instance"] == "shop.gateway", "the selector's labels are never the user's")
        #expect(metadata.annotations == ["note": "c"])
    }

    @Test(
        arguments: [
            ("", "latest"), ("img", "latest"), ("img:1.0", "1.0"), ("img:1.0@sha256:abc", "1.0"), ("registry:5000/img", "latest"),
            ("registry:5000/img:1.0", "1.0"), ("registry:5000/img:1.0@sha256:abc", "1.0"), ("registry:5000/img@sha256:abc", "abc"),
            ("img@sha256:abc", "abc"), ("img:", "latest"),
        ] as [(String, String)]) func versionLabelIsTheTag(_ image: String, _ version: String)
    { #expect(CollectorMetadata.version(ofImage: image) == version) }

    @Test func userPortsComeFirstAndWin() throws {
        let objects = try render("{ports: [{name: otlp-grpc, port: 9000}, {name: zzz, port: 4317, protocol: TCP, hostPort: 1}]}")
        let ports = objects["Service gateway-collector"]?.at("spec", "ports")?.array ?? []
        #expect(ports.map { "\($0["name"]?.string ?? "") \($0["port"]?.int ?? 0)" } == ["otlp-grpc 9000", "zzz 4317"], "4317 is the user's")
        #expect(ports.allSatisfy { $0["hostPort"] == nil && $0["protocol"] != nil })
        let container = try container(objects)
        #expect(container["ports"]?.array?.compactMap { $0["name"]?.string } == ["metrics", "otlp-grpc", "zzz"])
        #expect(container["ports"]?.array?.last?["hostPort"] == 1)
    }

    @Test func takenNamesBecomeNumbers() throws {
        let ports = try render("{ports: [{name: otlp-grpc, port: 9000}, {name: otlp-grpc, port: 9001}]}")["Service gateway-collector"]?.at("spec", "ports")?
            .array
        #expect(ports?.compactMap { $0["name"]?.string } == ["otlp-grpc", "port-9001", "port-4317"])
    }

    @Test func exporterOnTheMetricsPortIsOneContainerPort() throws {
        let config =
            "{receivers: {otlp: {protocols: {grpc: {}}}}, exporters: {prometheus: }, service: {pipelines: {metrics: {receivers: [otlp], "
            + "exporters: [prometheus]}}}}"
        let ports = try container(try render(config: config))["ports"]?.array?.compactMap { $0["containerPort"]?.int }
        #expect(ports == [4317, 8888], "server-side apply refuses one number twice")
    }

    @Test func environmentOfTheUserWins() throws {
        let container = try container(
            try render("{env: [{name: GOMAXPROCS, value: '1'}, {name: A, value: b}]}", facts: .init(proxyVariables: ["https_proxy": "p", "HTTPS_PROXY": "p"])))
        #expect(container["env"]?.array?.compactMap { $0["name"]?.string } == ["GOMAXPROCS", "A", "POD_NAME", "GOMEMLIMIT", "HTTPS_PROXY", "https_proxy"])
        #expect(container["env"]?[0]?["value"] == "1")
    }

    @Test(
        arguments: [
            ("{}", "ClusterFirst"), ("{hostNetwork: true}", "ClusterFirstWithHostNet"), ("{hostNetwork: true, podDnsConfig: {nameservers: [8.8.8.8]}}", "None"),
            ("{dnsPolicy: Default, hostNetwork: true}", "Default"),
        ] as [(String, String)]) func dnsPolicyFollowsTheNetwork(_ spec: String, _ policy: String) throws
    {
        #expect(try render(spec)["Deployment gateway-collector"]?.at("spec", "template", "spec", "dnsPolicy") == .string(policy))
    }

    @Test func proxiesComeInBothSpellings() throws {
        let facts = CollectorFacts(proxyVariables: ["HTTP_PROXY": "a", "no_proxy": "b"])
        let names = try container(try render(facts: facts))["env"]?.array?.compactMap { $0["name"]?.string }
        #expect(names?.suffix(3) == ["HTTP_PROXY", "http_proxy", "no_proxy"])
    }

    @Test func argumentsAreSortedAsTheyStand() throws {
        let arguments = try container(try render("{args: {a: '1', a-b: '2', config: ignored}}"))["args"]
        #expect(arguments == ["--config=/conf/collector.yaml", "--a-b=2", "--a=1"], "`-` comes before `=`, as in existing clusters")
    }

    @Test func theCollectorIsTheFirstContainer() throws {
        let pod = try #require(
            try render("{additionalContainers: [{name: beside, image: a}]}")["Deployment gateway-collector"]?.at("spec", "template", "spec"))
        #expect(pod["containers"]?.array?.compactMap { $0["name"]?.string } == ["otc-container", "beside"])
        #expect(pod["dnsConfig"] == [:] && pod["shareProcessNamespace"] == false, "both stand in every template of existing clusters")
    }

    @Test func filtersKeepLabelsAndAnnotationsFromObjects() throws {
        let objects = try render(
            metadata: "{labels: {a.filter.out: x, team: b}, annotations: {a.filter.out: x, note: c}}",
            facts: .init(labelsFilter: [".*filter.out"], annotationsFilter: ["^a\\.", "never"]))
        let deployment = try #require(objects["Deployment gateway-collector"])
        #expect(deployment.metadata.labels["a.filter.out"] == nil && deployment.metadata.labels["team"] == "b")
        #expect(deployment.metadata.annotations == ["note": "c"])
        #expect(deployment.at("spec", "template", "metadata", "labels")?["a.filter.out"] == nil)
        #expect(deployment.at("spec", "template", "metadata", "annotations")?["a.filter.out"] == nil)
        for (name, object) in objects where object.kind == "Service" || object.kind == "ServiceAccount" || object.kind == "ConfigMap" {
            #expect(object.metadata.labels["a.filter.out"] == "x", "\(name) gets every label, as in existing clusters")
            #expect(object.metadata.annotations["a.filter.out"] == nil, "\(name)")
        }
    }

    @Test func theResourcesOwnAnnotationWinsOnTheHeadlessService() throws {
        let key = "service.beta.openshift.io/serving-cert-secret-name"
        let objects = try render(metadata: "{annotations: {\(key): mine}}")
        #expect(objects["Service gateway-collector-headless"]?.metadata.annotations[key] == "mine")
    }

    // MARK: Scale

    private func scale(_ spec: String, minimum: Int? = nil, foreign: Bool = false) throws -> [String: JSONValue] {
        try render(spec, facts: .init(scale: CollectorScale(autoscalerMinimum: minimum, isOwnedByOthers: foreign)))
    }

    @Test func theLiveAutoscalersMinimumStands() throws {
        // The autoscaler has written 7 into the resource's replicas.
        let objects = try scale("{replicas: 7, autoscaler: {maxReplicas: 9}}", minimum: 2)
        #expect(objects["HorizontalPodAutoscaler gateway-collector"]?.at("spec", "minReplicas") == 2, "7 would never go down again")
        #expect(objects["Deployment gateway-collector"]?.at("spec", "replicas") == 7)
        let first = try scale("{replicas: 3, autoscaler: {maxReplicas: 9}}")
        #expect(first["HorizontalPodAutoscaler gateway-collector"]?.at("spec", "minReplicas") == 3)
        let given = try scale("{replicas: 3, autoscaler: {minReplicas: 1, maxReplicas: 9}}", minimum: 2)
        #expect(given["HorizontalPodAutoscaler gateway-collector"]?.at("spec", "minReplicas") == 1, "what the resource says goes first")
    }

    @Test func autoscalerWithoutALimitIsNone() throws {
        #expect(try render("{autoscaler: {targetCPUUtilization: 50}}")["HorizontalPodAutoscaler gateway-collector"] == nil)
    }

    @Test(arguments: ["deployment", "statefulset"]) func replicasOfOthersAreLeftOut(_ mode: String) throws {
        for (name, object) in try scale("{mode: \(mode), replicas: 3}", foreign: true) { #expect(object.at("spec", "replicas") == nil, "\(name)") }
    }

    // MARK: Exposure

    @Test func ingressNamesThePortsOfTheService() throws {
        // The exporter's name comes first in the Service, so the receiver's port is renamed there.
        let config =
            "{receivers: {prometheus: {api_server: {enabled: true, server_config: {endpoint: '0.0.0.0:9999'}}}, otlp: {protocols: {http: {}}}}, "
            + "exporters: {prometheus: {endpoint: '0.0.0.0:9464'}}, service: {pipelines: {metrics: {receivers: [otlp, prometheus], exporters: [prometheus]}}}}"
        let objects = try render("{ingress: {type: ingress, hostname: a.b}}", config: config)
        let paths = objects["Ingress gateway-ingress"]?.at("spec", "rules")?[0]?.at("http", "paths")?.array ?? []
        #expect(paths.compactMap { $0.at("backend", "service", "port", "name")?.string } == ["otlp-http", "port-9999"])
        let service = objects["Service gateway-collector"]?.at("spec", "ports")?.array ?? []
        #expect(service.first { $0["port"] == 9999 }?["name"] == "port-9999")
    }

    @Test(arguments: [("", "edge"), ("edge", "edge"), ("passthrough", "passthrough"), ("reencrypt", "reencrypt"), ("insecure", nil)] as [(String, String?)])
    func terminationOfARoute(_ given: String, _ rendered: String?) throws {
        let objects = try render("{ingress: {type: route, route: {termination: \"\(given)\"}}}")
        let route = try #require(objects["Route otlp-grpc-gateway-route"])
        #expect(route.at("spec", "tls", "termination")?.string == rendered)
        #expect(route.at("spec", "tls") == nil || rendered != nil)
        #expect(objects["Service gateway-collector"]?.at("spec", "ports")?[0]?["appProtocol"] == "h2c")
    }

    @Test func collectorWithoutReceiverPortsIsNotExposed() throws {
        let config = "{receivers: {hostmetrics: {}}, exporters: {debug: }, service: {pipelines: {metrics: {receivers: [hostmetrics], exporters: [debug]}}}}"
        let objects = try render("{ingress: {type: ingress, hostname: a.b}, httpRoute: {enabled: true, gateway: a}}", config: config)
        #expect(objects.values.allSatisfy { $0.kind != "Ingress" && $0.kind != "HTTPRoute" })
    }

    @Test func monitorsAreThereOnlyWhenAskedFor() throws {
        #expect(try render().values.allSatisfy { !$0.kind.hasSuffix("Monitor") })
        let asked = try render("{observability: {metrics: {enableMetrics: true}}}")
        #expect(asked.values.filter { $0.kind.hasSuffix("Monitor") }.map(\.metadata.name) == ["gateway-monitoring-collector"], "no exporter, no second one")
    }

    @Test func networkPolicyAdmitsUDPAsUDP() throws {
        let config = "{receivers: {statsd: {}}, exporters: {debug: }, service: {pipelines: {metrics: {receivers: [statsd], exporters: [debug]}}}}"
        let ports = try render(config: config)["NetworkPolicy gateway-collector-networkpolicy"]?.at("spec", "ingress")?[0]?["ports"]
        #expect(ports == [["port": 8888, "protocol": "TCP"], ["port": 8125, "protocol": "UDP"]])
        #expect(try render("{networkPolicy: {enabled: false}}")["NetworkPolicy gateway-collector-networkpolicy"] == nil)
    }

    @Test func replicasAreAtLeastTheAutoscalers() throws {
        #expect(try render("{replicas: 2, autoscaler: {minReplicas: 3, maxReplicas: 5}}")["Deployment gateway-collector"]?.at("spec", "replicas") == 3)
        #expect(try render("{replicas: 0}")["Deployment gateway-collector"]?.at("spec", "replicas") == 0)
    }

    @Test(
        arguments: [
            ("{}", "maxUnavailable", "1"), ("{podDisruptionBudget: {minAvailable: 50%}}", "minAvailable", "50%"),
            ("{podDisruptionBudget: {maxUnavailable: 2}}", "maxUnavailable", "2"),
        ] as [(String, String, String)])
    func disruptionBudgetHasOneLimit(_ spec: String, _ key: String, _ value: String) throws {
        let budget = try #require(try render(spec)["PodDisruptionBudget gateway-collector"]?["spec"])
        #expect(budget[key]?.plainText == value)
        #expect(budget.object?.count == 2)
    }

    @Test func scrapeHintsNameTheRealPortAndCanBeOff() throws {
        let path = ["spec", "template", "metadata", "annotations"]
        let config = Self.config.replacing("service: {", with: "service: {telemetry: {metrics: {address: ':9999'}}, ")
        #expect(try render(config: config)["Deployment gateway-collector"]?.at(path)?["prometheus.io/port"] == "9999")
        let off = try render("{observability: {metrics: {disablePrometheusAnnotations: true}}}")["Deployment gateway-collector"]?.at(path)
        #expect(off?.object?.keys == ["opentelemetry-operator-config/sha256"])
    }

    @Test func oneRenderingIsAsGoodAsAnother() throws { #expect(try render() == render()) }
}
