// File IO as metrics: calls and bytes by path template, and how long opens and syncs take.
// GroupKind lists them; FileTable counts the first.
// They never change a series.

import OTLPMessages
import ProbePrograms

extension GroupKind {
    /// First number: the path template's. Rows: opens, reads, writes, syncs, bytes read, bytes written.
    public static let files = GroupKind(
        table: "file_operations", valueBytes: FileValue.namedOffset, eventClass: .file, points: 6, firstIsText: true,
        events: { $0[FileValue.opensOffset] &+ $0[FileValue.readsOffset] &+ $0[FileValue.writesOffset] &+ $0[FileValue.syncsOffset] },
        metrics: { series, context in
            let series = byTemplate(series, context)
            return [
                context.sum("ebpf.file.operations", "Successful calls on regular files.", unit: "{operation}", points(operations, "ebpf.file.op", series)),
                context.sum("ebpf.file.io", "Bytes read from and written to regular files.", unit: "By", points(directions, "disk.io.direction", series)),
            ]
        })

    static let fileTimes = GroupKind(
        map: "file_times", keyBytes: FileTimeKey.byteCount, valueBytes: HistogramLayout.byteCount, eventClass: .fileCall,
        events: { $0.histogram().count },
        metrics: { series, context in
            [
                context.histogram("ebpf.file.duration", "Time of opens and syncs.", series) { label in
                    guard case .exact(let number, let error) = label else { return [Attribute("ebpf.file.op", .string(overflowValue))] }
                    let name = FileTimeKey.Operation(rawValue: number).map { "\($0)" } ?? "\(number)"
                    return [Attribute("ebpf.file.op", .string(name))] + context.errorType(error)
                }
            ]
        })

    private static let operations = [
        ("open", FileValue.opensOffset), ("read", FileValue.readsOffset), ("write", FileValue.writesOffset), ("fsync", FileValue.syncsOffset),
    ]
    private static let directions = [("read", FileValue.readBytesOffset), ("write", FileValue.writtenBytesOffset)]

    /// Templates that the table of texts has no room for stand beside those beyond the owner's limit: both are `~other`.
    private static func byTemplate(_ series: [LabelledSeries], _ context: MetricsContext) -> [(template: String, series: LabelledSeries)] {
        let groups = Dictionary(grouping: series) { series in
            if case .exact(let label, _) = series.label { context.labels.text(label) } else { overflowValue }
        }
        return groups.map { template, series in
            var sum = series[0]
            for other in series.dropFirst() {
                sum.row += other.row
                sum.time.startUnixNanoseconds = min(sum.time.startUnixNanoseconds, other.time.startUnixNanoseconds)
            }
            return (template, sum)
        }
    }

    private static func points(
        _ columns: [(name: String, offset: Int)], _ attribute: String, _ series: [(template: String, series: LabelledSeries)]
    ) -> [([Attribute], LabelledSeries, UInt64)] {
        series.flatMap { template, series in
            columns.compactMap { name, offset in
                let value = series.row[offset]
                let attributes = [Attribute(attribute, .string(name)), Attribute("file.path.template", .string(template))]
                return value == 0 ? nil : (attributes, series, value)
            }
        }
    }
}
