// The house rules that a machine can check, each with the reason that a person needs to mend a failure.
// hack/test runs them with the other tests.
// They never look into files that git ignores.

import Foundation
import Testing

@Suite struct TidyTests {
    struct BannedText: CustomTestStringConvertible {
        let pattern: String
        let reason: String
        var testDescription: String { reason }
    }

    static let banned = [
        BannedText(
            pattern: #"^\s*(public |package |internal |private |@\w+ )*import (struct |class |enum |func )?Foundation\b"#,
            reason: "Foundation brings 30 MB of ICU data"),
        BannedText(pattern: #"\btry!"#, reason: "try! kills the process on an error; throw it"),
        BannedText(pattern: #"\bas!"#, reason: "as! kills the process on a wrong type; use as? and throw"),
        BannedText(pattern: #"\bfatalError\("#, reason: "fatalError kills the process; throw, or precondition with text for a programmer's error"),
        BannedText(pattern: #"\bTask\.detached\b"#, reason: "nobody awaits a detached task; use structured tasks"),
        BannedText(pattern: #"^\s*Task \{"#, reason: "nobody awaits this task; use structured tasks"),
        BannedText(pattern: #"\b(TODO|FIXME|XXX)\b"#, reason: "unfinished work belongs into the issue tracker"),
        BannedText(pattern: #"\busleep\(|\bThread\.sleep"#, reason: "a wait needs a deadline and a clock that tests can move"),
    ]

    @Test(arguments: banned) func sourcesHold(rule: BannedText) throws {
        let expression = try Regex(rule.pattern).anchorsMatchLineEndings()
        for path in try Repository.files(under: "Sources", suffix: ".swift") {
            for (number, line) in try Repository.text(path).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                let code = line.range(of: "//").map { line[..<$0.lowerBound] } ?? line[...]
                #expect(code.firstMatch(of: expression) == nil, "\(path):\(number + 1): \(rule.reason)")
            }
        }
    }

    @Test func randomTestsShareOneGenerator() throws {
        for path in try Repository.files(under: "Tests", suffix: ".swift") where path != "Tests/TestSupport/Seeded.swift" {
            let text = try Repository.text(path)
            #expect(!text.contains(/: (\w+, )*RandomNumberGenerator\b/), "\(path): a generator of its own; take Seeded of TestSupport")
            #expect(!text.contains("[\"SONDE_" + "SEED\"]"), "\(path): Seeded takes the seed back")
        }
    }

    @Test func printStandsInExecutablesOnly() throws {
        let executables = ["Sources/sonde/", "Sources/sonde-agent/", "Sources/sonde-operator/", "Sources/kubernetes-test-server/"]
        for path in try Repository.files(under: "Sources", suffix: ".swift") where !executables.contains(where: path.hasPrefix) {
            #expect(try !Repository.text(path).contains(/(^|[^\w.`])print\(/), "\(path): a library logs or returns; it never prints")
        }
    }

    @Test func filesHaveOneSubjectAndSayWhich() throws {
        for path in try Repository.files(under: "Sources", suffix: ".swift") {
            let text = try Repository.text(path)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count <= 501, "\(path): \(lines.count) lines; split it by subject (500 at most)")
            #expect(text.hasPrefix("//"), "\(path): opens with what it is, who uses it, what it never does")
            #expect(lines.allSatisfy { $0.count <= 160 }, "\(path): a line is longer than 160 columns")
        }
    }

    /// A function's end is the first line that closes at the indentation of its head: swift-format keeps it so.
    @Test func functionsFitAScreen() throws {
        for path in try Repository.files(under: "Sources", suffix: ".swift") {
            let lines = try Repository.text(path).split(separator: "\n", omittingEmptySubsequences: false)
            for (start, line) in lines.enumerated() {
                let indentation = line.prefix { $0 == " " }
                let head = line.dropFirst(indentation.count)
                guard head.contains(/^((public|package|private|fileprivate|static|mutating|override|nonisolated|final|@\w+(\(.*\))?) )*(func |init[?(<])/),
                    !line.hasSuffix("}")
                else { continue }
                guard let length = lines[start...].firstIndex(where: { $0.hasPrefix(indentation + "}") }).map({ $0 - start + 1 }) else { continue }
                let isStateMachine = start > 0 && lines[start - 1].contains("state machine")
                #expect(length <= (isStateMachine ? 100 : 60), "\(path):\(start + 1): a function of \(length) lines; 60 fit a screen")
            }
        }
    }

    @Test func nothingNamesAMachineOrAMirror() throws {
        let patterns = [#"/work/(main|shared|dev|k8s)"#, #"\.\./shared"#, #"/root/"#, #"/opt/swift"#, #"file:///"#]
        for path in try Repository.files() where !path.hasSuffix("TidyTests.swift") && !path.hasPrefix("LICENSE") {
            guard let text = try? Repository.text(path) else { continue }
            for pattern in patterns {
                #expect(try text.firstMatch(of: Regex(pattern)) == nil, "\(path): names a path of one machine (\(pattern))")
            }
        }
    }

    @Test func programsForTheKernelCarryBothLicences() throws {
        let sources =
            try Repository.files(under: "Sources/ProbePrograms/bpf", suffix: ".c") + Repository.files(under: "Sources/ProbePrograms/bpf", suffix: ".h")
        #expect(!sources.isEmpty)
        for path in sources {
            let first = try Repository.text(path).split(separator: "\n").first ?? ""
            #expect(first.contains("SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause"), "\(path): the licence line is missing")
        }
    }

    @Test func theReadmeOpensWithTheTwoCommands() throws {
        let top = try Repository.text("README.md").split(separator: "\n").prefix(30).joined(separator: "\n")
        #expect(top.contains("hack/quickstart"))
        #expect(top.contains("hack/test"))
    }

    @Test func linksInDocumentsLeadSomewhere() throws {
        for path in try Repository.files() where path.hasSuffix(".md") {
            let folder = Repository.root.appending(path: path).deletingLastPathComponent()
            for match in try Repository.text(path).matches(of: /\]\(([^)#\s]+)(#[^)]*)?\)/) {
                let target = String(match.output.1)
                guard !target.contains("://"), !target.hasPrefix("mailto:") else { continue }
                #expect(FileManager.default.fileExists(atPath: folder.appending(path: target).path), "\(path): the link \(target) leads nowhere")
            }
        }
    }

    /// A comment that sends its reader to a document that is not here helps nobody.
    @Test func documentsThatSourcesNameAreThere() throws {
        let documents = Set(try Repository.files().filter { $0.hasSuffix(".md") }.flatMap { [$0, String($0.split(separator: "/").last ?? "")] })
        let sources = try Repository.files().filter { $0.hasPrefix("Sources/") || $0.hasPrefix("Tests/") || $0.hasPrefix("Plugins/") }
        for path in sources where !path.hasSuffix("TidyTests.swift") {
            guard let text = try? Repository.text(path) else { continue }
            for match in text.matches(of: /[A-Za-z\/_-]+\.md\b/) {
                #expect(documents.contains(String(match.output)), "\(path) names \(match.output), which is not in the repository")
            }
        }
    }
}
