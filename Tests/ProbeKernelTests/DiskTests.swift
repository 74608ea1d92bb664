// Block requests on this machine's disk: both programs count what a workload writes and reads past the page cache.

import Foundation
import ProbeCore
import ProbePrograms
import Testing

@testable import ProbeKernel

@Suite(.serialized) struct DiskTests {
    /// So many writes and reads of 4 KiB with O_DIRECT, one request each.
    private static let requests = 40
    private static let work = """
        import mmap, os, sys
        name = sys.argv[1]
        fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600)
        page = mmap.mmap(-1, 4096)
        for i in range(%d): os.pwrite(fd, page, i * 4096)
        for i in range(%d): os.preadv(fd, [page], i * 4096)
        os.close(fd)
        os.unlink(name)
        """

    /// Keeps the disk busy until its input ends, or for 20 s: a request that waits is sent off by whoever is at it.
    private static let rival = """
        import mmap, os, select, sys, time
        fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600)
        os.unlink(sys.argv[1])
        page = mmap.mmap(-1, 4096)
        i, end = 0, time.monotonic() + 20
        while time.monotonic() < end and not select.select([0], [], [], 0)[0]:
            os.pwrite(fd, page, i % 64 * 8192)
            i += 1
        """

    /// Three rivals for the disk outside of the workload's cgroup; they end with the pipe.
    private func compete(at file: String) throws -> [(process: Process, input: Pipe)] {
        try (0..<3).map { number in
            let process = Process()
            let input = Pipe()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
            process.arguments = ["-c", Self.rival, "\(file)-\(number)"]
            process.standardInput = input
            try process.run()
            return (process, input)
        }
    }

    @Test(arguments: ["disk", "disk_issue"]) func directReadsAndWritesAreCountedForTheirCgroup(name: String) throws {
        let program = try #require(ProbeProgram.all.first { $0.name == name })
        let probe = try loaded(program)
        defer { probe.close() }
        let workload = try Workload()
        // A disk, not a file system in memory.
        let file = FileManager.default.currentDirectoryPath + "/.build-disk-\(getpid())"
        let rivals = try compete(at: file)
        defer {
            // A rival may have inherited the pipes of those before it: all are closed before one is waited for.
            for rival in rivals { try? rival.input.fileHandleForWriting.close() }
            for rival in rivals { rival.process.waitUntilExit() }
        }
        try workload.run(["/usr/bin/python3", "-c", Self.work.replacingOccurrences(of: "%d", with: "\(Self.requests)"), file])
        var counts: [DiskKey.Direction: UInt64] = [:]
        for group in try probe.groups(of: "disks").of(workload) {
            let direction = group.key.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: DiskKey.directionOffset, as: UInt32.self) }
            let device = group.key.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: DiskKey.deviceOffset, as: UInt32.self) }
            #expect(KernelNames.devices(inPartitions: readSmallFile("/proc/partitions") ?? "")[device] != nil, "device \(device) has no name")
            for value in group.values {
                counts[DiskKey.Direction(rawValue: direction) ?? .read, default: 0] += value.withUnsafeBytes {
                    $0.loadUnaligned(fromByteOffset: HistogramLayout.countOffset, as: UInt64.self)
                }
            }
        }
        // The file system writes some of its own blocks on the way, and the interpreter may have to be read from the disk.
        let wanted = UInt64(Self.requests)
        #expect((wanted...wanted + 20).contains(counts[.write] ?? 0) && (wanted...wanted + 400).contains(counts[.read] ?? 0), "\(counts)")
    }
}
