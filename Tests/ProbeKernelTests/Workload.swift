// Known work in a cgroup of its own, so that whatever else runs on the machine does not count.
import Foundation
import ProbeCore
import ProbeKernel
import ProbePrograms
import Testing

/// Whether this process may load programs at all; the tests say so once instead of failing one by one.
let canLoad = HostKernel.current().hasBTF && HostKernel.current().missingCapabilities.isEmpty && getuid() == 0

/// The hierarchy that the agent would read on this host, and its folder.
let hostMode: (mode: ProbeSettings.CgroupMode, root: String) = {
    if FileManager.default.fileExists(atPath: "/sys/fs/cgroup/cgroup.controllers") { return (.v2, "/sys/fs/cgroup") }
    return (.v1Memory, "/sys/fs/cgroup/memory")
}()

/// The kernel keeps what programs know of a socket in the socket's option memory, whose limit is a namespace's own since Linux 6.9 (commit f5769faeec36).
let hasSocketMemoryLimitPerNamespace: Bool = {
    let release = HostKernel.current().release.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
    return canLoad && release.count == 2 && (release[0], release[1]) >= (6, 9)
}()

/// Python: goes into a network namespace of its own with a loopback, whose sockets have room for nothing but themselves.
let withoutSocketMemory = """
    import ctypes, fcntl, socket, struct
    assert ctypes.CDLL(None, use_errno=True).unshare(0x40000000) == 0, ctypes.get_errno()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: fcntl.ioctl(s, 0x8914, struct.pack('16sH14x', b'lo', 1))
    open('/proc/sys/net/core/optmem_max', 'w').write('0')

    """

/// A cgroup that is removed when the value goes away; every process in it must have ended by then.
final class Workload {
    let path: String
    let cgroup: UInt64

    init(root: String = hostMode.root) throws {
        path = "\(root)/sonde-test-\(UUID().uuidString)"
        guard mkdir(path, 0o755) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        var status = stat()
        guard stat(path, &status) == 0 else { throw POSIXError(.EIO) }
        cgroup = UInt64(status.st_ino)
    }

    deinit { rmdir(path) }

    /// Runs a command in the cgroup and gives what it printed.
    @discardableResult
    func run(_ command: [String]) throws -> String {
        let process = Process()
        let pipe = Pipe()
        // timeout stays outside of the cgroup: only the command counts.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = ["20", "/bin/sh", "-c", "echo $$ > \(path)/cgroup.procs; exec \"$@\"", "sh"] + command
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(command)")
        return String(decoding: output, as: UTF8.self)
    }

    @discardableResult
    func python(_ program: String) throws -> String { try run(["/usr/bin/python3", "-c", program]) }

    /// Runs a Python program in the cgroup; its parent outside of it prints what the kernel counted for it from when it entered to its end.
    func observe(_ program: String) throws -> KernelView {
        let observer = """
            import os, signal, sys
            child = os.fork()
            if child == 0:
                os.kill(os.getpid(), signal.SIGSTOP)
                os.execv('/usr/bin/python3', ['python3', '-c', sys.argv[2]])
            def counts():
                status = open(f'/proc/{child}/status').read().split('voluntary_ctxt_switches:')
                return [int(n) for n in [status[1].split()[0], status[2].split()[0], *open(f'/proc/{child}/schedstat').read().split()[1:]]]
            os.waitpid(child, os.WUNTRACED)
            before = counts()
            open(sys.argv[1] + '/cgroup.procs', 'w').write(str(child))
            os.kill(child, signal.SIGCONT)
            os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
            print(*(end - start for end, start in zip(counts(), before)))
            assert os.waitpid(child, 0)[1] == 0
            """
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = ["20", "/usr/bin/python3", "-c", observer, path, program]
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let numbers = String(decoding: output, as: UTF8.self).split(whereSeparator: \.isWhitespace).compactMap { Int64($0) }
        try #require(numbers.count == 4)
        return KernelView(voluntary: numbers[0], involuntary: numbers[1], runDelayNanoseconds: numbers[2], runs: numbers[3])
    }
}

/// What `/proc/PID/status` and `/proc/PID/schedstat` counted for a process in the cgroup.
struct KernelView {
    var voluntary: Int64
    var involuntary: Int64
    var runDelayNanoseconds: Int64
    var runs: Int64
}

func settings(_ mode: ProbeSettings.CgroupMode = hostMode.mode, systemCalls: [String] = []) -> ProbeSettings {
    ProbeSettings(cgroupMode: mode, systemCalls: Set(systemCalls.compactMap { SystemCalls.number(of: $0) }))
}

func loaded(_ program: ProbeProgram, _ settings: ProbeSettings = settings()) throws -> LoadedProbe {
    let load = ProbeLoader().load(program, settings: settings)
    for hook in load.hooks { #expect(hook.failure == nil, "\(hook.hook.function): \(hook.failure?.reason ?? "")") }
    return try #require(load.probe)
}

/// A histogram summed over the CPUs.
struct Histogram {
    var count: UInt64 = 0
    var sumNanoseconds: UInt64 = 0
    var slots = [UInt64](repeating: 0, count: HistogramLayout.slotCount)

    init(_ values: [[UInt8]]) {
        for value in values {
            count += number(value, HistogramLayout.countOffset)
            sumNanoseconds += number(value, HistogramLayout.sumNanosecondsOffset)
            for slot in slots.indices { slots[slot] += number(value, HistogramLayout.slotsOffset + 8 * slot) }
        }
    }
}

func number(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
    bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
}

func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
}

extension [RawGroup] {
    func of(_ workload: Workload) -> [RawGroup] { filter { number($0.key, 0) == workload.cgroup } }
}
