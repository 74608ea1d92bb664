// The live `sonde top`: waits for keys and for the end of windows, and draws.
// Top runs it on a terminal; what keys mean is TopState's, what lines look like TopScreen's.
// It never leaves the terminal in another state than it found it.

import Glibc
import ProbeKernel
import ProbePrograms

struct TopSession {
    private let terminal: Terminal
    private let unit: HistogramUnit
    private let ascii: Bool
    private var sampler: TopSampler
    private var names: TopNames
    private var state: TopState
    private var frame: TerminalFrame
    /// What is known, and what is shown: while paused an older one.
    private var newest: TopPicture
    private var shown: TopPicture
    private var decoder = KeyDecoder()
    private var size = Terminal.size()
    private var window = Stopwatch()

    init(
        terminal: Terminal, sampler: TopSampler, names: TopNames, unit: HistogramUnit, state: TopState, picture: TopPicture, ascii: Bool, colours: Bool
    ) {
        self.terminal = terminal
        self.sampler = sampler
        self.names = names
        self.unit = unit
        self.state = state
        self.ascii = ascii
        frame = TerminalFrame(colours: colours)
        newest = picture
        shown = picture
    }

    /// Returns after `q`, a signal, or when the terminal is gone.
    mutating func run() throws(ProbeKernelError) {
        terminal.enter()
        defer { terminal.leave() }
        draw()
        while !Interruption.came {
            // A tenth of a second is also how often rings are emptied, and how soon a new size is seen.
            guard let bytes = terminal.read(milliseconds: Int32(max(0, min(100, millisecondsLeft)))) else { return }
            let keys = bytes.isEmpty ? decoder.settle() : decoder.take(bytes)
            guard keys.allSatisfy({ act(on: $0) }) else { return }
            try sampler.drain()
            let size = Terminal.size()
            var isChanged = !keys.isEmpty || size != self.size
            if Interruption.wasContinued {
                takeScreen()
                isChanged = true
            }
            self.size = size
            if millisecondsLeft <= 0 {
                try endWindow()
                isChanged = true
            }
            if isChanged { draw() }
        }
    }

    private var millisecondsLeft: Int { state.intervalSeconds * 1000 - Int(window.seconds * 1000) }

    /// - Returns: whether to go on.
    private mutating func act(on key: TerminalKey) -> Bool {
        switch state.on(key) {
        case .quit: return false
        case .repaint: frame.forget()
        case .suspend: suspend()
        case .changePace: if !state.isPaused { shown = newest }
        case .nothing, .redraw: break
        }
        return true
    }

    /// Stops this process and what started it, as Ctrl-Z does.
    private mutating func suspend() {
        terminal.leave()
        kill(0, SIGTSTP)
        // The signal may reach another thread, and this one run on for a moment: the screen is taken back when SIGCONT has come, not before.
        // A process group that nobody can continue is not stopped by it; then nothing comes.
        for _ in 0..<10 where !Interruption.wasContinued && !Interruption.came { poll(nil, 0, 50) }
        takeScreen()
    }

    /// After a stop the shell has its own modes and lines there.
    private mutating func takeScreen() {
        _ = Interruption.takeContinued()
        terminal.enter()
        frame.forget()
    }

    private mutating func endWindow() throws(ProbeKernelError) {
        window = Stopwatch()
        let measured = try sampler.window()
        names.refresh()
        newest.history.take(TopRows(window: measured, names: names, unit: unit).all())
        newest.seconds = measured.seconds
        newest.lost = measured.lost
        if !state.isPaused { shown = newest }
    }

    private mutating func draw() {
        let lines = TopScreen(picture: shown, size: size, ascii: ascii).lines(&state)
        terminal.write(frame.update(to: lines, size: size))
    }
}
