// The wall clock, for timestamps in objects.
// The server takes it unless a test hands in a clock of its own.
// It never measures durations: that is ContinuousClock's work.

import Glibc
import Kubernetes

enum SystemClock {
    static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(secondsSinceEpoch: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
    }
}
