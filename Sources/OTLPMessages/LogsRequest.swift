// Events as OTLP log records, and the request that carries them: ExportLogsServiceRequest of opentelemetry-proto v1 (logs.proto) as bytes.
// ProbeCore makes the records, the agent hands requests to the exporter.
// It never splits a request; who builds it keeps it small.

/// One event.
public struct LogRecord: Hashable, Sendable {
    /// The severity numbers that are used here (logs data model, "Severity Fields").
    public enum Severity: UInt64, Sendable {
        case info = 9
        case error = 17

        var text: String { self == .info ? "INFO" : "ERROR" }
    }

    /// The event's name in the semantic conventions' form: `process.crash`.
    public var eventName: String
    /// When it happened, and when user space saw it: nanoseconds of the Unix epoch.
    public var unixNanoseconds: UInt64
    public var observedUnixNanoseconds: UInt64
    public var severity: Severity
    /// A sentence for people.
    public var body: String
    public var attributes: [Attribute]

    public init(
        eventName: String, unixNanoseconds: UInt64, observedUnixNanoseconds: UInt64, severity: Severity, body: String, attributes: [Attribute] = []
    ) {
        self.eventName = eventName
        self.unixNanoseconds = unixNanoseconds
        self.observedUnixNanoseconds = observedUnixNanoseconds
        self.severity = severity
        self.body = body
        self.attributes = attributes
    }
}

/// Events of one resource.
public struct ResourceLogs: Hashable, Sendable {
    public var resource: Resource
    public var scope: Scope
    public var records: [LogRecord]

    public init(resource: Resource, scope: Scope, records: [LogRecord]) {
        self.resource = resource
        self.scope = scope
        self.records = records
    }
}

/// The body of `POST /v1/logs`.
public struct LogsRequest: Hashable, Sendable {
    public var resourceLogs: [ResourceLogs]

    public init(_ resourceLogs: [ResourceLogs]) { self.resourceLogs = resourceLogs }

    /// How many records the request carries; receivers count rejected data in records.
    public var recordCount: Int { resourceLogs.reduce(0) { $0 + $1.records.count } }

    /// The protobuf form: resource_logs = 1.
    public func bytes() -> [UInt8] {
        var writer = ProtobufWriter(reservingBytes: 512 + recordCount * 256)
        for group in resourceLogs { writer.message(1) { $0.resourceLogs(group) } }
        return writer.bytes
    }
}

extension ProtobufWriter {
    /// `ResourceLogs`: resource = 1 (attributes = 1), scope_logs = 2, schema_url = 3; in scope_logs scope = 1, log_records = 2, schema_url = 3.
    fileprivate mutating func resourceLogs(_ group: ResourceLogs) {
        message(1) { $0.attributes(1, group.resource.attributes) }
        message(2) { writer in
            writer.scope(1, group.scope)
            for record in group.records { writer.message(2) { $0.record(record) } }
            writer.nonEmptyString(3, group.scope.schemaURL)
        }
        nonEmptyString(3, group.scope.schemaURL)
    }

    /// `LogRecord`: time_unix_nano = 1, severity_number = 2, severity_text = 3, body = 5 (string_value = 1), attributes = 6,
    /// observed_time_unix_nano = 11, event_name = 12.
    private mutating func record(_ record: LogRecord) {
        fixed64(1, record.unixNanoseconds)
        integer(2, record.severity.rawValue)
        string(3, record.severity.text)
        message(5) { $0.string(1, record.body) }
        attributes(6, record.attributes)
        fixed64(11, record.observedUnixNanoseconds)
        nonEmptyString(12, record.eventName)
    }
}
