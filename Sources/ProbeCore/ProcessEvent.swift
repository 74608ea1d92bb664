// One record of process.bpf.c: an OOM kill, a crash or a program start.
// ProcessEvents makes log records of them for the agent; `sonde top` lists them.
// It never trusts a record's length or text.

import ProbePrograms

/// What happened to a process.
public struct ProcessEvent: Sendable, Equatable {
    /// CLOCK_MONOTONIC.
    public var nanoseconds: UInt64
    public var cgroup: UInt64
    public var kind: ProcessEventLayout.Kind
    public var pid: UInt32
    /// Of a crash.
    public var signal: UInt32
    /// Of a process that was killed because memory was short.
    public var anonymousBytes: Int64?
    /// The last part of the program's path; empty when it has none.
    public var executable: String

    /// nil when the record has a length or a kind that the layout does not know.
    /// - Parameter pageBytes: of this machine: the kernel counts memory in pages.
    public init?(_ record: UnsafeRawBufferPointer, pageBytes: Int) {
        func word(_ offset: Int) -> UInt32 { record.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
        func long(_ offset: Int) -> UInt64 { record.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
        guard record.count == ProcessEventLayout.byteCount, let kind = ProcessEventLayout.Kind(rawValue: word(ProcessEventLayout.kindOffset)) else {
            return nil
        }
        let nameBytes = min(Int(word(ProcessEventLayout.nameBytesOffset)), ProcessEventLayout.nameByteCount)
        let name = record[ProcessEventLayout.nameOffset..<ProcessEventLayout.nameOffset + nameBytes].prefix { $0 != 0 }
        let (bytes, isTooMany) = long(ProcessEventLayout.anonymousPagesOffset).multipliedReportingOverflow(by: UInt64(max(pageBytes, 1)))
        nanoseconds = long(ProcessEventLayout.timeOffset)
        cgroup = long(ProcessEventLayout.cgroupOffset)
        self.kind = kind
        pid = word(ProcessEventLayout.pidOffset)
        signal = word(ProcessEventLayout.signalOffset)
        // The kernel's counter is a sum over CPUs that lags, so it may be a little below zero.
        anonymousBytes = isTooMany || bytes > 1 << 50 || bytes == 0 ? nil : Int64(bytes)
        executable = Self.executable(String(decoding: name, as: UTF8.self))
    }

    /// `SIGSEGV`; nil for what is no crash.
    public var signalName: String? { kind == .crash ? SignalNames.name(of: signal) : nil }

    /// `process.executable.name`: the last part of a path. A task's own name has no path.
    private static func executable(_ name: String) -> String {
        guard name.hasPrefix("/") || name.hasPrefix("./") || name.hasPrefix("../") else { return name }
        return String(name.split(separator: "/").last ?? "")
    }
}

/// Names of the signals of a crash (signal(7)).
enum SignalNames {
    private static let names: [UInt32: String] = [
        4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV", 24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS",
    ]

    static func name(of signal: UInt32) -> String { names[signal] ?? "signal \(signal)" }
}
