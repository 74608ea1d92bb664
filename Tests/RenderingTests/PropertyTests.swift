// What holds for every resource: valid ones render the same bytes twice and in any order of keys, with names and ports that Kubernetes takes; garbage
// gives errors with a path, and never a crash.
// Resources are random; the seed is printed and taken back from SONDE_SEED, SONDE_ROUNDS says how many.
// It never looks at the content of single objects.

import CollectorConfig
import Foundation
import JSON
import Kubernetes
import SondeAPI
import TestSupport
import Testing

@testable import Rendering

@Suite struct PropertyTests {
    static let rounds = Seeded.rounds(40)

    private func rendered(_ object: JSONValue) throws -> [Manifest] {
        CollectorRendering.render(try OpenTelemetryCollector(object: object), CollectorFacts())
    }

    @Test func validResourcesRenderTheSameBytesInAnyOrder() throws {
        var random = RandomCollector(Seeded())
        for round in 0..<Self.rounds {
            let object = random.object()
            let errors = Validation.findings(collector: object).errors
            try #require(errors.isEmpty, "round \(round): \(errors)\n\(object.text(.compact))")
            let first = try rendered(object).map { $0.object.text(.compact) }
            #expect(try rendered(object).map { $0.object.text(.compact) } == first, "round \(round): two renders differ")
            let again = try rendered(random.reordered(object)).map(\.object)
            #expect(again.map { $0.text(.goSorted) } == (try rendered(object)).map { $0.object.text(.goSorted) }, "round \(round): the order of keys matters")
        }
    }

    @Test func namesAndPortsAreThoseThatKubernetesTakes() throws {
        var random = RandomCollector(Seeded())
        for round in 0..<Self.rounds {
            let object = random.object()
            let manifests = try rendered(object)
            let keys = manifests.map { "\($0.type.kind) \($0.name)" }
            #expect(Set(keys).count == keys.count, "round \(round): \(keys)")
            for manifest in manifests {
                let name = manifest.name.name
                #expect(name.utf8.count <= 63 || manifest.type.group == "rbac.authorization.k8s.io", "round \(round): \(name)")
                #expect(name.wholeMatch(of: /[a-z0-9]([-a-z0-9.]*[a-z0-9])?/) != nil, "round \(round): \(name)")
                for (key, value) in manifest.object.at("metadata", "labels")?.object ?? [:] {
                    let text = try #require(value.string, "round \(round): \(key)")
                    #expect(text.wholeMatch(of: /([A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?)?/) != nil, "round \(round): label \(key): \(text)")
                }
                try checkPorts(manifest, round)
            }
        }
    }

    private func checkPorts(_ manifest: Manifest, _ round: Int) throws {
        var lists: [JSONValue] = []
        if manifest.type == .services { lists.append(manifest.object.at("spec", "ports") ?? []) }
        for container in manifest.object.at("spec", "template", "spec", "containers")?.array ?? [] { lists.append(container["ports"] ?? []) }
        for list in lists {
            let ports = list.array ?? []
            let names = ports.compactMap { $0["name"]?.string }
            let numbers = ports.map { "\(($0["port"] ?? $0["containerPort"])?.int ?? 0)/\($0["protocol"]?.string ?? "TCP")" }
            #expect(Set(names).count == names.count && Set(numbers).count == numbers.count, "round \(round): \(manifest.name) \(list.text(.compact))")
            #expect(names.allSatisfy(Names.isPortName), "round \(round): \(names)")
        }
    }

    @Test func everyFieldIsMadeByTheGenerator() {
        var random = RandomCollector(Seeded(seed: 7))
        var seen: Set<String> = []
        for _ in 0..<200 { seen.formUnion(random.object()["spec"]?.object?.keys ?? []) }
        let missing = Set(CollectorSchema.spec.fields.map(\.name)).subtracting(seen)
        #expect(missing == ["targetAllocator"], "not covered: \(missing.sorted())")
    }

    @Test func garbageGivesErrorsWithAPathAndNoCrash() throws {
        var random = RandomCollector(Seeded())
        var errors = 0
        for round in 0..<Self.rounds * 4 {
            let (object, path) = random.damaged(random.object())
            let findings = Validation.findings(collector: object)
            #expect(findings.allSatisfy { !$0.path.isEmpty || $0.rule == "no-object" }, "round \(round), damaged at \(path): \(findings)")
            #expect(findings.allSatisfy { !$0.message.isEmpty }, "round \(round)")
            if !findings.errors.isEmpty { errors += 1 } else if object.object != nil { _ = try? rendered(object) }
        }
        #expect(errors > Self.rounds / 2, "garbage is rarely noticed")
    }

    @Test(arguments: [nil, true, 1, "text", [], [:], ["spec": "text"], ["spec": ["config": "receivers: {}"]]] as [JSONValue])
    func documentsThatAreNoResourcesAreErrors(_ object: JSONValue) {
        #expect(!Validation.findings(collector: object).errors.isEmpty)
    }
}
