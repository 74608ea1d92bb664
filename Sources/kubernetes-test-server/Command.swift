// The in-process API server as a process: for trying Sonde without a cluster, and for tests that need a real kubectl.
// hack/quickstart and hack/test start it.
// It never writes anything but its kubeconfig; what it stores is gone when it ends.

import ArgumentParser
@preconcurrency import Dispatch  // Its sources may be used from any thread, but are not marked Sendable on Linux.
import Glibc
import JSON
import Kubernetes
import KubernetesTestServer
import Synchronization
import YAML

@main
struct Command: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kubernetes-test-server",
        abstract: "A Kubernetes API server for trying and testing: it keeps everything in memory and runs no pods.",
        discussion: """
            It behaves like a kube-apiserver for what Sonde uses: custom resource definitions with validation, watches, server-side apply, garbage collection; \
            kubectl apply, get, describe, explain and delete work. It listens on loopback without TLS and is no place for secrets.

            Prints one line with its URL when it is ready; ends on SIGTERM and SIGINT.
            """)

    @Option(help: "The port to listen on; 0 takes any free one.")
    var port = 0

    @Option(name: .customLong("kubeconfig-out"), help: "Write a kubeconfig for this server to FILE.", completion: .file())
    var kubeconfigOut: String?

    @Option(help: "Apply every custom resource definition (*.yaml, *.yml, *.json) in DIR.", completion: .directory)
    var crds: String?

    @Option(help: "Require this bearer token; without it everyone is let in.")
    var token: String?

    func run() async throws {
        let server = TestAPIServer(.init(bearerToken: token))
        if let crds { try await Definitions.apply(folder: crds, to: server) }
        let signals = SignalWait()
        let port = try await server.serve(port: port)
        let url = "http://127.0.0.1:\(port)"
        if let kubeconfigOut { try Files.write(server.kubeconfig(url: url), to: kubeconfigOut) }
        print("kubernetes-test-server is ready at \(url)")
        fflush(nil)
        await signals.wait()
        try await server.stop()
    }
}

/// The definitions of a folder.
enum Definitions {
    static func apply(folder: String, to server: TestAPIServer) async throws {
        for path in try Files.documents(in: folder) {
            for document in try YAML.parse(Files.read(path)) where document.kind == "CustomResourceDefinition" {
                do {
                    _ = try await server.apply(.customResourceDefinitions, document, fieldManager: "kubernetes-test-server", force: true)
                } catch let error as KubernetesError {
                    throw ValidationError("\(path): \(error.message)")
                }
            }
        }
    }
}

/// Waits for the first SIGTERM or SIGINT from the moment it is made.
final class SignalWait: Sendable {
    private let sources: [any DispatchSourceSignal]
    private let stream: AsyncStream<Void>

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        self.stream = stream
        sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)  // Else the default action ends the process before the source sees the signal.
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { continuation.finish() }
            source.resume()
            return source
        }
    }

    func wait() async { for await _ in stream {} }
}
