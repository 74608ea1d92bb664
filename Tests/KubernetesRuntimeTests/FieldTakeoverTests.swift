// Taking over the fields of an earlier operator: which entries, which fields, and what stays (client-go, util/csaupgrade).

import JSON
import Kubernetes
import Testing

@testable import KubernetesRuntime

@Suite struct FieldTakeoverTests {
    let takeover = FieldTakeover(managers: ["manager"])

    private static func entry(
        _ manager: String, _ fields: JSONValue, operation: String = "Update", apiVersion: String = "apps/v1", time: String = "2026-01-01T00:00:00Z",
        subresource: String? = nil
    ) -> JSONValue {
        var entry: JSONValue = [
            "manager": .string(manager), "operation": .string(operation), "apiVersion": .string(apiVersion), "time": .string(time), "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        ]
        if let subresource { entry["subresource"] = .string(subresource) }
        return entry
    }

    private static func object(_ entries: JSONValue...) -> JSONValue {
        ["apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "a", "resourceVersion": "7", "managedFields": .array(entries)]]
    }

    private static let manifest: JSONValue = [
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "a"],
        "spec": ["template": ["metadata": ["labels": ["app": "a"], "annotations": ["hash": "1"]]]],
    ]

    /// The managers after the patch, as `manager/operation`, with their fields.
    private func after(_ object: JSONValue, _ leftovers: FieldTakeover.PodLeftovers = .taken) throws -> [String: JSONValue] {
        let patch = try #require(takeover.patch(object, to: "sonde", manifest: Self.manifest, podLeftovers: leftovers))
        let patched = try patch.apply(to: object)
        let entries = try #require(patched.at("metadata", "managedFields")?.array)
        return Dictionary(
            entries.map { ("\($0["manager"]?.string ?? "")/\($0["operation"]?.string ?? "")/\($0["subresource"]?.string ?? "")", $0["fieldsV1"] ?? .null) },
            uniquingKeysWith: { $1 })
    }

    @Test func withoutAnEntryOfOursTheEarlierOneBecomesIt() throws {
        let fields: JSONValue = ["f:spec": ["f:replicas": [:]]]
        #expect(try after(Self.object(Self.entry("manager", fields))) == ["sonde/Apply/": fields])
    }

    @Test func fieldsAreJoinedWithOurs() throws {
        let ours = Self.entry("sonde", ["f:spec": ["f:a": [:], "f:b": ["f:c": [:]]]], operation: "Apply")
        let theirs = Self.entry("manager", ["f:spec": ["f:b": [:], "f:d": [:]]])
        #expect(try after(Self.object(ours, theirs)) == ["sonde/Apply/": ["f:spec": ["f:a": [:], "f:b": [".": [:], "f:c": [:]], "f:d": [:]]]])
    }

    @Test func peopleOtherProgramsAndStatusKeepTheirs() throws {
        let spec: JSONValue = ["f:spec": ["f:replicas": [:]]]
        let object = Self.object(
            Self.entry("manager", spec), Self.entry("kubectl-edit", spec), Self.entry("manager", ["f:status": [:]], subresource: "status"),
            Self.entry("manager", spec, operation: "Apply"))
        #expect(Set(try after(object).keys) == ["sonde/Apply/", "kubectl-edit/Update/", "manager/Update/status", "manager/Apply/"])
    }

    @Test func entriesOfAnotherVersionAreDroppedWhereOneFits() throws {
        let old = Self.entry("manager", ["f:spec": ["f:old": [:]]], apiVersion: "apps/v1beta1", time: "2026-02-01T00:00:00Z")
        let fits = Self.entry("manager", ["f:spec": ["f:new": [:]]])
        #expect(try after(Self.object(old, fits)) == ["sonde/Apply/": ["f:spec": ["f:new": [:]]]])
        #expect(try after(Self.object(old)) == ["sonde/Apply/": ["f:spec": ["f:old": [:]]]], "alone it is better than nothing")
    }

    @Test func labelsOfPodsThatWeDoNotWriteStayWithTheirOwner() throws {
        let fields: JSONValue = [
            "f:spec": [
                "f:replicas": [:],
                "f:template": ["f:metadata": ["f:labels": [".": [:], "f:app": [:], "f:tool": [:]], "f:annotations": ["f:tracking": [:]]]],
            ]
        ]
        let object = Self.object(Self.entry("manager", fields))
        let after = try after(object, .left)
        #expect(after["manager/Update/"] == nil, "the name may be that of any program, and what is left must be known again")
        let leftovers: JSONValue = ["f:labels": ["f:tool": [:]], "f:annotations": ["f:tracking": [:]]]
        #expect(after["sonde-earlier/Update/"] == ["f:spec": ["f:template": ["f:metadata": leftovers]]])
        #expect(after["sonde/Apply/"] == ["f:spec": ["f:replicas": [:], "f:template": ["f:metadata": ["f:labels": [".": [:], "f:app": [:]]]]]])
        // What stayed is nothing to be taken again, until the pods are replaced anyway.
        let left = Self.object(Self.entry("sonde-earlier", after["sonde-earlier/Update/"] ?? .null))
        #expect(takeover.patch(left, to: "sonde", manifest: Self.manifest, podLeftovers: .left) == nil)
        #expect(takeover.patch(left, to: "sonde", manifest: Self.manifest, podLeftovers: .taken) != nil)
        #expect(FieldTakeover(managers: []).patch(left, to: "sonde", manifest: Self.manifest, podLeftovers: .taken) != nil)
        #expect(FieldTakeover(managers: []).patch(object, to: "sonde", manifest: Self.manifest, podLeftovers: .taken) == nil)
    }

    @Test func nothingToTakeIsNoPatch() {
        #expect(takeover.patch(Self.object(Self.entry("kubectl", ["f:spec": [:]])), to: "sonde", manifest: Self.manifest, podLeftovers: .taken) == nil)
        #expect(takeover.patch(["metadata": ["name": "a"]], to: "sonde", manifest: Self.manifest, podLeftovers: .taken) == nil)
    }

    @Test func thePatchHoldsOnlyForTheVersionThatWasRead() throws {
        let patch = try #require(takeover.patch(Self.object(Self.entry("manager", ["f:x": [:]])), to: "sonde", manifest: Self.manifest, podLeftovers: .taken))
        #expect(patch.operations.contains(.replace(JSONPointer(["metadata", "resourceVersion"]), "7")))
    }

    @Test func forecastTakesAwayWhatTheManifestDoesNotName() throws {
        var live = Self.object(
            Self.entry(
                "manager",
                [
                    "f:spec": [
                        "f:replicas": [:], "f:paused": [:],
                        "f:template": [
                            "f:metadata": ["f:labels": ["f:tool": [:]]],
                            "f:spec": [
                                "f:containers": [
                                    "k:{\"name\":\"a\"}": [".": [:], "f:image": [:], "f:tty": [:]], "k:{\"name\":\"b\"}": [".": [:], "f:image": [:]],
                                ]
                            ],
                        ],
                    ]
                ]))
        live["spec"] = [
            "replicas": 2, "paused": true, "other": 1,
            "template": [
                "metadata": ["labels": ["app": "a", "tool": "x"]],
                "spec": ["containers": [["name": "a", "image": "i", "tty": true], ["name": "b", "image": "i"]]],
            ],
        ]
        var manifest = Self.manifest
        manifest.set(["spec", "replicas"], to: 2)
        manifest.set(["spec", "template", "spec"], to: ["containers": [["name": "a", "image": "i"]]])
        let forecast = try #require(takeover.forecast(live, merged: live, manifest: manifest))
        #expect(
            forecast["spec"] == [
                "replicas": 2, "other": 1,
                "template": ["metadata": ["labels": ["app": "a", "tool": "x"]], "spec": ["containers": [["name": "a", "image": "i"]]]],
            ])
        #expect(takeover.forecast(Self.object(Self.entry("kubectl", ["f:spec": [:]])), merged: live, manifest: manifest) == nil)
    }
}
