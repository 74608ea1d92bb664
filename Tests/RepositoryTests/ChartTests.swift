// The Helm chart: it renders, its definitions are those of crds/, its rights are exactly those that the operator uses, and every value is described.
// Objects are read back from `helm template` and checked as Kubernetes objects.
// It never talks to a cluster.

import CollectorComponents
import Foundation
import JSON
import Kubernetes
import Rendering
import SondeAPI
import TestSupport
import Testing
import YAML

@Suite struct ChartTests {
    static let chart = Repository.root.appending(path: "charts/sonde").path
    static let cases = ["default", "full", "bare", "webhook"]

    private static func render(_ values: String...) throws -> [JSONValue] {
        let (status, output) = try Tools.run("helm", ["template", "sonde", chart, "--namespace", "sonde-system"] + values)
        try #require(status == 0, "helm template \(values): \(output)")
        return try YAML.parse(output)
    }

    private static func render(case name: String) throws -> [JSONValue] { try render("-f", "\(chart)/ci/\(name)-values.yaml") }

    private static func find(_ kind: String, in objects: [JSONValue], name: String? = nil) throws -> JSONValue {
        try #require(objects.first { $0["kind"]?.string == kind && (name == nil || $0.metadata.name == name) }, "no \(kind)")
    }

    @Test func everyCaseOfTheChartIsTested() throws {
        let files = try Repository.files(under: "charts/sonde/ci", suffix: "-values.yaml")
        #expect(Set(files.map { ($0 as NSString).lastPathComponent }) == Set(Self.cases.map { "\($0)-values.yaml" }))
    }

    @Test(arguments: cases) func itLints(name: String) throws {
        let (status, output) = try Tools.run("helm", ["lint", "--strict", Self.chart, "-f", "\(Self.chart)/ci/\(name)-values.yaml"])
        #expect(status == 0, "\(output)")
    }

    @Test(arguments: cases) func itsObjectsAreValid(name: String) throws {
        let folder = try TemporaryFolder()
        let file = "\(folder.path)/\(name).yaml"
        try YAML.documents(try Self.render(case: name)).write(toFile: file, atomically: true, encoding: .utf8)
        let (status, output) = try Tools.run("kubernetes-validate", ["--strict", "-k", "1.37", file])
        #expect(status == 0, "\(output)")
    }

