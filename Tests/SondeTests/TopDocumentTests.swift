// The JSON of `sonde top`, and the samples in docs/top.md: the document shows the form that the command has.

import Foundation
import JSON
import ProbePrograms
import Testing

@testable import sonde

@Suite struct TopDocumentTests {
    static let document = TopDocument(window: Fixture.window, names: Fixture.names, unit: .binarySecond).value

    /// Each place of the document that holds something, arrays as one: `cgroups[].drops[].bytes`.
    static func places(_ value: JSONValue, _ prefix: String = "") -> Set<String> {
        switch value {
        case .object(let object):
            object.reduce(into: []) { places, entry in places.formUnion(self.places(entry.1, prefix.isEmpty ? entry.0 : prefix + "." + entry.0)) }
        case .array(let array): array.reduce(into: [prefix]) { $0.formUnion(places($1, prefix + "[]")) }
        default: [prefix]
        }
    }

    static func sample(_ language: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/top.md"), encoding: .utf8)
        let begin = try #require(text.range(of: "```\(language)\n"), "docs/top.md has no \(language) sample")
        let end = try #require(text.range(of: "\n```", range: begin.upperBound..<text.endIndex))
        return String(text[begin.upperBound..<end.lowerBound])
    }

    @Test func whatScriptsReadStaysThere() {
        let places = Self.places(Self.document)
        for place in [
            "seconds", "cgroups[].cgroup", "cgroups[].path", "cgroups[].name", "cgroups[].runQueueLatency.count", "cgroups[].runQueueLatency.sumSeconds",
            "cgroups[].runQueueLatency.buckets[].le", "cgroups[].contextSwitches.voluntary", "cgroups[].contextSwitches.involuntary",
            "cgroups[].connects[].role", "cgroups[].connects[].error", "cgroups[].connects[].count", "cgroups[].retransmits[].kind",
            "cgroups[].retransmits[].segments", "cgroups[].lifetimes[].role", "cgroups[].roundTrips.count", "cgroups[].resets[].direction",
            "cgroups[].drops[].reason", "cgroups[].drops[].direction", "cgroups[].drops[].protocol", "cgroups[].drops[].packets",
            "cgroups[].disks[].device", "cgroups[].disks[].direction", "cgroups[].lookups[].name", "cgroups[].lookups[].error",
            "cgroups[].files[].path", "cgroups[].files[].writtenBytes", "cgroups[].fileCalls[].operation", "cgroups[].systemCalls[].name",
            "cgroups[].systemCallCounts[].name", "cgroups[].systemCallCounts[].error", "cgroups[].systemCallCounts[].calls",
            "programs[].function", "programs[].runs", "programs[].seconds", "programs[].nanosecondsPerRun", "programs[].skipped", "programs[].losses.map_full",
            // Since there are tables for each signal.
            "cgroups[].drops[].bytes", "programs[].program", "programs[].window.corePercent", "programs[].window.losses.map_full", "events[].kind",
            "events[].secondsAgo", "events[].signal", "eventsLeftOut", "eventsMalformed", "off[].reason", "corePercent",
        ] { #expect(places.contains(place), "\(place) is gone") }
    }

    @Test func itsNumbersAreTheWindows() throws {
        let first = try #require(Self.document["cgroups"]?.array?.first)
        #expect(first["name"] == "/shop/checkout" && first["runQueueLatency"]?["count"] == 300)
        #expect(first["drops"]?.array?.first?["bytes"] == 4096)
        let program = try #require(Self.document["programs"]?.array?.first)
        #expect(program["window"]?["corePercent"] == .double(1.6) && program["losses"]?["map_full"] == 3)
        #expect(Self.document["events"]?.array?.map { $0["kind"] } == ["exec", "crash", "oomKill"])
        #expect(Self.document["eventsLeftOut"] == 5)
    }

    @Test func nothingInItActsOnATerminal() throws {
        let text = SafeText.json(Self.document.text(.pretty))
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) && $0.value != 0x202e })
        #expect(try JSONValue(parsing: Array(text.utf8)) == Self.document, "and it means the same")
    }

    @Test func theDocumentsJSONHasTheFormOfTheCommands() throws {
        let sample = try JSONValue(parsing: Array(Self.sample("json").utf8))
        let ours = Self.places(Self.document), theirs = Self.places(sample)
        #expect(theirs.subtracting(ours).isEmpty, "docs/top.md shows what is not there")
        // Two arrays that a healthy host has empty.
        let missing = ours.subtracting(theirs).filter { !$0.hasPrefix("off[]") && !$0.hasPrefix("cgroups[].retransmits[]") }
        #expect(missing.isEmpty, "docs/top.md does not show everything")
    }

    @Test func theDocumentsTablesHaveTheFormOfTheCommands() throws {
        let lines = try Self.sample("text").split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for view in TopView.allCases {
            let title = try #require(lines.firstIndex { $0.hasPrefix("\(view.rawValue): \(view.title), in ") }, "docs/top.md has no table \(view)")
            let header = lines[title + 1].filter { !"▲▼".contains($0) }.split(separator: " ").map(String.init)
            #expect(header == view.columns.filter { $0.kind != .trend }.map(\.title), "\(view)")
            #expect(title + 2 < lines.count && !lines[title + 2].isEmpty, "\(view) has no row")
        }
    }

    @Test func theDocumentExplainsEveryTableAndColumn() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/top.md"), encoding: .utf8)
        for view in TopView.allCases {
            let line = try #require(
                text.split(separator: "\n").first { $0.hasPrefix("| `\(view.key)` `\(view.rawValue)` |") }, "docs/top.md has no line for \(view)")
            for column in view.columns where column.kind != .trend && column.title != "CONTAINER" {
                #expect(line.contains("`\(column.title)`"), "docs/top.md does not explain \(column.title) of \(view)")
            }
        }
    }
}
