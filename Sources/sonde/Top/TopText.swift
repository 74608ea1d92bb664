// Numbers and labels of `sonde top` as words: durations, amounts, names of the kernel's numbers.
// Tables and the JSON document use it.
// It never takes more than six columns for a number that a table shows.

import ProbePrograms

/// Words for the numbers of keys.
enum TopLabels {
    static func error(_ number: UInt32) -> String { number == unknownKernelError ? "_OTHER" : ErrorNames.name(of: number) ?? "error \(number)" }
    static func kind(_ number: UInt32) -> String { RetransmitKey.Kind(rawValue: number).map { "\($0)" } ?? "kind \(number)" }
    static func direction(_ number: UInt32) -> String { TransferDirection(rawValue: number).map { "\($0)" } ?? "direction \(number)" }
    static func role(_ number: UInt32) -> String { ConnectKey.Role(rawValue: number).map { "\($0)" } ?? "role \(number)" }
    static func fileOperation(_ number: UInt32) -> String { FileTimeKey.Operation(rawValue: number).map { "\($0)" } ?? "operation \(number)" }
    static func diskDirection(_ number: UInt32) -> String { DiskKey.Direction(rawValue: number).map { "\($0)" } ?? "\(number)" }
    static func systemCall(_ number: UInt32) -> String { SystemCalls.name(of: number) ?? "call \(number)" }
    static func event(_ kind: ProcessEventLayout.Kind) -> String {
        switch kind {
        case .exec: "start"
        case .crash: "crash"
        case .oomKill: "OOM kill"
        }
    }
}

/// Three digits and a unit: `870ns`, `12.3us`, `4.05ms`, `1.20s`; a dash for nothing.
func durationText(_ seconds: Double?) -> String {
    guard let seconds, seconds > 0 else { return "-" }
    for (scale, name) in [(1e9, "ns"), (1e6, "us"), (1e3, "ms")] where seconds * scale < 999.5 { return digits(seconds * scale) + name }
    if seconds < 99999 { return digits(seconds) + "s" }
    return digits(seconds / 86400) + "d"
}

/// `999999`, `1.20M`, `35.0G`.
func countText(_ count: UInt64) -> String {
    var value = Double(count)
    if count < 1_000_000 { return "\(count)" }
    value /= 1000
    for unit in ["M", "G", "T"] {
        value /= 1000
        if value < 999.5 || unit == "T" { return digits(value) + unit }
    }
    return ""
}

/// `512`, `4.00K`, `1.20G`: bytes, in powers of 1024.
func byteText(_ bytes: UInt64) -> String {
    var value = Double(bytes)
    if value < 1024 { return "\(bytes)" }
    for unit in ["K", "M", "G", "T"] {
        value /= 1024
        if value < 999.5 || unit == "T" { return digits(value) + unit }
    }
    return ""
}

/// `0.02%`, `12.3%`.
func percentText(_ percent: Double) -> String { percent > 0 && percent < 0.005 ? "<.01%" : digits(percent) + "%" }

private func digits(_ value: Double) -> String {
    if value >= 99.95 { return "\(UInt64(value.rounded()))" }
    let decimals = value >= 9.995 ? 1 : 2
    let scaled = Int((value * (decimals == 1 ? 10 : 100)).rounded())
    let power = decimals == 1 ? 10 : 100
    let fraction = "\(scaled % power)"
    return "\(scaled / power)." + String(repeating: "0", count: decimals - fraction.count) + fraction
}
