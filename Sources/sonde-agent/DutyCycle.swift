// When a program that is sampled by time is attached: one second of every ten.
// ProbeSet asks it what to do next and how much of the window the program ran.
// It never touches the program.

struct DutyCycle {
    static let onNanoseconds: UInt64 = 1_000_000_000
    static let periodNanoseconds: UInt64 = 10_000_000_000

    private(set) var isOn = true
    /// When the program was attached or taken off.
    private var changed: UInt64
    private var onTime: UInt64 = 0
    private var windowStart: UInt64

    /// - Parameter now: CLOCK_MONOTONIC; the program is attached.
    init(now: UInt64) {
        changed = now
        windowStart = now
    }

    /// When to ask again.
    var nextChange: UInt64 { changed + (isOn ? Self.onNanoseconds : Self.periodNanoseconds - Self.onNanoseconds) }

    /// - Returns: whether the program is to be attached (true) or taken off (false); nil: as it is.
    mutating func turn(now: UInt64) -> Bool? {
        guard now >= nextChange else { return nil }
        if isOn { onTime += now - changed }
        changed = now
        isOn.toggle()
        return isOn
    }

    /// Ends a window: its length over the time in which the program ran; 1 when it never ran, since then nothing was counted.
    mutating func scale(now: UInt64) -> Double {
        if isOn {
            onTime += now - changed
            changed = now
        }
        defer {
            onTime = 0
            windowStart = now
        }
        return onTime == 0 ? 1 : max(1, Double(now - windowStart) / Double(onTime))
    }
}
