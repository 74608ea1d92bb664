// The exporter against a real HTTP server on the loopback interface.

import HTTPClient
import HTTPServer
import Logging
import OTLPMessages
import Synchronization
import Testing

@testable import OTLPExport

/// Answers requests from a list, the last answer for ever, and keeps what came.
private final class Receiver: Sendable {
    let requests = Mutex<[HTTPServerRequest]>([])
    private let answers: [HTTPServerResponse]

    init(_ answers: [HTTPServerResponse]) { self.answers = answers }

    func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
        let number = requests.withLock { requests in
            requests.append(request)
            return requests.count - 1
        }
        return answers[min(number, answers.count - 1)]
    }
}

@Suite struct MetricsExporterTests {
    static let request = MetricsRequest([
        ResourceMetrics(
            resource: Resource([Attribute("service.name", "cart")]), scope: Scope(name: "s", version: "1"),
            metrics: [
                Metric(
                    name: "m", unit: "1",
                    data: .gauge([NumberPoint(time: TimeSpan(startUnixNanoseconds: 0, endUnixNanoseconds: 1), value: .int(1))]))
            ])
    ])

    static var policy: ExportPolicy {
        var policy = ExportPolicy()
        policy.pauseMin = .milliseconds(2)
        policy.pauseMax = .milliseconds(4)
        return policy
    }

