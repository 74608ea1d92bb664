// `sonde top`: this host's kernel signals by container, live, without a cluster.
// People look at it on a node; scripts take one window as JSON with --once.
// It never sends anything anywhere, and detaches its programs when it ends.

import ArgumentParser
import Glibc
import JSON
import ProbeKernel
import ProbePrograms
import Synchronization

enum BucketUnit: String, ExpressibleByArgument, CaseIterable {
    case seconds, microseconds

    var histogramUnit: HistogramUnit {
        switch self {
        case .seconds: .binarySecond
        case .microseconds: .microsecond
        }
    }
}

struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what the kernel counts on this host: run-queue latency, connections, retransmissions, drops, DNS, disks, files, system calls.",
        discussion: """
            One row for each cgroup, named by pod and container where the kubelet's links are there. RUNQ is the time that tasks waited for a CPU: median, \
            99th percentile (each the upper bound of a power-of-two bucket) and sum. Needs root, or CAP_BPF and CAP_PERFMON; \
            `sonde doctor` says what is missing.

            Examples:
              sudo sonde top
              sudo sonde top --syscalls read,write,epoll_wait
              sudo sonde top --files
              sudo sonde top --once --seconds 10 --output json
              sudo sonde top --once --seconds 10 --buckets microseconds --output json      bounds as runqlat prints them

            With --once, standard error says when counting begins; Ctrl-C ends the window early and prints what was counted.
            Exit status: 0, or 2 when nothing could be loaded.
            """)

    @Option(name: .shortAndLong, help: "Seconds between two screens.")
    var interval = 2

    @Flag(help: "Count one window, print it and end.")
    var once = false

    @Option(help: "Length of the window of --once, in seconds.")
    var seconds = 5

    @Option(name: .shortAndLong, help: "How --once prints: text or json.")
    var output = OutputFormat.text

    @Option(help: "Names of system calls to count, with commas between. Costs every system call of the host about 0.1 µs.")
    var syscalls = ""

    @Flag(help: "Count calls on files, by path. Costs every system call of the host about 0.1 µs.")
    var files = false

    @Option(help: "Unit of the histogram bounds in JSON: powers of two of seconds, or of microseconds.")
    var buckets = BucketUnit.seconds

    @Option(help: "Rows of the table.")
    var rows = 25

    @Option(help: "Where the cgroup file systems are mounted.")
    var cgroups = "/sys/fs/cgroup"

    @Option(help: "The folder with the kubelet's links to container logs.")
    var containers = "/var/log/containers"

    func validate() throws {
        guard (1...3600).contains(interval), (1...3600).contains(seconds), (1...10000).contains(rows) else {
            throw ValidationError("--interval and --seconds take 1 to 3600, --rows 1 to 10000")
        }
        guard once || output == .text else { throw ValidationError("--output json needs --once") }
        _ = try systemCallNumbers()
    }

    func run() throws {
        let hierarchy = CgroupHierarchy.detect(mount: cgroups)
        let programs = [ProbeProgram.sched, .tcp, .drops, .dns, .disk] + (files ? [.files] : []) + (try systemCallNumbers().isEmpty ? [] : [.syscall])
        let settings = ProbeSettings(cgroupMode: hierarchy.mode, histogramUnit: buckets.histogramUnit, systemCalls: try systemCallNumbers())
        let loader = ProbeLoader()
        var loads: [ProbeLoad] = []
        for program in programs {
            let load = loader.load(program, settings: settings, sharing: loads.compactMap(\.probe))
            loads.append(load.probe == nil ? program.fallback.map { loader.load($0, settings: settings) } ?? load : load)
        }
        for failed in loads.flatMap(\.hooks) { if let failure = failed.failure { Output.error("\(failed.hook.function) is off: \(failure.reason)") } }
        let probes = loads.compactMap(\.probe)
        guard !probes.isEmpty else { throw ExitStatus.unusable }
        defer { for probe in probes { probe.close() } }
        Interruption.listen()
        do throws(ProbeKernelError) {
            let names = TopNames(hierarchy: hierarchy, containers: containers, dropReasons: loader.dropReasons)
            if once { try showOnce(probes, names) } else { try showLive(probes, names) }
        } catch {
            Output.error("error: \(error)")
            throw ExitStatus.unusable
        }
    }

    private func systemCallNumbers() throws -> Set<UInt32> {
        var numbers: Set<UInt32> = []
        for name in syscalls.split(separator: ",").map(String.init) {
            guard let number = SystemCalls.number(of: name) else { throw ValidationError("there is no system call \(name) on this architecture") }
            numbers.insert(number)
        }
        return numbers
    }

    private func showOnce(_ probes: [LoadedProbe], _ startNames: TopNames) throws(ProbeKernelError) {
        var names = startNames
        var records = TopRecords()
        names.refresh()
        let start = try TopReading(probes, &records)
        let began = Stopwatch()
        Output.error("counting for \(seconds) s")
        try Interruption.wait(milliseconds: seconds * 1000) { () throws(ProbeKernelError) in try records.drain(probes) }
        let window = try TopReading(probes, &records) - start
        let elapsed = began.seconds
        names.refresh()
        switch output {
        case .text: Output.line(TopTable(window: window, names: names, unit: buckets.histogramUnit, rows: rows).lines.joined(separator: "\n"))
        case .json:
            Output.line(try TopDocument(window: window, names: names, unit: buckets.histogramUnit, seconds: elapsed, probes: probes).value.text(.pretty))
        }
    }

    private func showLive(_ probes: [LoadedProbe], _ startNames: TopNames) throws(ProbeKernelError) {
        var names = startNames
        var records = TopRecords()
        var before = try TopReading(probes, &records)
        while !Interruption.came {
            try Interruption.wait(milliseconds: interval * 1000) { () throws(ProbeKernelError) in try records.drain(probes) }
            let now = try TopReading(probes, &records)
            names.refresh()
            let table = TopTable(window: now - before, names: names, unit: buckets.histogramUnit, rows: rows)
            // Home, each line to its end, then the rest of the screen: less flicker than clearing first.
            Output.text("\u{1b}[H" + table.lines.map { $0 + "\u{1b}[K\n" }.joined() + "\u{1b}[J")
            before = now
        }
    }
}

/// Ctrl-C and SIGTERM, as a flag that waits look at.
enum Interruption {
    private static let flag = Atomic<Bool>(false)

    static var came: Bool { flag.load(ordering: .relaxed) }

    static func listen() {
        for number in [SIGINT, SIGTERM] { signal(number) { _ in Interruption.flag.store(true, ordering: .relaxed) } }
    }

    /// Waits, at most a tenth of a second longer than asked when another thread takes the signal, and does something ten times a second.
    static func wait<Failure>(milliseconds: Int, doing work: () throws(Failure) -> Void) throws(Failure) {
        let watch = Stopwatch()
        while !came {
            let left = milliseconds - Int(watch.seconds * 1000)
            guard left > 0 else { break }
            poll(nil, 0, Int32(min(left, 100)))
            try work()
        }
        try work()
    }
}

/// Seconds on the monotonic clock since it was made.
struct Stopwatch {
    private let start = ContinuousClock.now

    var seconds: Double { (ContinuousClock.now - start) / .seconds(1) }
}
