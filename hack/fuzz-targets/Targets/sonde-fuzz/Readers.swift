// What reads bytes of the kernel, of containers, of the network and of files, by name.
// main.swift hands libFuzzer's inputs to one of them.
// They never fail over a refused input; only a trap or a broken promise counts.

import CollectorConfig
import HTTPClient
import JSON
import Kubernetes
import OTLPMessages
import ProbePrograms
import YAML

@testable import OTLPExport
@testable import ProbeCore
@testable import SondeAPI

let readers: [String: @Sendable (UnsafeRawBufferPointer) -> Void] = [
    "dns": readDNS, "records": readRecords, "groups": readGroups, "paths": readPaths, "json": readJSON, "yaml": readYAML, "agent": readAgentFile,
    "collector": readCollector, "answers": readAnswers, "status": readStatus,
]

/// A promise that every input must keep.
func promise(_ holds: Bool, _ what: StaticString) { precondition(holds, "\(what)") }

private func emptyAggregator() -> ProbeAggregator {
    let settings = ProbeAggregator.Settings(
        limits: SeriesLimits(perOwner: 20, total: 50), namespaces: ProbeNamespaces(include: [], exclude: []),
        node: Node(kubernetesName: nil, hostName: "fuzz"), scope: Scope(name: "sonde.probe", version: "0", schemaURL: ""))
    return ProbeAggregator(settings: settings, startUnixNanoseconds: 1)
}

private func balances(_ ledger: EventLedger) -> Bool {
    EventClass.allCases.allSatisfy { eventClass in
        let counts = ledger.counts.filter { $0.key.eventClass == eventClass }
        let seen = counts.filter { $0.key.outcome == .seen }.values.reduce(0, &+)
        return seen == counts.filter { $0.key.outcome != .seen }.values.reduce(0, &+)
    }
}

/// Records behind lengths of two bytes, as they would lie in a ring.
private func records(_ input: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
    var place = 0
    while place + 2 <= input.count {
        let length = min(Int(input[place]) | Int(input[place + 1] & 0x3) << 8, input.count - place - 2)
        // In memory of their own, so that a read beyond the end is found.
        Array(input[place + 2..<place + 2 + length]).withUnsafeBytes(body)
        place += 2 + length
    }
}

func readDNS(_ input: UnsafeRawBufferPointer) {
    var lookups = DNSLookups()
    var aggregator = emptyAggregator()
    _ = try? DNSMessage(Array(input))
    records(input) { record in
        lookups.take(record)
        var time: UInt64 = 1
        // The ring brings the time; a second later everything of it is looked at.
        if record.count >= 8 { time = record.loadUnaligned(as: UInt64.self) & 0xffff_ffff_ffff }
        if record.count % 7 == 0 { lookups.settle(into: &aggregator, monotonicNanoseconds: time &+ 1_000_000_000) }
    }
    lookups.settle(into: &aggregator, monotonicNanoseconds: 1 << 60)
    _ = aggregator.endWindow(at: 2, isLast: true)
    promise(balances(aggregator.ledger), "every message and lookup is accounted for")
}

func readRecords(_ input: UnsafeRawBufferPointer) {
    var events = ProcessEvents(pageBytes: 4096)
    var files = FileTable(redact: ["/srv/keys"])
    var aggregator = emptyAggregator()
    records(input) { record in
        events.take(record)
        files.take(record)
        _ = files.read("files", [RawGroup(key: Array(record.prefix(FileKey.byteCount)), values: [Array(record.dropFirst(FileKey.byteCount))])])
    }
    events.settle(into: &aggregator, monotonicNanoseconds: 1)
    files.settle(into: &aggregator, monotonicNanoseconds: 1)
    for logs in aggregator.takeLogs(isLast: true) { promise(!LogsRequest([logs]).bytes().isEmpty, "a record has a form") }
    promise(balances(aggregator.ledger), "every record is accounted for")
}

/// Every resource of a window is one message of the request (resource_metrics = 1), and the lengths add up.
private func promiseForm(of window: [ResourceMetrics]) {
    let bytes = MetricsRequest(window).bytes()
    var (place, count) = (0, 0)
    while place < bytes.count {
        promise(bytes[place] == 1 << 3 | 2, "a request holds resources only")
        place += 1
        var (length, shift) = (0, 0)
        while place < bytes.count, bytes[place] & 0x80 != 0 {
            length |= Int(bytes[place] & 0x7f) << shift
            (place, shift) = (place + 1, shift + 7)
        }
        promise(place < bytes.count, "a length ends")
        length |= Int(bytes[place]) << shift
        (place, count) = (place + 1 + length, count + 1)
    }
    promise(place == bytes.count && count == window.count, "metrics have a form")
}

