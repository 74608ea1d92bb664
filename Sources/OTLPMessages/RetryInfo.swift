// How long a receiver wants to be left alone: `google.rpc.RetryInfo` in the details of a gRPC status.
// The exporter's gRPC side reads it.
// It never fails over other details: they are skipped.

/// A wish for a later try.
public struct RetryInfo: Hashable, Sendable {
    public var delay: Duration

    private static let typeName = "google.rpc.RetryInfo"

    /// Reads a `google.rpc.Status`: details = 3, each a `google.protobuf.Any` with type_url = 1 and value = 2.
    /// - Returns: nil without a RetryInfo that has a delay, or when the bytes are no protobuf message.
    public init?(status: [UInt8]) {
        guard let delay = (try? Self.delay(inStatus: status[...])) ?? nil else { return nil }
        self.delay = delay
    }

    private static func delay(inStatus bytes: ArraySlice<UInt8>) throws(ProtobufReader.Malformed) -> Duration? {
        var reader = ProtobufReader(bytes)
        while let (field, value) = try reader.next() {
            if field == 3, case .bytes(let detail) = value, let delay = try delay(inDetail: detail) { return delay }
        }
        return nil
    }

    private static func delay(inDetail bytes: ArraySlice<UInt8>) throws(ProtobufReader.Malformed) -> Duration? {
        var reader = ProtobufReader(bytes)
        var isRetryInfo = false
        var content: ArraySlice<UInt8>?
        while let (field, value) = try reader.next() {
            guard case .bytes(let bytes) = value else { continue }
            // The part before the last slash names a server and does not count.
            if field == 1 { isRetryInfo = String(decoding: bytes, as: UTF8.self).split(separator: "/").last.map { $0 == typeName } ?? false }
            if field == 2 { content = bytes }
        }
        guard isRetryInfo, let content else { return nil }
        return try delay(inRetryInfo: content)
    }

    /// `RetryInfo`: retry_delay = 1, a `google.protobuf.Duration` with seconds = 1 and nanos = 2.
    private static func delay(inRetryInfo bytes: ArraySlice<UInt8>) throws(ProtobufReader.Malformed) -> Duration? {
        var reader = ProtobufReader(bytes)
        while let (field, value) = try reader.next() {
            guard field == 1, case .bytes(let bytes) = value else { continue }
            var duration = ProtobufReader(bytes)
            var delay = Duration.zero
            while let (field, value) = try duration.next() {
                guard case .varint(let number) = value else { continue }
                // The type's own range: 10 000 years.
                let signed = min(max(Int64(bitPattern: number), -315_576_000_000), 315_576_000_000)
                if field == 1 { delay += .seconds(signed) }
                if field == 2 { delay += .nanoseconds(signed) }
            }
            return delay
        }
        return nil
    }
}
