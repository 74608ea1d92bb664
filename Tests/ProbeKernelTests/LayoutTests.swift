// The layouts that Swift decodes with against the C structs, as the BTF of the compiled objects has them.
import Foundation
import Testing

@testable import ProbePrograms

@Suite struct LayoutTests {
    private static let programs: [String: ProbeProgram] = Dictionary(uniqueKeysWithValues: (ProbeProgram.all + [.host]).map { ($0.name, $0) })

    @Test(arguments: [
        (
            "sched", "histogram", HistogramLayout.byteCount,
            ["count": HistogramLayout.countOffset, "sum_ns": HistogramLayout.sumNanosecondsOffset, "slots": HistogramLayout.slotsOffset]
        ),
        ("sched", "sched_key", SchedKey.byteCount, ["cgroup": SchedKey.cgroupOffset]),
        (
            "sched", "sched_value", SchedValue.byteCount,
            ["latency": SchedValue.latencyOffset, "voluntary": SchedValue.voluntaryOffset, "involuntary": SchedValue.involuntaryOffset]
        ),
        (
            "tcp", "connect_key", ConnectKey.byteCount,
            [
                "cgroup": ConnectKey.cgroupOffset, "role": ConnectKey.roleOffset, "port": ConnectKey.roleOffset + 2, "error": ConnectKey.errorOffset,
            ]
        ),
        ("tcp", "peer_key", PeerKey.byteCount, ["connect": PeerKey.connectOffset, "address": PeerKey.addressOffset]),
        (
            "tcp", "retransmit_key", RetransmitKey.byteCount,
            ["cgroup": RetransmitKey.cgroupOffset, "kind": RetransmitKey.kindOffset, "error": RetransmitKey.errorOffset]
        ),
        ("tcp", "retransmit_value", RetransmitValue.byteCount, ["segments": RetransmitValue.segmentsOffset]),
        ("disk", "disk_key", DiskKey.byteCount, ["cgroup": DiskKey.cgroupOffset, "device": DiskKey.deviceOffset, "direction": DiskKey.directionOffset]),
        ("tcp", "reset_key", ResetKey.byteCount, ["cgroup": 0, "direction": ResetKey.directionOffset, "zero": 12]),
        ("tcp", "lifetime_key", LifetimeKey.byteCount, ["cgroup": 0, "role": LifetimeKey.roleOffset, "zero": 12]),
        (
            "drops", "drop_key", DropKey.byteCount,
            ["cgroup": 0, "reason": DropKey.reasonOffset, "transport_and_direction": DropKey.transportAndDirectionOffset]
        ),
        (
            "host", "host_namespaces", HostNamespacesLayout.byteCount,
            ["host_network": HostNamespacesLayout.hostNetworkOffset, "own_network": HostNamespacesLayout.ownNetworkOffset]
        ),
        ("drops", "drop_value", DropValue.byteCount, ["packets": DropValue.packetsOffset, "bytes": DropValue.bytesOffset]),
        (
            "iter", "open_socket", OpenSocketLayout.byteCount,
            [
                "cgroup": OpenSocketLayout.cgroupOffset, "walk": OpenSocketLayout.walkOffset, "drops": OpenSocketLayout.dropsOffset,
                "state": OpenSocketLayout.stateOffset,
            ]
        ),
        (
            "process", "process_event", ProcessEventLayout.byteCount,
            [
                "time_ns": ProcessEventLayout.timeOffset, "cgroup": ProcessEventLayout.cgroupOffset, "anonymous_pages": ProcessEventLayout.anonymousPagesOffset,
                "kind": ProcessEventLayout.kindOffset, "pid": ProcessEventLayout.pidOffset, "signal": ProcessEventLayout.signalOffset,
                "name_bytes": ProcessEventLayout.nameBytesOffset, "name": ProcessEventLayout.nameOffset,
            ]
        ),
        ("syscall", "syscall_key", SyscallKey.byteCount, ["cgroup": SyscallKey.cgroupOffset, "nr": SyscallKey.numberOffset, "error": SyscallKey.errorOffset]),
        (
            "syscall_counts", "syscall_key", SyscallKey.byteCount,
            ["cgroup": SyscallKey.cgroupOffset, "nr": SyscallKey.numberOffset, "error": SyscallKey.errorOffset]
        ),
        ("syscall_counts", "syscall_count", SyscallCount.byteCount, ["calls": SyscallCount.callsOffset]),
        ("syscall_counts", "syscall_filter", SyscallFilter.byteCount, ["words": 0]),
        (
            "files", "file_key", FileKey.byteCount,
            [
                "cgroup": FileKey.cgroupOffset, "inode": FileKey.inodeOffset, "device": FileKey.deviceOffset, "generation": FileKey.generationOffset,
            ]
        ),
        (
            "files", "file_value", FileValue.byteCount,
            [
                "opens": FileValue.opensOffset, "reads": FileValue.readsOffset, "writes": FileValue.writesOffset, "syncs": FileValue.syncsOffset,
                "read_bytes": FileValue.readBytesOffset, "written_bytes": FileValue.writtenBytesOffset, "named": FileValue.namedOffset,
            ]
        ),
        (
            "files", "file_time_key", FileTimeKey.byteCount,
            ["cgroup": FileTimeKey.cgroupOffset, "operation": FileTimeKey.operationOffset, "error": FileTimeKey.errorOffset]
        ),
        (
            "files", "file_path", FilePathLayout.byteCount,
            [
                "key": FilePathLayout.keyOffset, "names": FilePathLayout.namesOffset, "is_cut": FilePathLayout.isCutOffset,
                "name": FilePathLayout.nameOffset,
            ]
        ),
        (
            "dns", "dns_record", DNSRecord.bytesOffset + DNSRecord.capturedMax,
            [
                "time_ns": DNSRecord.timeNanosecondsOffset, "cgroup": DNSRecord.cgroupOffset, "cookie": DNSRecord.cookieOffset, "tgid": DNSRecord.tgidOffset,
                "pid": DNSRecord.pidOffset, "length": DNSRecord.lengthOffset, "captured": DNSRecord.capturedOffset,
                "local_port": DNSRecord.localPortOffset, "peer_port": DNSRecord.peerPortOffset, "protocol": DNSRecord.protocolOffset,
                "direction": DNSRecord.directionOffset, "padding": 44, "bytes": DNSRecord.bytesOffset,
            ]
        ),
        ("dns", "dns_ports", DNSPorts.byteCount, ["words": 0]),
        ("syscall", "syscall_filter", SyscallFilter.byteCount, ["words": 0]),
        (
            "tcp", "program_cost", ProgramCost.byteCount,
            ["runs": ProgramCost.runsOffset, "sampled_runs": ProgramCost.sampledRunsOffset, "sampled_ns": ProgramCost.sampledNanosecondsOffset]
        ),
        (
            "sched", "control", Control.byteCount,
            [
                "filtering": Control.filteringOffset, "exec_events": Control.execEventsOffset, "rtt_below": Control.roundTripBoundOffset,
                "ports_below": Control.portsBelowOffset, "addresses": Control.addressesOffset, "since_ns": Control.sinceNanosecondsOffset,
            ]
        ),
        ("tcp", "program_losses", ProgramLosses.byteCount, Dictionary(uniqueKeysWithValues: ProgramLosses.Reason.allCases.map { ($0.rawValue, $0.offset) })),
    ])
    func swiftAndCAgree(program: String, name: String, byteCount: Int, offsets: [String: Int]) throws {
        let object = try #require(Self.programs[program]).object
        let structure = try #require(try BTF(of: object).structures[name], "no struct \(name) in \(program)")
        #expect(structure.byteCount == byteCount)
        #expect(structure.offsets == offsets)
    }

