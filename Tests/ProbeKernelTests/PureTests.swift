// What needs no kernel: sizes, filters, texts.
import Testing

@testable import ProbeKernel
@testable import ProbePrograms

@Suite struct PureTests {
    @Test func mapsShareTheMemoryAndKeepTheirLeast() {
        let program = ProbeProgram.tcp
        let full = Dictionary(uniqueKeysWithValues: program.groupMaps.map { ($0.name, UInt32($0.entries)) })
        let least = Dictionary(uniqueKeysWithValues: program.groupMaps.map { ($0.name, UInt32($0.leastEntries)) })
        #expect(mapEntries(of: program, memoryBytes: nil, cpuCount: 256) == full)
        #expect(mapEntries(of: program, memoryBytes: 1 << 40, cpuCount: 2) == full)
        #expect(mapEntries(of: program, memoryBytes: 0, cpuCount: 2) == least)
        let sizes = mapEntries(of: program, memoryBytes: 1 << 20, cpuCount: 1)
        let bytes = program.groupMaps.reduce(0) { $0 + Int(sizes[$1.name] ?? 0) * ($1.keyBytes + 56 + $1.valueBytes) }
        #expect(bytes <= 1 << 20 && bytes > 9 * (1 << 20) / 10)
        let many = mapEntries(of: program, memoryBytes: 4 << 20, cpuCount: 64)
        let few = mapEntries(of: program, memoryBytes: 4 << 20, cpuCount: 2)
        #expect(many["connects"] ?? 0 < few["connects"] ?? 0)
    }

    @Test func filterHoldsTheCallsAndRestart() throws {
        #expect(try systemCallFilter([], withRestarts: true) == [UInt8](repeating: 0, count: SyscallFilter.byteCount))
        let filter = try systemCallFilter([0, 9, 511], withRestarts: true)
        #expect(filter[0] == 1 && filter[1] == 2 && filter[63] == 0x80)
        let restart = try #require(SystemCalls.number(of: "restart_syscall"))
        #expect(filter[Int(restart / 8)] & 1 << (restart % 8) != 0)
        #expect(try systemCallFilter([0], withRestarts: false) == [1] + [UInt8](repeating: 0, count: SyscallFilter.byteCount - 1))
        #expect(throws: ProbeKernelError.self) { try systemCallFilter([512], withRestarts: false) }
    }

    @Test func statusAndLockdownAreRead() {
        #expect(effectiveCapabilities(inStatus: "Name:\tx\nCapPrm:\t0\nCapEff:\t000000c000000000\n") == 0xc0_0000_0000)
        #expect(effectiveCapabilities(inStatus: "") == 0)
        #expect(lockdownMode(inFile: "none [integrity] confidentiality\n") == "integrity")
        #expect(lockdownMode(inFile: "") == nil)
    }

    @Test(arguments: [
        (UInt64(0xc0_0000_0000), [], "both"), (0x20_0000, [], "CAP_SYS_ADMIN stands for both"), (0x80_0000_0000, ["CAP_PERFMON"], "only CAP_BPF"),
        (0, ["CAP_BPF", "CAP_PERFMON"], "none"),
    ])
    func missingCapabilitiesAreNamed(mask: UInt64, missing: [String], why: String) {
        let host = HostKernel(release: "", machine: "", hasBTF: true, capabilities: mask, lockdown: nil)
        #expect(host.missingCapabilities == missing, "\(why)")
    }

    @Test(arguments: [
        (Int32(1), UInt64(0), "lacks CAP_BPF and CAP_PERFMON"), (1, 0xc0_0000_0000, "lockdown is 'confidentiality'"), (12, 0xc0_0000_0000, "RLIMIT_MEMLOCK"),
        (22, 0xc0_0000_0000, "EINVAL at load: R1 type=scalar expected=ctx"),
    ])
    func reasonSaysWhatHelps(errorNumber: Int32, capabilities: UInt64, expected: String) {
        let log = """
            libbpf: prog 'x': BPF program load failed: Invalid argument
            libbpf: prog 'x': -- BEGIN PROG LOAD LOG --
            0: R1=ctx() R10=fp0
            ; int x(u64 *ctx)
            1: (85) call bpf_ktime_get_ns#5
            R1 type=scalar expected=ctx
            processed 2 insns (limit 1000000) max_states_per_insn 0
            -- END PROG LOAD LOG --
            libbpf: prog 'x': failed to load: -22
            libbpf: failed to load object 'x'
            """
        let host = HostKernel(release: "6.1", machine: "x86_64", hasBTF: true, capabilities: capabilities, lockdown: "confidentiality")
        #expect(hookFailure(.load, errno: errorNumber, log: log, host: host).reason.contains(expected))
    }

    @Test func lastOwnWarningIsTheReasonWithoutAVerifierLog() {
        #expect(
            mostTellingLine(of: "libbpf: map 'x': failed to create: No space\nlibbpf: failed to load object 'y'\n") == "map 'x': failed to create: No space")
        #expect(mostTellingLine(of: "") == "")
    }

    @Test func namesAndNumbersOfSystemCallsBelongTogether() {
        for name in ["read", "write", "openat", "futex", "statx", "futex_waitv", "mseal"] {
            #expect(SystemCalls.number(of: name).flatMap(SystemCalls.name) == name)
        }
        #if arch(x86_64)
            let known: [(UInt32, String)] = [(0, "read"), (1, "write"), (59, "execve"), (232, "epoll_wait"), (334, "rseq"), (435, "clone3"), (462, "mseal")]
        #else
            let known: [(UInt32, String)] = [(63, "read"), (64, "write"), (221, "execve"), (22, "epoll_pwait"), (293, "rseq"), (435, "clone3"), (462, "mseal")]
        #endif
        for (number, name) in known { #expect(SystemCalls.name(of: number) == name) }
        #expect(SystemCalls.number(of: "no_such_call") == nil)
        #expect(SystemCalls.name(of: 400) == nil)
    }

    @Test(arguments: [
        (UInt32(1), "EPERM"), (11, "EAGAIN"), (36, "ENAMETOOLONG"), (40, "ELOOP"), (42, "ENOMSG"), (59, "EBFONT"), (110, "ETIMEDOUT"), (111, "ECONNREFUSED"),
        (113, "EHOSTUNREACH"), (133, "EHWPOISON"),
    ])
    func errorsHaveTheKernelsNames(number: UInt32, name: String) { #expect(ErrorNames.name(of: number) == name) }

    @Test(arguments: [UInt32(0), 41, 58, 134, UInt32.max]) func numbersWithoutANameHaveNone(number: UInt32) { #expect(ErrorNames.name(of: number) == nil) }
}
