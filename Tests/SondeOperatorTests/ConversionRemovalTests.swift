// An operator without conversion: what it takes away, how often it tries, what it says.
// The API server is the one in the process; time is moved by hand.
// It never concerns whose conversion it is: AdmissionTests do.

import Admission
import JSON
import Kubernetes
import KubernetesRuntime
import KubernetesTestServer
import Logging
import SondeAPI
import Synchronization
import Testing

@testable import sonde_operator

/// Keeps what is logged.
private final class Lines: Sendable {
    private let all = Mutex<[Logger.Level]>([])
    var levels: [Logger.Level] { all.withLock { $0 } }

    var logger: Logger {
        Logger(label: "test") { [self] _ in Handler(lines: self) }
    }

    private struct Handler: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) { lines.all.withLock { $0.append(event.level) } }
    }
}

@Suite struct ConversionRemovalTests {
    private static let definition = ObjectName(namespace: nil, name: "opentelemetrycollectors.opentelemetry.io")

    /// A server whose definition has a conversion of ours.
    private func server() async throws -> TestAPIServer {
        let api = TestAPIServer()
        try await api.create(.customResourceDefinitions, CustomResourceDefinitions.openTelemetryCollector)
        _ = await WebhookRegistration(api: api, address: .url("https://127.0.0.1:9443"), name: "sonde").update(bundle: "x")
        return api
    }

    private func strategy(_ api: TestAPIServer) async throws -> JSONValue? {
        try await api.get(.customResourceDefinitions, Self.definition).at("spec", "conversion", "strategy")
    }

    @Test func theConversionIsTakenAwayInSilence() async throws {
        let (api, lines) = (try await server(), Lines())
        #expect(try await strategy(api) == "Webhook")
        try await ConversionRemoval(api: api, namespace: "sonde", time: ManualTime(), logger: lines.logger).run()
        #expect(try await strategy(api) == "None")
        #expect(lines.levels == [])
    }

    @Test func aFailureIsToldOnceAndTriedAgainEachMinute() async throws {
        let (api, time, lines) = (try await server(), ManualTime(), Lines())
        api.faults.add(.tooManyRequests(retryAfterSeconds: 1, verb: "patch", pathContains: "customresourcedefinitions", count: 3))
        let removal = ConversionRemoval(api: api, namespace: "sonde", time: time, logger: lines.logger)
        async let end: Void = removal.run()
        for _ in 0..<3 {
            await time.waitForSleepers()
            #expect(try await strategy(api) == "Webhook")
            time.advance(by: .seconds(60))
        }
        try await end
        #expect(try await strategy(api) == "None")
        #expect(lines.levels == [.warning])
    }

    @Test func withoutTheRightThereIsOneQuietLine() async throws {
        let (api, lines) = (try await server(), Lines())
        api.faults.add(.forbidden(verb: "patch", pathContains: "customresourcedefinitions"))
        try await ConversionRemoval(api: api, namespace: "sonde", time: ManualTime(), logger: lines.logger).run()
        #expect(try await strategy(api) == "Webhook")
        #expect(lines.levels == [.debug])
    }
}
