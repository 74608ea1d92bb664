// The process's log: one event a line, as JSON or as key=value text, on standard error.
// sonde-operator installs it for every logger.
// It never splits a line: each is written with one system call.

import Glibc
import JSON
import Kubernetes
import Logging

struct StructuredLogHandler: LogHandler {
    enum Format: String, CaseIterable, Sendable { case json, text }

    let label: String
    let format: Format
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(label: String, format: Format, level: Logger.Level) {
        self.label = label
        self.format = format
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = metadataProvider?.get() ?? [:]
        fields.merge(metadata) { $1 }
        fields.merge(event.metadata ?? [:]) { $1 }
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let stamp = Timestamp(secondsSinceEpoch: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec)).rfc3339Micro
        Self.write(line(stamp: stamp, level: event.level, message: event.message.description, fields: fields) + "\n")
    }

    /// One line without its end. Keys are sorted, so that lines of one kind look alike.
    func line(stamp: String, level: Logger.Level, message: String, fields: Logger.Metadata) -> String {
        let sorted = fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value.description) }
        let all = [("time", stamp), ("level", level.rawValue), ("logger", label), ("msg", message)] + sorted
        switch format {
        case .json: return JSONValue.object(JSONObject(all.map { ($0.0, JSONValue.string($0.1)) })).text()
        case .text: return all.map { "\($0.0)=\(Self.quoted($0.1))" }.joined(separator: " ")
        }
    }

    private static func quoted(_ value: String) -> String {
        let isPlain = !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") && $0 != 0x7f }
        return isPlain ? value : JSONValue.string(value).text()
    }

    private static func write(_ line: String) {
        var line = line
        line.withUTF8 { bytes in _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
    }
}
