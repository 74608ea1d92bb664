// What the kernel, the kubelet and container runtimes hand to the agent, damaged: nothing may break, and every event stays accounted for.

import OTLPMessages
import ProbePrograms
import TestSupport
import Testing

@testable import ProbeCore

@Suite struct FuzzTests {
    private static let id = String(repeating: "0123456789abcdef", count: 4)
    private static let uid = "d8a01f1c-aa43-4268-b8b7-e9f0875e5014"
    private static let paths = [
        "/kubepods/burstable/pod\(uid)/\(id)",
        "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod\(uid.replacing("-", with: "_")).slice/cri-containerd-\(id).scope",
        "/kubepods.slice/kubepods-pod\(uid.replacing("-", with: "_")).slice:crio:\(id)", "/kubepods/pod\(uid)/crio-\(id)/nested/\(id)",
        "/system.slice/docker-\(id).scope", "/system.slice/system-getty.slice/getty@tty1.service", "/user.slice/user-1000.slice", "/", "",
    ]

    @Test func cgroupPaths() {
        var random = Seeded()
        for _ in 0..<Seeded.rounds(5000) {
            let path = String(decoding: random.damaged(Array(Self.paths[random.below(Self.paths.count)].utf8)), as: UTF8.self)
            if case .pod(let uid, let container) = CgroupPlace(path: path) {
                let isUID = !uid.isEmpty && uid.utf8.allSatisfy { CgroupPlace.isHexDigit($0) || $0 == UInt8(ascii: "-") }
                #expect(isUID && container.map { CgroupPlace.isContainerID($0) } != false, "\(path) of seed \(random.seed)")
            }
        }
    }

    @Test func containerLogLinks() {
        var random = Seeded()
        let name = Array("cart.v2-0_shop_srv-\(Self.id).log".utf8), target = Array("/var/log/pods/shop_cart.v2-0_\(Self.uid)/srv/0.log".utf8)
        var read = 0
        for _ in 0..<Seeded.rounds(5000) {
            let damagedName = random.below(3) == 0 ? name : random.damaged(name)
            let damagedTarget = random.below(3) == 0 ? target : random.damaged(target)
            let link = ContainerLogLink(
                name: String(decoding: damagedName, as: UTF8.self), target: random.below(9) == 0 ? nil : String(decoding: damagedTarget, as: UTF8.self))
            guard let link else { continue }
            read += 1
            #expect(!link.pod.isEmpty && !link.namespace.isEmpty && !link.container.isEmpty, "\(link) of seed \(random.seed)")
        }
        #expect(read > 0, "seed \(random.seed)")
    }

    @Test func groupsOfEveryKind() {
        var random = Seeded()
        let aggregator = groups(&random)
        // Each class balances: what was seen left, was dropped for a reason, or was worked out from a sample.
        for eventClass in EventClass.allCases {
            let counts = aggregator.ledger.counts.filter { $0.key.eventClass == eventClass }
            let seen = counts.filter { $0.key.outcome == .seen }.values.reduce(0, &+)
            #expect(seen == counts.filter { $0.key.outcome != .seen }.values.reduce(0, &+), "\(eventClass) of seed \(random.seed)")
        }
    }

    @Test func peersOfEveryLength() {
        var random = Seeded()
        var table = PeerTable(tellsAddresses: true), aggregator = ProbeAggregatorTests.aggregator(Fixture.settings(perOwner: 20, total: 50))
        for round in 1...Seeded.rounds(1500) {
            let key = Fixture.words((0..<4).map { _ in UInt64(random.below(3)) })
            let isWhole = random.below(4) != 0
            let values = (0..<random.below(3)).map { _ in isWhole ? Fixture.histogram([3: 1]) : random.bytes(upTo: 400) }
            let group = RawGroup(key: isWhole ? key : random.damaged(key), values: values)
            table.tellsAddresses = random.below(5) != 0
            let idle = table.read("peers", [group], into: &aggregator)
            table.forget("peers", idle.map { RawGroup(key: $0, values: []) }, into: &aggregator)
            table.settle(into: &aggregator, monotonicNanoseconds: UInt64(round))
            if round.isMultiple(of: 50) { _ = aggregator.endWindow(at: UInt64(round) * 1000) }
        }
        for window in 0..<40 { _ = aggregator.endWindow(at: UInt64(10_000_000 + window)) }
        let counts = aggregator.ledger.counts.filter { $0.key.eventClass == .connect }
        let seen = counts.filter { $0.key.outcome == .seen }.values.reduce(0, &+)
        #expect(seen > 0 && seen == counts.filter { $0.key.outcome != .seen }.values.reduce(0, &+), "seed \(random.seed)")
    }

