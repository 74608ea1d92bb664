// What happened to processes, for `sonde top`: the process program's ring as a list of the newest events.
// Top reads the ring ten times a second; the events table and the JSON document show the list.
// It never holds more than twice `eventsMax`: older ones are dropped and counted.

import Glibc
import ProbeCore
import ProbeKernel
import ProbePrograms

struct TopEvents {
    /// Of starts of programs, and again of crashes and OOM kills: many starts do not push those out.
    static let eventsMax = 250

    private var starts: [ProcessEvent] = []
    private var failures: [ProcessEvent] = []
    /// Events that made room for newer ones.
    private(set) var leftOut: UInt64 = 0
    /// Records that are none.
    private(set) var malformed: UInt64 = 0
    private let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// Oldest first.
    var events: [ProcessEvent] { (starts + failures).sorted { $0.nanoseconds < $1.nanoseconds } }

    /// Takes what waits in the ring.
    mutating func drain(_ probes: [LoadedProbe]) throws(ProbeKernelError) {
        guard let probe = probes.first(where: { $0.program.name == ProbeProgram.process.name }) else { return }
        for ring in probe.program.rings { try probe.drain(ring.name) { take($0) } }
    }

    mutating func take(_ record: UnsafeRawBufferPointer) {
        guard let event = ProcessEvent(record, pageBytes: pageBytes) else {
            malformed += 1
            return
        }
        leftOut += event.kind == .exec ? Self.add(event, to: &starts) : Self.add(event, to: &failures)
    }

    /// - Returns: how many events made room.
    private static func add(_ event: ProcessEvent, to list: inout [ProcessEvent]) -> UInt64 {
        list.append(event)
        guard list.count > eventsMax else { return 0 }
        list.removeFirst()
        return 1
    }
}
