// What libbpf says while it opens, loads and attaches, kept instead of printed.
// Used by the loader, which turns it into a hook's reason.
// Never keeps more than a bounded tail, and only for threads that asked for it.
import CBPF
import Glibc
import Synchronization

/// libbpf has one print function for the whole process; what it gets is kept by the thread that libbpf was called on.
enum KernelLog {
    /// A verifier log may have megabytes; its last lines say what is wrong.
    private static let messageBytesMax = 1 << 20
    private static let tailBytesMax = 8192
    private static let textBytesMax = 4 * tailBytesMax

    private static let texts = Mutex<[UInt: [UInt8]]>([:])

    /// Keeps what libbpf says on this thread from now until `end`.
    static func begin() {
        texts.withLock { $0[UInt(pthread_self())] = [] }
        _ = libbpf_set_print { level, format, arguments in
            guard level != LIBBPF_DEBUG, let format, let arguments else { return 0 }
            KernelLog.add(format, arguments)
            return 0
        }
    }

    /// What libbpf said on this thread since `begin`.
    static func end() -> String {
        let bytes = texts.withLock { $0.removeValue(forKey: UInt(pthread_self())) }
        return String(decoding: bytes ?? [], as: UTF8.self)
    }

    private static func add(_ format: UnsafePointer<CChar>, _ arguments: CVaListPointer) {
        let thread = UInt(pthread_self())
        guard texts.withLock({ $0[thread] != nil }) else { return }
        let message = [UInt8](unsafeUninitializedCapacity: messageBytesMax) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            let wanted = base.withMemoryRebound(to: CChar.self, capacity: messageBytesMax) { vsnprintf($0, messageBytesMax, format, arguments) }
            count = min(max(Int(wanted), 0), messageBytesMax - 1)
        }
        texts.withLock { texts in
            guard let kept = texts[thread] else { return }
            texts[thread] = (kept + message.suffix(tailBytesMax)).suffix(textBytesMax)
        }
    }
}

/// The line of libbpf's output that says most: the verifier's complaint, else libbpf's own last warning.
func mostTellingLine(of log: String) -> String {
    let lines = log.split(separator: "\n").map(String.init)
    if let end = lines.lastIndex(where: { $0.hasPrefix("processed ") }) {
        // Lines such as "12: (85) call ..." and "; source text" are the way there, not the complaint.
        let complaint = lines[..<end].last { line in !line.hasPrefix(";") && !(line.first?.isNumber ?? true) && !line.hasPrefix("libbpf:") }
        if let complaint { return complaint }
    }
    let own = lines.last { $0.hasPrefix("libbpf:") && !$0.contains("LOG --") && !$0.contains("failed to load object") }
    return own.map { String($0.dropFirst("libbpf: ".count)) } ?? ""
}
