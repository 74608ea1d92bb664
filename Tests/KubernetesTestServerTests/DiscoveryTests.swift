// Discovery and OpenAPI documents as functions of the kinds that are served.
// Their shape is that of a kube-apiserver 1.36; kubectl itself reads them in KubectlTests.
// It never starts a server.

import JSON
import Kubernetes
import Testing

@testable import KubernetesTestServer

@Suite struct DiscoveryTests {
    private static let probes: ServedKind = {
        var kind = ServedKind(ResourceType(group: "test.dev", version: "v1", kind: "Good", plural: "goods"), schema: .any)
        kind.definition = "goods.test.dev"
        kind.shortNames = ["gd"]
        kind.categories = ["all", "cats"]
        kind.hasStatus = true
        kind.scale = ServedKind.Scale(specReplicas: ["spec", "n"], statusReplicas: ["status", "n"])
        kind.openAPI = [
            "type": "object", "description": "Good is good.", "required": ["spec"],
            "properties": ["spec": ["type": "object", "properties": ["n": ["type": "integer", "description": "How many."]]], "metadata": ["type": "object"]],
        ]
        return kind
    }()

    private static let discovery = DiscoveryDocuments(kinds: BuiltInKinds.all + [probes])
    private static let openAPI = OpenAPIDocuments(kinds: BuiltInKinds.all + [probes])

