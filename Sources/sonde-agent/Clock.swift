// The two clocks that the agent reads.
// The loop measures windows with the monotonic one and stamps points with the other.
// They never sleep.

import Glibc

enum Clock {
    static func unixNanoseconds() -> UInt64 { nanoseconds(CLOCK_REALTIME) }

    /// Goes on while the clock is set; stands still while the machine sleeps.
    static func monotonicNanoseconds() -> UInt64 { nanoseconds(CLOCK_MONOTONIC) }

    private static func nanoseconds(_ clock: clockid_t) -> UInt64 {
        var now = timespec()
        clock_gettime(clock, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }
}
