// What this process and this kernel are: release, capabilities, lockdown.
// Used for the reasons of failed hooks and by `sonde doctor`.
// Never decides whether a hook works; only trying does.
import Glibc

/// The host as the loader sees it.
public struct HostKernel: Sendable, Hashable {
    /// `uname -r`.
    public var release: String
    public var machine: String
    /// Whether `/sys/kernel/btf/vmlinux` is there.
    public var hasBTF: Bool
    /// Effective capabilities as a bit mask (`CapEff` of `/proc/thread-self/status`).
    public var capabilities: UInt64
    /// `none`, `integrity` or `confidentiality`; nil when the kernel does not say (securityfs not mounted).
    public var lockdown: String?

    /// Reads this host.
    public static func current() -> HostKernel {
        var names = utsname()
        uname(&names)
        return HostKernel(
            release: text(of: names.release), machine: text(of: names.machine), hasBTF: access("/sys/kernel/btf/vmlinux", R_OK) == 0,
            capabilities: effectiveCapabilities(inStatus: readSmallFile("/proc/thread-self/status") ?? ""),
            lockdown: lockdownMode(inFile: readSmallFile("/sys/kernel/security/lockdown") ?? ""))
    }

    /// The capabilities of the programs that this process lacks; CAP_SYS_ADMIN stands for both of them.
    public var missingCapabilities: [String] {
        if capabilities & 1 << 21 != 0 { return [] }
        return [(39, "CAP_BPF"), (38, "CAP_PERFMON")].filter { capabilities & 1 << UInt64($0.0) == 0 }.map(\.1)
    }
}

/// `CapEff:` of a `/proc/PID/status`.
func effectiveCapabilities(inStatus status: String) -> UInt64 {
    let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
    return line.flatMap { UInt64($0.dropFirst("CapEff:".count).drop { $0.isWhitespace }, radix: 16) } ?? 0
}

/// The bracketed word of `none [integrity] confidentiality`.
func lockdownMode(inFile text: String) -> String? {
    guard let open = text.firstIndex(of: "["), let close = text[open...].firstIndex(of: "]") else { return nil }
    return String(text[text.index(after: open)..<close])
}

private func text<Tuple>(of tuple: Tuple) -> String {
    withUnsafeBytes(of: tuple) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}

/// Calls `body` for each line of a file that may be long, at most `limit` of them.
/// - Returns: whether that was all; nil when the file cannot be read.
public func forEachLine(of path: String, limit: Int, _ body: (Substring) -> Void) -> Bool? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var rest = "", count = 0
    while true {
        let bytes = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in count = max(0, read(descriptor, buffer.baseAddress, 65536)) }
        // These files hold ASCII, so that a piece never ends within a character.
        rest += String(decoding: bytes, as: UTF8.self)
        let lines = rest.split(separator: "\n", omittingEmptySubsequences: false)
        for line in bytes.isEmpty ? lines[...] : lines.dropLast() where !line.isEmpty {
            guard count < limit else { return false }
            count += 1
            body(line)
        }
        if bytes.isEmpty { return true }
        rest = String(lines.last ?? "")
    }
}

/// The first 16 KiB of a file, enough for every file of /proc and /sys that is read here; nil when it cannot be read.
public func readSmallFile(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let bytes = [UInt8](unsafeUninitializedCapacity: 16384) { buffer, count in count = max(0, read(descriptor, buffer.baseAddress, 16384)) }
    return String(decoding: bytes, as: UTF8.self)
}
