// TCP connections on the loopback of this kernel: lifetimes, round trips, resets, and packets that are dropped.

import Foundation
import ProbeCore
import ProbePrograms
import Testing

@testable import ProbeKernel

@Suite(.serialized) struct ConnectionTests {
    private static let connections = """
        import socket, threading, time
        server = socket.create_server(('127.0.0.1', 0), backlog=64)
        port = server.getsockname()[1]
        """

    private func counter(_ groups: [RawGroup], _ offset: Int = 0, where isWanted: (RawGroup) -> Bool = { _ in true }) -> UInt64 {
        groups.filter(isWanted).flatMap(\.values).reduce(0) { $0 + $1.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) } }
    }

    @Test func aConnectionsLifeIsCountedOnBothSides() throws {
        let probe = try loaded(.tcp)
        defer { probe.close() }
        let workload = try Workload()
        try workload.python(
            Self.connections + """

                for _ in range(5):
                    client = socket.create_connection(('127.0.0.1', port)); peer, _ = server.accept()
                    time.sleep(0.05)
                    client.close(); peer.recv(1); peer.close()
                """)
        let lifetimes = try probe.groups(of: "lifetimes").of(workload)
        for role in ConnectKey.Role.allCases {
            let values = lifetimes.filter { word($0.key, LifetimeKey.roleOffset) == role.rawValue }.flatMap(\.values)
            let histogram = Histogram(values)
            #expect(histogram.count == 5, "\(role)")
            #expect((250_000_000..<400_000_000).contains(histogram.sumNanoseconds), "\(role): \(histogram.sumNanoseconds)")
        }
    }

    @Test(.enabled(if: hasSocketMemoryLimitPerNamespace, "net.core.optmem_max belongs to a network namespace since Linux 6.9"))
    func aConnectionWithoutMemoryForItsStateIsALossThatIsCounted() throws {
        let probe = try loaded(.tcp)
        defer { probe.close() }
        let workload = try Workload()
        try workload.python(
            withoutSocketMemory + Self.connections + """

                for _ in range(5):
                    client = socket.create_connection(('127.0.0.1', port)); peer, _ = server.accept()
                    client.close(); peer.close()
                """)
        let losses = try probe.statistics().reduce(into: [String: UInt64]()) { $0[$1.function] = $1.losses[.storageFull] }
        #expect(losses["inet_sock_set_state"] == 5, "connects")
        #expect(losses["lifetimes"] == 10, "both ends")
        #expect(try probe.groups(of: "lifetimes").of(workload).isEmpty)
    }

    @Test func roundTripsAreSampledAndTheShareChangesWhileAttached() throws {
        var all = settings()
        all.roundTripSampling = 1
        let probe = try loaded(.tcp, all)
        defer { probe.close() }
        let workload = try Workload()
        let talk =
            Self.connections + """

                client = socket.create_connection(('127.0.0.1', port)); peer, _ = server.accept()
                for _ in range(1600):
                    client.send(b'x'); peer.recv(1); peer.send(b'y'); client.recv(1)
                """
        try workload.python(talk)
        let every = Histogram(try probe.groups(of: "round_trips").of(workload).flatMap(\.values))
        #expect(every.count >= 3200, "each data segment arrives")
        #expect(every.sumNanoseconds / max(every.count, 1) < 10_000_000, "a round trip on the loopback takes microseconds")
        try probe.change(roundTripSampling: 16, recordsExec: false, portsBelow: 0)
        try workload.python(talk)
        let some = Histogram(try probe.groups(of: "round_trips").of(workload).flatMap(\.values)).count - every.count
        #expect((every.count / 32...every.count / 8).contains(some), "one of 16 of \(every.count), but \(some)")
        try probe.change(roundTripSampling: 0, recordsExec: false, portsBelow: 0)
        try workload.python(talk)
        #expect(Histogram(try probe.groups(of: "round_trips").of(workload).flatMap(\.values)).count == every.count + some)
    }

    @Test func resetsAreCountedForWhoSentAndWhoReceivedThem() throws {
        let probe = try loaded(.tcp)
        defer { probe.close() }
        let workload = try Workload()
        try workload.python(
            Self.connections + """

                import struct
                for _ in range(7):
                    client = socket.create_connection(('127.0.0.1', port)); peer, _ = server.accept()
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); client.close()
                    try: peer.recv(1)
                    except ConnectionResetError: pass
                """)
        let resets = try probe.groups(of: "resets").of(workload)
        for direction in TransferDirection.allCases {
            #expect(counter(resets) { word($0.key, ResetKey.directionOffset) == direction.rawValue } == 7, "\(direction)")
        }
    }

    @Test func aDroppedSegmentBelongsToTheCgroupOfItsSocket() throws {
        let tcp = try loaded(.tcp)
        defer { tcp.close() }
        let loader = ProbeLoader()
        let drops = try #require(loader.load(.drops, settings: settings(), sharing: [tcp]).probe)
        defer { drops.close() }
        let workload = try Workload()
        // Data that arrives after the reader closed its side is dropped by the reader's socket.
        try workload.python(
            Self.connections + """

                for _ in range(4):
                    client = socket.create_connection(('127.0.0.1', port)); peer, _ = server.accept()
                    peer.close(); client.send(b'late'); time.sleep(0.01); client.close()
                """)
        let groups = try drops.groups(of: "drops").of(workload)
        #expect(counter(groups, DropValue.packetsOffset) >= 4, "shared storage of the tcp program names the owner")
        #expect(groups.allSatisfy { word($0.key, DropKey.transportAndDirectionOffset) & 0xffff == 6 })
    }

    @Test func aDatagramForNobodyIsADropWithItsBytes() throws {
        let loader = ProbeLoader()
        let drops = try #require(loader.load(.drops, settings: settings()).probe)
        defer { drops.close() }
        // A namespace of its own, where nothing else drops anything: found again by the protocol's number, UDP, and the size.
        let before = try drops.groups(of: "drops")
        try Workload().run([
            "/usr/bin/unshare", "-n", "/bin/sh", "-c",
            "ip link set lo up; exec /usr/bin/python3 -c \"import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nfor _ in range(9): s.sendto(b'x' * 1000, ('127.0.0.1', 9))\"",
        ])
        let number = try #require(loader.dropReasons.first { $0.value == "no_socket" }).key
        let isOurs = { (group: RawGroup) in
            word(group.key, DropKey.reasonOffset) == number
                && word(group.key, DropKey.transportAndDirectionOffset) == 17 | TransferDirection.receive.rawValue << 16
        }
        let after = try drops.groups(of: "drops")
        #expect(counter(after, DropValue.packetsOffset, where: isOurs) - counter(before, DropValue.packetsOffset, where: isOurs) == 9)
        let bytes = counter(after, DropValue.bytesOffset, where: isOurs) - counter(before, DropValue.bytesOffset, where: isOurs)
        #expect(bytes >= 9 * 1000 && bytes <= 9 * 1028, "\(bytes)")
    }

    @Test func reasonsHaveTheKernelsNames() {
        let reasons = ProbeLoader().dropReasons
        #expect(reasons.count > 50 && reasons.values.contains("netfilter_drop"))
        #expect(reasons[2 << 16] == "openvswitch")
        #expect(ProbeLoader(host: .current(), btf: KernelBTF(argumentCounts: [:])).dropReasons == [2: "not_specified"], "a kernel before 5.17 gives none")
    }
}
