// The agent's status over the wire: what is written reads back, and what an agent should never write does no harm.

import Foundation
import JSON
import TestSupport
import Testing

@testable import SondeAPI

@Suite struct AgentStatusTests {
    private static let full = AgentStatus(
        node: "worker-1", version: "0.1.0", kernelRelease: "6.1.0-18-amd64",
        signals: [
            .init(name: "tcp", metrics: [.init(name: "a", state: .active), .init(name: "b", state: .unsupported, reason: "no tracepoint")]),
            .init(name: "http", metrics: []),
        ], overhead: .init(kernelMillicores: 3.5, agentMillicores: 0.25), budget: .init(isOver: true, steps: ["x is off"]),
        losses: ["sched": 3, "metric_point": 9], export: .init(state: .refused, message: "401"))

    private func parse(_ text: String) throws -> AgentStatus { try AgentStatus(parsing: Array(text.utf8)) }

    @Test func whatIsWrittenReadsBack() throws {
        #expect(try AgentStatus(parsing: Self.full.document.bytes()) == Self.full)
        #expect(Self.full.document["formatVersion"] == 1)
    }

    @Test func unknownMembersAndMissingOnesAreNoError() throws {
        var document = Self.full.document
        document["later"] = ["a": [1, 2, 3]]
        #expect(try AgentStatus(parsing: document.bytes()) == Self.full)
        #expect(try parse(#"{"formatVersion":1}"#) == AgentStatus(node: "", version: "", kernelRelease: "", export: .init(state: .waiting, message: "")))
    }

    @Test(arguments: [
        ("", "no JSON"), ("<html>", "no JSON"), ("[]", "no formatVersion"), ("{}", "no formatVersion"), (#"{"formatVersion":"1"}"#, "no formatVersion"),
        (#"{"formatVersion":2}"#, "update the older"), (#"{"formatVersion":1,"a":"# + String(repeating: "[", count: 40), "no JSON"),
        (#"{"formatVersion":1,"a":""# + String(repeating: "a", count: AgentStatus.sizeBytesMax) + #""}"#, "no JSON"),
    ])
    func whatIsNoStatusIsRefused(text: String, says: String) {
        do throws(AgentStatusError) {
            _ = try AgentStatus(parsing: Array(text.utf8))
            Issue.record("\(text.prefix(40)) was taken")
        } catch {
            #expect(error.description.contains(says), "\(error)")
            #expect(error.description.utf8.count < 400)
        }
    }

    @Test func wrongTypesReadAsNothing() throws {
        let status = try parse(
            #"{"formatVersion":1,"node":7,"signals":{"a":1},"overhead":[],"budget":"x","losses":[1],"export":{"state":"dancing","message":null}}"#)
        #expect(status == AgentStatus(node: "", version: "", kernelRelease: "", export: .init(state: .waiting, message: "")))
        let signals = try parse(#"{"formatVersion":1,"signals":[1,{},{"name":""},{"name":"a","metrics":[{"name":"m","state":"?"},{"state":"active"}]}]}"#)
            .signals
        #expect(signals == [.init(name: "a", metrics: [.init(name: "", state: .active)])])
    }

    @Test(arguments: [("-1", 0.0), ("1e300", 1_000_000), ("12.5", 12.5), ("\"7\"", 0), ("true", 0)])
    func costsAreClamped(text: String, expected: Double) throws {
        #expect(try parse(#"{"formatVersion":1,"overhead":{"kernelMillicores":\#(text)}}"#).overhead.kernelMillicores == expected)
    }

    @Test func countsAreClamped() throws {
        let losses = try parse(#"{"formatVersion":1,"losses":{"a":-5,"b":18446744073709551615,"c":1.5,"d":"9","e":12}}"#).losses
        #expect(losses["a"] == 0 && losses["c"] == 0 && losses["d"] == 0 && losses["e"] == 12)
    }

    @Test func listsAreBoundedAndANameCountsOnce() throws {
        let signals = (0..<100).map {
            #"{"name":"s\#($0 % 50)","metrics":[\#(Array(repeating: #"{"name":"m","state":"active"}"#, count: 100).joined(separator: ","))]}"#
        }
        let losses = (0..<100).map { #""l\#($0)":1"# }.joined(separator: ",")
        let steps = Array(repeating: #""x""#, count: 100).joined(separator: ",")
        let text = #"{"formatVersion":1,"signals":[\#(signals.prefix(60).joined(separator: ","))],"losses":{\#(losses)},"budget":{"steps":[\#(steps)]}}"#
        let status = try parse(text)
        #expect(status.signals.count == AgentStatus.Limits.signals && status.signals[0].metrics.count == AgentStatus.Limits.metrics)
        #expect(status.losses.count == AgentStatus.Limits.losses && status.budget.steps.count == AgentStatus.Limits.steps)
        #expect(try parse(#"{"formatVersion":1,"signals":[{"name":"a"},{"name":"a","metrics":[{"name":"m","state":"active"}]}]}"#).signals.count == 1)
    }

    @Test func textsAreCutAndCannotActOnATerminal() throws {
        let long = String(repeating: "é", count: 5000)
        let status = try parse(#"{"formatVersion":1,"node":"a\nb\u001b[31m\u202ec\u200d","kernelRelease":"\#(long)"}"#)
        #expect(status.node == "a b [31m c ")
        #expect(status.kernelRelease.utf8.count == AgentStatus.Limits.nameBytes)
        #expect(UntrustedText.clean("aé", maxBytes: 2) == "a", "no half character")
        #expect(UntrustedText.clean("", maxBytes: 2) == "")
    }

    @Test func damagedAnswersAreReadOrRefused() {
        var random = Seeded()
        func next(_ bound: Int) -> Int { random.below(bound) }
        let valid = Self.full.document.bytes()
        var read = 0
        for _ in 0..<2000 {
            var bytes = valid
            for _ in 0...next(4) { bytes[next(bytes.count)] = UInt8(next(256)) }
            guard let status = try? AgentStatus(parsing: bytes) else { continue }
            read += 1
            #expect(status.node.utf8.count <= AgentStatus.Limits.nodeBytes && status.overhead.kernelMillicores >= 0)
            #expect((try? AgentStatus(parsing: status.document.bytes())) == status, "what was made to fit stays as it is")
        }
        #expect(read > 0 && read < 2000)
    }

    @Test func aFamilyIsAskedForWhenItDiffersFromItsDefault() throws {
        func asked(_ signals: JSONValue) throws -> Set<String> {
            try AgentConfiguration(document: ["destination": ["endpoint": "http://a:4318"], "signals": signals]).signals.asked
        }
        #expect(try asked([:]) == [])
        #expect(try asked(["http": ["enabled": true]]) == [], "the default, as a server would store it")
        #expect(try asked(["http": ["routesPerService": 7], "files": ["enabled": true]]) == ["http", "files"])
        #expect(try asked(["http": ["enabled": false], "tcp": ["enabled": false]]) == [])
    }
}
