// Which permissions a configuration leads to: a row for each component and condition, in the words of AccessFindings.
// The rows of the existing operator have its order of resources and verbs, which the objects in clusters have.
// It never renders a Role.

import CollectorComponents
import JSON
import SondeAPI
import Testing

@testable import CollectorConfig

@Suite struct AccessRulesTests {
    struct Row: Sendable, CustomStringConvertible {
        let kind: ComponentKind
        let id: String
        let settings: String
        let rules: [String]
        init(_ kind: ComponentKind, _ id: String, _ settings: String, _ rules: [String]) {
            self.kind = kind
            self.id = id
            self.settings = settings
            self.rules = rules
        }
        var description: String { "\(id) \(settings)" }
    }

    private static func scraping(_ discovery: String) -> String { "{config: {scrape_configs: [{job_name: a, kubernetes_sd_configs: [\(discovery)]}]}}" }
    private static let pods = "get, watch, list on pods, namespaces"

    static let rows = [
        Row(.receivers, "kubeletstats", "{auth_type: none}", ["get on nodes/stats"]),
        Row(.receivers, "kubelet_stats/2", "{extra_metadata_labels: [container.id]}", ["get on nodes/stats", "get on nodes/proxy"]),
        Row(
            .receivers, "kubelet_stats", "{metrics: {k8s.pod.memory_limit_utilization: {enabled: true}, k8s.pod.cpu_limit_utilization: {enabled: true}}}",
            ["get on nodes/stats", "get on nodes/proxy"]),
        Row(.receivers, "kubelet_stats", "{extra_metadata_labels: [], metrics: {k8s.pod.cpu.time: {enabled: true}}}", ["get on nodes/stats"]),
        Row(.receivers, "k8s_events", "", ["get, list, watch on events"]),
        Row(
            .receivers, "k8sobjects", "{objects: [{name: pods, mode: pull}, {name: events, mode: watch, group: events.k8s.io}, {name: events, mode: pull}]}",
            ["list, get on pods", "list, watch on events.events.k8s.io", "list on events"]),
        Row(.receivers, "k8s_objects", "{objects: [{name: '${env:KIND}', mode: pull}]}", []),
        Row(.receivers, "prometheus", scraping("{role: pod}"), ["get, list, watch on pods"]),
        Row(
            .receivers, "prometheus", scraping("{role: pod, namespaces: {names: [b, a]}}"),
            ["get, list, watch on pods in namespace b", "get, list, watch on pods in namespace a"]),
        Row(
            .receivers, "prometheus", scraping("{role: service, namespaces: {own_namespace: true}}"),
            ["get, list, watch on services in namespace observability"]),
        Row(.receivers, "prometheus", scraping("{role: endpoints}"), ["get, list, watch on endpoints, services, pods"]),
        Row(
            .receivers, "prometheus", scraping("{role: endpointslice}"),
            ["get, list, watch on endpointslices.discovery.k8s.io", "get, list, watch on services, pods"]),
        Row(.receivers, "prometheus", scraping("{role: ingress}"), ["get, list, watch on ingresses.networking.k8s.io"]),
        Row(.receivers, "prometheus", scraping("{role: node, namespaces: {names: [a]}}"), ["get, list, watch on nodes"]),
        Row(
            .receivers, "prometheus", scraping("{role: pod, attach_metadata: {node: true, namespace: true}, namespaces: {names: [a]}}"),
            ["get, list, watch on pods in namespace a", "get, list, watch on nodes", "get, list, watch on namespaces"]),
        Row(.receivers, "prometheus", scraping("{role: pod, kubeconfig_file: /a}"), []),
        Row(.receivers, "prometheus", scraping("{role: pod, api_server: 'https://b'}"), []),
        Row(.receivers, "prometheus", scraping("{role: pod, namespaces: {names: ['${env:NS}']}}"), []),
        Row(.receivers, "prometheus", "{config: {scrape_configs: [{job_name: a, static_configs: []}]}}", []),
        Row(
            .receivers, "receiver_creator", "{receivers: {kubeletstats: {rule: a, config: {extra_metadata_labels: [b]}}, redis: {rule: c}}}",
            ["get on nodes/stats", "get on nodes/proxy"]),
        Row(.receivers, "receiver_creator", "{receivers: {receiver_creator/2: {config: {receivers: {k8s_events: {}}}}}}", []),
        Row(.receivers, "otlp", "{protocols: {grpc: {}}}", []),
        Row(.processors, "k8sattributes", "", [pods, "get, watch, list on replicasets.apps"]),
        Row(.processors, "k8s_attributes", "{extract: {metadata: [k8s.node.name, k8s.node.uid]}}", [pods, "get, watch, list on nodes"]),
        Row(.processors, "k8s_attributes", "{extract: {metadata: [k8s.pod.name, service.name]}}", [pods, "get, watch, list on replicasets.apps"]),
        Row(.processors, "k8s_attributes", "{extract: {metadata: [k8s.pod.name]}}", [pods]),
        Row(.processors, "k8s_attributes", "{extract: {metadata: [k8s.cluster.uid]}}", [pods]),
        Row(.processors, "k8s_attributes", "{extract: {metadata: [k8s.cronjob.uid]}}", [pods, "get, watch, list on jobs.batch"]),
        Row(
            .processors, "k8s_attributes",
            "{extract: {metadata: [k8s.pod.name], labels: [{from: node}, {from: deployment}], annotations: "
                + "[{from: statefulset}, {from: daemonset}, {from: job}]}}",
            [
                pods, "get, watch, list on nodes", "get, watch, list on jobs.batch", "get, watch, list on deployments.apps",
                "get, watch, list on statefulsets.apps",
                "get, watch, list on daemonsets.apps",
            ]),
        Row(
            .processors, "resourcedetection", "{detectors: [env, k8snode, openshift, eks]}",
            ["get, list on nodes", "get, watch, list on infrastructures.config.openshift.io, infrastructures/status.config.openshift.io"]),
        Row(
            .processors, "resource_detection", "{detectors: [kubeadm]}",
            ["get on configmaps in namespace kube-system", "get on namespaces in namespace kube-system"]),
        Row(
            .exporters, "loadbalancing", "{resolver: {k8s: {service: gateway.tracing}}}",
            ["get, list, watch on endpointslices.discovery.k8s.io in namespace tracing", "get, list, watch on endpoints in namespace tracing"]),
        Row(
            .exporters, "load_balancing", "{resolver: {k8s: {service: gateway}}}",
            ["get, list, watch on endpointslices.discovery.k8s.io in namespace observability", "get, list, watch on endpoints in namespace observability"]),
        Row(
            .exporters, "load_balancing", "{resolver: {k8s: {service: gateway.tracing.svc.cluster.local}}}",
            ["get, list, watch on endpointslices.discovery.k8s.io in namespace tracing", "get, list, watch on endpoints in namespace tracing"]),
        Row(.exporters, "load_balancing", "{resolver: {k8s: {service: gateway.tracing.example}}}", []),
        Row(.exporters, "load_balancing", "{resolver: {dns: {hostname: a}}}", []),
        Row(.extensions, "k8s_leader_elector", "{lease_name: a}", ["get, list, watch, create, update, patch, delete on leases.coordination.k8s.io"]),
        Row(.extensions, "k8s_observer", "", ["list, watch on pods"]),
        Row(
            .extensions, "k8s_observer", "{observe_pods: false, observe_nodes: true, observe_services: true, observe_ingresses: true, namespaces: [a]}",
            ["list, watch on services", "list, watch on nodes", "list, watch on ingresses.networking.k8s.io in namespace a"]),
    ]

