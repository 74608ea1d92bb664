// v1alpha1 and v1beta1: what is mapped, what is kept, that nothing is lost both ways, and what an edit in between does.
// Random resources go there and back; the rest are the known differences of the two versions.
// It never needs a server.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI
import TestSupport
import Testing
import YAML

@testable import Admission

@Suite struct ConversionTests {
    private static let alpha = "opentelemetry.io/v1alpha1"
    private static let beta = "opentelemetry.io/v1beta1"

    private func resource(_ version: String, _ spec: JSONValue) -> JSONValue {
        [
            "apiVersion": .string(version), "kind": "OpenTelemetryCollector", "metadata": ["name": "c", "namespace": "n", "labels": ["a": "b"]], "spec": spec,
            "status": ["image": "x"],
        ]
    }

    private func up(_ object: JSONValue) throws -> JSONValue { try CollectorConversion.convert(object, to: Self.beta) }
    private func down(_ object: JSONValue) throws -> JSONValue { try CollectorConversion.convert(object, to: Self.alpha) }

    private static let text =
        "# mine\nreceivers:\n  otlp: {protocols: {grpc: }}\nexporters: {debug: {}}\nservice: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}\n"

    @Test func theConfigurationIsATextInV1alpha1() throws {
        let made = try up(resource(Self.alpha, ["config": .string(Self.text)]))
        #expect(made.at("spec", "config", "receivers", "otlp", "protocols") == ["grpc": nil])
        #expect(made.at("status", "image") == "x" && made.metadata.labels == ["a": "b"])
        #expect(try down(made).at("spec", "config") == .string(Self.text), "comments and order come back")
    }

    @Test(
        arguments: [
            (["updateStrategy": ["type": "OnDelete"]], "daemonSetUpdateStrategy", ["type": "OnDelete"]),
            (["maxReplicas": 3, "minReplicas": 2], "autoscaler", ["minReplicas": 2, "maxReplicas": 3]),
            (["maxReplicas": 3, "autoscaler": ["maxReplicas": 5]], "autoscaler", ["maxReplicas": 5]),
            (
                ["targetAllocator": ["enabled": true, "prometheusCR": ["enabled": true, "podMonitorSelector": ["a": "b"]]]], "targetAllocator",
                [
                    "enabled": true,
                    "prometheusCR": ["enabled": true, "podMonitorSelector": ["matchLabels": ["a": "b"]], "serviceMonitorSelector": [:]],
                ]
            ),
            (["env": [["name": "A", "value": "1"]]], "env", [["name": "A", "value": "1"]]), (["args": ["a": "b"]], "args", ["a": "b"]),
            (["mode": "sidecar"], "mode", "sidecar"),
        ] as [(JSONValue, String, JSONValue)]) func aFieldHasItsPlace(spec: JSONValue, field: String, value: JSONValue) throws
    {
        let made = try up(resource(Self.alpha, spec))
        #expect(made.at("spec", field) == value)
        #expect(try down(made).at("spec") == spec)
    }

    @Test(
        arguments: [
            ["hostPID": true], ["dnsPolicy": "None"], ["podDnsConfig": ["nameservers": ["1.1.1.1"]]], ["ipFamilies": ["IPv6"]],
            ["ipFamilyPolicy": "SingleStack"],
            ["readinessProbe": ["periodSeconds": 3]], ["startupProbe": ["periodSeconds": 3]], ["networkPolicy": ["enabled": true]],
            ["httpRoute": ["enabled": true, "gateway": "g"]], ["configVersions": 5], ["persistentVolumeClaimRetentionPolicy": ["whenScaled": "Delete"]],
            ["serviceName": "s"], ["podManagementPolicy": "OrderedReady"], ["command": ["a"]], ["hostUsers": false], ["hostAliases": [["ip": "1.1.1.1"]]],
            ["sessionAffinity": "ClientIP"], ["sessionAffinityConfig": ["clientIP": ["timeoutSeconds": 3]]], ["trafficDistribution": "PreferClose"],
            ["observability": ["metrics": ["extraLabels": ["a": "b"]]]], ["config": "a"], ["config": nil], ["config": ["a"]],
            [
                "targetAllocator": [
                    "mtls": ["enabled": true], "collectorNotReadyGracePeriod": "30s",
                    "prometheusCR": [
                        "denyNamespaces": ["a"], "probeSelector": [:], "podMonitorSelector": ["matchExpressions": [["key": "a", "operator": "Exists"]]],
                    ],
                ]
            ],
        ] as [JSONValue]) func whatV1alpha1CannotSayComesBack(field: JSONValue) throws
    {
        var spec: JSONValue = ["config": ["receivers": ["a": nil], "exporters": [:], "service": ["pipelines": [:]]], "mode": "statefulset"]
        for (key, value) in field.object ?? [:] { spec[key] = value }
        let older = try down(resource(Self.beta, spec))
        let again = try up(older)
        #expect(again == resource(Self.beta, spec))
    }

