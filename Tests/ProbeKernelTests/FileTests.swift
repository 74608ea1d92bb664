// Calls on real files through the kernel's program.

import Foundation
import ProbeCore
import ProbePrograms
import Testing

@testable import ProbeKernel

@Suite(.enabled(if: canLoad, "needs root, CAP_BPF, CAP_PERFMON and BTF"), .serialized) struct FileTests {
    /// Uses by template of what a program did in a folder of its own, which is given to it.
    private func uses(_ program: String, in folder: String? = nil, wrapped: [String] = []) throws -> (
        uses: [String: FileTable.Use], probe: LoadedProbe, workload: Workload
    ) {
        let probe = try loaded(.files)
        let workload = try Workload()
        try workload.run(wrapped + ["/usr/bin/python3", "-I", "-S", "-c", program, folder ?? NSTemporaryDirectory()])
        var table = FileTable(redact: [])
        try probe.drain("file_paths") { table.take($0) }
        var uses: [String: FileTable.Use] = [:]
        for map in ["files", "files_rest"] {
            for use in table.read(map, try probe.groups(of: map)).uses where use.cgroup == workload.cgroup { uses[use.template ?? "~other"] = use }
        }
        return (uses, probe, workload)
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        // Without digits: names are compared with templates.
        let folder = "/var/tmp/sonde-files-" + String((0..<12).map { _ in "ghijklmnopqrstuvwxyz".randomElement() ?? "g" })
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test func callsAndBytesAreThoseOfTheProgram() throws {
        try withFolder { folder in
            let found = try uses(
                """
                import os, sys
                path = sys.argv[1] + '/data.bin'
                for _ in range(20):
                    fd = os.open(path, os.O_RDWR | os.O_CREAT)
                    os.write(fd, bytes(1000)); os.pwrite(fd, bytes(500), 0); os.writev(fd, [bytes(10), bytes(20)])
                    os.lseek(fd, 0, 0); os.read(fd, 100); os.pread(fd, 50, 0); os.readv(fd, [bytearray(7)])
                    os.fsync(fd); os.fdatasync(fd); os.close(fd)
                for number in range(30):
                    with open(f'{sys.argv[1]}/part-{number}', 'wb', 0) as part: part.write(b'x')
                source, copy = os.open(path, os.O_RDONLY), os.open(sys.argv[1] + '/copy.bin', os.O_RDWR | os.O_CREAT)
                assert os.copy_file_range(source, copy, 600) == 600
                assert os.sendfile(copy, source, None, 300) == 300
                """, in: folder)
            defer { found.probe.close() }
            let data = try #require(found.uses[folder + "/data.bin"], "\(found.uses.keys)")
            #expect(data.opens == 21 && data.syncs == 40)
            #expect(data.writes == 60 && data.writtenBytes == 20 * (1000 + 500 + 30))
            #expect(data.reads == 62 && data.readBytes == 20 * (100 + 50 + 7) + 900)
            let copy = try #require(found.uses[folder + "/copy.bin"])
            #expect(copy.opens == 1 && copy.writes == 2 && copy.writtenBytes == 900 && copy.reads == 0)
            let parts = try #require(found.uses[folder + "/part-*"])
            #expect(parts.opens > 0 && parts.writes > 0)
            let statistics = try found.probe.statistics()
            #expect(statistics.allSatisfy { $0.losses.allSatisfy { $0.value == 0 } }, "\(statistics)")
        }
    }

    @Test func aPathIsThatOfTheProgramsOwnRoot() throws {
        try withFolder { folder in
            // A mount in a mount, and another root directory above both.
            let script = """
                set -e; cd "$0"; mkdir -p root/mnt root/usr root/lib root/lib64; mount -t tmpfs none root/mnt; mkdir root/mnt/deep; mount -t tmpfs none root/mnt/deep
                for d in usr lib lib64; do [ -e /$d ] && mount --bind /$d root/$d; done
                shift 0; exec chroot root "$@"
                """
            let found = try uses(
                "import os\nfd = os.open('/mnt/deep/file', os.O_CREAT | os.O_RDWR)\nfor _ in range(9): os.write(fd, b'12')",
                wrapped: ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, folder])
            defer { found.probe.close() }
            #expect(found.uses["/mnt/deep/file"]?.writes == 9, "\(found.uses.keys)")
        }
    }

    @Test func whatIsNoDataIsNotCounted() throws {
        let found = try uses(
            """
            import os, socket
            for path in ('/proc/self/stat', '/sys/kernel/uevent_seqnum', '/dev/null'):
                with open(path, 'rb', 0) as file: file.read(10)
            os.write(os.pipe()[1], b'x'); a, b = socket.socketpair(); a.send(b'x')
            """)
        defer { found.probe.close() }
        #expect(found.uses.keys.allSatisfy { !$0.hasPrefix("/proc") && !$0.hasPrefix("/sys") && !$0.hasPrefix("/dev") }, "\(found.uses.keys)")
    }

    @Test func opensAndSyncsHaveTimesAndErrors() throws {
        try withFolder { folder in
            let found = try uses(
                """
                import os, sys
                fd = os.open(sys.argv[1] + '/a', os.O_RDWR | os.O_CREAT)
                for _ in range(25): os.write(fd, b'x'); os.fsync(fd)
                for _ in range(11):
                    try: os.open(sys.argv[1] + '/none', os.O_RDONLY)
                    except FileNotFoundError: pass
                null = os.open('/dev/null', os.O_RDONLY)
                for _ in range(3):
                    try: os.fsync(null)
                    except OSError: pass
                """, in: folder)
            defer { found.probe.close() }
            var counts: [String: UInt64] = [:]
            for group in try found.probe.groups(of: "file_times").of(found.workload) {
                let operation = FileTimeKey.Operation(rawValue: word(group.key, FileTimeKey.operationOffset)).map { "\($0)" } ?? "?"
                let error = word(group.key, FileTimeKey.errorOffset)
                let histogram = Histogram(group.values)
                #expect(histogram.slots.reduce(0, +) == histogram.count && histogram.sumNanoseconds > 0)
                counts["\(operation) \(error == 0 ? "ok" : ErrorNames.name(of: error) ?? "?")"] = histogram.count
            }
            #expect(counts["fsync ok"] == 25 && counts["fsync EINVAL"] == 3)
            #expect((counts["open ENOENT"] ?? 0) >= 11 && (counts["open ok"] ?? 0) >= 2, "\(counts)")
        }
    }

    @Test func filesBeyondTheMapAreCountedTogether() throws {
        try withFolder { folder in
            var small = settings()
            small.mapMemoryBytes = 1
            let probe = try loaded(.files, small)
            defer { probe.close() }
            let workload = try Workload()
            let files = 3 * (probe.capacity(of: "files") ?? 0)
            try workload.run([
                "/usr/bin/python3", "-I", "-S", "-c",
                "import os, sys\nfor n in range(\(files)): os.write(os.open(f'{sys.argv[1]}/{n}', os.O_CREAT | os.O_WRONLY), b'abc'); os.closerange(3, 100)",
                folder,
            ])
            var table = FileTable(redact: [])
            var writes: UInt64 = 0, bytes: UInt64 = 0
            for map in ["files", "files_rest"] {
                for use in table.read(map, try probe.groups(of: map)).uses where use.cgroup == workload.cgroup {
                    writes += use.writes
                    bytes += use.writtenBytes
                }
            }
            #expect(writes == UInt64(files) && bytes == UInt64(3 * files))
            #expect(try probe.groups(of: "files_rest").count > 0)
        }
    }

    @Test func entriesAreTakenOutWithTheirValues() throws {
        let found = try uses(
            "import os, sys\nfd = os.open(sys.argv[1] + '/sonde-take', os.O_CREAT | os.O_RDWR)\nos.unlink(sys.argv[1] + '/sonde-take')\nfor _ in range(5): os.write(fd, b'x')"
        )
        defer { found.probe.close() }
        let own = try found.probe.groups(of: "files").of(found.workload)
        let taken = try found.probe.take(own.map(\.key), from: "files")
        #expect(Set(taken) == Set(own) && !taken.isEmpty)
        #expect(try found.probe.groups(of: "files").of(found.workload).isEmpty)
    }
}
