// SIGTERM and SIGINT as an event that the process can await.
// OperatorProcess stops the operator with it.
// It never ends the process by itself, but a second signal does: whoever asks twice does not want to wait.

@preconcurrency import Dispatch  // Its sources may be used from any thread, but are not marked Sendable on Linux.
import Glibc
import Synchronization

/// Waits for the first SIGTERM or SIGINT from the moment it is made.
final class TerminationSignals: Sendable {
    private let sources: [any DispatchSourceSignal]
    private let received: AsyncStream<Int32>
    private let count = Counter()

    private final class Counter: Sendable {
        private let value = Mutex(0)
        func next() -> Int {
            value.withLock {
                $0 += 1; return $0
            }
        }
    }

    init() {
        let (stream, continuation) = AsyncStream<Int32>.makeStream(bufferingPolicy: .bufferingOldest(1))
        received = stream
        sources = [SIGTERM, SIGINT].map { [count] number in
            signal(number, SIG_IGN)  // Else the default action ends the process before the source sees the signal.
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler {
                if count.next() > 1 { _exit(128 + number) }
                continuation.yield(number)
            }
            source.resume()
            return source
        }
    }

    /// The signal's number; nil when the waiting task was cancelled.
    func first() async -> Int32? {
        for await number in received { return number }
        return nil
    }
}
