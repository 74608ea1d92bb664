// The exporter against a real gRPC server on the loopback interface, and against servers that are none.

import Foundation
import HTTPClient
import HTTPServer
import Logging
import OTLPMessages
import Synchronization
import TestSupport
import Testing

@testable import OTLPExport

/// One after the other: each starts a Python process.
@Suite(.serialized) struct GRPCExportTests {
    static let request = MetricsExporterTests.request

    /// Half a megabyte that gzip cannot make small: many times what HTTP/2 lets a client send at first (65 535 bytes).
    static func largeRequest() -> MetricsRequest {
        var numbers = SystemRandomNumberGenerator()
        let points = (0..<16_000).map { _ in
            NumberPoint(time: TimeSpan(startUnixNanoseconds: numbers.next(), endUnixNanoseconds: numbers.next()), value: .int(Int64.random(in: 0...(.max))))
        }
        return MetricsRequest([
            ResourceMetrics(
                resource: Resource([Attribute("service.name", "cart")]), scope: Scope(name: "s", version: "1"),
                metrics: [Metric(name: "large", unit: "1", data: .gauge(points))])
        ])
    }

    struct Result {
        var exporter: MetricsExporter
        var events: [ExportEvent]
    }

    private static func client(proxy: String) -> HTTPClient {
        var settings = HTTPClient.Configuration()
        settings.maxConnections = 1
        settings.maxIdleConnections = 1
        settings.proxy = proxy
        return HTTPClient(settings)
    }

    /// Runs an exporter until it has sent everything.
    static func export(
        to endpoint: String, proxy: String = "", destination change: (inout ExportDestination) -> Void = { _ in },
        enqueue: (MetricsExporter) -> Void = { $0.enqueue(request) }
    ) async -> Result {
        let client = client(proxy: proxy)
        var destination = ExportDestination(endpoint: endpoint, transport: .grpc)
        change(&destination)
        let events = Mutex<[ExportEvent]>([])
        let exporter = MetricsExporter(client: client, destination: destination, policy: MetricsExporterTests.policy) { event in
            events.withLock { $0.append(event) }
        }
        enqueue(exporter)
        exporter.close(within: .seconds(20))
        await exporter.run()
        await client.shutdown()
        return Result(exporter: exporter, events: events.withLock { $0 })
    }

    /// What the first try that fails says.
    static func firstFailure(at endpoint: String, destination change: (inout ExportDestination) -> Void = { _ in }) async throws -> ExportFailure {
        let client = client(proxy: "")
        var destination = ExportDestination(endpoint: endpoint, transport: .grpc)
        change(&destination)
        let (events, continuation) = AsyncStream.makeStream(of: ExportEvent.self)
        let exporter = MetricsExporter(client: client, destination: destination) { continuation.yield($0) }
        exporter.enqueue(request)
        async let running: Void = exporter.run()
        var first: ExportFailure?
        for await event in events {
            first = failure([event])
            break
        }
        exporter.close(within: .zero)
        await running
        await client.shutdown()
        return try #require(first)
    }

    private static func failure(_ events: [ExportEvent]) -> ExportFailure? {
        switch events.first {
        case .waiting(let failure), .refused(let failure): failure
        default: nil
        }
    }

    // MARK: What arrives

    @Test(arguments: [ExportDestination.Compression.gzip, .none]) func metricsAndLogsArrive(compression: ExportDestination.Compression)
        async throws
    {
        let receiver = try await GRPCReceiver.start()
        let record = LogRecord(eventName: "process.crash", unixNanoseconds: 1, observedUnixNanoseconds: 2, severity: .error, body: "b")
        let large = Self.largeRequest()
        let result = await Self.export(to: "http://127.0.0.1:\(receiver.port)") {
            $0.headers = [("X-Token", "secret")]
            $0.compression = compression
            $0.userAgent = "sonde-agent/1"
        } enqueue: { exporter in
            exporter.enqueue(Self.request)
            exporter.enqueue(LogsRequest([ResourceLogs(resource: Resource([]), scope: Scope(name: "s", version: "1"), records: [record])]))
            exporter.enqueue(large)
        }
        let calls = try await receiver.stop()
        #expect(calls.map(\.service) == ["metrics", "logs", "metrics"] && calls.map(\.names) == [["m"], ["process.crash"], ["large"]])
        #expect(calls.last?.bytes == large.bytes().count)
        #expect(calls.allSatisfy { $0.metadata["x-token"] == "secret" && $0.metadata["user-agent"] == "sonde-agent/1" })
        #expect(result.events == [.working] && result.exporter.counts.exported == 16_001 && result.exporter.logCounts.exported == 1)
    }

    // MARK: What the receiver says

