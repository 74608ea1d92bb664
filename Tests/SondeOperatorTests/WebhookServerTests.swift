// The webhook on loopback with real TLS: certificates rotate while API servers ask, and nobody is turned away.
// The API server is the one in the process; a client stands for it, with the authorities that the registration names at that moment.
// It never waits for a clock: years are moved by hand, within what today's TLS takes for valid.

import Admission
import Crypto
import HTTPClient
import HTTPServer
import JSON
import Kubernetes
import KubernetesRuntime
import KubernetesTestServer
import Logging
import Rendering
import SondeAPI
import Synchronization
import Testing

@testable import sonde_operator

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A webhook that runs, the API server that it is registered with, and a client.
private struct World: Sendable {
    static let day: Duration = .seconds(86_400)
    static let secret = ObjectName(namespace: "default", name: "certificates")
    static let configuration = ObjectName(namespace: nil, name: "sonde")

    let api: TestAPIServer
    /// 70 days behind today, so that what is made later is valid today.
    let time: ManualTime
    let client: HTTPClient
    let port: Int
    let server: WebhookServer

    static func with(_ body: @Sendable @escaping (World) async throws -> Void) async throws {
        let api = TestAPIServer()
        try await api.create(.customResourceDefinitions, CustomResourceDefinitions.openTelemetryCollector)
        let time = ManualTime(wallClock: SystemTime().wallClock.advanced(by: .zero - day * 70))
        let port = try await freePort()
        let registration = WebhookRegistration(api: api, address: .url("https://127.0.0.1:\(port)"), name: "sonde")
        let rotation = CertificateRotation(names: ["127.0.0.1"], authorityLifetime: day * 90, servingLifetime: day * 80)
        let handler = WebhookHandler(api: api, facts: CollectorFacts(), rights: ConfiguredRights(grantsRoles: true), logger: quiet)
        let server = WebhookServer(
            handler: handler,
            setup: WebhookServer.Setup(
                host: "127.0.0.1", port: port, source: .secret(secret), rotation: rotation, registration: registration, time: time),
            api: api, logger: quiet)
        let world = World(api: api, time: time, client: HTTPClient(), port: port, server: server)
        var failure: (any Error)?
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                group.addTask {
                    await time.waitForSleepers()  // The first round is over.
                    try await body(world)
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch {
            failure = error
        }
        await world.client.shutdown()
        if let failure { throw failure }
    }

    private static func freePort() async throws -> Int {
        let probe = try await HTTPServer.start(host: "127.0.0.1", port: 0, logger: quiet) { _ in .text("") }
        try await probe.shutdown(grace: .zero)
        return probe.port
    }

    /// The authorities that API servers trust now.
    func registeredBundle() async throws -> [UInt8] {
        let live = try await api.get(ResourceType.validating, Self.configuration)
        let text = try #require(live["webhooks"]?[0]?.at("clientConfig", "caBundle")?.string)
        return try #require(Base64.decode(text))
    }

    /// One admission over a connection of its own.
    func admit(trusting bundle: [UInt8]) async throws -> Bool {
        let review: JSONValue = [
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": ["uid": "u", "operation": "DELETE", "kind": ["kind": "OpenTelemetryCollector"], "userInfo": ["username": "a"]],
        ]
        let response = try await client.send(
            HTTPRequest(
                method: "POST", url: "https://127.0.0.1:\(port)\(WebhookPath.validateCollector)",
                headers: [("content-type", "application/json"), ("connection", "close")], body: review.bytes(), timeout: .seconds(20),
                tls: TLSConfiguration(caPEM: bundle)))
        return try response.status == 200 && JSONValue(parsing: response.body).at("response", "allowed") == true
    }

    func stored() async throws -> CertificateSet {
        guard case .own(let set) = CertificateSet.content(of: try await api.get(.secrets, Self.secret)) else { throw ReviewError("no set") }
        return set
    }

    /// Lets time pass and the keeper's round end.
    func pass(_ duration: Duration) async {
        time.advance(by: duration)
        await time.waitForSleepers()
    }
}

extension ResourceType {
    fileprivate static let validating = ResourceType(
        group: "admissionregistration.k8s.io", version: "v1", kind: "ValidatingWebhookConfiguration", plural: "validatingwebhookconfigurations",
        isNamespaced: false)
}

@Suite struct WebhookServerTests {
    /// What the clients of the test have seen.
    private final class Tally: Sendable {
        struct State {
            var done: [Int]
            var failures: [String] = []
            var isOver = false
        }

