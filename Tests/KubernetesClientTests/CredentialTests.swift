// How the client logs in, and how it recovers when a credential expires or rotates.
// The server refuses everything but the one credential that counts at the moment.
// Plugins are small shell scripts.

import Foundation
import HTTPServer
import JSON
import Kubernetes
import Synchronization
import TestSupport
import Testing

@testable import KubernetesClient

struct CredentialTests {
    private let namespace = KubernetesRequest(.get, "/api/v1/namespaces/a")

    /// Answers 401 to every other Authorization.
    private final class Gate: Sendable {
        let accepted: Mutex<String>
        let seen = Mutex<[String]>([])
        init(_ accepted: String) { self.accepted = Mutex(accepted) }

        func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
            let given = request.header("authorization") ?? "none"
            seen.withLock { $0.append(given) }
            guard given == accepted.withLock({ $0 }) else {
                return json(KubernetesError(.unauthorized, status: 401, reason: "Unauthorized", message: "Unauthorized").statusObject, status: 401)
            }
            return json(["kind": "Namespace"])
        }
    }

    private static func kubeconfig(_ server: String, user: String) -> String {
        """
        current-context: a
        clusters: [{name: c, cluster: {server: "\(server)"}}]
        users: [{name: u, user: \(user)}]
        contexts: [{name: a, context: {cluster: c, user: u}}]
        """
    }

    private func configuration(_ folder: TemporaryFolder, _ server: String, user: String) throws -> ClientConfiguration {
        try .kubeconfig(path: folder.write("config", Self.kubeconfig(server, user: user)), environment: ["PATH": "/usr/bin:/bin", "INHERITED": "yes"])
    }

    @Test(arguments: [("{token: abc}", "Bearer abc"), ("{username: me, password: 'p:w'}", "Basic bWU6cDp3"), ("{}", "none")])
    func theCredentialIsSent(user: String, expected: String) async throws {
        let folder = try TemporaryFolder()
        let gate = Gate(expected)
        try await withServer(handler: { gate.answer($0) }, configure: { try configuration(folder, $0, user: user) }) { client async throws in
            #expect(try await client.send(namespace)["kind"] == "Namespace")
        }
    }

    @Test func aRotatedTokenIsReadAgainAfterA401() async throws {
        let folder = try TemporaryFolder()
        try folder.write("token", "one\n")
        let gate = Gate("Bearer one")
        try await withServer(handler: { gate.answer($0) }, configure: { try configuration(folder, $0, user: "{tokenFile: token}") }) { client async throws in
            _ = try await client.send(namespace)
            try folder.write("token", "two\n")
            gate.accepted.withLock { $0 = "Bearer two" }
            _ = try await client.send(namespace)
            #expect(gate.seen.withLock { $0 } == ["Bearer one", "Bearer one", "Bearer two"])
            _ = try await client.watch(KubernetesRequest(.get, "/api/v1/pods", query: [.init("watch", "true")]))
        }
    }

    @Test func aRefusedCredentialIsTriedOnce() async throws {
        let folder = try TemporaryFolder()
        try folder.write("token", "one")
        let gate = Gate("Bearer other")
        try await withServer(handler: { gate.answer($0) }, configure: { try configuration(folder, $0, user: "{tokenFile: token}") }) { client async throws in
            let error = await failure { _ = try await client.send(namespace) }
            #expect(error?.code == .unauthorized)
            #expect(gate.seen.withLock { $0.count } == 1)
        }
    }

    @Test func aRotatingFileKeepsItsLastContent() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("token", "one")
        let file = try RotatingFile(path, interval: .zero)
        let patient = try RotatingFile(path)
        try folder.write("token", "two")
        #expect(file.content() == Array("two".utf8))
        #expect(patient.content() == Array("one".utf8))
        #expect(patient.content(.now) == Array("two".utf8))
        try FileManager.default.removeItem(atPath: path)
        #expect(file.content() == Array("two".utf8))
    }

    @Test func aRotatedAuthorityIsReadAgain() async throws {
        let folder = try TemporaryFolder()
        try folder.certificates(ca: "old")
        try folder.certificates(ca: "ca", "server")
        try folder.write("token", "abc")
        try folder.write("ca.crt.mounted", try folder.text("old.crt"))
        try folder.write("in/token", "abc")
        try folder.write("in/ca.crt", try folder.text("old.crt"))
        let configure: (String) throws -> ClientConfiguration = { server in
            let port = String(server.split(separator: ":").last ?? "")
            return try .inCluster(environment: ["KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": port], folder: "\(folder.path)/in")
        }
        try await withServer(tls: try folder.serverTLS("server"), handler: { _ in json([:]) }, configure: configure) { client async throws in
            #expect(await failure { _ = try await client.send(namespace) }?.code == .network)
            try folder.write("in/ca.crt", try folder.text("ca.crt"))
            // The failure makes the client look at the file, so the next request trusts the new authority.
            _ = await failure { _ = try await client.send(namespace) }
            #expect(try await client.send(namespace) == [:])
        }
    }

    // MARK: Plugins

    /// A plugin that counts its runs in `runs` and answers with `status`.
    private func plugin(_ folder: TemporaryFolder, status: String, version: String = "v1", before: String = "") throws -> String {
        try folder.write(
            "bin/plugin",
            """
            #!/bin/sh
            echo run >>"\(folder.path)/runs"
            \(before)
            cat <<END
            {"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/\(version)", "status": \(status)}
            END
            """, permissions: 0o700)
        return "{exec: {apiVersion: client.authentication.k8s.io/\(version), command: bin/plugin, args: [one, 'two 2'], "
            + "env: [{name: EXTRA, value: more}], interactiveMode: Never, provideClusterInfo: true, installHint: get it}}"
    }

    private func runs(_ folder: TemporaryFolder) -> Int { ((try? folder.text("runs")) ?? "").split(separator: "\n").count }

    @Test func aPluginGetsItsArgumentsItsEnvironmentAndTheCluster() async throws {
        let folder = try TemporaryFolder()
        let record =
            "printf '%s\\n' \"$*\" \"$EXTRA\" \"$INHERITED\" \"$KUBERNETES_EXEC_INFO\" >\"\(folder.path)/seen\"; ls -l /proc/self/fd >\"\(folder.path)/descriptors\""
        let user = try plugin(folder, status: "{\"token\": \"t\"}", before: record)
        let gate = Gate("Bearer t")
        try await withServer(handler: { gate.answer($0) }, configure: { try configuration(folder, $0, user: user) }) { client async throws in
            _ = try await client.send(namespace)
            let seen = try folder.text("seen").split(separator: "\n").map(String.init)
            #expect(seen.prefix(3) == ["one two 2", "more", "yes"])
            let info = try JSONValue(parsing: seen.last ?? "")
            #expect(info["apiVersion"] == "client.authentication.k8s.io/v1")
            #expect(info.at("spec", "interactive") == false)
            #expect(info.at("spec", "cluster", "server")?.string?.hasPrefix("http://127.0.0.1:") == true)
            // Its own three, and the folder that `ls` reads; the tests that run beside this one have dozens of sockets open.
            let descriptors = try folder.text("descriptors")
            #expect(!descriptors.contains("socket:") && descriptors.split(separator: "\n").count == 5)
        }
    }

    @Test func aPluginRunsOnceForManyRequests() async throws {
        let folder = try TemporaryFolder()
        let user = try plugin(folder, status: "{\"token\": \"t\", \"expirationTimestamp\": \"2999-01-01T00:00:00Z\"}", version: "v1beta1")
        let gate = Gate("Bearer t")
        try await withServer(handler: { gate.answer($0) }, configure: { try configuration(folder, $0, user: user) }) { client async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { _ = try await client.send(namespace) } }
                try await group.waitForAll()
            }
            #expect(runs(folder) == 1)
        }
    }

    @Test func anExpiredCredentialIsNotKept() async throws {
        let folder = try TemporaryFolder()
        let user = try plugin(folder, status: "{\"token\": \"t\", \"expirationTimestamp\": \"2001-01-01T00:00:00Z\"}")
        let gate = Gate("Bearer t")
        try await withServer(handler: { gate.answer($0) }, configure: { try configuration(folder, $0, user: user) }) { client async throws in
            _ = try await client.send(namespace)
            _ = try await client.send(namespace)
            #expect(runs(folder) == 2)
        }
    }

    @Test func a401RunsThePluginAgain() async throws {
        let folder = try TemporaryFolder()
        let user = try plugin(folder, status: "{\"token\": \"t$(wc -l <\"\(folder.path)/runs\")\"}")
        let gate = Gate("Bearer t2")
        try await withServer(handler: { gate.answer($0) }, configure: { try configuration(folder, $0, user: user) }) { client async throws in
            _ = try await client.send(namespace)
            #expect(gate.seen.withLock { $0 } == ["Bearer t1", "Bearer t2"])
            #expect(runs(folder) == 2)
        }
    }

    @Test func aPluginMayGiveAClientCertificate() async throws {
        let folder = try TemporaryFolder()
        try folder.certificates(ca: "ca", "server", "person")
        let escaped = { (name: String) in try folder.text(name).replacingOccurrences(of: "\n", with: "\\n") }
        let status = "{\"clientCertificateData\": \"\(try escaped("person.crt"))\", \"clientKeyData\": \"\(try escaped("person.key"))\"}"
        let user = try plugin(folder, status: status)
        let configure: (String) throws -> ClientConfiguration = { server in
            let text = Self.kubeconfig(server, user: user).replacingOccurrences(
                of: "cluster: {server:", with: "cluster: {certificate-authority: ca.crt, server:")
            return try .kubeconfig(path: folder.write("config", text), environment: ["PATH": "/usr/bin:/bin"])
        }
        try await withServer(
            tls: try folder.serverTLS("server", clientCA: "ca"), handler: { json(["user": .string($0.clientCertificateSubject?.commonName ?? "nobody")]) },
            configure: configure
        ) { client async throws in
            #expect(try await client.send(namespace)["user"] == "person")
        }
    }

    @Test(arguments: [
        ("exit 3", "{}", "ended with status 3"), ("echo no login >&2; exit 1", "{}", "no login"), ("", "{}", "neither a token nor"),
        ("echo nonsense; exit 0", "{}", "did not write an ExecCredential"), ("", "{\"token\": \"t\", \"expirationTimestamp\": \"soon\"}", "no RFC 3339 time"),
        ("kill -9 $$", "{}", "ended with status 137"), ("head -c 2000000 /dev/zero", "{}", "wrote more than"),
    ]) func aPluginThatFailsIsNamed(before: String, status: String, named: String) async throws {
        let folder = try TemporaryFolder()
        let user = try plugin(folder, status: status, before: before)
        try await withServer(handler: { _ in json([:]) }, configure: { try configuration(folder, $0, user: user) }) { client async throws in
            let error = await failure { _ = try await client.send(namespace) }
            #expect(error?.code == .unauthorized)
            #expect(error?.message.contains("users[u].user.exec") == true && error?.message.contains(named) == true, "\(error?.message ?? "")")
        }
    }

    @Test func aMissingPluginNamesItsHint() async throws {
        let folder = try TemporaryFolder()
        let user = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin, interactiveMode: Never, installHint: get it there}}"
        try await withServer(handler: { _ in json([:]) }, configure: { try configuration(folder, $0, user: user) }) { client async throws in
            #expect(await failure { _ = try await client.send(namespace) }?.message.contains("No such file or directory. get it there") == true)
        }
    }

    @Test func aPluginThatNeverEndsIsEndedWithItsChildren() async throws {
        let folder = try TemporaryFolder()
        let script = try folder.write("hang", "#!/bin/sh\nsleep 3600 &\necho $! >\"\(folder.path)/child\"\nwait\n", permissions: 0o700)
        let process = ChildProcess(command: script, environment: ["PATH": "/usr/bin:/bin"], deadline: .milliseconds(300))
        let failure = #expect(throws: ChildProcess.Failure.self) { try process.run() }
        guard case .deadlineExceeded = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        let child = try #require(Int32(folder.text("child").trimmingCharacters(in: .whitespacesAndNewlines)))
        // The kill is sent before `run` returns; the kernel carries it out when the child is scheduled.
        let isGone = try await eventually {
            let stat = (try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)) ?? ""
            return stat.isEmpty || stat.contains(") Z ")
        }
        #expect(isGone, "its child still runs")
    }

    @Test func aCancelledRequestDoesNotWaitForThePlugin() async throws {
        let folder = try TemporaryFolder()
        let user = try plugin(folder, status: "{\"token\": \"t\"}", before: "sleep 5; touch \"\(folder.path)/ended\"")
        try await withServer(handler: { _ in json([:]) }, configure: { try configuration(folder, $0, user: user) }) { client async throws in
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do {
                        _ = try await client.send(namespace)
                        return false
                    } catch {
                        return error is CancellationError
                    }
                }
                #expect((try? await eventually { runs(folder) == 1 }) == true)
                group.cancelAll()
                #expect(await group.next() == true)
            }
            #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/ended"), "it waited for the plugin")
        }
    }
}
