// The Roles that rendering makes: names, labels, owners, subjects and reasons, and that they go when nothing needs them.
// Which rules a configuration leads to, CollectorConfigTests says.
// It never looks at other objects.

import JSON
import Kubernetes
import SondeAPI
import Testing
import YAML

@testable import Rendering

@Suite struct CollectorAccessTests {
    private static func manifests(_ receivers: String, name: String = "simplest", spec: String = "", facts: CollectorFacts = CollectorFacts()) throws
        -> [Manifest]
    {
        let document = try #require(
            try YAML.parse(
                """
                apiVersion: opentelemetry.io/v1beta1
                kind: OpenTelemetryCollector
                metadata: {name: \(name), namespace: apps, uid: u-1, labels: {team: a}, annotations: {note: b}}
                spec:
                \(spec.isEmpty ? "" : "  " + spec)
                  config:
                    receivers: \(receivers)
                    exporters: {debug: {}}
                    service: {pipelines: {metrics: {receivers: [\(try receiver(receivers))], exporters: [debug]}}}
                """
            ).first)
        return CollectorRendering.render(try OpenTelemetryCollector(object: document), facts).filter { CollectorAccess.types.contains($0.type) }
    }

    private static func receiver(_ text: String) throws -> String { try #require(try YAML.parse(text).first?.object?.keys.first) }

    private static func scraping(_ namespaces: String) -> String {
        "{prometheus: {config: {scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod, namespaces: {names: [\(namespaces)]}}]}]}}}"
    }

    @Test func clusterRoleAndBindingHaveTheNamesOfExistingClusters() throws {
        let manifests = try Self.manifests("{kubelet_stats: {extra_metadata_labels: [container.id]}}")
        #expect(manifests.map { "\($0.type.kind) \($0.name)" } == ["ClusterRole simplest-apps-cluster-role", "ClusterRoleBinding simplest-apps-collector"])
        let role = manifests[0].object, binding = manifests[1].object
        #expect(
            role["rules"] == [
                ["apiGroups": [""], "resources": ["nodes/stats"], "verbs": ["get"]], ["apiGroups": [""], "resources": ["nodes/proxy"], "verbs": ["get"]],
            ])
        #expect(binding["roleRef"] == ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "simplest-apps-cluster-role"])
        #expect(binding["subjects"] == [["kind": "ServiceAccount", "name": "simplest-collector", "namespace": "apps"]])
        for object in [role, binding] {
            #expect(object.metadata.labels["app.kubernetes.io/name"] == object.metadata.name && object.metadata.labels["team"] == "a")
            #expect(object.metadata.labels["app.kubernetes.io/instance"] == "apps.simplest" && object.metadata.labels["app.kubernetes.io/version"] == "latest")
            #expect(object.metadata.labels["sonde.dev/owner-uid"] == "u-1" && object.metadata.ownerReferences.isEmpty && object.metadata.namespace == nil)
            #expect(object.metadata.annotations["sonde.dev/owner"] == "apps/simplest" && object.metadata.annotations["note"] == "b")
        }
        #expect(
            role.metadata.annotations["sonde.dev/access-reasons"]
                == "nodes/stats: receivers.kubelet_stats: always needed\nnodes/proxy: receivers.kubelet_stats: extra_metadata_labels reads the kubelet's pods")
    }

    @Test func namedNamespacesGetRoles() throws {
        let manifests = try Self.manifests(Self.scraping("zoo, apps"))
        #expect(
            manifests.map { "\($0.type.kind) \($0.name)" } == [
                "Role apps/simplest-apps-collector", "RoleBinding apps/simplest-apps-collector", "Role zoo/simplest-apps-collector",
                "RoleBinding zoo/simplest-apps-collector",
            ])
        for manifest in manifests {
            let isOwn = manifest.name.namespace == "apps"
            #expect(manifest.object.metadata.ownerReferences.count == (isOwn ? 1 : 0), "an owner reference does not reach another namespace")
            #expect(manifest.object.metadata.annotations["sonde.dev/owner"] == (isOwn ? nil : "apps/simplest"))
        }
        #expect(manifests[3].object["subjects"] == [["kind": "ServiceAccount", "name": "simplest-collector", "namespace": "apps"]])
        #expect(manifests[3].object["roleRef"] == ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "simplest-apps-collector"])
        #expect(manifests[2].object["rules"] == [["apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]]])
    }

    @Test func namedObjectsAreTheOnlyOnes() throws {
        let document = "{otlp: {protocols: {grpc: {}}}}"
        #expect(try Self.manifests(document).isEmpty, "nothing is needed")
        let manifests = try Self.manifests("{receiver_creator: {receivers: {k8s_events: {config: {}}}}}")
        #expect(manifests.map(\.type) == [.clusterRoles, .clusterRoleBindings])
    }

    @Test func anAccountOfTheUserIsBound() throws {
        let manifests = try Self.manifests("{k8s_events: {}}", spec: "serviceAccount: mine")
        #expect(manifests[1].object.at("subjects")?[0]?["name"] == "mine")
    }

    @Test func operatorsWithoutTheRightMakeNone() throws {
        #expect(try Self.manifests("{k8s_events: {}}", facts: CollectorFacts(grantsRoles: false)).isEmpty)
    }

    @Test func longNamesAreCutInFront() throws {
        let manifests = try Self.manifests("{k8s_events: {}}", name: String(repeating: "n", count: 60))
        #expect(
            manifests.map(\.name.name) == [String(repeating: "n", count: 45) + "-apps-cluster-role", String(repeating: "n", count: 48) + "-apps-collector"])
    }

    @Test func everyModeHasThem() throws {
        let kinds = try ["deployment", "daemonset"].map { mode in try Self.manifests("{k8s_events: {}}", spec: "mode: \(mode)").map(\.type) }
        #expect(kinds[0] == kinds[1] && kinds[0].count == 2)
    }
}
