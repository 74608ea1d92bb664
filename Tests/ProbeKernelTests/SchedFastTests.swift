// The one-hook scheduler program against the exact one, and programs that are taken off their hooks for a time.

import Foundation
import ProbeCore
import ProbePrograms
import Testing

@testable import ProbeKernel

@Suite(.serialized) struct SchedFastTests {
    /// Four processes on the machine's CPUs: they wait for each other.
    private static let contention = """
        import os, time
        for _ in range(8):
            if os.fork() == 0:
                end = time.time() + 1.0
                while time.time() < end: pass
                os._exit(0)
        for _ in range(8): os.wait()
        """

    private static func waits(_ probe: LoadedProbe, _ workload: Workload) throws -> (count: UInt64, seconds: Double) {
        let groups = try probe.groups(of: "sched_groups").of(workload)
        func sum(_ offset: Int) -> UInt64 {
            groups.flatMap(\.values).reduce(0) { $0 + $1.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) } }
        }
        return (sum(HistogramLayout.countOffset), Double(sum(HistogramLayout.sumNanosecondsOffset)) / 1e9)
    }

    @Test func oneHookGivesTheSameCountAndSum() throws {
        let exact = try loaded(.sched), fast = try loaded(.schedFast)
        defer {
            exact.close()
            fast.close()
        }
        let workload = try Workload()
        try workload.python(Self.contention)
        let (first, second) = (try Self.waits(exact, workload), try Self.waits(fast, workload))
        #expect(first.seconds > 1, "nothing waited")
        #expect(abs(second.seconds / first.seconds - 1) < 0.02, "exact \(first), one hook \(second)")
        #expect(abs(Double(second.count) / Double(first.count) - 1) < 0.02, "exact \(first), one hook \(second)")
    }

    @Test func aPausedProgramCountsNothingAndGoesOnAfterwards() throws {
        let probe = try loaded(.syscall, settings(systemCalls: ["getpgid"]))
        defer { probe.close() }
        let workload = try Workload()
        let call = "import os\nos.getpgid(0)"
        try workload.python(call)
        let before = try probe.groups(of: "syscalls").of(workload)
        probe.pause()
        probe.pause()
        try workload.python(call)
        #expect(try probe.groups(of: "syscalls").of(workload) == before)
        try probe.resume()
        try probe.resume()
        try workload.python(call)
        #expect(try probe.groups(of: "syscalls").of(workload) != before)
    }

    @Test func aCallThatBeganBeforeTheProgramWasAttachedAgainIsNotMeasured() throws {
        let probe = try loaded(.syscall, settings(systemCalls: ["clock_nanosleep"]))
        defer { probe.close() }
        let workload = try Workload()
        let sleeper = Process()
        sleeper.executableURL = URL(fileURLWithPath: "/bin/sh")
        sleeper.arguments = ["-c", "echo $$ > \(workload.path)/cgroup.procs; exec /bin/sleep 0.6"]
        try sleeper.run()
        usleep(300_000)
        probe.pause()
        try probe.resume()
        sleeper.waitUntilExit()
        #expect(try probe.groups(of: "syscalls").of(workload).isEmpty, "its beginning was seen by the hook of before, its end by that of now")
    }
}
