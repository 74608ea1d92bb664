// Reads collectors' own metrics over HTTP: one GET to a pod's address, a short deadline, a bounded answer.
// OperatorProcess hands it to the operator.
// It never follows a redirect, never uses a proxy, sends nothing that is secret, and trusts nothing that comes back.

import HTTPClient
import Operator

struct HTTPCollectorMetricsSource: CollectorMetricsSource {
    static let timeout: Duration = .seconds(3)
    private static let connectionsMax = 16

    private let client: HTTPClient

    init() {
        var settings = HTTPClient.Configuration()
        settings.proxy = ""  // A pod's address is inside the cluster, whatever the operator's environment says.
        settings.connectTimeout = Self.timeout
        settings.maxConnections = Self.connectionsMax
        settings.maxIdleConnections = 1  // The next question to a pod comes half a minute later.
        settings.threadName = "collector-health"
        client = HTTPClient(settings)
    }

    func metrics(at address: AgentAddress) async throws -> [UInt8] { try await metrics(ofServer: "\(address)") }

    /// - Parameter server: `host:port`.
    func metrics(ofServer server: String) async throws -> [UInt8] {
        let request = HTTPRequest(
            url: "http://\(server)\(CollectorMetrics.path)", headers: [("accept", "text/plain; version=0.0.4")], timeout: Self.timeout,
            maxResponseBytes: CollectorMetrics.sizeBytesMax)
        let response: HTTPResponse
        do {
            response = try await client.send(request)
        } catch let error as HTTPError {
            throw CollectorSilence(Self.reason(error.code))
        }
        guard response.status == 200 else { throw CollectorSilence("the answer is HTTP \(response.status)") }
        return response.body
    }

    func shutdown() async { await client.shutdown() }

    /// Without the address, so that one trouble has one text.
    private static func reason(_ code: HTTPError.Code) -> String {
        switch code {
        case .refused: "no connection is accepted"
        case .timeout: "no answer within 3 s"
        case .tooLarge: "the answer is longer than 2 MiB"
        case .broken: "the connection broke before the answer was complete"
        case .otherProtocol: "what answers does not speak HTTP"
        case .resolve, .tls, .invalidRequest, .shutDown: "the question could not be sent (\(code.rawValue))"
        }
    }
}