    @Test(arguments: rows) func componentNeedsExactlyThis(_ row: Row) throws {
        let need = AccessNeed(kind: row.kind, id: row.id, settings: row.settings.isEmpty ? .null : try yaml(row.settings), namespace: "observability")
        #expect(need.rules.map(AccessFindings.text) == row.rules)
        #expect(need.rules.allSatisfy { $0.reasons.count == 1 && $0.reasons[0].hasPrefix("\(row.kind.rawValue).\(row.id): ") })
    }

    @Test func theClusterReceiverReadsWhatItCounts() throws {
        let rules = AccessNeed(kind: .receivers, id: "k8s_cluster", settings: try yaml("{distribution: openshift}"), namespace: "a").rules
        #expect(rules.map(\.group) == ["", "apps", "extensions", "batch", "autoscaling", "quota.openshift.io"])
        #expect(rules[0].resources.count == 13 && rules[0].resources.first == "events" && rules[0].resources.last == "services")
        #expect(rules[3].resources == ["jobs", "cronjobs"] && rules.allSatisfy { $0.verbs == ["get", "list", "watch"] })
        #expect(AccessNeed(kind: .receivers, id: "k8s_cluster", settings: .null, namespace: "a").rules.count == 5)
    }

    @Test func conditionsOfTheRegistryAreKnown() {
        let known: Set<String> = [
            "always", "utilization", "openshift", "objects", "templates", "replicasets", "nodes", "jobs", "deployments", "statefulsets", "daemonsets",
            "k8snode",
            "kubeadm", "kubeadm-cluster", "resolver-slices", "resolver-endpoints", "observe_pods", "observe_services", "observe_nodes", "observe_ingresses",
            "sd-pod", "sd-endpoints", "sd-endpointslice", "sd-service", "sd-ingress", "sd-node", "sd-namespace-metadata",
        ]
        #expect(Set(ComponentRegistry.shared.components.flatMap(\.access).map(\.condition)) == known)
    }

