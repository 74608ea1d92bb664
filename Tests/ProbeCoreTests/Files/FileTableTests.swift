// Readings of the files program's maps as counts by template.

import OTLPMessages
import ProbePrograms
import Testing

@testable import ProbeCore

@Suite struct FileTableTests {
    private static func key(_ inode: UInt64, cgroup: UInt64 = 2) -> [UInt8] { Fixture.words([cgroup, inode, 0]) }

    private static func group(_ inode: UInt64, cgroup: UInt64 = 2, opens: UInt64 = 0, reads: UInt64 = 0, bytes: UInt64 = 0) -> RawGroup {
        // Two CPUs; whether a CPU has sent the path is no counter.
        RawGroup(key: key(inode, cgroup: cgroup), values: [Fixture.words([opens, reads, 0, 0, bytes, 0, 1]), Fixture.words([0, 0, 0, 0, 0, 0, 0])])
    }

    private static func record(_ inode: UInt64, _ path: String, isCut: Bool = false) -> [UInt8] {
        let names = path.split(separator: "/").reversed()
        var record = key(inode) + Fixture.words([UInt64(names.count) | (isCut ? 1 << 32 : 0)])
        for name in names { record += Array(name.utf8) + [UInt8](repeating: 0, count: FilePathLayout.nameBytes - name.utf8.count) }
        return record
    }

    private func counts(_ table: inout FileTable, _ groups: [RawGroup]) -> [String: UInt64] {
        Dictionary(table.read("files", groups).uses.map { ($0.template ?? "~other", $0.opens + $0.reads) }, uniquingKeysWith: +)
    }

    private func table(_ paths: [UInt64: String], redact: [String] = []) -> FileTable {
        var table = FileTable(redact: redact)
        for (inode, path) in paths { Self.record(inode, path).withUnsafeBytes { table.take($0) } }
        return table
    }

    @Test func readingsBecomeWhatIsNew() {
        var table = table([1: "/data/a-1.log", 2: "/data/a-2.log", 3: "/etc/hosts"])
        #expect(counts(&table, [Self.group(1, reads: 5), Self.group(2, reads: 7), Self.group(3, opens: 1)]) == ["/data/a-*.log": 12, "/etc/hosts": 1])
        #expect(counts(&table, [Self.group(1, reads: 5), Self.group(2, reads: 9), Self.group(3, opens: 1)]) == ["/data/a-*.log": 2])
    }

    @Test func aFileWhosePathIsNotKnownIsCountedWithoutIt() {
        var table = table([:])
        #expect(counts(&table, [Self.group(9, reads: 4)]) == ["~other": 4])
    }

    @Test func redactionChangesForKnownFiles() {
        var table = table([1: "/data/a"])
        #expect(counts(&table, [Self.group(1, reads: 1)]) == ["/data/a": 1])
        table.redact = ["/data"]
        #expect(counts(&table, [Self.group(1, reads: 3)]) == ["~redacted": 2])
    }

    @Test func idleFilesLeaveWithTheirLastCounts() {
        var table = table([1: "/data/a"])
        var idle: [[UInt8]] = []
        for _ in 0...IdleReadings.idleReadingsMax { idle = table.read("files", [Self.group(1, reads: 3)]).idle }
        #expect(idle == [Self.key(1)])
        // Somebody read it once more before it was taken out.
        #expect(table.forget("files", [Self.group(1, reads: 4)]).map(\.reads) == [1])
        // Its next use is a new entry, which sends its path again.
        #expect(counts(&table, [Self.group(1, reads: 2)]) == ["~other": 2])
    }

    @Test func metricsHaveTemplatesOperationsAndDirections() throws {
        var table = table([1: "/data/a"])
        var aggregator = ProbeAggregatorTests.aggregator()
        _ = table.read("files", [Self.group(1, opens: 2, reads: 3, bytes: 4096)], into: &aggregator)
        _ = table.read("files_rest", [RawGroup(key: Fixture.words([2]), values: [Fixture.words([0, 5, 0, 0, 50, 0, 0])])], into: &aggregator)
        let metrics = aggregator.endWindow(at: 2)
        let template = Attribute("file.path.template", "/data/a"), other = Attribute("file.path.template", "~other")
        #expect(try metrics.value("ebpf.file.operations", of: "nginx", [Attribute("ebpf.file.op", "read"), template]) == 3)
        #expect(try metrics.value("ebpf.file.operations", of: "nginx", [Attribute("ebpf.file.op", "open"), template]) == 2)
        #expect(try metrics.value("ebpf.file.io", of: "nginx", [Attribute("disk.io.direction", "read"), template]) == 4096)
        #expect(try metrics.value("ebpf.file.operations", of: "nginx", [Attribute("ebpf.file.op", "read"), other]) == 5)
        #expect(try metrics.value("ebpf.file.io", of: "nginx", [Attribute("disk.io.direction", "write"), template]) == nil)
        #expect(aggregator.ledger[.file, .seen] == 10 && aggregator.ledger[.file, .exported] == 10)
    }

    @Test func recordsAndGroupsThatAreNoneAreCounted() {
        var table = FileTable(redact: [])
        for bytes in [[], [UInt8](repeating: 0, count: 31), [UInt8](repeating: 0xff, count: 100), Array(Self.record(1, "/a/b").dropLast())] {
            bytes.withUnsafeBytes { table.take($0) }
        }
        _ = table.read("files", [RawGroup(key: [1], values: [[1]]), RawGroup(key: Self.key(1), values: [])])
        var aggregator = ProbeAggregatorTests.aggregator()
        table.settle(into: &aggregator, monotonicNanoseconds: 1)
        #expect(aggregator.ledger[.file, .dropped, "malformed"] == 2 && aggregator.ledger[.filePath, .dropped, "malformed"] == 4)
    }

    /// A path that is lost is no lost call: its file is counted under ~other.
    @Test func pathsHaveAnAccountOfTheirOwn() {
        var table = FileTable(redact: [])
        for inode in 0..<UInt64(FileTable.pathsMax + 2) { Self.record(inode, "/a/b").withUnsafeBytes { table.take($0) } }
        // Another CPU sends the path of a file that is known.
        Self.record(1, "/a/b").withUnsafeBytes { table.take($0) }
        var aggregator = ProbeAggregatorTests.aggregator()
        for _ in 0..<2 { table.settle(into: &aggregator, monotonicNanoseconds: 1) }
        let known = UInt64(FileTable.pathsMax)
        #expect(aggregator.ledger[.filePath, .seen] == known + 3 && aggregator.ledger[.filePath, .exported] == known + 1)
        #expect(aggregator.ledger[.filePath, .dropped, "table_full"] == 2 && aggregator.ledger[.file, .seen] == 0)
    }
}
