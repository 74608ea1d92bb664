// Files by their paths: readings of the files program's maps, and the paths that its ring brings, become counts by path template.
// The agent owns one while the program runs; `sonde top` too.
// It never counts a call twice: entries that nobody uses any more are taken out of the kernel's map together with their last counts.

import ProbePrograms

public struct FileTable: EventDecoder {
    /// Calls and bytes of one cgroup on files of one template since the last reading.
    public struct Use: Sendable {
        public var cgroup: UInt64
        /// nil for files that the kernel's map or its ring had no room for.
        public var template: String?
        public var opens: UInt64
        public var reads: UInt64
        public var writes: UInt64
        public var syncs: UInt64
        public var readBytes: UInt64
        public var writtenBytes: UInt64
    }

    /// Maps of the files program that are no kinds of the aggregator.
    static let maps: Set<String> = ["files", "files_rest"]
    static let pathsMax = 16384

    private struct Named {
        var path: FilePath
        var template: String
    }

    /// Prefixes of paths that are not told, beside the built-in ones.
    public var redact: [String] {
        didSet {
            if redact == oldValue { return }
            for key in names.keys { if let path = names[key]?.path { names[key]?.template = path.template(redacting: redact) } }
        }
    }
    private var names: [[UInt8]: Named] = [:]
    /// By map.
    private var readings: [String: IdleReadings] = [:]
    private var malformed: UInt64 = 0
    /// Records of paths by what became of them, until they are booked.
    private var paths: (taken: UInt64, refused: UInt64, malformed: UInt64) = (0, 0, 0)

    public init(redact: [String]) { self.redact = redact }

    // MARK: Paths

    public mutating func take(_ record: UnsafeRawBufferPointer) {
        guard let (key, path) = Self.path(record) else {
            paths.malformed += 1
            return
        }
        // A path that finds no room leaves its file under ~other.
        guard names[key] != nil || names.count < Self.pathsMax else {
            paths.refused += 1
            return
        }
        paths.taken += 1
        names[key] = Named(path: path, template: path.template(redacting: redact))
    }

    private static func path(_ record: UnsafeRawBufferPointer) -> (key: [UInt8], path: FilePath)? {
        guard record.count >= FilePathLayout.nameOffset else { return nil }
        let names = Int(record.loadUnaligned(fromByteOffset: FilePathLayout.namesOffset, as: UInt32.self))
        guard names <= FilePathLayout.namesMax, record.count == FilePathLayout.nameOffset + names * FilePathLayout.nameBytes else { return nil }
        let components = (0..<names).reversed().map { index in
            let start = FilePathLayout.nameOffset + index * FilePathLayout.nameBytes
            return String(decoding: record[start..<start + FilePathLayout.nameBytes].prefix { $0 != 0 }, as: UTF8.self)
        }
        let isCut = record.loadUnaligned(fromByteOffset: FilePathLayout.isCutOffset, as: UInt32.self) != 0
        return (Array(record[..<FileKey.byteCount]), FilePath(components: components, isCut: isCut))
    }

    /// Books paths, and entries of maps that were none.
    public mutating func settle(into aggregator: inout ProbeAggregator, monotonicNanoseconds now: UInt64) {
        aggregator.ledger.see(malformed, .file)
        aggregator.ledger.drop(malformed, .file, because: EventLedger.Reason.malformed.rawValue)
        malformed = 0
        aggregator.ledger.see(paths.taken + paths.refused + paths.malformed, .filePath)
        aggregator.ledger.export(paths.taken, .filePath)
        aggregator.ledger.drop(paths.refused, .filePath, because: EventLedger.Reason.tableFull.rawValue)
        aggregator.ledger.drop(paths.malformed, .filePath, because: EventLedger.Reason.malformed.rawValue)
        paths = (0, 0, 0)
    }

    // MARK: Readings

    public mutating func read(_ map: String, _ groups: [RawGroup], into aggregator: inout ProbeAggregator) -> [[UInt8]] {
        let (uses, idle) = read(map, groups)
        count(uses, into: &aggregator)
        return idle
    }

    public mutating func forget(_ map: String, _ last: [RawGroup], into aggregator: inout ProbeAggregator) { count(forget(map, last), into: &aggregator) }

    private func count(_ uses: [Use], into aggregator: inout ProbeAggregator) {
        for use in uses {
            let row = CounterRow([use.opens, use.reads, use.writes, use.syncs, use.readBytes, use.writtenBytes])
            let label = use.template.map { aggregator.labels.number(for: $0) } ?? LabelTable.overflow
            aggregator.count(row, cgroup: use.cgroup, first: label, kind: .files)
        }
    }

    /// For who has no aggregator.
    /// - Returns: what is new since the last reading, and keys of entries to take out of the map.
    public mutating func read(_ map: String, _ groups: [RawGroup]) -> (uses: [Use], idle: [[UInt8]]) {
        var uses: [Use] = []
        var idle: [[UInt8]] = []
        for group in groups {
            guard let row = Self.row(group) else {
                malformed += 1
                continue
            }
            let (news, isIdle) = readings[map, default: IdleReadings()].take(row, of: group.key)
            if !news.isZero { uses.append(use(group.key, news)) }
            if isIdle { idle.append(group.key) }
        }
        return (uses, idle)
    }

    /// Entries that were taken out, with their last values.
    public mutating func forget(_ map: String, _ last: [RawGroup]) -> [Use] {
        last.compactMap { group in
            defer { names[group.key] = nil }
            return readings[map, default: IdleReadings()].forget(group.key, last: Self.row(group)).map { use(group.key, $0) }
        }
    }

    private func use(_ key: [UInt8], _ row: CounterRow) -> Use {
        let cgroup = key.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: FileKey.cgroupOffset, as: UInt64.self) }
        return Use(
            cgroup: cgroup, template: names[key]?.template, opens: row[FileValue.opensOffset], reads: row[FileValue.readsOffset],
            writes: row[FileValue.writesOffset], syncs: row[FileValue.syncsOffset], readBytes: row[FileValue.readBytesOffset],
            writtenBytes: row[FileValue.writtenBytesOffset])
    }

    /// The counters over all CPUs.
    private static func row(_ group: RawGroup) -> CounterRow? {
        guard group.key.count >= 8, !group.values.isEmpty, group.values.allSatisfy({ $0.count == FileValue.byteCount }) else { return nil }
        var counters = [UInt64](repeating: 0, count: FileValue.namedOffset / 8)
        for value in group.values {
            value.withUnsafeBytes { bytes in
                for index in counters.indices { counters[index] &+= bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self) }
            }
        }
        return CounterRow(counters)
    }
}
