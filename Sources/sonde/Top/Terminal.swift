// The terminal of the live `sonde top`: raw mode, size, keys, and everything as it was afterwards.
// TopSession owns one.
// It never waits for a terminal that takes nothing any more: a signal ends every wait.
// termios(3) and five escape sequences are all it takes; ncurses would need a terminfo database, which images and small hosts lack.

import Glibc

struct Terminal {
    private let before: termios

    /// nil when standard input or output is no terminal, or one that has no cursor.
    init?(environment: [String: String]) {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1, !["", "dumb"].contains(environment["TERM"] ?? "") else { return nil }
        var before = termios()
        guard tcgetattr(STDIN_FILENO, &before) == 0 else { return nil }
        self.before = before
    }

    func enter() {
        var raw = before
        raw.c_lflag &= ~tcflag_t(ECHO | ICANON | IEXTEN)
        raw.c_iflag &= ~tcflag_t(IXON | ICRNL | INLCR | ISTRIP)
        withUnsafeMutableBytes(of: &raw.c_cc) { characters in
            characters[Int(VMIN)] = 0
            characters[Int(VTIME)] = 0
            // Ctrl-Z and Ctrl-\ come as keys: the screen is put back before this process stops or ends.
            characters[Int(VSUSP)] = 0
            characters[Int(VQUIT)] = 0
        }
        tcsetattr(STDIN_FILENO, TCSANOW, &raw)
        write(TerminalFrame.enter)
    }

    func leave() {
        // Not with `write`, which gives up after a signal: this is what must be written then.
        if hasRoom(milliseconds: 500) { Output.text(TerminalFrame.leave) }
        var before = before
        tcsetattr(STDIN_FILENO, TCSANOW, &before)
    }

    /// Writes in pieces that a terminal takes at once; gives up when a signal came.
    func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty, !Interruption.came {
            guard hasRoom(milliseconds: 100) else { continue }
            let count = bytes.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, min($0.count, 4096)) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }  // Hung up; reading says so too.
            bytes = bytes.dropFirst(count)
        }
    }

    private func hasRoom(milliseconds: Int32) -> Bool {
        var descriptor = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        return poll(&descriptor, 1, milliseconds) > 0
    }

    /// What was typed, after at most so long; nil when the terminal is gone.
    func read(milliseconds: Int32) -> [UInt8]? {
        var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, milliseconds) > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = Glibc.read(STDIN_FILENO, &bytes, bytes.count)
        if count < 0 { return errno == EINTR || errno == EAGAIN ? [] : nil }
        // Readable and nothing to read: the other side is closed.
        return count == 0 ? nil : Array(bytes[..<count])
    }

    /// 80 times 24 when the terminal does not say, as serial consoles.
    static func size(of descriptor: Int32 = STDOUT_FILENO) -> TerminalSize {
        var window = winsize()
        let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &window) == 0 && window.ws_col > 0 && window.ws_row > 0
        return isKnown ? TerminalSize(columns: Int(window.ws_col), rows: Int(window.ws_row)) : TerminalSize(columns: 80, rows: 24)
    }
}

/// What the environment says about a terminal.
enum TerminalEnvironment {
    static func current() -> [String: String] {
        ["TERM", "NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG"].reduce(into: [:]) { values, name in
            if let value = getenv(name) { values[name] = String(cString: value) }
        }
    }

    /// Whether the locale's character set is UTF-8: the first of the three variables that is not empty counts (locale(7)).
    static func isUTF8(_ environment: [String: String]) -> Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let charset = locale.lowercased().split(separator: ".").dropFirst().first?.split(separator: "@").first ?? ""
        return charset == "utf-8" || charset == "utf8"
    }

    /// https://no-color.org: set and not empty.
    static func hasColours(_ environment: [String: String]) -> Bool { (environment["NO_COLOR"] ?? "").isEmpty }
}