    @Test func aBusyReceiverGetsTheBatchAgain() async throws {
        var settings = GRPCReceiver.Settings()
        settings.answers = [
            .init(code: "UNAVAILABLE", message: "später", retryDelayMs: 3), .init(code: "RESOURCE_EXHAUSTED", retryDelayMs: 2), .init(code: "ABORTED"), .init(),
        ]
        let receiver = try await GRPCReceiver.start(settings)
        let result = await Self.export(to: "http://127.0.0.1:\(receiver.port)")
        let calls = try await receiver.stop()
        #expect(calls.count == 4)
        #expect(result.exporter.counts.exported == 1 && result.exporter.counts.dropped.isEmpty)
        #expect(result.events.count == 2 && result.events.last == .working)
        #expect(Self.failure(result.events)?.message.contains("UNAVAILABLE: später.") == true)
    }

    @Test func aRefusalIsFinalAndCounted() async throws {
        var settings = GRPCReceiver.Settings()
        settings.answers = [.init(code: "UNAUTHENTICATED", message: "who?"), .init(code: "RESOURCE_EXHAUSTED"), .init()]
        let receiver = try await GRPCReceiver.start(settings)
        let result = await Self.export(to: "http://127.0.0.1:\(receiver.port)", enqueue: { for _ in 0..<3 { $0.enqueue(Self.request) } })
        #expect(try await receiver.stop().count == 3)
        #expect(result.exporter.counts.exported == 1 && result.exporter.counts.dropped == ["grpc_unauthenticated": 1, "grpc_resource_exhausted": 1])
        #expect(Self.failure(result.events)?.message.contains("UNAUTHENTICATED: who?. Check the headers") == true)
    }

    @Test func rejectedPointsAreCounted() async throws {
        var settings = GRPCReceiver.Settings()
        settings.answers = [.init(message: "too old", rejected: 1)]
        let receiver = try await GRPCReceiver.start(settings)
        let result = await Self.export(to: "http://127.0.0.1:\(receiver.port)")
        _ = try await receiver.stop()
        #expect(result.exporter.counts.dropped == ["rejected": 1] && result.events == [.partlyRejected(points: 1, message: "too old")])
    }

    /// The server answers before it has read the message, and without a message of its own.
    @Test func aMessageAboveTheReceiversLimitIsRefused() async throws {
        var settings = GRPCReceiver.Settings()
        settings.receiveBytesMax = 100_000
        let receiver = try await GRPCReceiver.start(settings)
        let result = await Self.export(to: "http://127.0.0.1:\(receiver.port)", destination: { $0.compression = .none }) { $0.enqueue(Self.largeRequest()) }
        #expect(try await receiver.stop().isEmpty)
        #expect(result.exporter.counts.dropped == ["grpc_resource_exhausted": 16_000])
        #expect(Self.failure(result.events)?.message.contains("seriesTotal") == true)
    }

    @Test func aReceiverWithoutTheServiceSaysSo() async throws {
        var settings = GRPCReceiver.Settings()
        settings.services = ["logs"]
        let receiver = try await GRPCReceiver.start(settings)
        let result = await Self.export(to: "http://127.0.0.1:\(receiver.port)")
        _ = try await receiver.stop()
        #expect(result.exporter.counts.dropped == ["grpc_unimplemented": 1])
        #expect(Self.failure(result.events)?.message.contains("no OTLP service for metrics") == true)
    }

    // MARK: Receivers that go away

    @Test func aReceiverThatStartsAnewGetsEverything() async throws {
        var settings = GRPCReceiver.Settings()
        let first = try await GRPCReceiver.start(settings)
        settings.port = first.port
        let client = HTTPClient()
        let exporter = MetricsExporter(
            client: client, destination: ExportDestination(endpoint: "http://127.0.0.1:\(first.port)", transport: .grpc), policy: MetricsExporterTests.policy
        ) { _ in
        }
        async let running: Void = exporter.run()
        exporter.enqueue(Self.request)
        while exporter.counts.exported < 1 { await Task.yield() }
        // The idle connection dies with it, and two batches find nobody.
        #expect(try await first.stop().count == 1)
        exporter.enqueue(Self.request)
        exporter.enqueue(Self.request)
        let second = try await GRPCReceiver.start(settings)
        exporter.close(within: .seconds(20))
        await running
        #expect(try await second.stop().count == 2)
        #expect(exporter.counts.exported == 3 && exporter.counts.dropped.isEmpty)
        await client.shutdown()
    }

    /// Over TLS, where connections are kept.
    @Test func aCallWithoutAnAnswerLeavesItsConnection() async throws {
        let certificates = try Certificates.shared.get()
        var settings = GRPCReceiver.Settings()
        settings.answers = [.init(), .init(code: "HANG"), .init()]
        settings.certificates = certificates.folder
        let receiver = try await GRPCReceiver.start(settings)
        var policy = MetricsExporterTests.policy
        policy.tryTimeout = .milliseconds(700)
        let client = Self.client(proxy: "")
        let tls = TLSConfiguration(
            caFile: certificates.path("ca.crt"), clientCertificateFile: certificates.path("client.crt"), clientKeyFile: certificates.path("client.key"))
        let destination = ExportDestination(endpoint: "https://127.0.0.1:\(receiver.port)", transport: .grpc, tls: tls)
        let exporter = MetricsExporter(client: client, destination: destination, policy: policy) { _ in }
        for _ in 0..<2 { exporter.enqueue(Self.request) }
        exporter.close(within: .seconds(20))
        await exporter.run()
        await client.shutdown()
        let peers = try await receiver.stop().map(\.peer)
        #expect(peers.count == 3 && peers[0] == peers[1] && peers[1] != peers[2])
        #expect(exporter.counts.exported == 2)
    }

