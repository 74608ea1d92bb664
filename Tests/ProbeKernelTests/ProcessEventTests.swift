// Processes that crash, are started, or run out of memory, on this kernel.

import Foundation
import ProbeCore
import ProbePrograms
import Testing

@testable import ProbeKernel

@Suite(.serialized) struct ProcessEventTests {
    private struct Event: Equatable {
        var kind: ProcessEventLayout.Kind
        var signal: UInt32
        var name: String
    }

    private func events(_ probe: LoadedProbe, _ workload: Workload) throws -> [Event] {
        var events: [Event] = []
        try probe.drain("process_events") { record in
            guard record.count == ProcessEventLayout.byteCount,
                record.loadUnaligned(fromByteOffset: ProcessEventLayout.cgroupOffset, as: UInt64.self) == workload.cgroup
            else { return }
            func word(_ offset: Int) -> UInt32 { record.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
            let name = record[ProcessEventLayout.nameOffset...].prefix(Int(word(ProcessEventLayout.nameBytesOffset))).prefix { $0 != 0 }
            guard let kind = ProcessEventLayout.Kind(rawValue: word(ProcessEventLayout.kindOffset)) else { return }
            events.append(Event(kind: kind, signal: word(ProcessEventLayout.signalOffset), name: String(decoding: name, as: UTF8.self)))
        }
        return events
    }

    /// A child that ends itself by a signal, from a second thread.
    private static let crash = """
        import os, resource, threading
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if os.fork() == 0:
            thread = threading.Thread(target=os.abort); thread.start(); thread.join()
        os.wait()
        if os.fork() == 0: os.kill(os.getpid(), 15)
        os.wait()
        """

    @Test func aCrashIsOneEventOfTheWholeProcessAndATerminationIsNone() throws {
        let probe = try loaded(.process)
        defer { probe.close() }
        let workload = try Workload()
        try workload.python(Self.crash)
        #expect(try events(probe, workload) == [Event(kind: .crash, signal: 6, name: "python3")])
    }

    @Test func startsAreRecordedOnRequestAndEachOnce() throws {
        let probe = try loaded(.process)
        defer { probe.close() }
        let workload = try Workload()
        let many = ["/bin/sh", "-c", "for i in 1 2 3 4 5; do /bin/true; done"]
        try workload.run(many)
        #expect(try events(probe, workload).isEmpty, "off by default")
        try probe.change(roundTripSampling: 16, recordsExec: true, portsBelow: 0)
        try workload.run(many)
        let names = try events(probe, workload).map(\.name)
        #expect(names == ["/bin/sh"] + [String](repeating: "/bin/true", count: 5))
    }

    @Test func anIgnoredCgroupHasNoEvents() throws {
        let probe = try loaded(.process)
        defer { probe.close() }
        let workload = try Workload()
        try probe.ignore([workload.cgroup])
        try workload.python(Self.crash)
        #expect(try events(probe, workload).isEmpty)
    }

    @Test func aFullRingLosesEventsAndCountsThem() throws {
        var small = settings()
        small.mapMemoryBytes = 1
        small.recordsExec = true
        let probe = try loaded(.process, small)
        defer { probe.close() }
        let workload = try Workload()
        try workload.run(["/bin/sh", "-c", "i=0; while [ $i -lt 400 ]; do /bin/true; i=$((i+1)); done"])
        let taken = UInt64(try events(probe, workload).count)
        let lost = try probe.statistics().reduce(0) { $0 + ($1.losses[.ringFull] ?? 0) }
        #expect(lost > 0 && taken > 0 && taken + lost >= 401, "\(taken) taken, \(lost) lost: the rest of the machine starts programs too")
    }

    @Test func aProcessThatIsKilledForMemoryIsAnEvent() throws {
        let workload = try Workload()
        let limit = workload.path + (hostMode.mode == .v2 ? "/memory.max" : "/memory.limit_in_bytes")
        let file = try #require(FileHandle(forWritingAtPath: limit), "no memory controller at \(limit)")
        try file.write(contentsOf: Data("33554432".utf8))
        try file.close()
        let probe = try loaded(.process)
        defer { probe.close() }
        try workload.python(
            """
            import os
            if os.fork() == 0:
                hog = bytearray()
                while True: hog += b'x' * (1 << 20)
            print(os.wait())
            """)
        let kills = try events(probe, workload).filter { $0.kind == .oomKill }
        #expect(kills == [Event(kind: .oomKill, signal: 0, name: "python3")])
    }
}
