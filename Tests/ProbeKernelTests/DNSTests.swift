// DNS messages of real sockets, through the kernel's program and the decoder of its records.
// Each test has a server of its own on a free port, which is the watched one.

import Foundation
import OTLPMessages
import ProbeCore
import ProbePrograms
import SondeAPI
import Testing

@testable import ProbeKernel

@Suite(.enabled(if: canLoad, "needs root, CAP_BPF, CAP_PERFMON and BTF"), .serialized) struct DNSTests {
    /// Answers names that begin with `no` with NXDOMAIN, and those that begin with `mute` never. It runs outside of the workload's cgroup.
    private static let server = """
        import socket, struct, sys, threading
        def answer(query):
            end = query.index(0, 12) + 5
            name = query[13:12 + 1 + query[12]]
            if name.startswith(b'mute'): return None
            code = 3 if name.startswith(b'no') else 0
            return query[:2] + struct.pack('>HHHHH', 0x8180 | code, 1, 0 if code else 1, 0, 0) + query[12:end] \\
                + (b'' if code else b'\\xc0\\x0c\\0\\x01\\0\\x01\\0\\0\\0\\x3c\\0\\x04\\x7f\\0\\0\\x01')
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); datagrams.bind(('127.0.0.1', 0))
        port = datagrams.getsockname()[1]
        streams = socket.create_server(('127.0.0.1', port))
        def serve_streams():
            while True:
                connection, _ = streams.accept()
                while data := connection.recv(4096):
                    reply = answer(data[2:]); connection.sendall(struct.pack('>H', len(reply)) + reply)
        threading.Thread(target=serve_streams, daemon=True).start()
        print(port, flush=True)
        while True:
            query, peer = datagrams.recvfrom(4096)
            if (reply := answer(query)) is not None: datagrams.sendto(reply, peer)
        """

    /// Ways of the field to ask: what `ask` and its like do is one lookup each.
    private static let client = """
        import ctypes, socket, struct, sys
        port = int(sys.argv[1]); number = 0
        def query(name, type=1):
            global number; number += 1
            labels = b''.join(bytes([len(label)]) + label for label in name.encode().split(b'.'))
            return struct.pack('>HHHHHH', number, 0x100, 1, 0, 0, 0) + labels + b'\\0' + struct.pack('>HH', type, 1)
        server = ('127.0.0.1', port)
        def connected(name):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.connect(server); s.send(query(name)); s.recv(512)
        def unconnected(name):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.sendto(query(name), server); s.recvfrom(512)
        def message(name):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                data = query(name); s.sendmsg([data[:5], data[5:20], data[20:]], [], 0, server); s.recvmsg(512)
        def stream(name):
            with socket.create_connection(server) as s:
                data = query(name); s.sendall(struct.pack('>H', len(data)) + data); s.recv(2); s.recv(512)
        libc = ctypes.CDLL(None, use_errno=True)
        class Vector(ctypes.Structure): _fields_ = [('base', ctypes.c_char_p), ('length', ctypes.c_size_t)]
        class Message(ctypes.Structure): _fields_ = [('name', ctypes.c_void_p), ('namelen', ctypes.c_uint), ('vectors', ctypes.POINTER(Vector)),
            ('count', ctypes.c_size_t), ('control', ctypes.c_void_p), ('controllen', ctypes.c_size_t), ('flags', ctypes.c_int)]
        class Many(ctypes.Structure): _fields_ = [('message', Message), ('length', ctypes.c_uint)]
        def pair(name):
            # As glibc's getaddrinfo: A and AAAA in one sendmmsg on a connected socket.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.connect(server)
                vectors = [Vector(data, len(data)) for data in (query(name), query(name, 28))]
                many = (Many * 2)(*[Many(Message(None, 0, ctypes.pointer(vector), 1, None, 0, 0), 0) for vector in vectors])
                assert libc.sendmmsg(s.fileno(), many, 2, 0x4000) == 2, ctypes.get_errno()
                s.recvfrom(2048); s.recvfrom(2048)
        def mute(name):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: s.sendto(query(name), server)
        def elsewhere():
            # The same bytes to a port that nobody watches.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as a, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as b:
                a.bind(('127.0.0.1', 0)); b.sendto(query('other.example'), a.getsockname()); a.recv(512)
        """

    /// What the decoder makes of a program's work: lookups by name and error, and what became of the messages.
    private func lookups(_ work: String, expiring: Bool = false) throws -> (counts: [String: UInt64], ledger: EventLedger, losses: [String: UInt64]) {
        let server = Process()
        let output = Pipe()
        server.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        server.arguments = ["-c", Self.server]
        server.standardOutput = output
        try server.run()
        defer {
            kill(server.processIdentifier, SIGKILL)  // Threads of the test block SIGTERM, and children inherit that.
            server.waitUntilExit()
        }
        let port = try #require(UInt16(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).filter(\.isNumber)))
        var settings = settings(hostMode.mode)
        settings.dnsPorts = [port]
        let probe = try loaded(.dns, settings)
        defer { probe.close() }
        let workload = try Workload()
        try workload.run(["/usr/bin/python3", "-c", Self.client + "\n" + work, "\(port)"])
        var decoder = DNSLookups()
        try probe.drain("dns_records") { record in
            guard record.loadUnaligned(fromByteOffset: DNSRecord.cgroupOffset, as: UInt64.self) == workload.cgroup else { return }
            decoder.take(record)
        }
        var aggregator = ProbeAggregator(
            settings: ProbeAggregator.Settings(
                limits: SeriesLimits(perOwner: 100, total: 1000), namespaces: AgentConfiguration(endpoint: "http://localhost:4318").namespaces,
                node: Node(kubernetesName: nil, hostName: "node"), scope: Scope(name: "test", version: "1", schemaURL: "")),
            startUnixNanoseconds: 1)
        aggregator.observe([CgroupDirectory(id: workload.cgroup, path: "/system.slice/asker.service")])
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let nanoseconds = UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
        decoder.settle(into: &aggregator, monotonicNanoseconds: nanoseconds + (expiring ? 10_000_000_000 : 1_000_000_000))
        var counts: [String: UInt64] = [:]
        for metric in aggregator.endWindow(at: 2).flatMap(\.metrics) where metric.name == "dns.lookup.duration" {
            guard case .histogram(let points, _) = metric.data else { continue }
            for point in points {
                let text = point.attributes.map { if case .string(let text) = $0.value { text } else { "?" } }.joined(separator: " ")
                counts[text, default: 0] += point.count
            }
        }
        let losses = try probe.statistics().reduce(into: [String: UInt64]()) { losses, hook in
            for (kind, number) in hook.losses where number > 0 { losses["\(kind)", default: 0] += number }
        }
        return (counts, aggregator.ledger, losses)
    }

    @Test func everyWayToAskIsOneLookup() throws {
        let found = try lookups(
            """
            for way in (connected, unconnected, message, stream, pair):
                for _ in range(20): way(way.__name__ + '.example')
            for _ in range(20): pair('no-such.example')
            elsewhere()
            """)
        let names = ["connected", "unconnected", "message", "stream", "pair"]
        var expected = Dictionary(uniqueKeysWithValues: names.map { ("\($0).example", UInt64(20)) })
        expected["no-such.example nxdomain"] = 20
        #expect(found.counts == expected)
        #expect(found.ledger[.dnsMessage, .seen] == UInt64(4 * 20 * 2 + 2 * 20 * 4))
        #expect(found.losses == [:])
    }

    @Test func whatIsNotAnsweredIsATimeout() throws {
        let found = try lookups("for _ in range(5): mute('mute.example'); connected('fine.example')", expiring: true)
        #expect(found.counts["fine.example"] == 5)
        #expect(found.counts.filter { $0.key.hasSuffix("timeout") }.values.reduce(0, +) == 5, "\(found.counts)")
    }

    @Test(.enabled(if: hasSocketMemoryLimitPerNamespace, "net.core.optmem_max belongs to a network namespace since Linux 6.9"))
    func aSocketWithoutMemoryForItsStateIsALossThatIsCounted() throws {
        let found = try lookups(withoutSocketMemory + "for _ in range(5): mute('mute.example')")
        #expect(found.losses == ["storageFull": 5])
        #expect(found.counts == [:] && found.ledger[.dnsMessage, .seen] == 0)
    }
}
