// Events: created once, then a series, bounded for each object (docs/controllers.md rule 35).

import JSON
import Kubernetes
import Testing

@testable import KubernetesRuntime

@Suite struct EventTests {
    let subject = EventSubject(ObjectReference(.deployments, named("a")), uid: "u")
    let note = EventNote(.warning, reason: "Refused", action: "Apply", note: "no")

    static func at(_ seconds: Int) -> MonotonicTime { MonotonicTime(sinceOrigin: .seconds(seconds)) }
    let wallClock = Timestamp(secondsSinceEpoch: 1_767_225_600)

    func correlator() -> EventCorrelator { EventCorrelator(reportingController: "sonde.dev/operator", reportingInstance: "pod-1", seed: 1) }

    @Test func firstEventIsCreatedWithEverythingThatTheAPIWants() {
        var correlator = correlator()
        guard case .create(let event) = correlator.on(note, about: subject, now: Self.at(0), wallClock: wallClock) else {
            Issue.record("the first event is created")
            return
        }
        #expect(event["regarding"] == ["apiVersion": "apps/v1", "kind": "Deployment", "name": "a", "uid": "u", "namespace": "n"])
        #expect(event["eventTime"] == "2026-01-01T00:00:00.000000Z" && event["type"] == "Warning" && event["reason"] == "Refused" && event["action"] == "Apply")
        #expect(event["reportingController"] == "sonde.dev/operator" && event["reportingInstance"] == "pod-1")
        #expect(event.metadata.namespace == "n" && event.metadata.name.hasPrefix("a."))
    }

    @Test func repetitionBecomesASeriesOfTheSameEvent() {
        var correlator = correlator()
        guard case .create(let event) = correlator.on(note, about: subject, now: Self.at(0), wallClock: wallClock) else { return }
        for count in 2...5 {
            let expected: JSONValue = ["series": ["count": JSONValue(count), "lastObservedTime": "2026-01-01T00:00:00.000000Z"]]
            #expect(correlator.on(note, about: subject, now: Self.at(count), wallClock: wallClock) == .patch(event.metadata.objectName, expected))
        }
        guard case .create = correlator.on(note, about: subject, now: Self.at(500), wallClock: wallClock) else {
            Issue.record("after six quiet minutes it is a new event")
            return
        }
    }

    @Test func otherNotesAndOtherObjectsAreOtherEvents() {
        var correlator = correlator()
        let others = [
            (EventNote(.normal, reason: "Refused", action: "Apply", note: "no"), subject),
            (EventNote(.warning, reason: "Refused", action: "Apply", note: "other"), subject),
            (note, EventSubject(ObjectReference(.deployments, named("a")), uid: "another")), (note, subject),
        ]
        for (note, subject) in others {
            guard case .create = correlator.on(note, about: subject, now: Self.at(0), wallClock: wallClock) else {
                Issue.record("\(note) about \(subject) was taken for another one")
                return
            }
        }
    }

    @Test func noisyObjectIsLimitedAndQuietOnesAreNot() {
        var correlator = correlator()
        let actions = (0..<40).map {
            correlator.on(EventNote(.normal, reason: "R", action: "A", note: "\($0)"), about: subject, now: Self.at(0), wallClock: wallClock)
        }
        #expect(actions.count { $0 == .drop } == 15)
        let quietOne = EventSubject(ObjectReference(.deployments, named("b")), uid: "v")
        #expect(correlator.on(note, about: quietOne, now: Self.at(0), wallClock: wallClock) != .drop)
        #expect(correlator.on(note, about: subject, now: Self.at(301), wallClock: wallClock) != .drop, "one more every five minutes")
    }

    @Test func longNotesAreCut() {
        var correlator = correlator()
        let long = EventNote(.normal, reason: "R", action: "A", note: String(repeating: "é", count: 2000))
        guard case .create(let event) = correlator.on(long, about: subject, now: Self.at(0), wallClock: wallClock) else { return }
        let bytes = event["note"]?.string?.utf8.count ?? 0
        #expect(bytes <= 1024 && bytes > 900)
    }

    @Test func recorderSendsWhatIsQueuedBeforeItStops() async throws {
        let cluster = FakeCluster()
        let time = ManualTime()
        let recorder = EventRecorder(
            api: cluster, gate: .withoutElection(time: time), reportingController: "sonde.dev/operator", reportingInstance: "p", time: time, logger: quiet,
            seed: 1)
        recorder.record(note, about: subject)
        recorder.record(note, about: subject)
        recorder.stop()
        try await recorder.run()
        let requests = cluster.with { $0.writes }
        #expect(requests.map(\.method) == [.post, .patch])
        #expect(requests[1].path.hasPrefix("/apis/events.k8s.io/v1/namespaces/n/events/a."))
        let stored = cluster.with { $0.objects.values.first { $0.at("series", "count") == 2 } }
        #expect(stored != nil)
    }

    @Test func eventThatTheServerRefusesIsForgottenAndHarmsNobody() async throws {
        let cluster = FakeCluster()
        cluster.script { _ in KubernetesError(.forbidden, status: 403, message: "no") }
        let time = ManualTime()
        let recorder = EventRecorder(
            api: cluster, gate: .withoutElection(time: time), reportingController: "c", reportingInstance: "p", time: time, logger: quiet, seed: 1)
        for _ in 0..<(EventRecorder.pendingMax + 5) { recorder.record(note, about: subject) }
        recorder.stop()
        try await recorder.run()
        #expect(cluster.writeCount == 0 && cluster.with { $0.requests.allSatisfy { $0.method == .post } })
        #expect(cluster.with { $0.requests.count } == 25, "the object's limit holds for refused events too")
    }
}
