// What a receiver answers to a request that it took: ExportMetricsServiceResponse of opentelemetry-proto v1.
// The exporter counts rejected points with it.
// It never says whether the request was taken at all: that is the HTTP status.

/// The answer to a request with metrics.
public struct ExportResponse: Hashable, Sendable {
    /// Points that the receiver threw away; zero when it took all.
    public var rejectedPoints: Int64
    /// Why; with zero rejected points a warning.
    public var errorMessage: String

    public init(rejectedPoints: Int64 = 0, errorMessage: String = "") {
        self.rejectedPoints = rejectedPoints
        self.errorMessage = errorMessage
    }

    /// Reads the protobuf form: partial_success = 1, in it rejected_data_points = 1 and error_message = 2. Unknown fields are skipped.
    /// - Returns: nil when the bytes are no protobuf message. An empty body means that all was taken.
    public init?(decoding body: [UInt8]) {
        self.init()
        do {
            var reader = ProtobufReader(body[...])
            while let (field, value) = try reader.next() {
                if field == 1, case .bytes(let partialSuccess) = value { try readPartialSuccess(partialSuccess) }
            }
        } catch {
            return nil
        }
    }

    private mutating func readPartialSuccess(_ bytes: ArraySlice<UInt8>) throws(ProtobufReader.Malformed) {
        var reader = ProtobufReader(bytes)
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .varint(let rejected)): rejectedPoints = Int64(bitPattern: rejected)
            case (2, .bytes(let message)): errorMessage = String(decoding: message, as: UTF8.self)
            default: break
            }
        }
    }
}
