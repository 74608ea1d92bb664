// A real kubectl against the served port: what a person types to try Sonde without a cluster.
// hack/test installs kubectl into .build-tools first; SONDE_TOOLS names another folder.
// It never looks at kubectl's tables beyond names and values.

import Foundation
import JSON
import Kubernetes
import KubernetesTestServer
import Testing

@Suite(.serialized) struct KubectlTests {
    private struct Output {
        let status: Int32
        let text: String

        func says(_ part: String) -> Bool { text.contains(part) }
    }

    /// One server, one home folder, any number of calls.
    private struct Kubectl {
        let folder: URL

        static func path() throws -> String {
            let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            let tools = ProcessInfo.processInfo.environment["SONDE_TOOLS"] ?? root.appending(path: ".build-tools/bin").path
            let path = "\(tools)/kubectl"
            try #require(FileManager.default.isExecutableFile(atPath: path), "kubectl is missing at \(path): run hack/lib/tools kubectl, or set SONDE_TOOLS")
            return path
        }

        /// Runs kubectl to its end, at most 60 s; both outputs go to one file, so that no pipe can fill.
        func run(_ arguments: String..., input: String? = nil) async throws -> Output {
            let process = Process()
            process.executableURL = URL(filePath: try Self.path())
            process.arguments = ["--request-timeout=20s"] + arguments
            process.environment = ["KUBECONFIG": folder.appending(path: "kubeconfig").path, "HOME": folder.path, "PATH": "/usr/bin:/bin"]
            let file = folder.appending(path: "out")
            _ = FileManager.default.createFile(atPath: file.path, contents: nil)
            let output = try FileHandle(forWritingTo: file)
            (process.standardOutput, process.standardError) = (output, output)
            let inputFile = folder.appending(path: "in")
            try (input ?? "").write(to: inputFile, atomically: true, encoding: .utf8)
            process.standardInput = try FileHandle(forReadingFrom: inputFile)
            let ended = AsyncStream.makeStream(of: Void.self)
            process.terminationHandler = { _ in ended.continuation.finish() }
            try process.run()
            let deadline = DispatchWorkItem { process.terminate() }
            DispatchQueue.global().asyncAfter(deadline: .now() + 60, execute: deadline)
            for await _ in ended.stream {}
            deadline.cancel()
            return Output(status: process.terminationStatus, text: try String(contentsOf: file, encoding: .utf8))
        }
    }

    private func withKubectl(_ server: TestAPIServer = TestAPIServer(), _ body: (Kubectl, TestAPIServer) async throws -> Void) async throws {
        let folder = URL(filePath: NSTemporaryDirectory()).appending(path: "kubectl-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let port = try await server.serve()
        try server.kubeconfig(url: "http://127.0.0.1:\(port)").write(to: folder.appending(path: "kubeconfig"), atomically: true, encoding: .utf8)
        do {
            try await body(Kubectl(folder: folder), server)
        } catch {
            try await server.stop()
            throw error
        }
        try await server.stop()
    }

    private static let manifest = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 2
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: main, image: "nginx:1", env: [{name: A, value: "1"}]}]}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings}
        data: {key: value}
        """

    @Test func builtInKindsLiveTheirLife() async throws {
        try await withKubectl { kubectl, server in
            let created = try await kubectl.run("apply", "-f", "-", input: Self.manifest)
            #expect(created.says("deployment.apps/web created"))
            let version = server.resourceVersion
            let unchanged = try await kubectl.run("apply", "-f", "-", input: Self.manifest)
            #expect(unchanged.says("deployment.apps/web unchanged"))
            #expect(server.resourceVersion == version)
            let changed = Self.manifest.replacingOccurrences(of: "value: \"1\"", with: "value: \"2\"")
            let configured = try await kubectl.run("apply", "-f", "-", input: changed)
            #expect(configured.says("deployment.apps/web configured"))
            #expect(
                try await server.get(.deployments, .inDefault("web")).at("spec", "template", "spec", "containers")?[0]?["env"] == [["name": "A", "value": "2"]])
            let listed = try await kubectl.run("get", "deployments,configmaps")
            #expect(listed.says("configmap/settings"))
            let replicas = try await kubectl.run("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}")
            #expect(replicas.text == "2")
            let described = try await kubectl.run("describe", "deployment", "web")
            #expect(described.says("RollingUpdateStrategy:  25% max unavailable, 25% max surge"))
            let explained = try await kubectl.run("explain", "deployment.spec.replicas")
            #expect(explained.says("FIELD: replicas <integer>"))
            let deleted = try await kubectl.run("delete", "-f", "-", input: Self.manifest)
            #expect(deleted.says("configmap \"settings\" deleted"))
            #expect(try await server.list(.deployments).items.isEmpty)
        }
    }

    @Test func serverSideApplyReportsConflicts() async throws {
        try await withKubectl { kubectl, server in
            let applied = try await kubectl.run("apply", "--server-side", "-f", "-", input: Self.manifest)
            #expect(applied.status == 0)
            _ = try await server.apply(.configMaps, configMap("settings", ["key": "other"]), fieldManager: "operator", force: true)
            let refused = try await kubectl.run("apply", "--server-side", "-f", "-", input: Self.manifest)
            #expect(refused.status != 0)
            #expect(refused.says("conflict with \"operator\": .data.key"))
            let forced = try await kubectl.run("apply", "--server-side", "--force-conflicts", "-f", "-", input: Self.manifest)
            #expect(forced.status == 0)
            #expect(try await server.get(.configMaps, .inDefault("settings")).at("data", "key") == "value")
        }
    }

    @Test func customKindsAreExplainedAndChecked() async throws {
        try await withKubectl { kubectl, _ in
            let schema = "type: object\nproperties:\n  mode: {type: string, enum: [a, b], description: How it runs.}"
            let registered = try await kubectl.run("apply", "-f", "-", input: try definition(schema).text())
            #expect(registered.says("created"))
            let explanation = try await kubectl.run("explain", "things.spec.mode")
            #expect(explanation.says("How it runs."))
            let accepted = try await kubectl.run("apply", "-f", "-", input: thing("good", ["mode": "a"]).text())
            #expect(accepted.says("thing.test.dev/good created"))
            let table = try await kubectl.run("get", "th")
            #expect(table.says("good"))
            let wrong = try await kubectl.run("apply", "-f", "-", input: thing("bad", ["mode": "c"]).text())
            #expect(wrong.says(#"spec.mode: Unsupported value: "c": supported values: "a", "b""#))
            let unknown = try await kubectl.run("apply", "-f", "-", input: thing("bad", ["mod": "a"]).text())
            #expect(unknown.says("unknown field \"spec.mod\""))
        }
    }
}
