// Cgroups that programs leave out, in the running kernel.

import ProbeCore
import ProbePrograms
import Testing

@testable import ProbeKernel

@Suite(.serialized) struct IgnoreTests {
    @Test func anIgnoredCgroupIsNotCountedUntilItIsWantedAgain() throws {
        let probe = try loaded(.sched)
        defer { probe.close() }
        let unwanted = try Workload(), wanted = try Workload()
        try probe.ignore([unwanted.cgroup])
        for workload in [unwanted, wanted] { try workload.run(["/bin/sleep", "0.01"]) }
        #expect(try probe.groups(of: "sched_groups").of(unwanted).isEmpty)
        #expect(try probe.groups(of: "sched_groups").of(wanted).count == 1)
        try probe.ignore([])
        try unwanted.run(["/bin/sleep", "0.01"])
        #expect(try probe.groups(of: "sched_groups").of(unwanted).count == 1)
    }

    @Test func moreCgroupsThanTheMapHoldsAreNoError() throws {
        let probe = try loaded(.sched)
        defer { probe.close() }
        try probe.ignore(Set(1 << 40..<(1 << 40 + 20_000)))
        try probe.ignore([7])
    }
}
