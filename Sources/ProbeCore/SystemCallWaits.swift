// Which system calls wait by design, so that their latency is mostly idleness: `syscall.wait`.
// MetricsBuilder marks their series, so that nobody takes them for slow calls.
// It never lists calls that wait only on some files, such as read: those would lose their meaning.

enum SystemCallWaits {
    /// Calls that return when something happens, a time has passed, or another task acts.
    private static let names: Set<String> = [
        "epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_wait_old", "poll", "ppoll", "select", "pselect6", "futex", "futex_wait", "futex_waitv",
        "nanosleep", "clock_nanosleep", "pause", "wait4", "waitid", "rt_sigsuspend", "rt_sigtimedwait", "io_getevents", "io_pgetevents", "semop",
        "semtimedop", "msgrcv", "mq_timedreceive", "accept", "accept4",
    ]

    static func contains(_ name: String) -> Bool { names.contains(name) }
}
