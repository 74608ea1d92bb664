// Bytes of a terminal become keys: a state machine over escape sequences and UTF-8.
// TopSession feeds it what it reads from standard input, in pieces as they come.
// It never gives out a part of a sequence it does not know as if someone had typed it, and keeps a few bytes at most.

/// What was pressed.
enum TerminalKey: Equatable {
    /// A character; also control characters that have no case of their own.
    case character(Unicode.Scalar)
    case up, down, left, right, pageUp, pageDown, home, end
    case enter, escape, backspace, tab, backTab
}

/// Sequences as in ECMA-48: `ESC [`, parameters, a final byte; and `ESC O`, a byte (keypad mode).
struct KeyDecoder {
    private enum State {
        case ground, escape
        /// Behind `ESC [`, with the parameters so far.
        case control([UInt8])
        /// Behind `ESC O`, and behind `ESC [ [`, which the console of Linux sends for its first function keys.
        case function, consoleFunction
        /// An answer of the terminal, up to BEL or ESC \.
        case answer, answerEscape
        /// A character of several bytes.
        case text(missing: Int, value: UInt32)
    }

    /// Longer parameters are none that a key has.
    private static let parametersMax = 16
    private var state = State.ground

    /// Whether a sequence has begun and not ended; ESC alone is one until `settle`.
    var isPending: Bool { if case .ground = state { false } else { true } }

    mutating func take(_ bytes: some Sequence<UInt8>) -> [TerminalKey] { bytes.flatMap { take($0) } }

    /// Nothing has come for a while: what is pending is complete. ESC alone was the key of that name.
    mutating func settle() -> [TerminalKey] {
        defer { state = .ground }
        if case .escape = state { return [.escape] }
        return []
    }

    // The state machine: a byte and what it completes.
    private mutating func take(_ byte: UInt8) -> [TerminalKey] {
        switch state {
        case .ground: return ground(byte)
        case .escape: return afterEscape(byte)
        case .control(let parameters):
            if byte == UInt8(ascii: "["), parameters.isEmpty {
                state = .consoleFunction
            } else if (0x20...0x3f).contains(byte) {
                // Too long for a key: its end is waited for, its content is of no interest.
                state = .control(parameters.count < Self.parametersMax ? parameters + [byte] : parameters)
            } else if byte == 0x1b {
                state = .escape
            } else {
                state = .ground
                if (0x40...0x7e).contains(byte) { return Self.key(final: byte, parameters: parameters) }
            }
            return []
        case .function:
            state = .ground
            return Self.key(final: byte, parameters: [])
        case .consoleFunction:
            state = .ground
            return []
        case .answer:
            if byte == 0x07 { state = .ground } else if byte == 0x1b { state = .answerEscape }
            return []
        case .answerEscape:
            if byte == UInt8(ascii: "\\") { state = .ground } else if byte != 0x1b { state = .answer }
            return []
        case .text(let missing, let value): return text(byte, missing: missing, value: value)
        }
    }

    private mutating func ground(_ byte: UInt8) -> [TerminalKey] {
        switch byte {
        case 0x1b: state = .escape
        case 0x0d, 0x0a: return [.enter]
        case 0x09: return [.tab]
        case 0x08, 0x7f: return [.backspace]
        case ..<0x80: return [.character(Unicode.Scalar(byte))]
        case 0xc2...0xdf: state = .text(missing: 1, value: UInt32(byte & 0x1f))
        case 0xe0...0xef: state = .text(missing: 2, value: UInt32(byte & 0x0f))
        case 0xf0...0xf4: state = .text(missing: 3, value: UInt32(byte & 0x07))
        default: break
        }
        return []
    }

    private mutating func afterEscape(_ byte: UInt8) -> [TerminalKey] {
        switch byte {
        case UInt8(ascii: "["): state = .control([])
        case UInt8(ascii: "O"): state = .function
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "^"), UInt8(ascii: "X"): state = .answer
        case 0x1b: return [.escape]
        default:
            // ESC and then another key, faster than `settle`; terminals send the same for Alt and that key.
            state = .ground
            return [.escape] + ground(byte)
        }
        return []
    }

    private mutating func text(_ byte: UInt8, missing: Int, value: UInt32) -> [TerminalKey] {
        guard byte & 0xc0 == 0x80 else {
            state = .ground
            return ground(byte)
        }
        let longer = value << 6 | UInt32(byte & 0x3f)
        if missing > 1 {
            state = .text(missing: missing - 1, value: longer)
            return []
        }
        state = .ground
        return Unicode.Scalar(longer).map { [.character($0)] } ?? []
    }

    private static func key(final: UInt8, parameters: [UInt8]) -> [TerminalKey] {
        // With Shift, Alt or Control there is a second parameter; the key is the same here.
        let first = String(decoding: parameters.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
        switch (Character(Unicode.Scalar(final)), first) {
        case ("A", _): return [.up]
        case ("B", _): return [.down]
        case ("C", _): return [.right]
        case ("D", _): return [.left]
        case ("H", _), ("~", "1"), ("~", "7"): return [.home]
        case ("F", _), ("~", "4"), ("~", "8"): return [.end]
        case ("Z", _): return [.backTab]
        case ("M", ""): return [.enter]
        case ("~", "5"): return [.pageUp]
        case ("~", "6"): return [.pageDown]
        default: return []
        }
    }
}