    @Test func anEditInTheOtherVersionWins() throws {
        let spec: JSONValue = [
            "config": ["receivers": [:], "exporters": [:], "service": ["pipelines": [:]]], "hostPID": true,
            "targetAllocator": ["enabled": true, "mtls": ["enabled": true], "prometheusCR": ["podMonitorSelector": ["matchExpressions": [["key": "a"]]]]],
        ]
        var older = try down(resource(Self.beta, spec))
        older.set(["spec", "targetAllocator", "enabled"], to: false)
        older.set(["spec", "targetAllocator", "prometheusCR", "podMonitorSelector"], to: ["x": "y"])
        older.set(["spec", "config"], to: "receivers: {b: {}}\n")
        let again = try up(older)
        #expect(again.at("spec", "targetAllocator", "enabled") == false)
        #expect(again.at("spec", "targetAllocator", "mtls") == ["enabled": true], "untouched")
        #expect(again.at("spec", "targetAllocator", "prometheusCR", "podMonitorSelector") == ["matchLabels": ["x": "y"]])
        #expect(again.at("spec", "hostPID") == true)
        #expect(again.at("spec", "config") == ["receivers": ["b": [:]]])
    }

    @Test func aRemovedMappingDoesNotComeBack() throws {
        var older = try down(resource(Self.beta, ["targetAllocator": ["enabled": true, "mtls": ["enabled": true]]]))
        older.set(["spec", "targetAllocator"], to: nil)
        #expect(try up(older).at("spec") == [:])
    }

    @Test(arguments: [
        ("receivers: {", "line "), ("- a", "must hold one mapping"), ("", "must hold one mapping, holds nothing"), ("a: 1\n---\nb: 2\n", "2 documents"),
        ("a: 1\na: 2\n", "line 2"),
    ]) func aConfigurationThatCannotBeReadIsNoEmptyOne(text: String, says: String) throws {
        let made = try up(resource(Self.alpha, ["config": .string(text)]))
        let problem = try #require(made.metadata.annotations[ConversionAnnotation.error])
        #expect(problem.contains(says), "\(problem)")
        #expect(try down(made) == resource(Self.alpha, ["config": .string(text)]), "the text itself is kept")
        var mended = try down(made)
        mended.set(["spec", "config"], to: "receivers: {}\n")
        #expect(try up(mended).metadata.annotations[ConversionAnnotation.error] == nil)
    }

    @Test func aConfigurationOfAnotherTypeIsTold() throws {
        #expect(try up(resource(Self.alpha, ["config": 3])).metadata.annotations[ConversionAnnotation.error]?.contains("must be a text of YAML") == true)
    }

    // MARK: No room

    private static let large = String(repeating: "x", count: ConversionStash.sizeBytesMax + 1)

    private func annotationBytes(_ object: JSONValue) -> Int {
        object.metadata.annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    }

    private func incomplete(_ object: JSONValue) throws -> JSONValue? {
        try object.metadata.annotations[ConversionAnnotation.stash].flatMap { try JSONValue(parsing: $0)["incomplete"] }
    }

