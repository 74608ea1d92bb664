// A window that has something of every signal, with names as a hostile container would choose them.

import ProbeCore
import ProbeKernel
import ProbePrograms

@testable import sonde

enum Fixture {
    /// Clears the screen, sets the title, is wide, changes direction, combines.
    static let hostile = "\u{1b}[2J\u{9b}31m\u{7}\r\n\u{202e}日本e\u{301}\u{200b}x"

    static let names = TopNames(
        hierarchy: CgroupHierarchy(mode: .v2, root: "/nonexistent"), containers: "/nonexistent", dropReasons: [2: "no_socket"],
        paths: [1: "/", 2: "/shop/checkout", 3: "/" + hostile, 4: "/" + String(repeating: "long-", count: 40) + "end"])

    static func durations(_ slot: Int, _ count: UInt64, milliseconds: UInt64) -> Durations {
        var durations = Durations()
        durations.slots[slot] = count
        durations.count = count
        durations.sumNanoseconds = milliseconds * 1_000_000
        return durations
    }

    static func counts(_ factor: UInt64) -> CgroupCounts {
        var counts = CgroupCounts()
        counts.latency = durations(14, 100 * factor, milliseconds: 40 * factor)
        counts.voluntary = 60 * factor
        counts.involuntary = 40 * factor
        counts.connects = [
            .init(first: 0, error: 0): durations(12, 7 * factor, milliseconds: 1), .init(first: 0, error: 111): durations(11, factor, milliseconds: 1),
        ]
        counts.connects[.init(first: 1, error: 0)] = durations(10, 3, milliseconds: 1)
        counts.retransmits = [.init(first: 1, error: 0): 2, .init(first: 0, error: 101): 1]
        counts.lifetimes = [.init(first: 0, error: 0): durations(30, 5, milliseconds: 9000)]
        counts.roundTrips = durations(18, 9, milliseconds: 3)
        counts.resets = [.init(first: 0, error: 0): 4]
        counts.drops = [
            .init(first: 2, error: 6 | 1 << 16): DropCounts(packets: 8, bytes: 4096), .init(first: 77, error: 256): DropCounts(packets: 1, bytes: 0),
        ]
        counts.disks = [.init(first: 253 << 20, error: 1): durations(20, 6, milliseconds: 12)]
        var lookups = LookupCounts()
        lookups.count = 2
        lookups.sumNanoseconds = 6_000_000
        lookups.buckets[1] = 2
        counts.lookups = [.init(name: "db.\(hostile).svc", error: nil): lookups, .init(name: "nowhere", error: "NXDOMAIN"): lookups]
        counts.files = ["/var/\(hostile)/*.db": FileCounts(opens: 1, reads: 2, writes: 3, syncs: 1, readBytes: 5000, writtenBytes: 70)]
        counts.fileTimes = [.init(first: 0, error: 2): durations(9, 4, milliseconds: 1), .init(first: 1, error: 0): durations(22, 1, milliseconds: 5)]
        counts.systemCallCounts = [.init(first: 3, error: 9): 4]
        counts.systemCalls = [.init(first: 0, error: 0): durations(8, 11, milliseconds: 1), .init(first: 1, error: 32): durations(8, 1, milliseconds: 1)]
        return counts
    }

    static var window: TopWindow {
        var reading = TopReading()
        reading.cgroups = [2: counts(3), 3: counts(2), 4: counts(1), 99: counts(1)]
        var window = TopWindow(seconds: 2, reading: reading)
        window.costs = [
            HookCost(
                program: "sched", function: "sched_switch", runs: 64000, sampledRuns: 1000, sampledNanoseconds: 500_000, skipped: 1, losses: [.mapFull: 3])
        ]
        window.totalCosts = window.costs
        window.events = [
            event(.exec, name: "/bin/\(hostile)", time: 1), event(.crash, signal: 11, name: "srv", time: 2), event(.oomKill, name: "eater", time: 3),
        ]
        window.eventsLeftOut = 5
        window.nowNanoseconds = 5_000_000_000
        window.ownSeconds = 0.01
        window.off = [OffHook(program: "process", function: "mark_victim", reason: "no such tracepoint")]
        return window
    }

    static func record(_ kind: ProcessEventLayout.Kind, signal: UInt32 = 0, name: String, time: UInt64) -> [UInt8] {
        let text = Array(name.utf8.prefix(ProcessEventLayout.nameByteCount))
        let words: [UInt64] = [
            time * 1_000_000_000, 2, kind == .oomKill ? 256 : 0, UInt64(kind.rawValue) | 77 << 32, UInt64(signal) | UInt64(text.count) << 32,
        ]
        return words.flatMap { withUnsafeBytes(of: $0) { Array($0) } } + text
            + [UInt8](repeating: 0, count: ProcessEventLayout.nameByteCount - text.count)
    }

    static func event(_ kind: ProcessEventLayout.Kind, signal: UInt32 = 0, name: String, time: UInt64) -> ProcessEvent {
        var events = TopEvents()
        record(kind, signal: signal, name: name, time: time).withUnsafeBytes { events.take($0) }
        return events.events[0]
    }

    static var tables: [TopView: [TopRow]] { TopRows(window: window, names: names, unit: .binarySecond).all() }

    static func picture(windows: Int = 3) -> TopPicture {
        var picture = TopPicture(host: "node-\(hostile)")
        for _ in 0..<windows { picture.history.take(tables) }
        picture.seconds = 2
        picture.lost = window.lost
        return picture
    }
}
