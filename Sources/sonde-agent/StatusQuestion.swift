// `sonde-agent status`: asks the agent that runs here what it answers at /status.
// SondeAgent runs it as a process of its own, as in `kubectl exec POD -- /sonde-agent status`.
// It never changes the agent, and needs no right beyond a connection.

import HTTPClient
import SondeAPI

struct StatusQuestion {
    /// Nobody answered, or nobody of ours.
    struct Failure: Error {
        let message: String
    }

    static let usualTimeout = Duration.seconds(3)

    let url: String
    private let timeout: Duration

    /// - Parameters:
    ///   - statusAddress: Where the agent binds its port, as in its environment; nil and `*` mean that loopback leads to it.
    ///   - timeout: For the whole question.
    init(statusAddress: String?, port: Int, timeout: Duration = usualTimeout) {
        self.timeout = timeout
        let address = statusAddress.flatMap { $0.isEmpty || $0 == "*" ? nil : $0 } ?? "127.0.0.1"
        url = "http://\(address.contains(":") ? "[\(address)]" : address):\(port)\(AgentStatus.path)"
    }

    func ask() async throws(Failure) -> AgentStatus {
        var settings = HTTPClient.Configuration()
        settings.proxy = ""
        settings.connectTimeout = timeout
        let client = HTTPClient(settings)
        let answer: Result<HTTPResponse, any Error>
        do {
            answer = .success(try await client.send(HTTPRequest(url: url, timeout: timeout, maxResponseBytes: AgentStatus.sizeBytesMax)))
        } catch {
            answer = .failure(error)
        }
        await client.shutdown()
        switch answer {
        case .failure(let error): throw Failure(message: "no agent answers at \(url): \(error)")
        case .success(let response):
            guard response.status == 200 else { throw Failure(message: "\(url) answers HTTP \(response.status)") }
            do throws(AgentStatusError) {
                return try AgentStatus(parsing: response.body)
            } catch {
                throw Failure(message: "\(url): \(error)")
            }
        }
    }
}