    /// Readings of all maps: right ones whose counters grow or jump, and such of any length.
    private func groups(_ random: inout Seeded) -> ProbeAggregator {
        var aggregator = ProbeAggregatorTests.aggregator(Fixture.settings(perOwner: 20, total: 50))
        let kinds = GroupKind.all.filter(\.isMap)
        for round in 1...Seeded.rounds(1500) {
            let kind = kinds[random.below(kinds.count)]
            let isWhole = random.below(4) != 0
            let key = Fixture.words([UInt64(random.below(4)), UInt64(random.below(3)) | UInt64(random.below(3)) << 32])
            let values = (0..<random.below(4)).map { _ in
                isWhole
                    ? Fixture.words((0..<kind.valueBytes / 8).map { _ in random.below(50) == 0 ? random.next() : UInt64(random.below(1000)) })
                    : random.bytes(upTo: 400)
            }
            aggregator.absorb([RawGroup(key: isWhole ? Array(key.prefix(kind.keyBytes)) : random.bytes(upTo: 40), values: values)], of: kind)
            if round.isMultiple(of: 50) {
                let metrics = aggregator.endWindow(at: UInt64(round) * 1000)
                #expect(MetricsRequest(metrics).bytes().count > 0 || metrics.isEmpty)
            }
        }
        // Unknown cgroups are waited for some windows.
        for window in 0..<40 { _ = aggregator.endWindow(at: UInt64(10_000_000 + window)) }
        return aggregator
    }

    @Test func recordsOfPaths() {
        var random = Seeded()
        var table = FileTable(redact: ["/srv/keys"])
        var aggregator = ProbeAggregatorTests.aggregator()
        let names = ["log", "srv", "keys", "segment-12.log", "", "a/b", String(repeating: "x", count: 39), Self.uid, "ü", ".."]
        let rounds = Seeded.rounds(3000)
        for round in 0..<rounds {
            let count = random.below(FilePathLayout.namesMax + 1)
            let key = Fixture.words([UInt64(random.below(3)), UInt64(random.below(20)), 0])
            var record = key + Fixture.words([UInt64(count) | UInt64(random.below(9) == 0 ? 1 : 0) << 32])
            for _ in 0..<count {
                let name = Array(names[random.below(names.count)].utf8.prefix(FilePathLayout.nameBytes - 1))
                record += name + [UInt8](repeating: 0, count: FilePathLayout.nameBytes - name.count)
            }
            if random.below(3) == 0 { record = random.damaged(record) }
            record.withUnsafeBytes { table.take($0) }
            let values = (0..<FileValue.byteCount / 8).map { _ in UInt64(random.below(100)) }
            let (uses, _) = table.read("files", [RawGroup(key: key, values: [Fixture.words(values)])])
            for use in uses { #expect(use.template?.contains("/keys") != true || use.template?.hasPrefix("/srv/keys") != true, "seed \(random.seed)") }
            if round.isMultiple(of: 100) { table.settle(into: &aggregator, monotonicNanoseconds: UInt64(round)) }
        }
        #expect(aggregator.ledger[.file, .seen] == aggregator.ledger[.file, .dropped, EventLedger.Reason.malformed.rawValue], "seed \(random.seed)")
        let paths = aggregator.ledger.counts.filter { $0.key.eventClass == .filePath }
        #expect(aggregator.ledger[.filePath, .seen] > 0 && aggregator.ledger[.filePath, .exported] > 0)
        #expect(paths.filter { $0.key.outcome != .seen }.values.reduce(0, &+) == aggregator.ledger[.filePath, .seen], "seed \(random.seed)")
    }
}
