// The built `sonde top` on a terminal of its own: keys, screen, and what it leaves behind when it ends in each way.
// It loads programs into this kernel, so it needs root, as the tests of ProbeKernel do.

import Foundation
import ProbeKernel
import Testing

@Suite(.enabled(if: canLoad, "needs root, CAP_BPF, CAP_PERFMON and BTF"), .serialized) struct TopTerminalTests {
    @Test func keysChangeTheScreenAndQPutsTheTerminalBack() throws {
        let top = try RunningTop(columns: 80, rows: 24)
        try top.wait("a table") { $0.contains { $0.contains("EVENTS") } && $0.last?.contains("rows") == true }
        #expect(top.screen.isAlternate && !top.screen.isCursorShown)
        #expect(!top.hasMode(ICANON) && !top.hasMode(ECHO))

        top.press("2")
        try top.wait("the second table") { $0[0].contains("Waits for a CPU") && $0[2].contains("▼SUM") }
        top.press("s")
        try top.wait("the next sort column") { $0[2].contains("▼RUNS") }
        top.press("r")
        try top.wait("the other way round") { $0[2].contains("▲RUNS") }
        top.press("\u{1b}[C")
        try top.wait("the arrow's table") { $0[0].contains("Connections") }
        top.press("0")
        try top.wait("the costs") { lines in lines.contains { $0.contains("(sonde top)") } && lines.contains { $0.contains("sched_switch") } }
        top.press("/switch\r")
        try top.wait("the filtered costs") { lines in lines[3].contains("sched_switch") && lines[4].isEmpty && lines[23].contains("with \"switch\"") }
        top.press("?")
        try top.wait("the help") { $0.contains { $0.contains("another table") } }
        top.press("x")
        top.resize(columns: 120, rows: 40)
        try top.wait("the larger screen") { $0[39].contains("q quit") && $0[23].isEmpty }
        top.press("q")
        #expect(try top.end() == 0)
        top.expectRestored()
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP]) func aSignalPutsTheTerminalBack(signal: Int32) throws {
        let top = try RunningTop(columns: 80, rows: 24)
        try top.wait("a screen") { $0[1].contains("1 overview") }
        kill(top.process, signal)
        #expect(try top.end() == 0)
        top.expectRestored()
    }

    @Test func aStopGivesTheTerminalBackAndTakesItAgain() throws {
        let top = try RunningTop(columns: 80, rows: 24)
        try top.wait("a screen") { $0[1].contains("1 overview") }
        // The group of a session's leader has nobody who could continue it, so only a signal from outside can stop it.
        kill(top.process, SIGSTOP)
        top.restoreModes()
        kill(top.process, SIGCONT)
        try top.wait("raw mode again") { _ in !top.hasMode(ICANON) }
        top.press("5")
        try top.wait("the key's table") { $0[0].contains("DNS lookups") }
        top.press("\u{3}")
        #expect(try top.end() == 0)
        top.expectRestored()
    }

    @Test func aHangUpEndsIt() throws {
        let top = try RunningTop(columns: 80, rows: 24)
        try top.wait("a screen") { $0[1].contains("1 overview") }
        top.hangUp()
        #expect(try top.end() == 0)
    }

    @Test func aTerminalThatTakesNothingDoesNotHoldItUp() throws {
        let top = try RunningTop(columns: 200, rows: 50)
        try top.wait("a screen") { $0[1].contains("1 overview") }
        // Each press draws everything; nobody reads any more, so that the terminal is full after some of them.
        try top.pressUntilFull("\u{c}")
        kill(top.process, SIGTERM)
        #expect(try top.end(reading: false) == 0)
    }

    @Test func withoutATerminalItPrintsTablesWithoutEscapes() throws {
        let top = Process()
        let pipe = Pipe()
        top.executableURL = RunningTop.binary
        top.arguments = ["top", "--once", "--seconds", "1", "--ascii"]
        top.standardOutput = pipe
        top.standardError = FileHandle.nullDevice
        try top.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        top.waitUntilExit()
        #expect(top.terminationStatus == 0)
        #expect(!text.contains("\u{1b}"))
        for title in ["overview: ", "sched: ", "tcp: ", "drops: ", "dns: ", "disk: ", "files: ", "calls: ", "events: ", "costs: "] {
            #expect(text.contains("\n" + title) || text.hasPrefix(title))
        }
    }
}

/// Whether this process may load programs at all.
let canLoad = HostKernel.current().hasBTF && HostKernel.current().missingCapabilities.isEmpty && getuid() == 0

