// The rings of `sonde top`: who decodes which.
// TopSampler drains them ten times a second, TopReading takes the counts.
// It never waits for a record.

import ProbeKernel

/// What needs more than a look at a map: rings that are read all the time.
struct TopRecords {
    private(set) var lookups = TopLookups()
    private(set) var files = TopFiles()
    private(set) var events = TopEvents()

    /// Begins the list of events anew.
    mutating func forgetEvents() { events = TopEvents() }

    /// Empties the rings, often enough that none fills up.
    mutating func drain(_ probes: [LoadedProbe]) throws(ProbeKernelError) {
        try lookups.drain(probes)
        try files.drain(probes)
        try events.drain(probes)
    }

    /// Counts everything up to now.
    mutating func read(_ probes: [LoadedProbe]) throws(ProbeKernelError) {
        try lookups.drain(probes)
        try files.read(probes)
        try events.drain(probes)
    }
}
