// The state of one exchange as a value: what has arrived, who waits for what, and how it ended.
// The loop thread feeds it from libcurl's callbacks and consumers pull from it, both under the transfer's lock.
// It never does I/O: every step returns what the shell has to do.

/// How a transfer hands over its body.
enum BodyMode: Sendable {
    /// Collected; more than `maxBytes` is an error.
    case whole(maxBytes: Int)
    /// Handed over in pieces; the transfer pauses while `bufferBytes` wait.
    case stream(bufferBytes: Int)
}

/// Status and headers of a response.
struct ResponseHead: Sendable {
    var status = 0
    var headers = HTTPHeaders()
    var version = HTTPVersion.http1
}

/// A continuation together with the value that ends its wait; performed outside of the lock.
enum Delivery {
    case none
    case response(CheckedContinuation<HTTPResponse, any Error>, Result<HTTPResponse, any Error>)
    case head(CheckedContinuation<ResponseHead, any Error>, Result<ResponseHead, any Error>)
    case chunk(CheckedContinuation<[UInt8]?, any Error>, Result<[UInt8]?, any Error>)

    func perform() {
        switch self {
        case .none: break
        case .response(let continuation, let result): continuation.resume(with: result)
        case .head(let continuation, let result): continuation.resume(with: result)
        case .chunk(let continuation, let result): continuation.resume(with: result)
        }
    }
}

struct Exchange {
    enum Waiter {
        case response(CheckedContinuation<HTTPResponse, any Error>)
        case head(CheckedContinuation<ResponseHead, any Error>)
        case chunk(CheckedContinuation<[UInt8]?, any Error>)
    }

    enum BodyVerdict { case taken, pause, tooLarge }

    /// All header lines of one response together; servers stop far below (Go: 1 MiB for requests, others 8 to 64 KiB).
    static let headerBytesMax = 256 << 10

    let mode: BodyMode
    private(set) var head = ResponseHead()
    private var trailers = HTTPHeaders()
    private(set) var isHeadComplete = false
    private(set) var isPaused = false
    /// Set by the consumer's side before the loop hears of it, so that a cancelled transfer is never started.
    private(set) var isCancelled = false
    private var headerBytes = 0
    private var body: [UInt8] = []
    private var waiter: Waiter?
    private var outcome: Result<Void, any Error>?

    init(mode: BodyMode) { self.mode = mode }

    mutating func onCancel() { isCancelled = true }

    // MARK: From the loop thread

    /// One header line with its line end. Nil when the head is too large.
    mutating func onHeaderLine(_ line: UnsafeRawBufferPointer) -> Delivery? {
        headerBytes += line.count
        guard headerBytes <= Self.headerBytesMax else { return nil }
        let text = String(decoding: line, as: UTF8.self).trimmedLine
        if isHeadComplete {
            if let (name, value) = Self.field(text) { trailers.append(name: name, value: value) }
            return Delivery.none
        }
        if text.isEmpty {
            guard head.status >= 200 else { return Delivery.none }  // 100 Continue and 103 Early Hints come before the answer.
            isHeadComplete = true
            return deliverHead()
        }
        if text.hasPrefix("HTTP/") {
            head = ResponseHead()
            head.status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            head.version = text.hasPrefix("HTTP/2") ? .http2 : .http1
        } else if let (name, value) = Self.field(text) {
            head.headers.append(name: name, value: value)
        }
        return Delivery.none
    }

    private static func field(_ text: String) -> (name: String, value: String)? {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        return (String(text[..<colon]), String(text[text.index(after: colon)...].trimmedLine))
    }

    mutating func onBody(_ bytes: UnsafeRawBufferPointer) -> (BodyVerdict, Delivery) {
        switch mode {
        case .whole(let maxBytes):
            guard bytes.count <= maxBytes - body.count else { return (.tooLarge, .none) }
            body.append(contentsOf: bytes)
            return (.taken, .none)
        case .stream(let bufferBytes):
            // A piece is taken whole, so the buffer holds at most one read of libcurl (16 KiB) more than its bound.
            guard body.count < bufferBytes else {
                isPaused = true
                return (.pause, .none)
            }
            body.append(contentsOf: bytes)
            return (.taken, deliverChunk())
        }
    }

    mutating func onResumed() { isPaused = false }

    mutating func onFinished(_ result: Result<Void, any Error>) -> Delivery {
        guard outcome == nil else { return .none }
        outcome = result
        // What came before a broken connection is still handed over; who cancelled wants nothing more.
        if isCancelled { body = [] }
        switch waiter {
        case .response(let continuation):
            waiter = nil
            return .response(continuation, result.map { response })
        case .head: return deliverHead()
        case .chunk: return deliverChunk()
        case nil: return .none
        }
    }

    private var response: HTTPResponse {
        HTTPResponse(status: head.status, headers: head.headers, body: body, trailers: trailers, version: head.version)
    }

    // MARK: From the consumer

    mutating func onWait(_ new: Waiter) -> (delivery: Delivery, needsResume: Bool) {
        precondition(waiter == nil, "one exchange has one consumer at a time")
        waiter = new
        switch new {
        case .response: return (.none, false)
        case .head: return (deliverHead(), false)
        case .chunk:
            let delivery = deliverChunk()
            return (delivery, isPaused && body.isEmpty)
        }
    }

    // MARK: Handing over

    private mutating func deliverHead() -> Delivery {
        guard case .head(let continuation) = waiter else { return .none }
        if case .failure(let error) = outcome {
            waiter = nil
            return .head(continuation, .failure(error))
        }
        guard isHeadComplete || outcome != nil else { return .none }
        waiter = nil
        return .head(continuation, .success(head))
    }

    private mutating func deliverChunk() -> Delivery {
        guard case .chunk(let continuation) = waiter else { return .none }
        if !body.isEmpty {
            let bytes = body
            body = []
            waiter = nil
            return .chunk(continuation, .success(bytes))
        }
        guard let outcome else { return .none }
        waiter = nil
        return .chunk(continuation, outcome.map { nil })
    }
}

extension StringProtocol {
    /// Without spaces, tabs and line ends on either side.
    fileprivate var trimmedLine: String {
        let isBlank: (UInt8) -> Bool = { $0 == 32 || $0 == 9 || $0 == 10 || $0 == 13 }
        return String(decoding: utf8.drop(while: isBlank).reversed().drop(while: isBlank).reversed(), as: UTF8.self)
    }
}