    private static func several(_ order: [String]) throws -> CollectorConfiguration {
        let processors = order.map { "\($0): {extract: {metadata: [k8s.node.name]}}" }.joined(separator: ", ")
        return try configuration(
            """
            receivers: {k8s_events: , prometheus: \(scraping("{role: pod, namespaces: {names: [a]}}")), otlp: {protocols: {grpc: }}}
            processors: {\(processors)}
            exporters: {debug: }
            extensions: {k8s_observer: {observe_nodes: true}}
            service:
              extensions: [k8s_observer]
              pipelines:
                logs: {receivers: [k8s_events], exporters: [debug]}
                metrics: {receivers: [prometheus], processors: [\(order.joined(separator: ", "))], exporters: [debug]}
            """)
    }

    @Test func orderDoesNotDependOnTheDocument() throws {
        let rules = AccessRules.rules(of: try Self.several(["k8s_attributes/a", "k8s_attributes/b"]), namespace: "x")
        #expect(rules == AccessRules.rules(of: try Self.several(["k8s_attributes/b", "k8s_attributes/a"]), namespace: "x"))
        #expect(
            rules.map(AccessFindings.text) == [
                "get, list, watch on events", "get, watch, list on pods, namespaces", "get, watch, list on nodes", "list, watch on pods",
                "list, watch on nodes",
            ], "equal rules once; a rule for one namespace is not needed beside one for all")
        #expect(rules[1].reasons == ["processors.k8s_attributes/a: always needed", "processors.k8s_attributes/b: always needed"])
    }

    @Test func componentsThatDoNotRunNeedNothing() throws {
        let text = try configuration(
            "{receivers: {k8s_events: , otlp: {protocols: {grpc: }}}, exporters: {debug: }, "
                + "service: {pipelines: {logs: {receivers: [otlp], exporters: [debug]}}}}"
        )
        #expect(AccessRules.rules(of: text, namespace: "x").isEmpty)
    }

    @Test func whatIsNotGrantedIsSaid() throws {
        let resource = try collector(
            "{receivers: {k8s_events: , prometheus: \(Self.scraping("{role: pod, namespaces: {names: ['${env:NS}', a]}}"))}, exporters: {debug: }, "
                + "service: {pipelines: {logs: {receivers: [k8s_events], exporters: [debug]}, metrics: {receivers: [prometheus], exporters: [debug]}}}}")
        let granted = Validation.findings(collector: resource).filter { $0.rule.hasSuffix("-without-rbac") }
        #expect(granted.map(\.rule) == ["sd-without-rbac"] && granted[0].path.hasSuffix("kubernetes_sd_configs[0].namespaces.names[0]"))
        let missing = Validation.findings(collector: resource, facts: ValidationFacts(grantsRoles: false)).filter { $0.rule.hasSuffix("-without-rbac") }
        #expect(missing.map(\.rule) == ["sd-without-rbac", "component-without-rbac", "sd-without-rbac"] && missing.errors.isEmpty)
        #expect(missing[1].message.contains("get, list, watch on events") && missing[1].remedy.contains("gateway-collector"))
        #expect(missing[2].message.contains("in namespace a"))
    }
}
