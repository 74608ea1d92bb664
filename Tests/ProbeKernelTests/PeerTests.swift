// Addresses of clients' peers in the running kernel, in a network namespace where the loopback is all there is.
import Foundation
import ProbeCore
import ProbePrograms
import Testing

@testable import ProbeKernel

@Suite(.enabled(if: canLoad, "needs root, CAP_BPF, CAP_PERFMON and BTF"), .serialized) struct PeerTests {
    private static func settings(tellsAddresses: Bool, memory: Int? = nil) -> ProbeSettings {
        var settings = settings()
        settings.tellsAddresses = tellsAddresses
        settings.portsBelow = 32768
        settings.mapMemoryBytes = memory
        return settings
    }

    private static func settings() -> ProbeSettings { ProbeSettings(cgroupMode: hostMode.mode) }

    /// Runs a program that has `serve`, which listens on an address, and `meet`, which connects to one.
    private static func talk(_ workload: Workload, _ program: String) throws {
        let prelude = """
            import socket, subprocess
            subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
            def serve(address, family=socket.AF_INET): return socket.create_server((address, 8080), family=family, backlog=64)
            def meet(server, address, family=socket.AF_INET):
                with socket.socket(family) as client:
                    client.connect((address, 8080)); server.accept()[0].close()

            """
        try workload.run(["/usr/bin/unshare", "-n", "/usr/bin/python3", "-c", prelude + program])
    }

    /// Connections by `port address error`.
    private static func peers(_ probe: LoadedProbe, _ workload: Workload) throws -> [String: UInt64] {
        try probe.groups(of: "peers").of(workload).reduce(into: [:]) { counts, group in
            let (role, port) = ConnectKey.roleAndPort(word(group.key, ConnectKey.roleOffset))
            #expect(role == ConnectKey.Role.client.rawValue)
            let error = word(group.key, ConnectKey.errorOffset)
            let address = group.key[PeerKey.addressOffset...].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            counts["\(port) \(address)\(error == 0 ? "" : " \(ErrorNames.name(of: error) ?? "?")")"] = Histogram(group.values).count
        }
    }

    private static func connects(_ probe: LoadedProbe, _ workload: Workload, _ role: ConnectKey.Role) throws -> UInt64 {
        try probe.groups(of: "connects").of(workload).filter { word($0.key, ConnectKey.roleOffset) & 0xffff == role.rawValue }
            .reduce(0) { $0 + Histogram($1.values).count }
    }

    @Test func addressesOfBothFamiliesAreThoseOfClientsPeers() throws {
        let probe = try loaded(.tcp, Self.settings(tellsAddresses: true))
        defer { probe.close() }
        let workload = try Workload()
        try Self.talk(
            workload,
            """
            four = serve('127.0.0.2')
            for _ in range(3): meet(four, '127.0.0.2')
            for _ in range(2): meet(four, '::ffff:127.0.0.2', socket.AF_INET6)
            four.close()
            for _ in range(4):
                try: socket.create_connection(('127.0.0.2', 8080))
                except ConnectionRefusedError: pass
            six = serve('::1', socket.AF_INET6)
            for _ in range(5): meet(six, '::1', socket.AF_INET6)
            """)
        let four = "8080 00000000000000000000ffff7f000002", six = "8080 00000000000000000000000000000001"
        #expect(try Self.peers(probe, workload) == [four: 5, "\(four) ECONNREFUSED": 4, six: 5])
        #expect(try Self.connects(probe, workload, .client) == 0, "each connection is counted once")
        #expect(try Self.connects(probe, workload, .server) == 10, "a server's clients are told by no address")
    }

    @Test func theSwitchTurnsWhileTheProgramRuns() throws {
        let probe = try loaded(.tcp, Self.settings(tellsAddresses: false))
        defer { probe.close() }
        let workload = try Workload()
        let once = "meet(serve('127.0.0.3'), '127.0.0.3')"
        let peer = "8080 00000000000000000000ffff7f000003"
        try Self.talk(workload, once)
        #expect(try Self.peers(probe, workload) == [:] && Self.connects(probe, workload, .client) == 1)
        try probe.change(roundTripSampling: 16, recordsExec: false, portsBelow: 32768, tellsAddresses: true)
        try Self.talk(workload, once)
        #expect(try Self.peers(probe, workload) == [peer: 1] && Self.connects(probe, workload, .client) == 1)
        try probe.change(roundTripSampling: 16, recordsExec: false, portsBelow: 32768, tellsAddresses: false)
        try Self.talk(workload, once)
        #expect(try Self.peers(probe, workload) == [peer: 1] && Self.connects(probe, workload, .client) == 2)
    }

    @Test func whatTheMapHasNoRoomForIsCountedWithoutItsAddress() throws {
        let probe = try loaded(.tcp, Self.settings(tellsAddresses: true, memory: 0))
        defer { probe.close() }
        let room = try #require(probe.capacity(of: "peers"))
        let workload = try Workload()
        try Self.talk(
            workload,
            """
            server = serve('0.0.0.0')
            for number in range(\(room + 50)): meet(server, f'127.1.{number // 250}.{number % 250 + 1}')
            """)
        let told = try Self.peers(probe, workload), untold = try Self.connects(probe, workload, .client)
        #expect(told.count <= room && told.count > room - 50 && told.values.allSatisfy { $0 == 1 }, "\(told.count) of \(room)")
        #expect(told.values.reduce(0, +) + untold == UInt64(room + 50))
        #expect(try probe.statistics().allSatisfy { $0.losses[.mapFull] ?? 0 == 0 }, "nothing is lost")
        // What is taken out makes room for others.
        let keys = try probe.groups(of: "peers").map(\.key)
        #expect(try probe.take(keys, from: "peers").count == keys.count)
        try Self.talk(workload, "meet(serve('127.0.0.9'), '127.0.0.9')")
        #expect(try Self.peers(probe, workload).keys.contains { $0.hasSuffix("ffff7f000009") })
    }
}