    /// Runs an exporter against a server that gives these answers, until it is closed and has sent everything.
    private static func export(
        _ answers: [HTTPServerResponse], destination change: (inout ExportDestination) -> Void = { _ in }, batches: Int = 1,
        closeWithin: Duration = .seconds(60)
    ) async throws -> (exporter: MetricsExporter, requests: [HTTPServerRequest], events: [ExportEvent]) {
        let receiver = Receiver(answers)
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, logger: Logger(label: "test")) { receiver.answer($0) }
        let client = HTTPClient()
        var destination = ExportDestination(endpoint: "http://127.0.0.1:\(server.port)")
        change(&destination)
        let events = EventList()
        let exporter = MetricsExporter(client: client, destination: destination, policy: policy) { events.append($0) }
        for _ in 0..<batches { exporter.enqueue(request) }
        exporter.close(within: closeWithin)
        await exporter.run()
        await client.shutdown()
        try await server.shutdown(grace: .milliseconds(10))
        return (exporter, receiver.requests.withLock { $0 }, events.all)
    }

    private final class EventList: Sendable {
        private let events = Mutex<[ExportEvent]>([])
        func append(_ event: ExportEvent) { events.withLock { $0.append(event) } }
        var all: [ExportEvent] { events.withLock { $0 } }
    }

    @Test func aRequestArrivesCompressedWithItsHeaders() async throws {
        let (exporter, requests, events) = try await Self.export([HTTPServerResponse(status: 200)]) { $0.headers = [("x-token", "secret")] }
        try #require(requests.count == 1)
        #expect(requests[0].method == "POST" && requests[0].path == "/v1/metrics")
        #expect(requests[0].header("content-type") == "application/x-protobuf" && requests[0].header("content-encoding") == "gzip")
        #expect(requests[0].header("x-token") == "secret")
        #expect(try Gzip.decompress(requests[0].body, maxBytes: 1 << 20) == Self.request.bytes())
        #expect(exporter.counts.exported == 1 && events == [.working])
    }

    @Test func withoutCompressionTheBytesArePlain() async throws {
        let (_, requests, _) = try await Self.export([HTTPServerResponse(status: 200)]) { $0.compression = .none }
        #expect(requests.map(\.body) == [Self.request.bytes()] && requests[0].header("content-encoding") == nil)
    }

    @Test func aBusyReceiverGetsTheSameBytesAgain() async throws {
        let busy = HTTPServerResponse(status: 503), wait = HTTPServerResponse(status: 429, headers: [("retry-after", "0")])
        let (exporter, requests, events) = try await Self.export([busy, wait, HTTPServerResponse(status: 200)])
        #expect(requests.count == 3 && Set(requests.map(\.body)).count == 1)
        #expect(exporter.counts.exported == 1 && exporter.counts.dropped.isEmpty)
        #expect(events.count == 2 && events.last == .working)
    }

    @Test func arefusedRequestIsNotSentAgain() async throws {
        let (exporter, requests, _) = try await Self.export([HTTPServerResponse(status: 400)])
        #expect(requests.count == 1 && exporter.counts.dropped == ["http_400": 1])
    }

    @Test func logsTakeTheSameWayToTheirOwnAddressAndAreCountedApart() async throws {
        let receiver = Receiver([HTTPServerResponse(status: 200), HTTPServerResponse(status: 400)])
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, logger: Logger(label: "test")) { receiver.answer($0) }
        let client = HTTPClient()
        let exporter = MetricsExporter(client: client, destination: ExportDestination(endpoint: "http://127.0.0.1:\(server.port)"), policy: Self.policy) { _ in
        }
        let record = LogRecord(eventName: "process.crash", unixNanoseconds: 1, observedUnixNanoseconds: 2, severity: .error, body: "b")
        let logs = LogsRequest([ResourceLogs(resource: Resource([]), scope: Scope(name: "s", version: "1"), records: [record, record])])
        exporter.enqueue(LogsRequest([]))
        exporter.enqueue(Self.request)
        exporter.enqueue(logs)
        exporter.close(within: .seconds(60))
        await exporter.run()
        await client.shutdown()
        try await server.shutdown(grace: .milliseconds(10))
        let requests = receiver.requests.withLock { $0 }
        #expect(requests.map(\.path) == ["/v1/metrics", "/v1/logs"])
        #expect(try Gzip.decompress(requests[1].body, maxBytes: 1 << 20) == logs.bytes())
        #expect(exporter.counts.exported == 1 && exporter.counts.dropped.isEmpty)
        #expect(exporter.logCounts.seen == 2 && exporter.logCounts.exported == 0 && exporter.logCounts.dropped == ["http_400": 2])
    }

    @Test func rejectedPointsAreReported() async throws {
        let answer = HTTPServerResponse(status: 200, body: .bytes([0x0a, 6, 0x08, 1, 0x12, 2, 0x6e, 0x6f]))
        let (exporter, _, events) = try await Self.export([answer])
        #expect(exporter.counts.dropped == ["rejected": 1] && events == [.partlyRejected(points: 1, message: "no")])
    }

    @Test func aDeadReceiverIsOneEventAndTheRestIsCountedAtTheDeadline() async throws {
        let client = HTTPClient()
        let (events, told) = AsyncStream.makeStream(of: ExportEvent.self)
        // Port 1 has no listener.
        let exporter = MetricsExporter(client: client, destination: ExportDestination(endpoint: "http://127.0.0.1:1"), policy: Self.policy) { told.yield($0) }
        for _ in 0..<3 { exporter.enqueue(Self.request) }
        async let running: Void = exporter.run()
        let first = await events.first { _ in true }
        exporter.close(within: .milliseconds(60))
        await running
        await client.shutdown()
        told.finish()
        guard case .waiting(let failure) = first else { return #expect(Bool(false), "\(String(describing: first))") }
        #expect(failure.reason == "refused")
        #expect(await events.first { _ in true } == nil, "it is told once")
        #expect(exporter.counts.dropped == ["shutdown": 3] && exporter.counts.seen == 3)
    }

    @Test func aReceiverThatNeverAnswersDoesNotHoldTheEndUp() async throws {
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, logger: Logger(label: "test")) { _ in
            await Wakeup().wait()
            return HTTPServerResponse(status: 200)
        }
        let client = HTTPClient()
        let exporter = MetricsExporter(client: client, destination: ExportDestination(endpoint: "http://127.0.0.1:\(server.port)")) { _ in }
        exporter.enqueue(Self.request)
        let began = ContinuousClock.now
        async let running: Void = exporter.run()
        exporter.close(within: .milliseconds(80))
        await running
        #expect(ContinuousClock.now - began < .seconds(9))
        #expect(exporter.counts.dropped == ["shutdown": 1])
        await client.shutdown()
        try await server.shutdown(grace: .milliseconds(10))
    }

    @Test func whatWaitsGoesToANewDestination() async throws {
        let receiver = Receiver([HTTPServerResponse(status: 200)])
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, logger: Logger(label: "test")) { receiver.answer($0) }
        let client = HTTPClient()
        let exporter = MetricsExporter(client: client, destination: ExportDestination(endpoint: "http://127.0.0.1:1"), policy: Self.policy) { _ in }
        exporter.enqueue(Self.request)
        exporter.update(ExportDestination(endpoint: "http://127.0.0.1:\(server.port)"))
        exporter.close(within: .seconds(5))
        await exporter.run()
        #expect(receiver.requests.withLock { $0.count } == 1)
        await client.shutdown()
        try await server.shutdown(grace: .milliseconds(10))
    }

    @Test func nothingIsSentForARequestWithoutPoints() async throws {
        let client = HTTPClient()
        let exporter = MetricsExporter(client: client, destination: ExportDestination(endpoint: "http://127.0.0.1:1")) { _ in }
        exporter.enqueue(MetricsRequest([]))
        #expect(exporter.waitingCount == 0)
        await client.shutdown()
    }
}
