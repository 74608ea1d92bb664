// A watch with the faults that its request met: cut, silent, expired.
// TestAPIServer hands it out for every watch; without faults it is the session itself.
// It never alters an event, a conversion to another version aside.

import Kubernetes
import Synchronization

final class FaultyWatch: Sendable {
    let session: WatchSession
    private let cutAfter: Int?
    private let expireAfter: Int?
    private let isSilent: Bool
    private let delivered = Mutex(0)
    private let convert: @Sendable (WatchEvent) async throws -> WatchEvent

    /// - Parameter convert: What a version that is not the stored one makes of an event.
    init(_ session: WatchSession, _ effects: [Fault.Effect], convert: @escaping @Sendable (WatchEvent) async throws -> WatchEvent = { $0 }) {
        self.session = session
        self.convert = convert
        var (cut, expire, silent): (Int?, Int?, Bool) = (nil, nil, false)
        for effect in effects {
            switch effect {
            case .cutAfterEvents(let count): cut = count
            case .expireAfterEvents(let count): expire = count
            case .silence: silent = true
            default: break
            }
        }
        (cutAfter, expireAfter, isSilent) = (cut, expire, silent)
    }

    /// The next event. - Throws: A `.network` error where the connection is cut.
    func next() async throws -> WatchEvent? {
        if isSilent {
            try await Task.sleep(for: .seconds(86400))
            return nil
        }
        let count = delivered.withLock { $0 }
        if let expireAfter, count > expireAfter { return nil }
        if let expireAfter, count == expireAfter {
            delivered.withLock { $0 += 1 }
            return .failed(.gone("too old resource version (asked for by a fault)"))
        }
        if let cutAfter, count >= cutAfter { throw KubernetesError(.network, message: "the connection was cut (asked for by a fault)") }
        let event: WatchEvent?
        if let next = try await session.next() { event = try await convert(next) } else { event = nil }
        delivered.withLock { $0 += 1 }
        return event
    }
}
