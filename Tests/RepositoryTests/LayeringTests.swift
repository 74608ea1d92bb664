// The import order of the targets, read from Package.swift and from the sources.
// ARCHITECTURE.md draws the same order; SwiftPM alone would let a target depend on one that stands below it.
// It never looks at tests.

import Testing

@Suite struct LayeringTests {
    /// Targets in the order in which Package.swift declares them, with the names in their dependency list.
    private static func declared() throws -> [(name: String, dependencies: [String])] {
        try Repository.text("Package.swift").matches(of: /\n        (?:library|executable)\("([\w-]+)"(?:, (\[[^\n]*))?/).map { match in
            let names = match.output.2.map { $0.matches(of: /"(\w+)"/).map { String($0.output.1) } } ?? []
            return (String(match.output.1), names)
        }
    }

    @Test func aTargetDependsOnlyOnWhatStandsAboveIt() throws {
        let targets = try Self.declared()
        #expect(targets.count >= 20)
        let names = targets.map(\.name)
        for (place, target) in targets.enumerated() {
            for dependency in target.dependencies where names.contains(dependency) {
                #expect(names[..<place].contains(dependency), "\(target.name) depends on \(dependency), which stands below it")
            }
        }
    }

    @Test(arguments: [("CCurl", "HTTPClient"), ("CYAML", "YAML"), ("CBPF", "ProbeKernel"), ("CZlib", "HTTPClient"), ("CCrypto", "Crypto")])
    func aSystemLibraryIsImportedByOneTarget(library: String, owner: String) throws {
        for path in try Repository.files(under: "Sources", suffix: ".swift") where !path.hasPrefix("Sources/\(owner)/") {
            #expect(try !Repository.text(path).contains("import \(library)\n"), "\(path): only \(owner) may import \(library)")
        }
    }

    @Test(arguments: ["KubernetesRuntime", "SondeAPI", "CollectorComponents", "CollectorConfig", "Rendering", "Admission", "Operator", "ProbeCore"])
    func theCoreNeverSeesASocketOrTheKernel(target: String) throws {
        for path in try Repository.files(under: "Sources/\(target)", suffix: ".swift") {
            for banned in ["HTTPClient", "HTTPServer", "KubernetesClient", "ProbeKernel", "NIOCore", "NIOPosix"] {
                #expect(try !Repository.text(path).contains("import \(banned)\n"), "\(path): \(target) is handed what it needs; it never imports \(banned)")
            }
        }
    }

    /// The agent is the process that sees the kernel: nothing with Foundation's or a parser library's weight comes near it.
    @Test func theAgentLinksNoPackageLibrary() throws {
        let targets = try Repository.text("Package.swift").matches(of: /\n        (?:library|executable)\("([\w-]+)", (\[[^\n]*)/)
        let agent = [
            "JSON", "YAML", "HTTPClient", "Kubernetes", "SondeAPI", "OTLPMessages", "ProbePrograms", "ProbeCore", "ProbeKernel", "OTLPExport", "sonde-agent",
        ]
        for match in targets where agent.contains(String(match.output.1)) {
            for word in ["logging", "metrics", "arguments", "nio", "collections", "deques"] {
                #expect(!match.output.2.contains(try Regex("\\b\(word)\\b")), "\(match.output.1) takes \(word) into the agent")
            }
        }
    }
}
