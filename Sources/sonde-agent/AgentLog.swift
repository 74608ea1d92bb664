// The agent's log: one line for each event on standard error, `time=… level=… msg="…" key=value …`.
// Everything in this executable logs with it.
// It never logs a header's value, and never the same state twice: callers log changes.

import Glibc

enum AgentLog {
    enum Level: String {
        case info, warning, error
    }

    static func info(_ message: String, _ fields: (String, String)...) { write(.info, message, fields) }
    static func warning(_ message: String, _ fields: (String, String)...) { write(.warning, message, fields) }
    static func error(_ message: String, _ fields: (String, String)...) { write(.error, message, fields) }

    private static func write(_ level: Level, _ message: String, _ fields: [(String, String)]) {
        let line = line(level, message, fields, at: Clock.unixNanoseconds()) + "\n"
        // One write for a line keeps lines of several threads apart; a log that cannot be written is nobody's to hear.
        _ = Array(line.utf8).withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    static func line(_ level: Level, _ message: String, _ fields: [(String, String)], at unixNanoseconds: UInt64) -> String {
        let head = "time=\(timestamp(unixNanoseconds)) level=\(level.rawValue) msg=\(quoted(message))"
        return fields.reduce(head) { "\($0) \($1.0)=\(quoted($1.1))" }
    }

    /// RFC 3339 in UTC with milliseconds.
    private static func timestamp(_ unixNanoseconds: UInt64) -> String {
        var seconds = time_t(unixNanoseconds / 1_000_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func digits(_ number: some BinaryInteger, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let date = "\(parts.tm_year + 1900)-\(digits(parts.tm_mon + 1, 2))-\(digits(parts.tm_mday, 2))"
        let time = "\(digits(parts.tm_hour, 2)):\(digits(parts.tm_min, 2)):\(digits(parts.tm_sec, 2))"
        return "\(date)T\(time).\(digits(unixNanoseconds / 1_000_000 % 1000, 3))Z"
    }

    /// Plain words stay as they are; anything else is quoted, with line breaks escaped so that an event stays one line.
    private static func quoted(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
        if isPlain { return text }
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f: out += " "
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
