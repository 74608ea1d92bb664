// Status objects and watch events: what servers send and what is read from it.

import JSON
import Kubernetes
import Testing

@Suite struct StatusTests {
    static let codes: [(reason: String, http: Int, code: KubernetesError.Code, retry: KubernetesError.Retry)] = [
        ("BadRequest", 400, .badRequest, .never), ("Unauthorized", 401, .unauthorized, .backoff), ("Forbidden", 403, .forbidden, .backoff),
        ("NotFound", 404, .notFound, .backoff), ("AlreadyExists", 409, .alreadyExists, .backoff), ("Conflict", 409, .conflict, .backoff),
        ("Gone", 410, .gone, .backoff), ("Expired", 410, .gone, .backoff), ("Invalid", 422, .invalid, .never),
        ("TooManyRequests", 429, .tooManyRequests, .backoff),
        ("InternalError", 500, .internalError, .backoff), ("ServerTimeout", 500, .timeout, .backoff),
        ("ServiceUnavailable", 503, .serviceUnavailable, .backoff),
        ("Timeout", 504, .timeout, .backoff), ("", 404, .notFound, .backoff), ("", 418, .badRequest, .never), ("", 599, .internalError, .backoff),
        ("NeverHeardOf", 409, .conflict, .backoff),
    ]

    @Test(arguments: codes) func statusBecomesCodeAndRetry(_ row: (reason: String, http: Int, code: KubernetesError.Code, retry: KubernetesError.Retry)) {
        let error = KubernetesError(
            statusObject: ["kind": "Status", "message": "m", "reason": .string(row.reason), "code": JSONValue(row.http)], httpStatus: row.http)
        #expect(error.code == row.code)
        #expect(error.retry == row.retry)
        #expect(error.message == "m")
    }

    @Test func causesAndRetryAfterAreRead() {
        let status: JSONValue = [
            "reason": "Invalid", "message": "bad",
            "details": ["retryAfterSeconds": 7, "causes": [["reason": "FieldValueInvalid", "message": "field is immutable", "field": "spec.selector"]]],
        ]
        let error = KubernetesError(statusObject: status, httpStatus: 422)
        #expect(error.causes == [KubernetesError.Cause(reason: "FieldValueInvalid", message: "field is immutable", field: "spec.selector")])
        #expect(error.retryAfter == .seconds(7))
        #expect(KubernetesError(statusObject: status, httpStatus: 422, retryAfter: .seconds(2)).retryAfter == .seconds(2))
    }

    @Test func statusRoundTrips() {
        let error = KubernetesError(
            .tooManyRequests, status: 429, reason: "TooManyRequests", message: "slow down", causes: [.init(reason: "a", message: "b", field: "c")],
            retryAfter: .seconds(3))
        #expect(KubernetesError(statusObject: error.statusObject) == error)
        #expect(error.statusObject["kind"] == "Status")
        #expect(KubernetesError(.gone, message: "old").statusObject["reason"] == "Expired")
        #expect(KubernetesError(.gone, message: "old").statusObject["code"] == 410)
    }

    @Test func anythingElseKeepsTheHTTPStatus() {
        let error = KubernetesError(statusObject: "<html>", httpStatus: 503)
        #expect(error.code == .serviceUnavailable)
        #expect(error.message.contains("503"))
    }

    @Test func tooLargeVersionIsRecognised() {
        let status: JSONValue = [
            "reason": "Timeout", "code": 504, "message": "Timeout: Too large resource version: 9, current: 5",
            "details": ["causes": [["reason": "ResourceVersionTooLarge"]]],
        ]
        #expect(KubernetesError(statusObject: status).isTooLargeResourceVersion)
        #expect(!KubernetesError(.timeout, message: "slow").isTooLargeResourceVersion)
    }
}

@Suite struct WatchEventTests {
    static let object: JSONValue = ["metadata": ["name": "a", "resourceVersion": "5"]]

    static let lines: [(line: String, event: WatchEvent?, why: String)] = [
        (#"{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"5"}}}"#, .added(object), "added"),
        (#"{"type":"MODIFIED","object":{"metadata":{"name":"a","resourceVersion":"5","managedFields":[{}]}}}"#, .modified(object), "managedFields are dropped"),
        (#"{"type":"DELETED","object":{"metadata":{"name":"a","resourceVersion":"5"}}}"#, .deleted(object), "deleted"),
        (#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}"#, .bookmark(resourceVersion: "9", isInitialEventsEnd: false), "bookmark"),
        (
            #"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9","annotations":{"k8s.io/initial-events-end":"true"}}}}"#,
            .bookmark(resourceVersion: "9", isInitialEventsEnd: true), "the end of the initial events"
        ),
        (
            #"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#,
            .failed(KubernetesError(.gone, status: 410, reason: "Expired", message: "too old")), "410 inside the stream"
        ),
        (#"{"type":"ADDED","object":{"metadata":{}}}"#, nil, "an object without a name"),
        (#"{"type":"ADDED"}"#, nil, "no object"), (#"{"type":"SYNC","object":{}}"#, nil, "an unknown type"),
        (#"{"type":"BOOKMARK","object":{}}"#, nil, "a bookmark without a version"),
        (#"{"type":"ADD"#, nil, "half a line"), ("", nil, "an empty line"), ("[1]", nil, "no object at all"),
    ]

    @Test(arguments: lines) func lineDecodes(_ row: (line: String, event: WatchEvent?, why: String)) {
        let event = WatchEvent(line: Array(row.line.utf8))
        if let expected = row.event {
            #expect(event == expected, "\(row.why)")
        } else if case .undecodable = event {
        } else {
            Issue.record("\(row.why) became \(event)")
        }
    }

    @Test func encodedEventsDecodeToThemselves() {
        let events: [WatchEvent] = [
            .added(Self.object), .modified(Self.object), .deleted(Self.object), .bookmark(resourceVersion: "4", isInitialEventsEnd: true),
            .failed(KubernetesError(.gone, status: 410, reason: "Expired", message: "m")),
        ]
        for event in events { #expect(WatchEvent(decoding: event.jsonValue(type: .configMaps)) == event) }
    }
}