func readGroups(_ input: UnsafeRawBufferPointer) {
    let kinds = GroupKind.all.filter(\.isMap)
    var aggregator = emptyAggregator()
    records(input) { record in
        guard let first = record.first else { return }
        let kind = kinds[Int(first) % kinds.count], keyBytes = Int(first) % 3 == 0 ? 8 : 16
        let bytes = Array(record.dropFirst())
        aggregator.absorb([RawGroup(key: Array(bytes.prefix(keyBytes)), values: [Array(bytes.dropFirst(keyBytes))])], of: kind)
        if first & 0x40 != 0 { promiseForm(of: aggregator.endWindow(at: 2)) }
    }
    promiseForm(of: aggregator.endWindow(at: 3, isLast: true))
    promise(balances(aggregator.ledger), "every event is accounted for")
}

func readPaths(_ input: UnsafeRawBufferPointer) {
    let text = String(decoding: input, as: UTF8.self)
    if case .pod(let uid, let container) = CgroupPlace(path: text) {
        promise(!uid.isEmpty && uid.utf8.allSatisfy { CgroupPlace.isHexDigit($0) || $0 == UInt8(ascii: "-") }, "a pod's uid has hex digits")
        promise(container.map { CgroupPlace.isContainerID($0) } != false, "a container has an id")
    }
    let parts = text.split(separator: "\n", maxSplits: 1).map(String.init)
    if let link = ContainerLogLink(name: parts.first ?? "", target: parts.count > 1 ? parts[1] : nil) {
        promise(!link.pod.isEmpty && !link.namespace.isEmpty && !link.container.isEmpty, "a link names all three")
    }
    _ = FilePath(components: text.split(separator: "/").map(String.init), isCut: text.hasPrefix("x")).template(redacting: ["/srv/keys"])
    _ = DNSName.reduced(text)
    _ = ServiceName.of(pod: text, node: parts.first)
}

func readJSON(_ input: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue(parsing: Array(input)) else { return }
    let bytes = value.bytes()
    promise((try? JSONValue(parsing: bytes)) == value, "what is written reads back")
}

func readYAML(_ input: UnsafeRawBufferPointer) {
    guard let documents = try? YAML.parse(Array(input)) else { return }
    for document in documents {
        promise((try? YAML.parse(YAML.text(document))) == [document], "what is written reads back")
    }
}

func readAgentFile(_ input: UnsafeRawBufferPointer) {
    for document in (try? YAML.parse(Array(input))) ?? [] {
        _ = AgentConfiguration.findings(for: document)
        guard let configuration = try? AgentConfiguration(document: document) else { continue }
        promise((try? AgentConfiguration(document: configuration.document)) == configuration, "a configuration reads back")
    }
}

func readCollector(_ input: UnsafeRawBufferPointer) {
    for document in (try? YAML.parse(Array(input))) ?? [] {
        _ = Validation.findings(collector: document)
        _ = Validation.findings(probe: document)
        let configuration = CollectorConfiguration(document)
        _ = configuration.value
        _ = try? OpenTelemetryCollector(object: document)
    }
}

func readAnswers(_ input: UnsafeRawBufferPointer) {
    let bytes = Array(input), text = String(decoding: input, as: UTF8.self)
    _ = ExportResponse(decoding: bytes)
    if let info = RetryInfo(status: bytes) { promise(info.delay < .seconds(400_000_000_000), "a delay is within the type's range") }
    for encoding in [nil, "gzip"] as [String?] { promise(GRPC.message(bytes, encoding: encoding, maxBytes: 4096)?.count ?? 0 <= max(4096, bytes.count), "a message is bounded") }
    if let unpacked = try? Gzip.decompress(bytes, maxBytes: 4096) { promise(unpacked.count <= 4096, "what is unpacked is bounded") }
    _ = GRPC.percentDecoded(text)
    _ = GRPC.base64Decoded(text)
    _ = HTTPDate.unixSeconds(text)
}

func readStatus(_ input: UnsafeRawBufferPointer) {
    guard let status = try? AgentStatus(parsing: Array(input)) else { return }
    promise((try? AgentStatus(parsing: status.document.bytes())) == status, "a status reads back")
}
