// The events of one watch, read from a body that arrives piece by piece.
// KubernetesClient makes one for each WatchStream.
// It never reads ahead beyond the HTTP client's buffer, and dropping it closes the connection.

import HTTPClient
import Kubernetes
import Synchronization

/// One task at a time pulls events; the state between pulls sits behind a lock that is never held across an await.
final class WatchReader: Sendable {
    private let body: HTTPBody
    /// Kept alive: a client that goes takes its transfers along.
    private let client: HTTPClient
    private let path: String
    private let framer: Mutex<LineFramer>

    init(_ body: HTTPBody, client: HTTPClient, eventBytesMax: Int, path: String) {
        self.body = body
        self.client = client
        self.path = path
        framer = Mutex(LineFramer(lineBytesMax: eventBytesMax))
    }

    /// The next event; nil when the server ended the stream between two events.
    /// - Throws: `KubernetesError` (`network`, `timeout`), or `CancellationError`.
    func next() async throws -> WatchEvent? {
        var pieces = body.makeAsyncIterator()
        while true {
            try Task.checkCancellation()
            if let event = buffered() { return event }
            do {
                guard let piece = try await pieces.next() else { return try end() }
                framer.withLock { $0.append(piece) }
            } catch let error as HTTPError {
                throw ResponseError.translate(error)
            }
        }
    }

    private func buffered() -> WatchEvent? {
        while let line = framer.withLock({ $0.next() }) {
            switch line {
            case .line(let bytes) where bytes.allSatisfy({ $0 == 13 || $0 == 32 }): continue
            case .line(let bytes): return WatchEvent(line: bytes)
            case .tooLong(let bytes): return .undecodable("an event of the watch on \(path) has \(bytes) bytes, more than this client reads; it was skipped")
            }
        }
        return nil
    }

    private func end() throws(KubernetesError) -> WatchEvent? {
        guard framer.withLock({ $0.hasPartialLine }) else { return nil }
        throw KubernetesError(.network, message: "the watch on \(path) ended in the middle of an event")
    }
}