    @Test func aTextThatIsTooLongLosesItsCommentsOnly() throws {
        let object = resource(Self.alpha, ["config": .string("# \(Self.large)\n" + Self.text), "unknownField": "kept"])
        let newer = try up(object)
        #expect(try incomplete(newer) == ["spec.config"])
        #expect(annotationBytes(newer) < 256 << 10)
        #expect(newer.metadata.annotations[ConversionAnnotation.error] == nil)
        #expect(newer.at("spec", "config", "exporters") == ["debug": [:]])
        let again = try down(newer)
        #expect(again.at("spec", "unknownField") == "kept")
        let config = try #require(again.at("spec", "config")?.string)
        #expect(try YAML.parse(config) == YAML.parse(Self.text) && !config.contains("#"))
        #expect(try up(again).at("spec") == newer.at("spec"))
    }

    @Test func aFieldThatIsTooLargeIsNamedAndItsWriteRefused() throws {
        let object = resource(Self.beta, ["command": [.string(Self.large)], "hostPID": true, "replicas": 1])
        let older = try down(object)
        #expect(try incomplete(older) == ["spec.command"])
        #expect(older.at("spec") == ["replicas": 1] && annotationBytes(older) < 256 << 10)
        // Written back as v1alpha1: everything but the field, and admission is told.
        let newer = try up(older)
        #expect(newer.at("spec") == ["hostPID": true, "replicas": 1])
        #expect(newer.metadata.annotations[ConversionAnnotation.error]?.contains("spec.command") == true)
        #expect(Validation.findings(collector: newer).errors.contains { $0.message.contains("spec.command") })
    }

    @Test(arguments: [0, 100, 150, 200, 240, 255, 256]) func otherAnnotationsTakeRoom(kibibytes: Int) throws {
        var object = resource(Self.beta, ["command": [.string(String(repeating: "y", count: 100 << 10))], "hostPID": true])
        object.set(["metadata", "annotations"], to: ["mine": .string(String(repeating: "z", count: kibibytes << 10))])
        let older = try down(object)
        #expect(older.metadata.annotations["mine"]?.utf8.count == kibibytes << 10)
        let isWhole = try incomplete(older) == nil
        #expect(isWhole == (kibibytes < 148), "\(kibibytes)")
        guard kibibytes < 248 else { return }
        #expect(annotationBytes(older) <= 256 << 10)
        #expect(try up(older).at("spec", "hostPID") == true)
    }

    @Test func manyPlacesWithoutRoomAreCounted() throws {
        let members = (0..<40).map { (String(repeating: "k", count: 500) + "\($0)", JSONValue.string(String(repeating: "v", count: 10 << 10))) }
        let older = try down(resource(Self.beta, ["targetAllocator": ["prometheusCR": .object(JSONObject(members))]]))
        let names = try #require(try incomplete(older)?.array)
        #expect(names.count == 16 && names.last?.string?.hasPrefix("and ") == true)
        #expect(older.metadata.annotations[ConversionAnnotation.stash]?.utf8.count ?? 0 <= ConversionStash.sizeBytesMax)
    }

    @Test(arguments: ["opentelemetry.io/v1", "sonde.dev/v1alpha1", ""]) func otherVersionsAreRefused(version: String) {
        #expect(throws: ReviewError.self) { try CollectorConversion.convert(resource(Self.beta, [:]), to: version) }
        #expect(throws: ReviewError.self) { try CollectorConversion.convert(resource(version, [:]), to: Self.beta) }
    }

    @Test func otherKindsAreRefused() {
        var object = resource(Self.beta, [:])
        object["kind"] = "Instrumentation"
        #expect(throws: ReviewError.self) { try down(object) }
    }

