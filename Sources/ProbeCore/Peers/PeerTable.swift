// Addresses that clients connect to: readings of TCP's map of peers become counts by address.
// The agent owns one while the program runs; the map stays empty while nobody asks for addresses.
// It never counts a connection twice: entries that nobody uses any more are taken out of the kernel's map together with their last counts.

import ProbePrograms

public struct PeerTable: EventDecoder {
    /// Maps of the TCP program that are no kinds of the aggregator.
    static let maps: Set<String> = ["peers"]
    /// So many addresses of one owner are told at a time; connections to further ones are counted under `~other`.
    public static let addressesPerOwner = 50

    /// Otherwise what the map still brings is counted without addresses.
    public var tellsAddresses: Bool
    private var readings = IdleReadings()
    private var malformed: UInt64 = 0

    public init(tellsAddresses: Bool) { self.tellsAddresses = tellsAddresses }

    /// The program has no ring.
    public mutating func take(_ record: UnsafeRawBufferPointer) { malformed += 1 }

    public mutating func settle(into aggregator: inout ProbeAggregator, monotonicNanoseconds now: UInt64) {
        if malformed == 0 { return }
        aggregator.ledger.see(malformed, .connect)
        aggregator.ledger.drop(malformed, .connect, because: EventLedger.Reason.malformed.rawValue)
        malformed = 0
    }

    public mutating func read(_ map: String, _ groups: [RawGroup], into aggregator: inout ProbeAggregator) -> [[UInt8]] {
        var idle: [[UInt8]] = []
        for group in groups {
            guard let row = Self.row(group) else {
                malformed += 1
                continue
            }
            let (news, isIdle) = readings.take(row, of: group.key)
            count(news, group.key, into: &aggregator)
            if isIdle { idle.append(group.key) }
        }
        return idle
    }

    public mutating func forget(_ map: String, _ last: [RawGroup], into aggregator: inout ProbeAggregator) {
        for group in last {
            if let news = readings.forget(group.key, last: Self.row(group)) { count(news, group.key, into: &aggregator) }
        }
    }

    private func count(_ row: CounterRow, _ key: [UInt8], into aggregator: inout ProbeAggregator) {
        // The key begins as that of a connection without its address.
        guard !row.isZero, let connect = GroupKey(Array(key[..<ConnectKey.byteCount]), kind: .connects) else { return }
        if !tellsAddresses { return aggregator.count(row, cgroup: connect.cgroup, first: connect.first, second: connect.second, kind: .connects) }
        let address = aggregator.labels.number(for: PeerAddress.text(key[PeerKey.addressOffset...]))
        let port = ConnectKey.roleAndPort(connect.first).port
        aggregator.count(row, cgroup: connect.cgroup, first: address, second: PeerLabel(port: port, error: connect.second).word, kind: .peers)
    }

    private static func row(_ group: RawGroup) -> CounterRow? {
        guard group.key.count == PeerKey.byteCount else { return nil }
        return CounterRow(perCPU: group.values, kind: .peers)
    }
}

/// What a client's connections to one address are told apart by, in one word: the peer's port, and the error.
struct PeerLabel: Equatable {
    var port: UInt16
    /// As in `ConnectKey`. Error numbers end at 4095.
    var error: UInt32

    var word: UInt32 { UInt32(port) << 16 | (error == unknownKernelError ? 0xffff : min(error, 0xfffe)) }

    init(port: UInt16, error: UInt32) {
        self.port = port
        self.error = error
    }

    init(_ word: UInt32) {
        port = UInt16(word >> 16)
        error = word & 0xffff == 0xffff ? unknownKernelError : word & 0xffff
    }
}
