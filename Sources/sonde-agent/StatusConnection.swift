// One client of the status server: its request as far as it has arrived, then its answer as far as it has left.
// StatusServer has a few of them and calls `proceed` when poll says that something can be done.
// It never blocks, and never outlives its deadline.

import Glibc

/// Owns the descriptor until `close`.
struct StatusConnection {
    private enum Phase {
        case reading([UInt8])
        case writing([UInt8], from: Int)
        /// The answer is out; what the client still sends is thrown away, as closing with unread bytes would take the answer from it (RFC 9112, section 9.6).
        case draining
        case done
    }

    /// For the whole exchange.
    static let deadlineNanoseconds: UInt64 = 5_000_000_000

    let descriptor: Int32
    let deadline: UInt64
    private var phase = Phase.reading([])

    init(descriptor: Int32, now: UInt64) {
        self.descriptor = descriptor
        deadline = now + Self.deadlineNanoseconds
    }

    var isDone: Bool { if case .done = phase { true } else { false } }

    /// What to poll for.
    var interest: Int16 { if case .writing = phase { Int16(POLLOUT) } else { Int16(POLLIN) } }

    /// Goes on as far as it can without waiting.
    mutating func proceed(now: UInt64, answer: (StatusRequest) -> StatusAnswer?) {
        if now >= deadline { return expire() }
        switch phase {
        case .reading(let bytes): read(bytes, answer)
        case .writing(let bytes, let from): write(bytes, from)
        case .draining: drain()
        case .done: break
        }
    }

    /// Ends it in favour of another client.
    mutating func giveWay() { end(with: .text(503, "too many clients")) }

    func close() { Glibc.close(descriptor) }

    private mutating func expire() { end(with: .text(408, "the request took too long")) }

    /// Says why, if the client can take it at once, and ends.
    private mutating func end(with answer: StatusAnswer) {
        if case .reading = phase { _ = answer.bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) } }
        phase = .done
    }

    private mutating func read(_ before: [UInt8], _ answer: (StatusRequest) -> StatusAnswer?) {
        var chunk = [UInt8](repeating: 0, count: StatusRequest.bytesMax + 1)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else { return stop(unless: count < 0) }
        let bytes = before + chunk[..<count]
        if let answer = answer(StatusRequest(bytes)) { write(answer.bytes, 0) } else { phase = .reading(bytes) }
    }

    private mutating func write(_ bytes: [UInt8], _ from: Int) {
        phase = .writing(bytes, from: from)
        let count = bytes[from...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard count > 0 else { return stop(unless: count < 0) }
        phase = .writing(bytes, from: from + count)
        if from + count == bytes.count {
            shutdown(descriptor, Int32(SHUT_WR))
            phase = .draining
        }
    }

    private mutating func drain() {
        var chunk = [UInt8](repeating: 0, count: StatusRequest.bytesMax)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count <= 0 { stop(unless: count < 0) }
    }

    /// After a call that moved nothing: the peer is gone, unless it only has to be waited for.
    private mutating func stop(unless hasFailed: Bool) {
        if hasFailed, errno == EAGAIN || errno == EINTR { return }
        phase = .done
    }
}