    @Test func resourceListNamesKindWithSubresources() throws {
        let list = try #require(Self.discovery.document(path: "/apis/test.dev/v1"))
        #expect(list["groupVersion"] == "test.dev/v1")
        let resources = try #require(list["resources"]?.array)
        #expect(resources.map { $0["name"]?.string } == ["goods", "goods/scale", "goods/status"])
        let verbs: JSONValue = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
        #expect(
            resources[0] == [
                "name": "goods", "singularName": "good", "namespaced": true, "kind": "Good", "verbs": verbs, "shortNames": ["gd"],
                "categories": ["all", "cats"],
            ])
        #expect(
            resources[1] == [
                "name": "goods/scale", "singularName": "", "namespaced": true, "group": "autoscaling", "version": "v1", "kind": "Scale",
                "verbs": ["get", "patch", "update"],
            ])
    }

    @Test func coreGroupHasNoGroupDocument() throws {
        #expect(Self.discovery.document(path: "/api")?["versions"] == ["v1"])
        let names = try #require(Self.discovery.document(path: "/api/v1")?["resources"]?.array).compactMap { $0["name"]?.string }
        #expect(names.contains("configmaps") && names.contains("namespaces/status") && !names.contains("deployments"))
        let groups = try #require(Self.discovery.document(path: "/apis")?["groups"]?.array).compactMap { $0["name"]?.string }
        #expect(groups.contains("apps") && groups.contains("test.dev") && !groups.contains(""))
    }

    @Test(arguments: ["/apis/none.dev", "/apis/none.dev/v1", "/apis/test.dev/v2", "/api/v2", "/metrics", "/api/v1/pods/x/y"])
    func whatIsNotServedHasNoDocument(path: String) {
        #expect(Self.discovery.document(path: path) == nil)
    }

    @Test func groupPrefersStableAndNewVersions() {
        let versions = ["v1alpha1", "v10", "v1", "foo", "v2beta1", "v2", "v1beta2"]
        let kinds = versions.map { ServedKind(ResourceType(group: "g.dev", version: $0, kind: "K", plural: "ks"), schema: .any) }
        let group = DiscoveryDocuments(kinds: kinds).document(path: "/apis/g.dev")
        #expect(group?["versions"]?.array?.map { $0["version"]?.string } == ["v10", "v2", "v1", "v2beta1", "v1beta2", "v1alpha1", "foo"])
        #expect(group?["preferredVersion"] == ["groupVersion": "g.dev/v10", "version": "v10"])
    }

    @Test func aggregatedDiscoveryIsGivenToThoseWhoAskForIt() throws {
        let kubectl = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
        let document = try #require(Self.discovery.document(path: "/apis", accept: kubectl))
        #expect(document["kind"] == "APIGroupDiscoveryList" && document["apiVersion"] == "apidiscovery.k8s.io/v2")
        let item = try #require(document["items"]?.array?.first { $0.at("metadata", "name") == "test.dev" })
        let version = try #require(item["versions"]?[0])
        #expect(version["version"] == "v1" && version["freshness"] == "Current")
        let resource = try #require(version["resources"]?[0])
        #expect(resource["responseKind"] == ["group": "test.dev", "version": "v1", "kind": "Good"] && resource["scope"] == "Namespaced")
        #expect(resource["subresources"]?[0]?["responseKind"] == ["group": "autoscaling", "version": "v1", "kind": "Scale"])
        #expect(Self.discovery.document(path: "/api", accept: kubectl)?["items"]?.array?.count == 1)
    }

    @Test(arguments: [
        ("application/json", false, "plain"), ("", false, "nothing asked"),
        ("application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io", true, "any order"),
        ("application/json; g=apidiscovery.k8s.io; v=v2; as=APIGroupDiscoveryList", true, "with spaces"),
        ("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList", false, "only the old version"),
        ("application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json", false, "protobuf is not spoken"),
        ("application/json,application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", false, "the first wins"),
    ])
    func acceptHeaderDecidesAboutAggregation(accept: String, expected: Bool, reason: String) {
        #expect(DiscoveryDocuments.isAggregated(accept) == expected, "\(reason)")
    }

    @Test func openAPIIndexChangesWithTheSchema() throws {
        let before = try #require(Self.openAPI.document(path: "/openapi/v3")?.at("paths", "apis/test.dev/v1", "serverRelativeURL")?.string)
        #expect(before.hasPrefix("/openapi/v3/apis/test.dev/v1?hash="))
        var changed = Self.probes
        changed.openAPI?.set(["properties", "spec", "description"], to: "New.")
        let after = OpenAPIDocuments(kinds: [changed]).index.at("paths", "apis/test.dev/v1", "serverRelativeURL")?.string
        #expect(after != before && after != nil)
        #expect(OpenAPIDocuments(kinds: [Self.probes]).index.at("paths", "apis/test.dev/v1", "serverRelativeURL")?.string == before)
    }

    @Test func customSchemaKeepsDescriptionsAndGetsTypeMeta() throws {
        let document = try #require(Self.openAPI.document(path: "/openapi/v3/apis/test.dev/v1"))
        let schema = try #require(document.at("components", "schemas", "dev.test.v1.Good"))
        #expect(schema.at("properties", "spec", "properties", "n", "description") == "How many.")
        #expect(schema["x-kubernetes-group-version-kind"] == [["group": "test.dev", "version": "v1", "kind": "Good"]])
        #expect(schema.at("properties", "metadata", "allOf")?[0] == ["$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"])
        let names = document.at("components", "schemas")?.object?.keys ?? []
        #expect(names.contains("dev.test.v1.GoodList") && names.contains("io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference"))
    }

    @Test func patchOperationSaysThatFieldValidationIsSupported() throws {
        let paths = try #require(Self.openAPI.document(path: "/openapi/v3/apis/test.dev/v1")?["paths"])
        let patch = try #require(paths.at("/apis/test.dev/v1/namespaces/{namespace}/goods/{name}", "patch"))
        #expect(patch["x-kubernetes-action"] == "patch")
        #expect(patch["x-kubernetes-group-version-kind"] == ["group": "test.dev", "version": "v1", "kind": "Good"])
        let parameters = patch["parameters"]?.array?.compactMap { $0["name"]?.string } ?? []
        #expect(Set(parameters).isSuperset(of: ["dryRun", "fieldManager", "fieldValidation", "force"]))
        let types = patch.at("requestBody", "content")?.object?.keys ?? []
        #expect(types.contains("application/apply-patch+yaml") && !types.contains("application/strategic-merge-patch+json"))
        #expect(paths["/apis/test.dev/v1/namespaces/{namespace}/goods/{name}/scale"]?["delete"] == nil)
    }

    @Test func builtInSchemasSayHowListsMerge() throws {
        let document = try #require(Self.openAPI.document(path: "/openapi/v3/apis/apps/v1"))
        let schemas = try #require(document.at("components", "schemas"))
        let containers = try #require(schemas.at("io.k8s.api.core.v1.PodSpec", "properties", "containers"))
        #expect(containers["x-kubernetes-list-map-keys"] == ["name"] && containers["x-kubernetes-patch-merge-key"] == "name")
        #expect(containers["x-kubernetes-patch-strategy"] == "merge" && containers["items"] == ["$ref": "#/components/schemas/io.k8s.api.core.v1.Container"])
        #expect(
            document.at("paths", "/apis/apps/v1/namespaces/{namespace}/deployments/{name}", "patch", "requestBody", "content")?.object?
                .contains("application/strategic-merge-patch+json") == true)
    }

    @Test(arguments: ["/openapi/v3", "/openapi/v3/api/v1", "/openapi/v3/apis/apps/v1", "/openapi/v3/apis/events.k8s.io/v1"])
    func everyReferenceOfADocumentResolves(path: String) throws {
        let document = try #require(Self.openAPI.document(path: path))
        let names = Set(document.at("components", "schemas")?.object?.keys ?? [])
        let missing = Self.references(document).filter { !names.contains(String($0.dropFirst("#/components/schemas/".count))) }
        #expect(missing.isEmpty)
    }

    /// kubectl explain --recursive fails on an empty schema.
    @Test(arguments: ["/openapi/v3/api/v1", "/openapi/v3/apis/apps/v1", "/openapi/v3/apis/test.dev/v1"])
    func noSchemaIsEmpty(path: String) throws {
        let schemas = try #require(Self.openAPI.document(path: path)?.at("components", "schemas")?.object)
        for (name, schema) in schemas { #expect(!Self.holdsEmptySchema(schema), "\(name)") }
    }

    private static func holdsEmptySchema(_ schema: JSONValue) -> Bool {
        guard let members = schema.object, !members.isEmpty else { return true }
        let below = (members["properties"]?.object?.values ?? []) + [members["items"], members["additionalProperties"]].compactMap { $0 }
        return below.contains(where: holdsEmptySchema)
    }

    @Test func unknownGroupVersionHasNoOpenAPI() {
        #expect(Self.openAPI.document(path: "/openapi/v3/apis/none.dev/v1") == nil && Self.openAPI.document(path: "/openapi/v2") == nil)
    }

    private static func references(_ value: JSONValue) -> Set<String> {
        switch value {
        case .object(let members): members.reduce(into: []) { $0.formUnion($1.0 == "$ref" ? [$1.1.string ?? ""] : references($1.1)) }
        case .array(let elements): elements.reduce(into: []) { $0.formUnion(references($1)) }
        default: []
        }
    }
}
