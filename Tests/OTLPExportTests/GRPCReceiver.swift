// A real OTLP receiver over gRPC for tests: Python's grpcio with the services of opentelemetry-proto, in a process of its own.
// It answers calls from a list and tells what came once it is stopped.
// It never outlives its value, and never listens beyond the loopback.

import Foundation
import Glibc
import Testing

final class GRPCReceiver {
    /// One answer; the last of a list holds for all further calls.
    struct Answer: Encodable {
        /// `OK`, `UNAVAILABLE`, or `HANG`, which answers nothing.
        var code = "OK"
        var message = ""
        var retryDelayMs: Int?
        var rejected = 0
    }

    struct Settings: Encodable {
        var answers = [Answer()]
        var services = ["metrics", "logs"]
        var port = 0
        var receiveBytesMax = 4 << 20
        /// A folder with server.crt, server.key and ca.crt, which signs clients' certificates.
        var certificates: String?
    }

    struct Call: Decodable {
        let service: String
        let metadata: [String: String]
        /// Address and port of the client's end: one for each connection.
        let peer: String
        let names: [String]
        /// The size of the message when it is unpacked.
        let bytes: Int
    }

    let port: Int
    private let process: Process
    private let input: FileHandle
    private let output: Int32

    private init(port: Int, process: Process, input: FileHandle, output: Int32) {
        self.port = port
        self.process = process
        self.input = input
        self.output = output
    }

    static func start(_ settings: Settings = Settings()) async throws -> GRPCReceiver {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let python = ProcessInfo.processInfo.environment["SONDE_PYTHON"] ?? root.appending(path: ".build-tools/bin/python").path
        let process = Process()
        let input = Pipe(), output = Pipe()
        process.executableURL = URL(filePath: python)
        process.arguments = ["-c", Self.program, String(decoding: try JSONEncoder().encode(settings), as: UTF8.self)]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let descriptor = dup(output.fileHandleForReading.fileDescriptor)
        let said = await onThread { read(descriptor) { $0.last != 10 } }
        let port = try #require(
            Int(String(decoding: said.dropLast(), as: UTF8.self)), "no gRPC receiver: run hack/lib/tools python, which installs grpcio")
        return GRPCReceiver(port: port, process: process, input: input.fileHandleForWriting, output: descriptor)
    }

    /// Ends the receiver, calls under way too, and returns what it got.
    func stop() async throws -> [Call] {
        try input.close()
        let descriptor = output
        let said = await Self.onThread { Self.read(descriptor) { _ in true } }
        process.waitUntilExit()
        return try String(decoding: said, as: UTF8.self).split(separator: "\n").map { try JSONDecoder().decode(Call.self, from: Data($0.utf8)) }
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        close(output)
    }

    /// Python takes a second to start, and a task that waits for it would hold up those of other tests.
    private static func onThread(_ body: @escaping @Sendable () -> [UInt8]) async -> [UInt8] {
        await withCheckedContinuation { continuation in Thread.detachNewThread { continuation.resume(returning: body()) } }
    }

    /// What comes until the other side closes, or until it is enough.
    private static func read(_ descriptor: Int32, while isWanted: ([UInt8]) -> Bool) -> [UInt8] {
        var said: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while isWanted(said) {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count <= 0 { break }
            said += piece[..<count]
        }
        return said
    }

    private static let program = """
        import concurrent.futures, json, sys, threading
        import grpc
        from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
        from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc

        settings = json.loads(sys.argv[1])
        lock, count, ended = threading.Lock(), 0, threading.Event()

        def varint(number):
            parts = [number & 0x7F]
            while number := number >> 7:
                parts[-1] |= 0x80
                parts.append(number & 0x7F)
            return bytes(parts)

        def field(number, content):
            return bytes([number << 3 | 2]) + varint(len(content)) + content

        def status(ms):
            delay = b"\\x08" + varint(ms // 1000) + b"\\x10" + varint(ms % 1000 * 1000000)
            return field(3, field(1, b"type.googleapis.com/google.rpc.RetryInfo") + field(2, field(1, delay)))

        def take(service, request, context, names):
            global count
            with lock:
                answer = settings["answers"][min(count, len(settings["answers"]) - 1)]
                count += 1
                metadata = {key: str(value) for key, value in context.invocation_metadata()}
                call = dict(service=service, metadata=metadata, peer=context.peer(), names=names, bytes=request.ByteSize())
                print(json.dumps(call), flush=True)
            if answer["code"] == "HANG":
                ended.wait()
            elif answer["code"] != "OK":
                if "retryDelayMs" in answer:
                    context.set_trailing_metadata((("grpc-status-details-bin", status(answer["retryDelayMs"])),))
                context.abort(grpc.StatusCode[answer["code"]], answer["message"])
            return answer

        class Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
            def Export(self, request, context):
                names = [m.name for r in request.resource_metrics for s in r.scope_metrics for m in s.metrics]
                answer = take("metrics", request, context, names)
                response = metrics_service_pb2.ExportMetricsServiceResponse()
                if answer["rejected"]:
                    response.partial_success.rejected_data_points = answer["rejected"]
                    response.partial_success.error_message = answer["message"]
                return response

        class Logs(logs_service_pb2_grpc.LogsServiceServicer):
            def Export(self, request, context):
                names = [l.event_name for r in request.resource_logs for s in r.scope_logs for l in s.log_records]
                take("logs", request, context, names)
                return logs_service_pb2.ExportLogsServiceResponse()

        options = [("grpc.max_receive_message_length", settings["receiveBytesMax"]), ("grpc.so_reuseport", 0)]
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), options=options)
        if "metrics" in settings["services"]:
            metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(Metrics(), server)
        if "logs" in settings["services"]:
            logs_service_pb2_grpc.add_LogsServiceServicer_to_server(Logs(), server)
        address = f"127.0.0.1:{settings['port']}"
        if "certificates" in settings:
            cert, key, ca = (open(f"{settings['certificates']}/{name}", "rb").read() for name in ("server.crt", "server.key", "ca.crt"))
            port = server.add_secure_port(address, grpc.ssl_server_credentials([(key, cert)], ca, require_client_auth=True))
        else:
            port = server.add_insecure_port(address)
        server.start()
        print(port, flush=True)
        sys.stdin.read()
        ended.set()
        server.stop(0).wait()
        """
}
