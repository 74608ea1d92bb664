// SIGTERM and SIGINT as something to wait for: the handlers write a byte into a pipe, and the loop polls its other end.
// SondeAgent installs them before anything else; AgentLoop waits.
// It never does more in a handler than that write. (Blocking the signals and taking them with sigtimedwait does not work: the Swift runtime parks the main
// thread in sigsuspend with an empty mask, where SIGTERM would end the process.)

import Glibc
import Synchronization

/// The pipe's end that the handlers write to.
private let writeEnd = Atomic<Int32>(-1)

struct StopSignal: Sendable {
    private let readEnd: Int32

    /// Installs the handlers, also for the init of a pid namespace, which ignores signals without one.
    /// - Returns: nil when no pipe can be made.
    static func install() -> StopSignal? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        // A full pipe has said all that there is to say.
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        writeEnd.store(ends[1], ordering: .releasing)
        for number in [SIGTERM, SIGINT] {
            signal(number) { _ in
                let saved = errno
                var byte: UInt8 = 1
                _ = write(writeEnd.load(ordering: .acquiring), &byte, 1)
                errno = saved
            }
        }
        signal(SIGPIPE, SIG_IGN)
        return StopSignal(readEnd: ends[0])
    }

    /// Waits for one of them, to the millisecond.
    /// - Returns: whether one came, now or earlier, before the time was over.
    func wait(nanoseconds: UInt64) -> Bool {
        var descriptor = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
        let milliseconds = Int32(clamping: (nanoseconds + 999_999) / 1_000_000)
        return poll(&descriptor, 1, milliseconds) > 0
    }
}
