// Asks agents for their status over HTTP: one GET to a pod's address, a short deadline, a bounded answer.
// OperatorProcess hands it to the operator.
// It never follows a redirect, never uses a proxy, sends nothing that is secret, and trusts nothing that comes back.

import HTTPClient
import Operator
import SondeAPI

struct HTTPAgentStatusSource: AgentStatusSource {
    static let timeout: Duration = .seconds(3)
    private static let connectionsMax = 32

    private let client: HTTPClient

    init() {
        var settings = HTTPClient.Configuration()
        settings.proxy = ""  // A pod's address is inside the cluster, whatever the operator's environment says.
        settings.connectTimeout = Self.timeout
        settings.maxConnections = Self.connectionsMax
        settings.maxIdleConnections = 1  // Agents close the connection after each answer.
        settings.threadName = "agent-status"
        client = HTTPClient(settings)
    }

    func status(at address: AgentAddress) async throws -> AgentStatus { try await status(ofServer: "\(address)") }

    /// - Parameter server: `host:port`.
    func status(ofServer server: String) async throws -> AgentStatus {
        let request = HTTPRequest(
            url: "http://\(server)\(AgentStatus.path)", headers: [("accept", "application/json")], timeout: Self.timeout,
            maxResponseBytes: AgentStatus.sizeBytesMax)
        let response: HTTPResponse
        do {
            response = try await client.send(request)
        } catch let error as HTTPError {
            throw AgentSilence(Self.reason(error.code))
        }
        guard response.status == 200 else { throw AgentSilence("the answer is HTTP \(response.status)") }
        do {
            return try AgentStatus(parsing: response.body)
        } catch {
            throw AgentSilence(UntrustedText.clean(error.description, maxBytes: 120))
        }
    }

    func shutdown() async { await client.shutdown() }

    /// Without the address, so that nodes with the same trouble are counted together.
    private static func reason(_ code: HTTPError.Code) -> String {
        switch code {
        case .refused: "no connection is accepted"
        case .timeout: "no answer within 3 s"
        case .tooLarge: "the answer is longer than an agent's"
        case .broken: "the connection broke before the answer was complete"
        case .otherProtocol: "what answers is no agent"
        case .resolve, .tls, .invalidRequest, .shutDown: "the question could not be sent (\(code.rawValue))"
        }
    }
}
