// The table of `sonde top` as text.
// Top prints it; numbers are of one window.
// It never writes more rows than asked: the busiest first, and a line that says how many are left out.

import ProbePrograms

/// One window as a table, the cgroups that waited longest for a CPU first.
struct TopTable {
    let window: TopReading
    let names: TopNames
    let unit: HistogramUnit
    let rows: Int

    private static let header = ["RUNQ p50", "p99", "sum", "runs", "vol", "invol", "connects", "p99", "failed", "accepts", "resent"]

    /// A line each, without control characters.
    var lines: [String] {
        let sorted = window.cgroups.sorted { ($0.value.latency.sumNanoseconds, $1.key) > ($1.value.latency.sumNanoseconds, $0.key) }
        var lines = [row(Self.header, "CONTAINER")]
        for (cgroup, counts) in sorted.prefix(rows) {
            lines.append(row(cells(counts), names.name(of: cgroup)))
            lines += details(counts)
        }
        if sorted.isEmpty { lines.append("nothing happened in this window") }
        if sorted.count > rows { lines.append("and \(sorted.count - rows) more (--rows)") }
        return lines
    }

    private func row(_ cells: [String], _ name: String) -> String {
        cells.map { String(repeating: " ", count: max(0, 9 - $0.count)) + $0 }.joined() + "  " + name
    }

    private func cells(_ counts: CgroupCounts) -> [String] {
        let connects = counts.connects.reduce(into: Durations()) { sum, entry in
            if entry.key == CgroupCounts.Label(first: ConnectKey.Role.client.rawValue, error: 0) { sum += entry.value }
        }
        return [
            durationText(counts.latency.quantile(0.5, unit)), durationText(counts.latency.quantile(0.99, unit)),
            durationText(Double(counts.latency.sumNanoseconds) / 1e9), "\(counts.latency.count)", "\(counts.voluntary)", "\(counts.involuntary)",
            "\(connects.count)", durationText(connects.quantile(0.99, unit)), "\(counts.connectCount(.client, failed: true))",
            "\(counts.connectCount(.server, failed: false))", "\(counts.retransmits.values.reduce(0, +))",
        ]
    }

    /// What the columns do not say: why connects failed, how segments were sent again, which system calls ran.
    private func details(_ counts: CgroupCounts) -> [String] {
        var lines: [String] = []
        for (label, durations) in sorted(counts.connects) where label.error != 0 {
            lines.append("    \(durations.count) connects failed: \(TopLabels.error(label.error))")
        }
        for (label, segments) in counts.retransmits.sorted(by: { ($0.key.first, $0.key.error) < ($1.key.first, $1.key.error) }) {
            lines.append("    \(segments) segments sent again: \(TopLabels.kind(label.first))" + (label.error == 0 ? "" : ", \(TopLabels.error(label.error))"))
        }
        for (label, count) in counts.resets.sorted(by: { $0.key.first < $1.key.first }) {
            lines.append("    \(count) resets: \(TopLabels.direction(label.first))")
        }
        for (label, packets) in counts.drops.sorted(by: { $0.value > $1.value }).prefix(5) {
            lines.append("    \(packets) packets dropped: \(names.reason(label.first)), \(TopLabels.direction(label.error >> 16))")
        }
        if let p99 = counts.roundTrips.quantile(0.99, unit) {
            lines.append(
                "    round trips: p50 \(durationText(counts.roundTrips.quantile(0.5, unit))), p99 \(durationText(p99)), \(counts.roundTrips.count) samples")
        }
        for (label, lookups) in counts.lookups.sorted(by: { ($1.value.count, $0.key) < ($0.value.count, $1.key) }).prefix(5) {
            let mean = durationText(Double(lookups.sumNanoseconds) / Double(lookups.count) / 1e9)
            lines.append("    \(lookups.count) DNS lookups of \(label.name): \(label.error ?? "answered"), mean \(mean)")
        }
        for (template, files) in counts.files.sorted(by: { ($1.value.operations, $0.key) < ($0.value.operations, $1.key) }).prefix(5) {
            let calls = "\(files.opens) opens, \(files.reads) reads, \(files.writes) writes, \(files.syncs) syncs"
            lines.append("    \(padded(template, 28)) \(calls), \(byteText(files.readBytes)) in, \(byteText(files.writtenBytes)) out")
        }
        for (label, durations) in sorted(counts.disks) {
            let p99 = durationText(durations.quantile(0.99, unit)), sum = durationText(Double(durations.sumNanoseconds) / 1e9)
            lines.append(
                "    \(padded(names.device(label.first) + (label.error == 0 ? " reads" : " writes"), 28)) \(durations.count) requests, p99 \(p99), sum \(sum)")
        }
        for (label, durations) in sorted(counts.systemCalls) {
            let name = TopLabels.systemCall(label.first) + (label.error == 0 ? "" : " \(TopLabels.error(label.error))")
            let p99 = durationText(durations.quantile(0.99, unit)), sum = durationText(Double(durations.sumNanoseconds) / 1e9)
            lines.append("    \(padded(name, 28)) \(durations.count) calls, p99 \(p99), sum \(sum)")
        }
        return lines
    }

    private func sorted(_ entries: [CgroupCounts.Label: Durations]) -> [(CgroupCounts.Label, Durations)] {
        entries.sorted { ($0.key.first, $0.key.error) < ($1.key.first, $1.key.error) }.map { ($0.key, $0.value) }
    }
}

/// Words for the numbers of keys.
enum TopLabels {
    static func error(_ number: UInt32) -> String { number == unknownKernelError ? "_OTHER" : ErrorNames.name(of: number) ?? "error \(number)" }
    static func kind(_ number: UInt32) -> String { RetransmitKey.Kind(rawValue: number).map { "\($0)" } ?? "kind \(number)" }
    static func direction(_ number: UInt32) -> String { TransferDirection(rawValue: number).map { "\($0)" } ?? "direction \(number)" }
    static func role(_ number: UInt32) -> String { ConnectKey.Role(rawValue: number).map { "\($0)" } ?? "role \(number)" }
    static func fileOperation(_ number: UInt32) -> String { FileTimeKey.Operation(rawValue: number).map { "\($0)" } ?? "operation \(number)" }
    static func systemCall(_ number: UInt32) -> String { SystemCalls.name(of: number) ?? "call \(number)" }
}

/// Three digits and a unit: `870ns`, `12.3us`, `4.05ms`, `1.20s`; a dash for nothing.
func durationText(_ seconds: Double?) -> String {
    guard let seconds, seconds > 0 else { return "-" }
    for (scale, name) in [(1e9, "ns"), (1e6, "us"), (1e3, "ms")] where seconds * scale < 999.5 { return digits(seconds * scale) + name }
    return digits(seconds) + "s"
}

/// `512B`, `4.0KiB`, `1.2GiB`.
func byteText(_ bytes: UInt64) -> String {
    var value = Double(bytes)
    if value < 1024 { return "\(bytes)B" }
    for unit in ["KiB", "MiB", "GiB", "TiB"] {
        value /= 1024
        if value < 1000 || unit == "TiB" { return digits(value) + unit }
    }
    return ""
}

private func digits(_ value: Double) -> String {
    if value >= 99.95 { return "\(Int(value.rounded()))" }
    let decimals = value >= 9.995 ? 1 : 2
    let scaled = Int((value * (decimals == 1 ? 10 : 100)).rounded())
    let power = decimals == 1 ? 10 : 100
    let fraction = "\(scaled % power)"
    return "\(scaled / power)." + String(repeating: "0", count: decimals - fraction.count) + fraction
}
