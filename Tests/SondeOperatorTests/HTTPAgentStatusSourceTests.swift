// Asking an agent over real sockets, and what servers that are no agents get said about them.
// Every test starts its own server on loopback.
// It never uses the network beyond it.

import Foundation
import HTTPServer
import JSON
import Logging
import Operator
import SondeAPI
import Testing

@testable import sonde_operator

@Suite(.serialized) struct HTTPAgentStatusSourceTests {
    private static let status = AgentStatus(
        node: "n1", version: "1", kernelRelease: "6.1", signals: [.init(name: "tcp", metrics: [.init(name: "a", state: .active)])])

    private static func ask(_ handler: @escaping HTTPServer.Handler) async throws -> Result<AgentStatus, AgentSilence> {
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, logger: Logger(label: "test"), handler: handler)
        let source = HTTPAgentStatusSource()
        let answer = try await ask(source, "127.0.0.1:\(server.port)")
        await source.shutdown()
        try await server.shutdown(grace: .zero)
        return answer
    }

    private static func ask(_ source: HTTPAgentStatusSource, _ server: String) async throws -> Result<AgentStatus, AgentSilence> {
        do {
            return .success(try await source.status(ofServer: server))
        } catch let error as AgentSilence {
            return .failure(error)
        }
    }

    @Test func anAgentsAnswerIsRead() async throws {
        let answer = try await Self.ask { request in
            #expect(request.method == "GET" && request.path == "/status")
            return HTTPServerResponse(status: 200, headers: [("content-type", "application/json")], body: .bytes(Self.status.document.bytes()))
        }
        #expect(answer == .success(Self.status))
    }

    @Test func aRedirectIsNotFollowed() async throws {
        let answer = try await Self.ask { request in
            #expect(request.path == "/status", "the redirect was followed")
            return HTTPServerResponse(status: 302, headers: [("location", "/other")], body: .bytes([]))
        }
        #expect(answer == .failure(AgentSilence("the answer is HTTP 302")))
    }

    @Test func whatIsNoStatusIsSaidInBoundedWords() async throws {
        let page = try await Self.ask { _ in .text("<html>" + String(repeating: "x", count: 5000)) }
        guard case .failure(let error) = page else {
            Issue.record("a page was taken for a status")
            return
        }
        #expect(error.reason.hasPrefix("the answer is no JSON") && error.reason.utf8.count <= 120)
        #expect(try await Self.ask { _ in .text("{}") } == .failure(AgentSilence("the answer is no agent's status: it has no formatVersion")))
    }

    @Test func aLongAnswerIsCutOff() async throws {
        let long = [UInt8](repeating: 0x20, count: AgentStatus.sizeBytesMax + 1)
        let answer = try await Self.ask { _ in HTTPServerResponse(status: 200, headers: [], body: .bytes(long)) }
        #expect(answer == .failure(AgentSilence("the answer is longer than an agent's")))
    }

    @Test func nobodyThereIsSaidWithoutTheAddress() async throws {
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, logger: Logger(label: "test")) { _ in .text("") }
        let port = server.port
        try await server.shutdown(grace: .zero)
        let source = HTTPAgentStatusSource()
        #expect(try await Self.ask(source, "127.0.0.1:\(port)") == .failure(AgentSilence("no connection is accepted")))
        await source.shutdown()
    }

    @Test func theEnvironmentsProxyIsNotUsed() async throws {
        setenv("http_proxy", "http://127.0.0.1:1", 1)
        defer { unsetenv("http_proxy") }
        #expect(try await Self.ask { _ in .text(Self.status.document.text(), contentType: "application/json") } == .success(Self.status))
    }
}