    @Test func hookOrderIsTheOrderOfTheProgramIndexes() throws {
        for program in ProbeProgram.all {
            let names = try BTF(of: program.object).enumerators.filter { $0.name.hasPrefix("PROGRAM_") }.sorted { $0.value < $1.value }.map(\.name)
            #expect(names == program.hooks.map { "PROGRAM_" + $0.function.uppercased() })
            let accounts = try BTF(of: program.object).enumerators.filter { $0.name.hasPrefix("ACCOUNT_") }.sorted { $0.value < $1.value }
            #expect(accounts.map(\.name) == program.accounts.map { "ACCOUNT_" + $0.uppercased() })
            #expect(accounts.first.map { $0.value == program.hooks.count } ?? true, "accounts stand behind the hooks of \(program.name)")
        }
    }
}

/// Structs and enumerators of an object (Documentation/bpf/btf.rst).
private struct BTF {
    var structures: [String: (byteCount: Int, offsets: [String: Int])] = [:]
    var enumerators: [(name: String, value: Int)] = []

    init(of object: [UInt8]) throws {
        let section = try #require(elfSection(".BTF", in: object))
        let bytes = Array(object[section.offset..<section.offset + section.size])
        func word(_ offset: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) } }
        let header = word(4)
        let strings = header + word(16)
        func text(_ offset: Int) -> String { String(decoding: bytes[(strings + offset)...].prefix { $0 != 0 }, as: UTF8.self) }
        var place = header + word(8)
        let end = place + word(12)
        while place < end {
            let kind = word(place + 4) >> 24 & 0x1f
            let count = word(place + 4) & 0xffff
            let members = (0..<count).map { place + 12 + 12 * $0 }
            switch kind {
            case 4: structures[text(word(place))] = (word(place + 8), Dictionary(uniqueKeysWithValues: members.map { (text(word($0)), word($0 + 8) / 8) }))
            case 6: enumerators += (0..<count).map { (text(word(place + 12 + 8 * $0)), word(place + 16 + 8 * $0)) }
            default: break
            }
            // What follows the common part of a type, by kind.
            let sizes: [Int: Int] = [1: 4, 3: 12, 4: 12 * count, 5: 12 * count, 6: 8 * count, 13: 8 * count, 14: 4, 15: 12 * count, 17: 4, 19: 12 * count]
            place += 12 + (sizes[kind] ?? 0)
        }
    }
}
