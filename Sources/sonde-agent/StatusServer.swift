// A read-only HTTP/1.1 server for kubelet's probes and the operator: GET only, a few clients, small requests, short deadlines.
// SondeAgent runs it on a thread of its own; StatusBoard has the answers.
// It never lets a client wait or hold on: the oldest gives way to a new one, and nothing that a client sends can change the agent.

import Glibc
import Synchronization

/// Owns the listening socket. A library for HTTP would outweigh the agent.
final class StatusServer: Sendable {
    static let clientsMax = 8
    private static let acceptsPerTurn = 16
    private static let pauseMilliseconds: Int32 = 100

    /// The port that it listens on.
    let port: Int
    private let listener: Int32
    private let stopRead, stopWrite: Int32
    private let board: StatusBoard
    private let answered = Atomic<UInt64>(0)
    private let refused = Atomic<UInt64>(0)
    private let displaced = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - address: A numeric address, or `*` for all of this network namespace.
    ///   - port: 0 takes a free one.
    /// - Throws: `FileFailure` with what went wrong, such as a port that is taken.
    init(address: String, port: Int, board: StatusBoard) throws(FileFailure) {
        let listening = try ListeningSocket(address: address, port: port)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            close(listening.descriptor)
            throw FileFailure(message: "no pipe: \(String(cString: strerror(errno)))")
        }
        listener = listening.descriptor
        self.port = listening.port
        (stopRead, stopWrite) = (ends[0], ends[1])
        self.board = board
    }

    deinit { for descriptor in [listener, stopRead, stopWrite] { close(descriptor) } }

    /// Requests that were answered and refused, and clients that gave way.
    var counts: (answered: UInt64, refused: UInt64, displaced: UInt64) {
        (answered.load(ordering: .relaxed), refused.load(ordering: .relaxed), displaced.load(ordering: .relaxed))
    }

    /// Lets `run` return; may be called from any thread.
    func stop() {
        var byte: UInt8 = 1
        _ = write(stopWrite, &byte, 1)
    }

    /// Serves on the calling thread until `stop`.
    func run() {
        var clients: [StatusConnection] = []
        defer { for client in clients { client.close() } }
        while true {
            let fixed = [pollfd(fd: stopRead, events: Int16(POLLIN), revents: 0), pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
            var descriptors = fixed + clients.map { pollfd(fd: $0.descriptor, events: $0.interest, revents: 0) }
            if poll(&descriptors, nfds_t(descriptors.count), timeout(clients)) < 0, errno != EINTR { _ = poll(nil, 0, Self.pauseMilliseconds) }
            if descriptors[0].revents != 0 { return }
            let now = Clock.monotonicNanoseconds()
            for index in clients.indices where descriptors[index + fixed.count].revents != 0 || now >= clients[index].deadline {
                clients[index].proceed(now: now) { answer($0, now: now) }
            }
            for client in clients where client.isDone { client.close() }
            clients.removeAll(where: \.isDone)
            if descriptors[1].revents != 0 { accept(into: &clients, now: now) }
        }
    }

    /// Milliseconds until the next deadline; -1 without clients.
    private func timeout(_ clients: [StatusConnection]) -> Int32 {
        guard let next = clients.map(\.deadline).min() else { return -1 }
        let now = Clock.monotonicNanoseconds()
        return next > now ? Int32(clamping: (next - now + 999_999) / 1_000_000) : 0
    }

    private func answer(_ request: StatusRequest, now: UInt64) -> StatusAnswer? {
        switch request {
        case .incomplete: return nil
        case .refused(let answer):
            refused.add(1, ordering: .relaxed)
            return answer
        case .get(let path):
            answered.add(1, ordering: .relaxed)
            return board.answer(path, now: now)
        }
    }

    private func accept(into clients: inout [StatusConnection], now: UInt64) {
        for _ in 0..<Self.acceptsPerTurn {
            let descriptor = Glibc.accept(listener, nil, nil)
            guard descriptor >= 0 else {
                // Out of descriptors: poll would say at once that the client still waits.
                if errno != EAGAIN, errno != EINTR, errno != ECONNABORTED { _ = poll(nil, 0, Self.pauseMilliseconds) }
                return
            }
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            if clients.count >= Self.clientsMax {
                clients[0].giveWay()
                clients[0].close()
                clients.removeFirst()
                displaced.add(1, ordering: .relaxed)
            }
            clients.append(StatusConnection(descriptor: descriptor, now: now))
        }
    }
}
