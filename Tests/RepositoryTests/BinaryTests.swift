// What the shipped binaries are made of: release builds with the Swift runtime linked in.
// hack/test builds them before it runs this.
// It never builds anything itself.

import Foundation
import Testing

@Suite struct BinaryTests {
    static let shipped = ["sonde-operator", "sonde-agent", "sonde"]

    /// The folder of release binaries: SONDE_RELEASE, else .build/release of the checkout.
    static var folder: URL {
        ProcessInfo.processInfo.environment["SONDE_RELEASE"].map { URL(filePath: $0) } ?? Repository.root.appending(path: ".build/release")
    }

    @Test(arguments: shipped) func noICUDataIsCarried(name: String) throws {
        let binary = Self.folder.appending(path: name)
        try #require(FileManager.default.fileExists(atPath: binary.path), "\(binary.path) is missing: run hack/test, or hack/lib/build")
        let (_, libraries) = try Repository.run("ldd", binary.path)
        #expect(!libraries.contains("ICU") && !libraries.contains("libicu"), "\(name) links ICU: \(libraries)")
        #expect(!libraries.contains("libFoundation.so"), "\(name) links Foundation")
        let (status, symbols) = try Repository.run("nm", "-a", "--defined-only", binary.path)
        #expect(status == 0)
        #expect(!symbols.contains("icudt") && !symbols.contains("u_charsToUChars"), "\(name) carries ICU")
    }

    /// 30 MB of ICU data cannot hide below these sizes; they are stripped, as images carry them.
    @Test(arguments: [("sonde-agent", 12), ("sonde-operator", 40), ("sonde", 40)]) func aBinaryStaysSmall(name: String, limitMB: Int) throws {
        let stripped = FileManager.default.temporaryDirectory.appending(path: "\(name)-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: stripped) }
        let (status, output) = try Repository.run("strip", "-o", stripped.path, Self.folder.appending(path: name).path)
        try #require(status == 0, "\(output)")
        let size = try FileManager.default.attributesOfItem(atPath: stripped.path)[.size] as? Int ?? .max
        #expect(size < limitMB << 20, "\(name) is \(size >> 20) MB, stripped")
    }

    @Test func theAgentLinksOnlyTheSystemsLibraries() throws {
        let (_, output) = try Repository.run("ldd", Self.folder.appending(path: "sonde-agent").path)
        #expect(!output.contains("libswift") && !output.contains("libFoundation"), "\(output)")
    }
}
