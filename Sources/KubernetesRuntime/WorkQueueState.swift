// The rules of the work queue as a value (docs/controllers.md rules 15 to 17): what is waiting, ready and running.
// WorkQueue keeps it behind a lock and waits for it; tests drive it with times of their own.
// It never gives out one key twice at once.

import HeapModule

/// Which of two ready keys goes first. A low one overtakes after `WorkQueueState.ageing`.
public enum WorkPriority: Int, Comparable, Sendable {
    case low, normal
    public static func < (left: WorkPriority, right: WorkPriority) -> Bool { left.rawValue < right.rawValue }
}

/// Keys that want to be worked on. Invariant: a key is pending at most once, and pending keys that also run are not given out.
struct WorkQueueState<Key: Hashable & Sendable>: Sendable {
    enum Next: Equatable {
        /// Work on this; it was ready for `waited`.
        case run(Key, waited: Duration)
        /// Nothing is ready before this time; nil: before something is added or done.
        case idle(until: MonotonicTime?)
    }

    private struct Pending: Sendable {
        var readyAt: MonotonicTime
        var priority: WorkPriority
        /// Names the one heap entry that counts; older ones are skipped.
        var ticket: UInt64
    }

    /// In one of the two heaps: ordered by time, then by arrival.
    private struct Entry: Comparable, Sendable {
        let at: MonotonicTime
        let ticket: UInt64
        let key: Key
        static func < (left: Entry, right: Entry) -> Bool { (left.at, left.ticket) < (right.at, right.ticket) }
        static func == (left: Entry, right: Entry) -> Bool { left.ticket == right.ticket }
    }

    /// How much longer a low key waits than a normal one at most.
    static var ageing: Duration { .seconds(30) }

    private var pending: [Key: Pending] = [:]
    private var running: Set<Key> = []
    /// Ordered by `readyAt`.
    private var delayed = Heap<Entry>()
    /// Ordered by `readyAt` plus the penalty of low priority.
    private var ready = Heap<Entry>()
    private var failures: [Key: Int] = [:]
    private var tickets: UInt64 = 0
    private var bucket = TokenBucket(ratePerSecond: 10, burst: 100)
    private var random: SplitMix64
    private let backoff: ExponentialBackoff
    private let keysMax: Int
    private(set) var droppedTotal = 0

    init(seed: UInt64, backoff: ExponentialBackoff = .item, keysMax: Int = 200_000) {
        random = SplitMix64(seed: seed)
        self.backoff = backoff
        self.keysMax = keysMax
    }

    var depth: Int { pending.count }
    var runningCount: Int { running.count }
    func failureCount(_ key: Key) -> Int { failures[key] ?? 0 }

    /// Asks for a key at `readyAt`; of several wishes the earliest time and the highest priority count.
    mutating func add(_ key: Key, priority: WorkPriority, readyAt: MonotonicTime, now: MonotonicTime) {
        var wish = Pending(readyAt: max(readyAt, now), priority: priority, ticket: 0)
        if let old = pending[key] {
            wish.readyAt = min(wish.readyAt, old.readyAt)
            wish.priority = max(wish.priority, old.priority)
            if wish.readyAt == old.readyAt, wish.priority == old.priority { return }
        } else if pending.count >= keysMax {
            droppedTotal += 1
            return
        }
        tickets += 1
        wish.ticket = tickets
        pending[key] = wish
        // A running key is put into a heap when it is done.
        if !running.contains(key) { schedule(key, wish, now) }
    }

    /// Asks for a key after a failure: with its own backoff, and not before the bucket of all has a token.
    mutating func addAfterFailure(_ key: Key, atLeast least: Duration = .zero, now: MonotonicTime) {
        if failures[key] != nil || failures.count < keysMax { failures[key, default: 0] += 1 }
        let own = backoff.delay(afterFailures: failures[key] ?? 1, random: &random)
        add(key, priority: .normal, readyAt: now + max(own, bucket.reserve(now: now), least), now: now)
    }

    /// The next failure of this key counts as its first again.
    mutating func forget(_ key: Key) { failures[key] = nil }

    mutating func next(now: MonotonicTime) -> Next {
        while let entry = delayed.min, entry.at <= now {
            delayed.removeMin()
            if let wish = current(entry) { ready.insert(rank(entry.key, wish)) }
        }
        while let entry = ready.popMin() {
            guard let wish = current(entry) else { continue }
            pending[entry.key] = nil
            running.insert(entry.key)
            return .run(entry.key, waited: now - wish.readyAt)
        }
        while let entry = delayed.min, current(entry) == nil { delayed.removeMin() }
        return .idle(until: delayed.min?.at)
    }

    /// The key's work has ended; when it was asked for meanwhile it becomes ready again.
    mutating func done(_ key: Key, now: MonotonicTime) {
        precondition(running.remove(key) != nil, "a key was done that did not run")
        if let wish = pending[key] { schedule(key, wish, now) }
    }

    private mutating func schedule(_ key: Key, _ wish: Pending, _ now: MonotonicTime) {
        if wish.readyAt > now {
            delayed.insert(Entry(at: wish.readyAt, ticket: wish.ticket, key: key))
        } else {
            ready.insert(rank(key, wish))
        }
    }

    private func rank(_ key: Key, _ wish: Pending) -> Entry {
        Entry(at: wish.priority == .low ? wish.readyAt + Self.ageing : wish.readyAt, ticket: wish.ticket, key: key)
    }

    private func current(_ entry: Entry) -> Pending? {
        guard let wish = pending[entry.key], wish.ticket == entry.ticket, !running.contains(entry.key) else { return nil }
        return wish
    }
}