    @Test(arguments: cases) func twoRendersAreEqual(name: String) throws { #expect(try Self.render(case: name) == Self.render(case: name)) }

    @Test func itsVersionIsTheOperators() throws {
        let chart = try #require(try YAML.parse(try Repository.text("charts/sonde/Chart.yaml")).first)
        let version = try #require(chart["appVersion"]?.string)
        #expect(try Repository.text("Sources/sonde-operator/OperatorVersion.swift").contains("text = \"\(version)\""))
    }

    // MARK: Definitions

    @Test func definitionsAreThoseOfTheRepository() throws {
        let files = try Repository.files(under: "crds", suffix: ".yaml")
        #expect(files.count == 2)
        for file in files {
            #expect(try Repository.text("charts/sonde/files/\(file)") == Repository.text(file), "\(file) differs from the chart's copy: run hack/gen-crds")
        }
        let definitions = try files.flatMap { try YAML.parse(try Repository.text($0)) }
        let free = try Self.render("--set", "crds.keep=false").filter { $0["kind"] == "CustomResourceDefinition" }
        #expect(Set(free) == Set(definitions))
        let kept = try Self.render().filter { $0["kind"] == "CustomResourceDefinition" }
        #expect(kept.count == 2)
        for var definition in kept {
            #expect(definition.metadata.annotations == ["helm.sh/resource-policy": "keep"])
            definition.set(["metadata", "annotations"], to: nil)
            #expect(definitions.contains(definition))
        }
        #expect(try Self.render(case: "bare").allSatisfy { $0["kind"] != "CustomResourceDefinition" })
    }

    // MARK: Rights

    /// `group/resource` and its verbs, of all rules of an object.
    private static func rights(_ role: JSONValue) -> [String: Set<String>] {
        var rights: [String: Set<String>] = [:]
        for rule in role["rules"]?.array ?? [] {
            for group in rule["apiGroups"]?.array ?? [] {
                for resource in rule["resources"]?.array ?? [] {
                    rights["\(group.string ?? "?")/\(resource.string ?? "?")", default: []].formUnion((rule["verbs"]?.array ?? []).compactMap(\.string))
                }
            }
        }
        return rights
    }

    /// Every kind that rendering makes from the examples and from the resources of the golden files.
    private static func renderedTypes() throws -> Set<ResourceType> {
        let files = try Repository.files(under: "examples", suffix: ".yaml") + Repository.files(under: "Tests/RenderingTests/Golden", suffix: ".input.yaml")
        let documents = try files.flatMap { try YAML.parse(try Repository.text($0)) }
        return Set(ResourceFile(documents: documents).render(CollectorFacts(), ProbeFacts()).manifests.map(\.type))
    }

    /// What the registry of components says that some configuration can need.
    private static func grantable() -> [String: Set<String>] {
        var rights: [String: Set<String>] = [:]
        for access in ComponentRegistry.shared.components.flatMap(\.access) {
            for resource in access.resources { rights["\(access.group)/\(resource)", default: []].formUnion(access.verbs) }
        }
        return rights
    }

    @Test func theOperatorHoldsWhatItHandsOutAndNothingElse() throws {
        var expected = Self.grantable()
        try #require(expected["/pods"] == ["get", "list", "watch"] && expected["/nodes/proxy"] == ["get"])
        for type in CollectorAccess.types { expected["\(type.group)/\(type.plural)"] = ["get", "list", "watch", "create", "patch", "delete"] }
        let name = "sonde-operator-grants"
        let all = Self.rights(try Self.find("ClusterRole", in: Self.render("--set", "rbac.kubeletProxy=true"), name: name))
        #expect(all == expected)
        expected["/nodes/proxy"] = nil
        let objects = try Self.render()
        #expect(Self.rights(try Self.find("ClusterRole", in: objects, name: name)) == expected, "nodes/proxy reaches into pods: on request only")
        #expect(try Self.find("ClusterRoleBinding", in: objects, name: name)["roleRef"]?["name"]?.string == name)
        let verbs = Set(all.values.flatMap { $0 })
        #expect(verbs.isDisjoint(with: ["escalate", "bind", "impersonate", "*"]))
    }

    @Test func furtherRulesAreHeldOnRequest() throws {
        let rules = #"rbac.extraRules=[{"apiGroups":["example.org"],"resources":["things"],"verbs":["list"]}]"#
        let rights = Self.rights(try Self.find("ClusterRole", in: Self.render("--set-json", rules), name: "sonde-operator-grants"))
        #expect(rights["example.org/things"] == ["list"])
    }

    @Test(arguments: [["--set", "rbac.collectorRoles=false"], ["--set", "watchNamespaces={a}"], ["--set", "rbac.create=false"]])
    func withoutCollectorRolesNothingIsHeld(values: [String]) throws {
        let (status, output) = try Tools.run("helm", ["template", "sonde", Self.chart, "--namespace", "sonde-system"] + values)
        try #require(status == 0, "\(output)")
        #expect(!output.contains("operator-grants") && !output.contains("rolebindings"))
    }

    @Test func theOperatorMayWriteWhatIsRenderedAndNothingElse() throws {
        let rights = Self.rights(try Self.find("ClusterRole", in: Self.render(), name: "sonde-operator"))
        let children = try Self.renderedTypes().subtracting(CollectorAccess.types)
        try #require(children.count >= 14, "examples and golden files render \(children.map(\.kind).sorted())")
        var expected: [String: Set<String>] = [
            "opentelemetry.io/opentelemetrycollectors": ["get", "list", "watch", "patch"], "sonde.dev/ebpfprobes": ["get", "list", "watch"],
            "opentelemetry.io/opentelemetrycollectors/status": ["patch"], "sonde.dev/ebpfprobes/status": ["patch"],
            "opentelemetry.io/opentelemetrycollectors/finalizers": ["update"], "sonde.dev/ebpfprobes/finalizers": ["update"],
            "events.k8s.io/events": ["list", "create", "patch"], "route.openshift.io/routes/custom-host": ["create"], "/pods": ["get", "list", "watch"],
            "/persistentvolumeclaims": ["get", "patch"], "apps/replicasets": ["list"],
        ]
        for type in children { expected["\(type.group)/\(type.plural)"] = ["get", "list", "watch", "create", "patch", "delete"] }
        #expect(rights == expected)
    }

    @Test func secretsAreReadOnlyOnRequest() throws {
        let rights = Self.rights(try Self.find("ClusterRole", in: Self.render("--set", "rbac.readSecrets=true")))
        #expect(rights["/secrets"] == ["get", "list", "watch"])
    }

    @Test func theLeaseIsANamespacedRight() throws {
        let objects = try Self.render()
        let role = try Self.find("Role", in: objects)
        #expect(Self.rights(role) == ["coordination.k8s.io/leases": ["create", "get", "update"]])
        let named = role["rules"]?.array?.filter { $0["resourceNames"] != nil }
        #expect(named?.compactMap { $0["verbs"] } == [["get", "update"]])
    }

    @Test func chosenNamespacesGetRolesInsteadOfAClusterRole() throws {
        let objects = try Self.render(case: "full")
        #expect(objects.allSatisfy { $0["kind"]?.string?.hasPrefix("ClusterRole") == false })
        let roles = objects.filter { $0["kind"] == "Role" && $0.metadata.namespace != nil }
        #expect(roles.compactMap(\.metadata.namespace) == ["team-a", "team-b"])
        let everywhere = Self.rights(try Self.find("ClusterRole", in: Self.render(), name: "sonde-operator"))
        for role in roles { #expect(Self.rights(role) == everywhere) }
        let bindings = objects.filter { $0["kind"] == "RoleBinding" }
        #expect(bindings.count == 3)
        for binding in bindings { #expect(binding["subjects"] == [["kind": "ServiceAccount", "name": "signals", "namespace": "sonde-system"]]) }
    }

    // MARK: The pod

    @Test(arguments: cases) func thePodIsRestricted(name: String) throws {
        let pod = try #require(try Self.find("Deployment", in: Self.render(case: name)).at("spec", "template", "spec"))
        #expect(pod["securityContext"] == ["runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": ["type": "RuntimeDefault"]])
        for field in ["hostNetwork", "hostPID", "hostIPC", "volumes"] { #expect(pod[field] == nil, "\(field)") }
        let container = try #require(pod["containers"]?[0])
        #expect(container["securityContext"] == ["allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": ["drop": ["ALL"]]])
        #expect(container.at("resources", "limits", "memory") != nil && container.at("resources", "requests", "cpu") != nil)
        #expect(container.at("livenessProbe", "httpGet", "path") == "/healthz" && container.at("readinessProbe", "httpGet", "path") == "/readyz")
        let image = container["image"]?.string ?? ""
        #expect(!image.hasSuffix(":latest") && (image.contains("@sha256:") || image.hasSuffix(":0.1.0")), "\(image)")
        #expect((pod["terminationGracePeriodSeconds"]?.int ?? 0) > 27)
    }

    @Test func everyFlagIsOneOfTheOperators() throws {
        let settings = try Repository.text("Sources/sonde-operator/OperatorSettings.swift")
        let arguments = try Self.find("Deployment", in: Self.render(case: "full")).at("spec", "template", "spec", "containers")?[0]?["args"]?.array ?? []
        #expect(arguments.count == 9)
        for argument in arguments.compactMap(\.string) {
            let words = argument.dropFirst(2).prefix { $0 != "=" }.split(separator: "-")
            let key = (words.first.map(String.init) ?? "") + words.dropFirst().map(\.capitalized).joined()
            #expect(settings.contains("key: \"\(key)\""), "\(argument) sets nothing that the operator knows")
        }
    }

    @Test func imagesFollowRegistryTagAndDigest() throws {
        let container = try Self.find("Deployment", in: Self.render(case: "full")).at("spec", "template", "spec", "containers")?[0]
        #expect(container?["image"]?.string?.hasPrefix("registry.example.org/mirror/sonde-dev/sonde-operator@sha256:") == true)
        #expect(container?["args"]?[0] == "--agent-image=registry.example.org/mirror/sonde-dev/sonde-agent:0.1.0-rc.1")
    }

    @Test func aDisruptionBudgetStandsOnlyBesideMoreThanOneReplica() throws {
        #expect(try Self.render().allSatisfy { $0["kind"] != "PodDisruptionBudget" })
        let objects = try Self.render(case: "full")
        let selector = try Self.find("PodDisruptionBudget", in: objects).at("spec", "selector")
        try #require(selector != nil)
        let pods = try Self.find("Deployment", in: objects).at("spec", "selector")
        let service = try Self.find("Service", in: objects).at("spec", "selector")
        #expect(selector == pods)
        #expect(selector?["matchLabels"] == service)
    }

    // MARK: Values

    @Test(arguments: [
        "replicaCount=two", "unknown=1", "image.unknown=1", "image.tag=latest", "logLevel=loud", "workers=0", "metrics.port=0", "watchNamespaces={Not_A_Name}",
        "terminationGracePeriodSeconds=5", "image.digest=sha256:12",
    ]) func wrongValuesAreRefused(value: String) throws {
        let (status, output) = try Tools.run("helm", ["template", "sonde", Self.chart, "--set", value])
        #expect(status != 0, "\(value) was taken")
        #expect(output.contains("values.schema.json") || output.contains("schema"), "\(output)")
    }

    @Test func twoReplicasWithoutALeaseAreRefused() throws {
        let (status, output) = try Tools.run("helm", ["template", "sonde", Self.chart, "--set", "replicaCount=2,leaderElection.enabled=false"])
        #expect(status != 0 && output.contains("replicaCount above 1 needs leaderElection.enabled"), "\(output)")
    }

    @Test func schemaAndValuesHaveTheSameKeys() throws {
        let values = try #require(try YAML.parse(try Repository.text("charts/sonde/values.yaml")).first)
        let schema = try JSONValue(parsing: try Repository.text("charts/sonde/values.schema.json"))
        func compare(_ value: JSONValue, _ schema: JSONValue, _ path: String) {
            guard let properties = schema["properties"]?.object else { return }
            #expect(Set(properties.keys) == Set(value.object?.keys ?? []), "\(path)")
            #expect(schema["additionalProperties"] == .bool(path == ".global"), "\(path) takes unknown keys")
            for (key, property) in properties {
                #expect(property["description"] != nil, "\(path).\(key) has no description")
                if path != ".resources", let child = value[key] { compare(child, property, path == "" ? ".\(key)" : "\(path).\(key)") }
            }
        }
        compare(values, schema, "")
    }

    @Test func everyValueIsCommentedByItsName() throws {
        let lines = try Repository.text("charts/sonde/values.yaml").split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var inside = ""
        for (number, line) in lines.enumerated() {
            let text = line.trimmingCharacters(in: .whitespaces)
            guard !text.isEmpty, !text.hasPrefix("#"), let colon = text.firstIndex(of: ":") else { continue }
            let indent = line.prefix { $0 == " " }.count
            if indent == 0 { inside = String(text[..<colon]) }
            // What stands in these is Kubernetes' own.
            if indent > 0, ["resources", "nodeSelector"].contains(inside) { continue }
            let comment = lines[number - 1].trimmingCharacters(in: .whitespaces)
            #expect(comment.hasPrefix("# \(text[..<colon])"), "line \(number + 1): \(text)")
        }
    }

    @Test func theNotesNameTheLabelThatPodSecurityNeeds() throws {
        #expect(
            try Repository.text("charts/sonde/templates/NOTES.txt").contains("kubectl label namespace NAMESPACE pod-security.kubernetes.io/enforce=privileged"))
    }
}