    @Test(arguments: ["{", #"{"version":"x"}"#, #"{"version":"opentelemetry.io/v1beta1","fields":[{"path":[]},{"value":1},7]}"#])
    func aDamagedStashIsLeftOut(stash: String) throws {
        var object = resource(Self.alpha, ["replicas": 2])
        object.set(["metadata", "annotations"], to: [ConversionAnnotation.stash: .string(stash), "mine": "x"])
        let made = try up(object)
        #expect(made.at("spec") == ["replicas": 2] && made.metadata.annotations == ["mine": "x"])
    }

    // MARK: Random resources

    private static let alphaFields = Array(AlphaSpec.common) + ["updateStrategy", "minReplicas", "maxReplicas", "unknownField", "targetAllocator"]

    private func specOfAlpha(_ random: inout Seeded) -> JSONValue {
        var spec: JSONValue = [:]
        for _ in 0..<random.below(8) { spec[random.pick(Self.alphaFields)] = random.document() }
        switch random.below(4) {
        case 0: break
        case 1: spec["config"] = .string(random.pick(["", "{", "- a", Self.text, "a: [1, 2.5, 'x']\n"]))
        default: spec["config"] = .string(YAML.text(random.mapping(depth: 3)))
        }
        return spec
    }

    private func specOfBeta(_ random: inout Seeded) -> JSONValue {
        var spec: JSONValue = [:]
        for _ in 0..<random.below(10) { spec[random.pick(CollectorSchema.spec.fields.map(\.name))] = random.document() }
        if random.below(4) > 0 { spec["config"] = random.mapping(depth: 3) }
        return spec
    }

    @Test func randomResourcesOfV1beta1ComeBack() throws {
        var random = Seeded()
        for _ in 0..<Seeded.rounds(2000) {
            let object = resource(Self.beta, specOfBeta(&random))
            let older = try down(object)
            #expect(older.apiVersion == Self.alpha)
            try #require(try up(older) == object, "seed \(random.seed)")
        }
    }

    @Test func randomResourcesOfV1alpha1ComeBack() throws {
        var random = Seeded()
        for _ in 0..<Seeded.rounds(2000) {
            let object = resource(Self.alpha, specOfAlpha(&random))
            let newer = try up(object)
            try #require(try down(newer) == object, "seed \(random.seed)")
            // A third conversion gives the same as the first: what is stored does not wander.
            try #require(try up(down(newer)) == newer, "seed \(random.seed)")
        }
    }

    /// The API server stores numbers as Go does and keys in order: what was kept must not depend on either.
    @Test func keysInAnotherOrderChangeNothing() throws {
        let newer = try up(resource(Self.alpha, ["config": "# c\nb: 1.0\na: 2\n"]))
        let stored = try JSONValue(parsing: newer.bytes(.goSorted))
        #expect(try down(stored).at("spec", "config") == "# c\nb: 1.0\na: 2\n")
    }

    // MARK: Reviews

    @Test func aReviewConvertsEveryObject() throws {
        let objects = [resource(Self.beta, ["replicas": 1]), resource(Self.alpha, ["replicas": 2])]
        let review: JSONValue = [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
            "request": ["uid": "u", "desiredAPIVersion": .string(Self.beta), "objects": .array(objects)],
        ]
        let response = try #require(try ConversionReview.answer(review)["response"])
        #expect(response["uid"] == "u" && response.at("result", "status") == "Success")
        #expect(response["convertedObjects"] == .array([objects[0], try up(objects[1])]))
    }

    @Test func anObjectThatCannotBeConvertedIsNamed() throws {
        let review: JSONValue = [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
            "request": ["uid": "u", "desiredAPIVersion": "opentelemetry.io/v2", "objects": [resource(Self.beta, [:])]],
        ]
        let result = try ConversionReview.answer(review).at("response", "result")
        #expect(result?["status"] == "Failure" && result?["message"]?.string?.contains("n/c") == true)
    }

    @Test(
        arguments: [[:], ["kind": "ConversionReview"], ["kind": "ConversionReview", "apiVersion": "apiextensions.k8s.io/v1", "request": ["uid": "u"]]]
            as [JSONValue])
    func whatIsNoReviewIsRefused(body: JSONValue) { #expect(throws: ReviewError.self) { try ConversionReview.answer(body) } }
}
