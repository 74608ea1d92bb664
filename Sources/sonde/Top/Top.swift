// `sonde top`: this host's kernel signals by container, live, without a cluster.
// People look at it on a node, over ssh as a rule; scripts take one window as JSON with --once.
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
        abstract: "Shows what the kernel counts on this host: run-queue latency, connections, drops, DNS, disks, files, system calls, crashes, by container.",
        discussion: """
            On a terminal: a table for each signal, with keys to choose, sort, filter and scroll (? lists them). Elsewhere, or with --plain: one table each \
            interval. Rows are cgroups, named by pod and container where the kubelet's links are there. WAIT is the time that tasks waited for a CPU. P50 and \
            P99 are upper bounds of power-of-two buckets. Needs root, or CAP_BPF and CAP_PERFMON; `sonde doctor` says what is missing.

            Examples:
              sudo sonde top
              sudo sonde top --files --syscalls read,write,epoll_wait
              sudo sonde top --plain --view tcp --interval 10 | tee tcp.log
              sudo sonde top --once --seconds 10
              sudo sonde top --once --seconds 10 --output json
              sudo sonde top --once --seconds 10 --buckets microseconds --output json      bounds as runqlat prints them

            With --once, standard error says when counting begins; Ctrl-C ends the window early and prints what was counted.
            Exit status: 0, or 2 when nothing could be loaded.
            """)

    @Option(name: .shortAndLong, help: "Seconds of one window.")
    var interval = 2

    @Flag(help: "Count one window, print a table for each signal and end.")
    var once = false

    @Option(help: "Length of the window of --once, in seconds.")
    var seconds = 5

    @Option(name: .shortAndLong, help: "How --once prints: text or json.")
    var output = OutputFormat.text

    @Option(help: "The table to begin with, or the only one of --plain and --once.")
    var view: TopView?

    @Flag(help: "Print a table each interval, without keys or escape sequences. So it is when standard output or input is no terminal.")
    var plain = false

    @Flag(help: "Draw with ASCII only. So it is when the locale is not UTF-8.")
    var ascii = false

    @Option(help: "Names of system calls to count, with commas between. Costs every system call of the host about 0.1 µs.")
    var syscalls = ""

    @Option(name: .customLong("syscall-counts"), help: "The same without their times, which costs half. A name stands in one of the two.")
    var syscallCounts = ""

    @Flag(help: "Count calls on files, by path. Costs every system call of the host about 0.1 µs.")
    var files = false

    @Option(help: "Unit of the histogram bounds in JSON: powers of two of seconds, or of microseconds.")
    var buckets = BucketUnit.seconds

    @Option(help: "Rows of each table of --plain and --once.")
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
        guard try numbers(of: syscalls).isDisjoint(with: numbers(of: syscallCounts)) else {
            throw ValidationError("a system call stands in --syscalls or in --syscall-counts, not in both")
        }
    }

    func run() throws {
        let hierarchy = CgroupHierarchy.detect(mount: cgroups)
        let loader = ProbeLoader()
        let loads = try load(with: loader, mode: hierarchy.mode)
        let off = loads.flatMap { load in
            load.hooks.compactMap { hook in
                hook.failure.map { OffHook(program: load.program.name, function: hook.hook.function, reason: $0.reason) }
            }
        }
        for hook in off { Output.error("\(hook.function) is off: \(hook.reason)") }
        let probes = loads.compactMap(\.probe)
        guard !probes.isEmpty else { throw ExitStatus.unusable }
        defer { for probe in probes { probe.close() } }
        Interruption.listen()
        do throws(ProbeKernelError) {
            let names = TopNames(hierarchy: hierarchy, containers: containers, dropReasons: loader.dropReasons)
            if once { try showOnce(probes, off, names) } else { try showLive(probes, off, names) }
        } catch {
            Output.error("error: \(error)")
            throw ExitStatus.unusable
        }
    }

    private func load(with loader: ProbeLoader, mode: ProbeSettings.CgroupMode) throws -> [ProbeLoad] {
        let timed = try numbers(of: syscalls), counted = try numbers(of: syscallCounts)
        var settings = ProbeSettings(cgroupMode: mode, histogramUnit: buckets.histogramUnit)
        settings.recordsExec = true
        var programs: [ProbeProgram] = [.sched, .tcp, .drops, .dns, .disk, .process]
        if files { programs.append(.files) }
        if !timed.isEmpty { programs.append(.syscall) }
        if !counted.isEmpty { programs.append(.syscallCounts) }
        var loads: [ProbeLoad] = []
        for program in programs {
            settings.systemCalls = program.name == ProbeProgram.syscallCounts.name ? counted : timed
            let load = loader.load(program, settings: settings, sharing: loads.compactMap(\.probe))
            loads.append(load.probe == nil ? program.fallback.map { loader.load($0, settings: settings) } ?? load : load)
        }
        return loads
    }

    private func numbers(of names: String) throws -> Set<UInt32> {
        var numbers: Set<UInt32> = []
        for name in names.split(separator: ",").map(String.init) {
            guard let number = SystemCalls.number(of: name) else { throw ValidationError("there is no system call \(name) on this architecture") }
            numbers.insert(number)
        }
        return numbers
    }

    // MARK: Ways to show

    private func showOnce(_ probes: [LoadedProbe], _ off: [OffHook], _ startNames: TopNames) throws(ProbeKernelError) {
        var names = startNames
        names.refresh()
        var sampler = try TopSampler(probes, off: off)
        Output.error("counting for \(seconds) s")
        try Interruption.wait(milliseconds: seconds * 1000) { () throws(ProbeKernelError) in try sampler.drain() }
        let window = try sampler.window()
        names.refresh()
        switch output {
        case .text:
            let rows = TopRows(window: window, names: names, unit: buckets.histogramUnit)
            let tables = (view.map { [$0] } ?? TopView.allCases).map { plainTables.lines(rows.rows(of: $0), of: $0, seconds: window.seconds, note: notes[$0]) }
            Output.line(tables.map { $0.joined(separator: "\n") }.joined(separator: "\n\n"))
        case .json: Output.line(SafeText.json(TopDocument(window: window, names: names, unit: buckets.histogramUnit).value.text(.pretty)))
        }
    }

    private func showLive(_ probes: [LoadedProbe], _ off: [OffHook], _ names: TopNames) throws(ProbeKernelError) {
        let sampler = try TopSampler(probes, off: off)
        guard !plain, let terminal = Terminal(environment: TerminalEnvironment.current()) else { return try showPlain(sampler, names) }
        var session = TopSession(
            terminal: terminal, sampler: sampler, names: names, unit: buckets.histogramUnit,
            state: TopState(view: view ?? .overview, intervalSeconds: interval), picture: TopPicture(host: Self.hostName, notes: notes), ascii: drawsASCII,
            colours: TerminalEnvironment.hasColours(TerminalEnvironment.current()))
        try session.run()
    }

    private func showPlain(_ startSampler: TopSampler, _ startNames: TopNames) throws(ProbeKernelError) {
        var sampler = startSampler, names = startNames
        var history = TopHistory()
        let view = view ?? .overview
        while !Interruption.came {
            try Interruption.wait(milliseconds: interval * 1000) { () throws(ProbeKernelError) in try sampler.drain() }
            let window = try sampler.window()
            names.refresh()
            let rows = TopRows(window: window, names: names, unit: buckets.histogramUnit).rows(of: view)
            history.take([view: rows])
            let table = plainTables.lines(rows, of: view, seconds: window.seconds, note: notes[view]) { history.values(of: $0, in: view) }
            Output.line(table.joined(separator: "\n") + "\n")
        }
    }

    private var plainTables: TopPlain {
        TopPlain(rows: rows, columnsMax: isatty(STDOUT_FILENO) == 1 ? Terminal.size().columns : nil, ascii: drawsASCII)
    }

    private var drawsASCII: Bool { ascii || !TerminalEnvironment.isUTF8(TerminalEnvironment.current()) }

    /// Tables that are empty because nobody asked for their numbers.
    private var notes: [TopView: String] {
        var notes: [TopView: String] = [:]
        if !files { notes[.files] = "not counted: start with --files" }
        if syscalls.isEmpty, syscallCounts.isEmpty { notes[.calls] = "not counted: start with --syscalls read,write,..." }
        return notes
    }

    private static var hostName: String {
        var name = utsname()
        guard uname(&name) == 0 else { return "" }
        return withUnsafeBytes(of: &name.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

/// Ctrl-C, SIGTERM and the end of the terminal, as a flag that waits look at.
enum Interruption {
    private static let flag = Atomic<Bool>(false)

    private static let continued = Atomic<Bool>(false)

    static var came: Bool { flag.load(ordering: .relaxed) }

    /// Whether this process was stopped and goes on again.
    static var wasContinued: Bool { continued.load(ordering: .relaxed) }

    static func takeContinued() -> Bool { continued.exchange(false, ordering: .relaxed) }

    static func listen() {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in Interruption.flag.store(true, ordering: .relaxed) }
        // Without SA_RESTART: a write to a terminal that takes nothing any more ends too.
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaction(number, &action, nil) }
        action.__sigaction_handler.sa_handler = { _ in Interruption.continued.store(true, ordering: .relaxed) }
        sigaction(SIGCONT, &action, nil)
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
