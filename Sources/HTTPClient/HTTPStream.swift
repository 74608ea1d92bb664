// A response whose body is read piece by piece while it arrives.
// Watches and everything else of unknown length are read through it.
// It never reads ahead further than the client's buffer: a slow consumer pauses the transfer.

public struct HTTPStream: Sendable {
    public let status: Int
    public let headers: HTTPHeaders
    public let body: HTTPBody
}

/// The pieces of a body, never empty ones. One task at a time may read it.
///
/// Ownership: when the last copy of it is dropped, the transfer ends and its connection is closed.
public struct HTTPBody: AsyncSequence, Sendable {
    public typealias Element = [UInt8]
    private let reader: Reader

    init(transfer: Transfer, loop: CurlLoop) { reader = Reader(transfer: transfer, loop: loop) }

    public func makeAsyncIterator() -> Iterator { Iterator(reader: reader) }

    /// Reads to the end, for short bodies such as those of errors.
    /// - Returns: The first `maxBytes` bytes; the transfer ends there.
    public func prefix(maxBytes: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await piece in self {
            bytes.append(contentsOf: piece.prefix(maxBytes - bytes.count))
            if bytes.count >= maxBytes {
                reader.close()
                break
            }
        }
        return bytes
    }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let reader: Reader

        /// The next piece; nil at the end of the body.
        /// - Throws: `HTTPError`, or `CancellationError` when the task was cancelled.
        public mutating func next() async throws -> [UInt8]? { try await reader.next() }
    }
}

/// Ends the transfer when nobody can read it any more.
private final class Reader: Sendable {
    let transfer: Transfer
    let loop: CurlLoop

    init(transfer: Transfer, loop: CurlLoop) {
        self.transfer = transfer
        self.loop = loop
    }

    deinit { close() }

    func close() { loop.cancel(transfer) }

    func next() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (delivery, needsResume) = transfer.withState { $0.onWait(.chunk(continuation)) }
                delivery.perform()
                if needsResume { loop.resume(transfer) }
            }
        } onCancel: {
            close()
        }
    }
}
