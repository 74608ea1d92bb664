// sonde-agent: takes kernel signals of this node with eBPF and sends them as OTLP metrics.
// This file reads the command line, builds the objects and joins the two activities: the loop on its thread and the exporter's task.
// It never needs more than CAP_BPF and CAP_PERFMON, a token, or a namespace of the host.

import Glibc
import HTTPClient
import JSON
import OTLPExport
import ProbeCore
import ProbeKernel
import SondeAPI

enum AgentVersion {
    static let text = "0.1.0"
    /// The version of the semantic conventions whose names are sent.
    static let schemaURL = "https://opentelemetry.io/schemas/1.44.0"
}

@main
enum SondeAgent {
    static func main() async {
        ProcessMemory.useOneArena()
        let arguments: Arguments
        do {
            arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
        } catch {
            fail("sonde-agent: \(error.message)\n\n\(Arguments.usage)")
        }
        switch arguments {
        case .version: print("sonde-agent \(AgentVersion.text)")
        case .help: print(Arguments.usage)
        case .check(let path): check(path)
        case .status(let port, let isJSON): await status(port, isJSON: isJSON)
        case .run(let path): await run(path)
        }
    }

    /// A message on standard error, and the end.
    private static func fail(_ message: String, status: Int32 = 2) -> Never {
        _ = Array((message + "\n").utf8).withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        exit(status)
    }

    private static func load(_ file: inout ConfigurationFile) -> AgentConfiguration {
        do {
            let (configuration, warnings) = try file.read()
            for warning in warnings { AgentLog.warning(warning) }
            return configuration
        } catch {
            fail(error.messages.joined(separator: "\n"))
        }
    }

    private static func destination(_ configuration: AgentConfiguration) -> ExportDestination {
        do { return try ExportDestination(configuration.destination) } catch { fail("destination.headersDirectory: \(error.message)") }
    }

    private static func check(_ path: String) {
        var file = ConfigurationFile(path: path)
        _ = destination(load(&file))
        print("\(path): valid")
    }

    /// Exit status 1 when no agent answers.
    private static func status(_ port: Int, isJSON: Bool) async {
        let question = StatusQuestion(statusAddress: getenv("STATUS_ADDRESS").map { String(cString: $0) }, port: port)
        do {
            let status = try await question.ask()
            print(isJSON ? status.document.text() : StatusTable(status: status).text)
        } catch {
            fail("sonde-agent: \(error.message)", status: 1)
        }
    }

    private static func run(_ path: String) async {
        var file = ConfigurationFile(path: path)
        let configuration = load(&file)
        let destination = destination(configuration)
        guard let stop = StopSignal.install() else { fail("sonde-agent: no pipe for signals: too many open files") }
        AgentLog.info(
            "started", ("version", AgentVersion.text), ("path", path), ("endpoint", configuration.destination.endpoint),
            ("protocol", configuration.destination.protocol.rawValue))
        var settings = HTTPClient.Configuration()
        settings.maxConnections = 1
        settings.maxIdleConnections = 1
        let client = HTTPClient(settings)
        let board = StatusBoard(
            AgentStatus(node: node.kubernetesName ?? node.hostName, version: AgentVersion.text, kernelRelease: kernelRelease), now: Clock.monotonicNanoseconds()
        )
        let exporter = MetricsExporter(client: client, destination: destination, policy: ExportPolicy(configuration.destination.queue)) { event in
            log(event)
            board.report(AgentStatus.Export(event))
        }
        let ready = file
        let server = statusServer(configuration.statusPort, board)
        async let serving: Void = serve(server)
        async let sending: Void = exporter.run()
        let hasRun = await NamedThread.run("probe-loop") {
            var loop = AgentLoop(configuration: configuration, file: ready, node: node, exporter: exporter, stop: stop, board: board)
            loop.run()
            exporter.close(within: AgentLoop.flushTime)
        }
        if !hasRun { fail("sonde-agent: no thread could be started") }
        await sending
        server?.stop()
        await serving
        await client.shutdown()
        AgentLog.info("stopped", ("pointsExported", "\(exporter.counts.exported)"))
    }

    /// An agent without its status still measures.
    private static func statusServer(_ port: Int, _ board: StatusBoard) -> StatusServer? {
        if port == 0 { return nil }
        let address = getenv("STATUS_ADDRESS").map { String(cString: $0) } ?? "127.0.0.1"
        do {
            let server = try StatusServer(address: address, port: port, board: board)
            AgentLog.info("serving", ("address", address), ("port", "\(server.port)"), ("paths", "\(AgentStatus.path) /healthz /readyz"))
            return server
        } catch {
            AgentLog.error("the status is not served", ("address", address), ("port", "\(port)"), ("reason", error.message))
            return nil
        }
    }

    private static func serve(_ server: StatusServer?) async {
        guard let server else { return }
        if await !NamedThread.run("status", { server.run() }) { AgentLog.error("the status is not served: no thread could be started") }
        let counts = server.counts
        AgentLog.info("status closed", ("answered", "\(counts.answered)"), ("refused", "\(counts.refused)"), ("displaced", "\(counts.displaced)"))
    }

    static var kernelRelease: String {
        var names = utsname()
        uname(&names)
        return withUnsafeBytes(of: names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static var node: Node {
        var names = utsname()
        uname(&names)
        let hostName = withUnsafeBytes(of: names.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let kubernetesName = getenv("NODE_NAME").map { String(cString: $0) }
        return Node(kubernetesName: kubernetesName?.isEmpty == false ? kubernetesName : nil, hostName: hostName)
    }

    private static func log(_ event: ExportEvent) {
        switch event {
        case .working: AgentLog.info("the receiver takes metrics")
        case .waiting(let failure):
            AgentLog.warning(
                "the receiver is away; metrics wait in memory and are sent when it is back", ("reason", failure.reason), ("detail", failure.message))
        case .refused(let failure): AgentLog.error("the receiver refuses metrics; they are lost", ("reason", failure.reason), ("detail", failure.message))
        case .partlyRejected(let points, let message):
            AgentLog.error("the receiver rejects part of the metrics", ("points", "\(points)"), ("detail", message))
        }
    }
}

extension AgentStatus.Export {
    fileprivate init(_ event: ExportEvent) {
        switch event {
        case .working: self.init(state: .working, message: "")
        case .waiting(let failure): self.init(state: .waiting, message: failure.message)
        case .refused(let failure): self.init(state: .refused, message: failure.message)
        case .partlyRejected(_, let message): self.init(state: .refused, message: "part of the points is rejected: \(message)")
        }
    }
}