    @Test func whatWaitsGoesToANewDestinationOfTheOtherProtocol() async throws {
        let receiver = try await GRPCReceiver.start()
        let result = await Self.export(to: "http://127.0.0.1:1", destination: { $0.transport = .http }) { exporter in
            exporter.enqueue(Self.request)
            exporter.update(ExportDestination(endpoint: "http://127.0.0.1:\(receiver.port)", transport: .grpc))
        }
        #expect(try await receiver.stop().count == 1)
        #expect(result.exporter.counts.exported == 1)
    }

    // MARK: Servers that are none

    @Test func theHTTPPortOfAReceiverIsOneClearMessage() async throws {
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, logger: Logger(label: "test")) { _ in HTTPServerResponse(status: 200) }
        let failure = try await Self.firstFailure(at: "http://127.0.0.1:\(server.port)")
        try await server.shutdown(grace: .zero)
        #expect(failure.reason == "otherProtocol" && failure.message.contains("4317") && failure.message.contains("HTTPProtobuf"), "\(failure)")
    }

    @Test func theGRPCPortOfAReceiverIsOneClearMessageToo() async throws {
        let receiver = try await GRPCReceiver.start()
        let failure = try await Self.firstFailure(at: "http://127.0.0.1:\(receiver.port)") { $0.transport = .http }
        #expect(try await receiver.stop().isEmpty)
        #expect(failure.reason == "otherProtocol" && failure.message.contains("4318") && failure.message.contains("protocol is GRPC"), "\(failure)")
    }

    // MARK: TLS

    @Test func theClientsCertificateIsAskedForAndTheConnectionIsKept() async throws {
        let certificates = try Certificates.shared.get()
        var settings = GRPCReceiver.Settings()
        settings.certificates = certificates.folder
        let receiver = try await GRPCReceiver.start(settings)
        let tls = TLSConfiguration(
            caFile: certificates.path("ca.crt"), clientCertificateFile: certificates.path("client.crt"), clientKeyFile: certificates.path("client.key"))
        var named = tls
        named.serverName = "otlp.test"
        var unchecked = tls
        unchecked.caFile = certificates.path("client.crt")
        unchecked.insecureSkipVerify = true
        for tls in [tls, named, unchecked] {
            let result = await Self.export(to: "https://127.0.0.1:\(receiver.port)", destination: { $0.tls = tls }) { exporter in
                for _ in 0..<3 { exporter.enqueue(Self.request) }
            }
            #expect(result.events == [.working])
        }
        let peers = try await receiver.stop().map(\.peer)
        #expect(peers.count == 9 && Set(peers).count == 3, "each client has one connection for its three exports")
    }

    @Test func doubtsAboutCertificatesAreOneClearMessage() async throws {
        let certificates = try Certificates.shared.get()
        var settings = GRPCReceiver.Settings()
        settings.certificates = certificates.folder
        let receiver = try await GRPCReceiver.start(settings)
        let tls = TLSConfiguration(
            caFile: certificates.path("ca.crt"), clientCertificateFile: certificates.path("client.crt"), clientKeyFile: certificates.path("client.key"))
        var otherName = tls, otherCA = tls, nobody = tls
        otherName.serverName = "other.test"
        otherCA.caFile = certificates.path("client.crt")
        nobody.clientCertificateFile = nil
        nobody.clientKeyFile = nil
        for (tls, what) in [(otherName, "another name"), (otherCA, "another authority"), (nobody, "no client certificate")] {
            let failure = try await Self.firstFailure(at: "https://127.0.0.1:\(receiver.port)") { $0.tls = tls }
            let says = failure.message.contains("Check the CA certificate, the client certificate and key, and the server name")
            #expect(failure.reason == "tls" && says, "\(what): \(failure)")
        }
        #expect(try await receiver.stop().isEmpty)
    }

    // MARK: Proxies

    @Test func aProxyIsTunnelledThrough() async throws {
        let receiver = try await GRPCReceiver.start()
        let proxy = try TunnelProxy()
        let endpoint = "http://127.0.0.1:\(receiver.port)"
        let result = await Self.export(to: endpoint, proxy: "http://127.0.0.1:\(proxy.port)", enqueue: { for _ in 0..<2 { $0.enqueue(Self.request) } })
        #expect(result.events == [.working])
        #expect(proxy.requests == [String](repeating: "CONNECT 127.0.0.1:\(receiver.port) HTTP/1.1", count: 2))
        #expect(try await receiver.stop().count == 2)
    }
}
