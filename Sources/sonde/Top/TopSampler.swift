// Reads the kernel for `sonde top` and gives out windows: what happened between two readings.
// Each way to show it (once, line by line, live) asks this for its numbers.
// It never waits: callers say when a window ends, and drain the rings meanwhile.

import Glibc
import ProbeCore
import ProbeKernel

/// A hook that counts nothing, and why.
struct OffHook: Equatable {
    var program: String
    var function: String
    var reason: String
}

/// One window.
struct TopWindow {
    var seconds: Double
    var reading: TopReading
    var costs: [HookCost] = []
    /// The same since the programs were loaded.
    var totalCosts: [HookCost] = []
    /// The newest events of the run, oldest first, and CLOCK_MONOTONIC, which stamps them.
    var events: [ProcessEvent] = []
    var eventsLeftOut: UInt64 = 0
    var eventsMalformed: UInt64 = 0
    var nowNanoseconds: UInt64 = 0
    /// CPU time of this process in the window.
    var ownSeconds: Double = 0
    var off: [OffHook] = []

    /// Events of the window that no table has.
    var lost: UInt64 { costs.reduce(0) { $0 &+ $1.lost } }
}

struct TopSampler {
    let probes: [LoadedProbe]
    let off: [OffHook]
    private var records = TopRecords()
    private var reading: TopReading
    private var costs: [HookCost]
    private var stopwatch = Stopwatch()
    private var ownSeconds: Double

    init(_ probes: [LoadedProbe], off: [OffHook]) throws(ProbeKernelError) {
        self.probes = probes
        self.off = off
        ownSeconds = Self.clockSeconds(CLOCK_PROCESS_CPUTIME_ID)
        reading = try TopReading(probes, &records)
        // What happened while programs were loaded is no part of the first window.
        records.forgetEvents()
        costs = try HookCost.all(of: probes)
        stopwatch = Stopwatch()
    }

    /// Empties the rings, often enough that none fills up.
    mutating func drain() throws(ProbeKernelError) { try records.drain(probes) }

    /// What happened since the window before.
    mutating func window() throws(ProbeKernelError) -> TopWindow {
        let now = try TopReading(probes, &records)
        let seconds = stopwatch.seconds
        stopwatch = Stopwatch()
        let nowCosts = try HookCost.all(of: probes)
        let nowOwn = Self.clockSeconds(CLOCK_PROCESS_CPUTIME_ID)
        var window = TopWindow(seconds: seconds, reading: now - reading, totalCosts: nowCosts)
        window.costs = zip(nowCosts, costs).map { $0 - $1 }
        window.events = records.events.events
        window.eventsLeftOut = records.events.leftOut
        window.eventsMalformed = records.events.malformed
        window.nowNanoseconds = UInt64(Self.clockSeconds(CLOCK_MONOTONIC) * 1e9)
        window.ownSeconds = nowOwn - ownSeconds
        window.off = off
        reading = now
        costs = nowCosts
        ownSeconds = nowOwn
        return window
    }

    private static func clockSeconds(_ clock: clockid_t) -> Double {
        var now = timespec()
        clock_gettime(clock, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
}
