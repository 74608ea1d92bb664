// Admission reviews as an API server sends them, and the verdicts on collectors and probes.
// Bodies are the API's own form; what is checked is what a user's client would print.
// It never needs a server.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI
import Testing

@testable import Admission

/// An AdmissionReview with what a test needs of it.
func review(
    _ operation: String = "CREATE", kind: String = "OpenTelemetryCollector", object: JSONValue, old: JSONValue = nil, dryRun: Bool = false,
    user: String = "alice",
    namespace: String = "n"
) -> JSONValue {
    [
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": [
            "uid": "u-1", "operation": .string(operation), "kind": ["group": "", "version": "v1", "kind": .string(kind)], "name": "c",
            "namespace": .string(namespace), "userInfo": ["username": .string(user), "groups": ["dev"], "extra": ["k": ["v"]]], "object": object,
            "oldObject": old, "dryRun": .bool(dryRun),
        ],
    ]
}

enum Collectors {
    static let good: JSONValue = [
        "apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector", "metadata": ["name": "c", "namespace": "n"],
        "spec": [
            "config": [
                "receivers": ["otlp": ["protocols": ["grpc": [:]]]], "exporters": ["debug": [:]],
                "service": ["pipelines": ["traces": ["receivers": ["otlp"], "exporters": ["debug"]]]],
            ]
        ],
    ]

    static func changed(_ path: [String], _ value: JSONValue?) -> JSONValue {
        var out = good
        out.set(path, to: value)
        return out
    }

    static let bad = changed(["spec", "config", "service", "pipelines", "traces", "receivers"], ["otpl"])
}

@Suite struct ReviewTests {
    private func errors(_ object: JSONValue) -> [Finding] {
        object == Collectors.good
            ? []
            : [Finding(.error, rule: "a", path: "spec.a", message: "is wrong", remedy: "mend it"), Finding(.error, rule: "b", path: "spec.b", message: "too")]
    }

    private func answer(_ review: JSONValue, _ check: (JSONValue) -> [Finding]) throws -> AdmissionAnswer {
        ResourceAdmission.answer(try AdmissionRequest(decoding: review), check: check)
    }

    @Test func errorsRefuseWithEveryPath() throws {
        let answer = try answer(review(object: Collectors.bad), errors)
        #expect(!answer.isAllowed && answer.code == 422 && answer.reason == "Invalid")
        #expect(answer.message == "\n- spec.a: is wrong; mend it\n- spec.b: too")
        #expect(answer.causes.map(\.field) == ["spec.a", "spec.b"])
        let response = try #require(answer.review(uid: "u-1")["response"])
        #expect(response["uid"] == "u-1" && response["allowed"] == false)
        #expect(response.at("status", "details", "causes")?[0]?["field"] == "spec.a")
    }

    @Test func warningsAreToldAndRefuseNothing() throws {
        let answer = try answer(review(object: Collectors.good)) { _ in [Finding(.warning, rule: "w", path: "spec.w", message: "is doubtful")] }
        #expect(answer.isAllowed && answer.warnings == ["spec.w: is doubtful"])
        #expect(answer.review(uid: "x").at("response", "warnings") == ["spec.w: is doubtful"])
    }

    @Test func aDeleteIsAlwaysAllowed() throws { #expect(try answer(review("DELETE", object: nil, old: Collectors.bad), errors).isAllowed) }

    @Test func whatIsBeingDeletedMayLoseItsFinalizers() throws {
        var object = Collectors.bad
        object.set(["metadata", "deletionTimestamp"], to: "2026-01-01T00:00:00Z")
        #expect(try answer(review("UPDATE", object: object, old: Collectors.bad), errors).isAllowed)
    }

    @Test func anUpdateThatLeavesTheSpecAloneIsAllowedWithWarnings() throws {
        var object = Collectors.bad
        object.set(["metadata", "labels"], to: ["a": "b"])
        let answer = try answer(review("UPDATE", object: object, old: Collectors.bad), errors)
        #expect(answer.isAllowed && answer.warnings.count == 2)
        let changed = Collectors.changed(["spec", "replicas"], 3)
        #expect(try !self.answer(review("UPDATE", object: changed, old: Collectors.bad), errors).isAllowed)
    }

    @Test func theOneValidationDecides() throws {
        let good = try answer(review(object: Collectors.good)) { Validation.findings(collector: $0) }
        #expect(good.isAllowed, "\(good.message)")
        let bad = try answer(review(object: Collectors.bad)) { Validation.findings(collector: $0) }
        #expect(!bad.isAllowed)
        #expect(bad.message.contains("spec.config.service.pipelines.traces.receivers[0]") && bad.message.contains("did you mean otlp?"), "\(bad.message)")
    }

    @Test func aConversionThatFailedIsRefused() throws {
        let object = Collectors.changed(["metadata", "annotations"], [ConversionAnnotation.error: "line 3, column 1: broken"])
        let answer = try answer(review(object: object)) { Validation.findings(collector: $0) }
        #expect(!answer.isAllowed && answer.message.contains("spec.config: line 3, column 1: broken"))
    }

    @Test(
        arguments: [
            nil, [:], ["kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1beta1", "request": ["uid": "a", "operation": "CREATE"]],
            ["kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"],
            ["kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": ["uid": "", "operation": "CREATE"]],
            ["kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": ["uid": "a", "operation": "PATCH"]],
        ] as [JSONValue]) func whatIsNoReviewIsRefused(body: JSONValue)
    { #expect(throws: ReviewError.self) { try AdmissionRequest(decoding: body) } }

    // MARK: Warnings

    @Test func aLongWarningIsCut() {
        let text = AdmissionWarnings.bounded([String(repeating: "ä", count: 400)])[0]
        #expect(text.unicodeScalars.count == 256 && text.hasSuffix("…"))
    }

    @Test func lineBreaksBecomeSpaces() { #expect(AdmissionWarnings.bounded(["a\nb\u{7}c"]) == ["a b c"]) }

    @Test func moreThanTheLimitIsCounted() {
        let all = AdmissionWarnings.bounded((0..<100).map { "\($0) " + String(repeating: "x", count: 200) })
        #expect(all.map(\.unicodeScalars.count).reduce(0, +) <= 4096)
        #expect(all.last == "and \(100 - (all.count - 1)) more warnings: sonde validate prints all")
        #expect(AdmissionWarnings.bounded(["a", "b"]) == ["a", "b"])
    }
}
