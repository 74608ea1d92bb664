// The CPU time and resident memory of the agent's own process.
// AgentLoop reports them with each export.
// It never looks at other processes.

import Glibc
import ProbeCore

enum ProcessUsage {
    static func read() -> ProcessReading {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return ProcessReading(
            userSeconds: seconds(usage.ru_utime), systemSeconds: seconds(usage.ru_stime), residentBytes: residentPages() * Int64(sysconf(Int32(_SC_PAGESIZE))))
    }

    /// The second number of /proc/self/statm (proc(5)); 0 where /proc is not mounted.
    private static func residentPages() -> Int64 {
        guard let bytes = try? SmallFile.read("/proc/self/statm") else { return 0 }
        return String(decoding: bytes, as: UTF8.self).split(separator: " ").dropFirst().first.flatMap { Int64($0) } ?? 0
    }
}
