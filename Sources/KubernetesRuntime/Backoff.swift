// How long to wait before the next try: exponential backoff, a token bucket, and the random numbers behind the jitter.
// Reflectors, work queues and the elector ask it.
// It never reads a clock or a random source of its own: time and seed are handed in.

/// A small seeded generator (SplitMix64): the same seed gives the same run.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64
    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Uniform in [0, 1).
    public mutating func fraction() -> Double { Double.random(in: 0..<1, using: &self) }
}

/// Delays that double up to a cap, each between half and the whole of its nominal value.
public struct ExponentialBackoff: Hashable, Sendable {
    public let first: Duration
    public let cap: Duration

    public init(first: Duration, cap: Duration) {
        precondition(first > .zero && first <= cap, "a backoff starts above zero and below its cap")
        self.first = first
        self.cap = cap
    }

    /// Reflectors (docs/controllers.md rule 9; client-go's values).
    public static let reflector = ExponentialBackoff(first: .milliseconds(800), cap: .seconds(30))
    /// Keys of a work queue (rule 17).
    public static let item = ExponentialBackoff(first: .milliseconds(5), cap: .seconds(300))

    /// The delay after `failures` failures in a row (1 for the first).
    public func delay(afterFailures failures: Int, random: inout SplitMix64) -> Duration {
        nominal(afterFailures: failures) * (0.5 + 0.5 * random.fraction())
    }

    /// The delay before jitter.
    public func nominal(afterFailures failures: Int) -> Duration {
        var delay = first
        for _ in 1..<max(1, failures) {
            delay = delay * 2
            if delay >= cap { return cap }
        }
        return delay
    }
}

/// At most `burst` at once and `ratePerSecond` over time; callers reserve a place and learn how long to wait for it.
public struct TokenBucket: Sendable {
    public let ratePerSecond: Double
    public let burst: Double
    private var tokens: Double
    private var filledAt: MonotonicTime?

    public init(ratePerSecond: Double, burst: Int) {
        precondition(ratePerSecond > 0 && burst > 0, "a token bucket needs a rate and a burst")
        self.ratePerSecond = ratePerSecond
        self.burst = Double(burst)
        tokens = Double(burst)
    }

    /// Takes one token, in advance if need be. - Returns: How long until the token is there; zero when it is.
    public mutating func reserve(now: MonotonicTime) -> Duration {
        fill(now)
        tokens -= 1
        return tokens >= 0 ? .zero : .seconds(-tokens / ratePerSecond)
    }

    /// Takes one token only when there is one.
    public mutating func take(now: MonotonicTime) -> Bool {
        fill(now)
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }

    private mutating func fill(_ now: MonotonicTime) {
        if let filledAt, now > filledAt {
            let (seconds, attoseconds) = (now - filledAt).components
            tokens = min(burst, tokens + (Double(seconds) + Double(attoseconds) * 1e-18) * ratePerSecond)
        }
        filledAt = now
    }
}