        private let state: Mutex<State>

        init(clients: Int) { state = Mutex(State(done: Array(repeating: 0, count: clients))) }

        var done: [Int] { state.withLock { $0.done } }
        var failures: [String] { state.withLock { $0.failures } }
        var isOver: Bool { state.withLock { $0.isOver } }

        func end() { state.withLock { $0.isOver = true } }

        func count(_ client: Int, _ failure: String?) {
            state.withLock { state in
                state.done[client] += 1
                if let failure { state.failures.append(failure) }
            }
        }

        /// Returns when every client has had so many more answers.
        func more(_ count: Int) async {
            let before = done
            while !zip(done, before).allSatisfy({ $0 >= $1 + count }) { await Task.yield() }
        }
    }

    @Test(.timeLimit(.minutes(3))) func aRotationUnderLoadTurnsNobodyAway() async throws {
        try await World.with { world in
            let before = try await world.stored()
            let tally = Tally(clients: 4)
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<4 {
                    group.addTask {
                        while !tally.isOver {
                            do {
                                let isAllowed = try await world.admit(trusting: world.registeredBundle())
                                tally.count(client, isAllowed ? nil : "refused")
                            } catch {
                                tally.count(client, "\(error)")
                            }
                        }
                    }
                }
                group.addTask {
                    // A serving certificate and a next authority; the next authority signs after the overlap; two days more.
                    for duration in [World.day * 61, .seconds(660), World.day * 2] {
                        await tally.more(15)
                        await world.pass(duration)
                    }
                    await tally.more(15)
                    tally.end()
                }
                try await group.waitForAll()
            }
            let elapsed = start.duration(to: .now)
            let count = tally.done.reduce(0, +)
            print("\(count) admissions in \(elapsed) over two rotations")
            #expect(tally.failures == [])
            let after = try await world.stored()
            #expect(after.authority != before.authority && after.retired == [], "nobody serves with the old one any more")
            // The server shows the new certificate: the old authority alone does not do any more, the new one alone does.
            #expect(try await world.admit(trusting: Array(after.authority.certificate.pem.utf8)))
            await #expect(throws: (any Error).self) { try await world.admit(trusting: Array(before.authority.certificate.pem.utf8)) }
        }
    }

    @Test func onlyPostIsAnswered() async throws {
        try await World.with { world in
            let tls = TLSConfiguration(caPEM: try await world.registeredBundle())
            let answer = try await world.client.send(HTTPRequest(url: "https://127.0.0.1:\(world.port)/convert", tls: tls))
            #expect(answer.status == 405)
            #expect(world.server.waitingFor == nil && world.server.port == world.port)
        }
    }

    @Test(
        arguments: [
            ("5s", 5), ("30s", 30), ("1m0s", 60), ("", nil), ("5", nil), ("-1s", nil), ("0s", nil), ("1h0m0s", nil), ("5.5s", nil), ("s", nil),
            ("99999999999999999999s", nil),
        ] as [(String, Int?)]) func theServersTimeoutIsRead(text: String, seconds: Int?)
    {
        let request = HTTPServerRequest(method: "POST", path: "/", query: [(name: "timeout", value: text)])
        #expect(WebhookServer.timeout(of: request) == seconds.map { .seconds($0) })
        #expect(WebhookServer.timeout(of: HTTPServerRequest(method: "POST", path: "/")) == nil)
    }

    @Test func aPlainServerTakesNoCertificate() async throws {
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, logger: quiet) { _ in .text("") }
        let set = try Identity.authority(
            commonName: "a", from: Timestamp(secondsSinceEpoch: 0), to: Timestamp(secondsSinceEpoch: 4_000_000_000))
        let tls = HTTPServerTLS(certificatePEM: Array(set.chainPEM.utf8), privateKeyPEM: Array(set.key.pem.utf8))
        #expect(throws: HTTPServerError.self) { try server.replaceTLS(tls) }
        try await server.shutdown(grace: .zero)
    }
}