/// `sonde top` as the leader of a session on a pseudoterminal.
final class RunningTop {
    static let binary = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: ".build/debug/sonde")

    struct Failure: Error { let text: String }

    let process: pid_t
    private(set) var screen: TestScreen
    private var master: Int32
    /// Kept open, so that modes can be read after the process has ended.
    private let terminal: Int32
    private let before: termios

    init(columns: Int, rows: Int) throws {
        try #require(FileManager.default.isExecutableFile(atPath: Self.binary.path), "\(Self.binary.path) is missing: run swift build")
        // posix_openpt(3), unlockpt(3) and ptsname(3) by hand: Swift's Glibc does not show them.
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var locked: Int32 = 0, number: Int32 = -1
        try #require(master >= 0 && ioctl(master, 0x4004_5431, &locked) == 0 && ioctl(master, 0x8004_5430, &number) == 0)  // TIOCSPTLCK, TIOCGPTN
        let path = "/dev/pts/\(number)"
        terminal = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        var window = winsize(ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(terminal, UInt(TIOCSWINSZ), &window)
        var modes = termios()
        tcgetattr(terminal, &modes)
        before = modes
        screen = TestScreen(columns: columns, rows: rows)
        process = try Self.start(on: path)
        _ = fcntl(master, F_SETFL, O_NONBLOCK)
    }

    /// A new session whose first terminal is this one: a leader that opens a terminal gets it as its own.
    private static func start(on path: String) throws -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, 0x80)  // POSIX_SPAWN_SETSID
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        let words = [binary.path, "top", "--interval", "1"], variables = ["TERM=xterm", "LANG=C.UTF-8"]
        var arguments = words.map { strdup($0) } + [nil]
        var environment = variables.map { strdup($0) } + [nil]
        defer { (arguments + environment).forEach { free($0) } }
        var process: pid_t = 0
        let result = posix_spawn(&process, binary.path, &actions, &attributes, &arguments, &environment)
        guard result == 0 else { throw Failure(text: "starting \(binary.path): \(String(cString: strerror(result)))") }
        return process
    }

    deinit {
        kill(process, SIGKILL)
        waitpid(process, nil, WNOHANG)
        close(master)
        close(terminal)
    }

    func press(_ keys: String, reading: Bool = true) {
        let bytes = Array(keys.utf8)
        _ = write(master, bytes, bytes.count)
        if reading { read(milliseconds: 20) }
    }

    /// Presses a key again and again, until the terminal has no room for what comes of it.
    func pressUntilFull(_ key: String) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        var fullTimes = 0
        while fullTimes < 5 {
            guard ContinuousClock.now < deadline else { throw Failure(text: "the terminal took everything") }
            press(key, reading: false)
            poll(nil, 0, 20)
            var descriptor = pollfd(fd: terminal, events: Int16(POLLOUT), revents: 0)
            fullTimes = poll(&descriptor, 1, 0) > 0 ? 0 : fullTimes + 1
        }
    }

    func resize(columns: Int, rows: Int) {
        var window = winsize(ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(terminal, UInt(TIOCSWINSZ), &window)
        screen = TestScreen(columns: columns, rows: rows)
        screen.take(onTheAlternateScreen)
    }

    /// As when ssh loses its connection: nobody holds the other side any more.
    func hangUp() {
        close(master)
        master = -1
    }

    func hasMode(_ mode: Int32) -> Bool {
        var modes = termios()
        tcgetattr(terminal, &modes)
        return modes.c_lflag & tcflag_t(mode) != 0
    }

    /// As a shell does when its job was stopped.
    func restoreModes() {
        var modes = before
        tcsetattr(terminal, TCSANOW, &modes)
    }

    func expectRestored() {
        var modes = termios()
        tcgetattr(terminal, &modes)
        #expect(modes.c_lflag == before.c_lflag && modes.c_iflag == before.c_iflag && modes.c_oflag == before.c_oflag)
        #expect(withUnsafeBytes(of: modes.c_cc) { Array($0) } == withUnsafeBytes(of: before.c_cc) { Array($0) })
        #expect(!screen.isAlternate && screen.isCursorShown && screen.wraps)
        #expect(screen.unknown.isEmpty, "\(screen.unknown)")
    }

    /// Reads until the screen is as it should be, for at most half a minute.
    func wait(_ what: String, until isThere: ([String]) -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while !isThere(screen.lines) {
            guard ContinuousClock.now < deadline else { throw Failure(text: "\(what) never came:\n" + screen.lines.joined(separator: "\n")) }
            read(milliseconds: 200)
        }
    }

    /// Waits for the process' end; gives its exit status.
    func end(reading: Bool = true) throws -> Int32 {
        let deadline = ContinuousClock.now + .seconds(20)
        var status: Int32 = 0
        while waitpid(process, &status, WNOHANG) == 0 {
            guard ContinuousClock.now < deadline else { throw Failure(text: "it did not end") }
            if reading, master >= 0 { read(milliseconds: 50) } else { poll(nil, 0, 50) }
        }
        if reading, master >= 0 { read(milliseconds: 50) }
        return status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
    }

    private func read(milliseconds: Int32) {
        var descriptor = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, milliseconds) > 0 else { return }
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = Foundation.read(master, &bytes, bytes.count)
        if count > 0 { screen.take(Array(bytes[..<count])) }
    }
}

/// What puts a new TestScreen into the state of the terminal that it stands for.
private let onTheAlternateScreen = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l"
