// System calls counted from one hook, without their times, against what programs did and against the program with two hooks.
import Foundation
import ProbeCore
import ProbePrograms
import Testing

@testable import ProbeKernel

@Suite(.enabled(if: canLoad, "needs root, CAP_BPF, CAP_PERFMON and BTF"), .serialized) struct SystemCallCountTests {
    private static func counts(_ probe: LoadedProbe, _ workload: Workload) throws -> [String: UInt64] {
        try probe.groups(of: "syscall_calls").of(workload).reduce(into: [:]) { counts, group in
            let name = SystemCalls.name(of: word(group.key, SyscallKey.numberOffset)) ?? "?"
            let error = word(group.key, SyscallKey.errorOffset)
            counts["\(name) \(error == 0 ? "ok" : ErrorNames.name(of: error) ?? "?")"] =
                group.values.reduce(0) { $0 + number($1, SyscallCount.callsOffset) }
        }
    }

    private static func interrupted(_ probe: LoadedProbe) throws -> UInt64 {
        try probe.statistics().reduce(0) { $0 + ($1.losses[.interrupted] ?? 0) }
    }

    /// 500 calls that succeed and 17 that fail.
    private static let calls = """
        import os
        for _ in range(500): os.getpgid(0)
        for _ in range(17):
            try: os.getpgid(2**31 - 1)
            except ProcessLookupError: pass
        """

    @Test func callsAreCountedOnceByNumberAndError() throws {
        let probe = try loaded(.syscallCounts, settings(systemCalls: ["getpgid"]))
        defer { probe.close() }
        let workload = try Workload()
        try workload.python(Self.calls)
        #expect(try Self.counts(probe, workload) == ["getpgid ok": 500, "getpgid ESRCH": 17])
        #expect(try probe.statistics().map(\.function) == ["sys_exit_count"], "one hook")
    }

    @Test func bothProgramsCountTheSame() throws {
        let names = ["read", "openat", "close", "lseek", "mmap", "getpgid"]
        let times = try loaded(.syscall, settings(systemCalls: names)), counts = try loaded(.syscallCounts, settings(systemCalls: names))
        defer {
            times.close()
            counts.close()
        }
        let workload = try Workload()
        // The shell enters the cgroup within a call, which one program has seen begin and both see end.
        try workload.python(Self.calls)
        let withTimes = try times.groups(of: "syscalls").of(workload).reduce(into: [[UInt8]: UInt64]()) { $0[$1.key] = Histogram($1.values).count }
        let alone = try counts.groups(of: "syscall_calls").of(workload).reduce(into: [[UInt8]: UInt64]()) { counts, group in
            counts[group.key] = group.values.reduce(0) { $0 + number($1, SyscallCount.callsOffset) }
        }
        #expect(alone == withTimes && alone.count > 6)
    }

    @Test func theFilterTheNamespacesAndTheTurnChangeWhileItRuns() throws {
        let probe = try loaded(.syscallCounts, settings(systemCalls: []))
        defer { probe.close() }
        let workload = try Workload()
        let call = "import os\nfor _ in range(10): os.getpgid(0)"
        try workload.python(call)
        #expect(try Self.counts(probe, workload) == [:])
        try probe.count(systemCalls: [try #require(SystemCalls.number(of: "getpgid"))])
        try workload.python(call)
        #expect(try Self.counts(probe, workload) == ["getpgid ok": 10])
        try probe.ignore([workload.cgroup])
        try workload.python(call)
        #expect(try Self.counts(probe, workload) == ["getpgid ok": 10], "nobody wants its namespace")
        try probe.ignore([])
        probe.pause()
        try workload.python(call)
        #expect(try Self.counts(probe, workload) == ["getpgid ok": 10], "it is not its turn")
        try probe.resume()
        try workload.python(call)
        #expect(try Self.counts(probe, workload) == ["getpgid ok": 20])
        #expect(throws: ProbeKernelError.self) { try probe.count(systemCalls: [512]) }
    }

    @Test func callThatTheKernelRunsAgainIsCountedOnce() throws {
        let probe = try loaded(.syscallCounts, settings(systemCalls: ["recvfrom"]))
        defer { probe.close() }
        let workload = try Workload()
        try workload.python(try interruptedReceive(restarts: true))
        #expect(try Self.counts(probe, workload) == ["recvfrom ok": 1])
        #expect(try Self.interrupted(probe) >= 1)
    }

    @Test func callThatASignalEndsIsALoss() throws {
        let probe = try loaded(.syscallCounts, settings(systemCalls: ["recvfrom"]))
        defer { probe.close() }
        let workload = try Workload()
        try workload.python(try interruptedReceive(restarts: false))
        #expect(try Self.counts(probe, workload) == [:], "the kernel turns the result into EINTR behind the hook")
        #expect(try Self.interrupted(probe) >= 1)
    }

    @Test(arguments: [(["clock_nanosleep"], [:]), (["clock_nanosleep", "restart_syscall"], ["restart_syscall ok": 1])] as [([String], [String: UInt64])])
    func sleepThatGoesOnIsOnlyCountedAsARestart(names: [String], expected: [String: UInt64]) throws {
        let probe = try loaded(.syscallCounts, settings(systemCalls: names))
        defer { probe.close() }
        let workload = try Workload()
        try workload.python(
            """
            import os, signal, subprocess
            child = subprocess.Popen(['/bin/sleep', '0.3'])
            def waits(): return open(f'/proc/{child.pid}/syscall').read().startswith('\(try #require(SystemCalls.number(of: "clock_nanosleep"))) ')
            while not waits(): pass
            child.send_signal(signal.SIGSTOP); os.waitpid(child.pid, os.WUNTRACED)
            child.send_signal(signal.SIGCONT); child.wait()
            """)
        #expect(try Self.counts(probe, workload) == expected)
        #expect(try Self.interrupted(probe) >= 1)
    }
}

/// A program that a signal meets in recvfrom. With `restarts` the kernel runs the call again, and data comes when the program waits in it a second time;
/// else the call fails with EINTR, and the handler's exception ends the attempt.
private func interruptedReceive(restarts: Bool) throws -> String {
    """
    import os, signal, socket
    class Stopped(Exception): pass
    def handle(*_):
        if not \(restarts ? "True" : "False"): raise Stopped
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGALRM, handle); signal.siginterrupt(signal.SIGALRM, \(restarts ? "False" : "True"))
    ours, theirs = socket.socketpair()
    parent = os.getpid()
    def waits(): return open(f'/proc/{parent}/syscall').read().startswith('\(try #require(SystemCalls.number(of: "recvfrom"))) ')
    def switches(): return open(f'/proc/{parent}/status').read().split('voluntary_ctxt_switches:')[1].split()[0]
    if os.fork() == 0:
        while not waits(): pass
        before = switches()
        os.kill(parent, signal.SIGALRM)
        while \(restarts ? "not waits() or switches() == before" : "False"): pass
        if \(restarts ? "True" : "False"): theirs.send(b'x')
        os._exit(0)
    try: ours.recv(1)
    except Stopped: pass
    os.wait()
    """
}
