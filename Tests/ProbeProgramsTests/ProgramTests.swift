// The manifest and the embedded objects.
import Foundation
import Testing

@testable import ProbePrograms

@Suite struct ProgramTests {
    @Test(arguments: ProbeProgram.all.map(\.name)) func objectIsBPFWithoutDebugSections(name: String) throws {
        let program = try #require(ProbeProgram.all.first { $0.name == name })
        let object = program.object
        #expect(Array(object.prefix(4)) == [0x7f, 0x45, 0x4c, 0x46])
        // e_machine at offset 18: EM_BPF.
        #expect(UInt16(object[18]) | UInt16(object[19]) << 8 == 247)
        let text = String(decoding: object, as: UTF8.self)
        #expect(text.contains(".BTF.ext"))
        #expect(!text.contains(".debug_info"))
        #expect(!text.contains("/Sources/"), "a path of the build machine entered the object")
        for hook in program.hooks { #expect(text.contains(hook.tracepoint.map { "tp_btf/\($0)" } ?? "syscall\0")) }
        for map in program.groupMaps { #expect(text.contains(map.name)) }
    }

    /// The build makes the programs of its own architecture only.
    @Test(arguments: ["x86", "arm64"]) func everyProgramCompilesForBothArchitectures(architecture: String) throws {
        var folder = URL(filePath: #filePath)
        for _ in 0..<3 { folder.deleteLastPathComponent() }
        folder.append(path: "Sources/ProbePrograms/bpf")
        let sources = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".bpf.c") }
        #expect(sources.count == ProbeProgram.all.count + 1, "each program, and the one that finds namespaces")
        for source in sources {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = [
                ProcessInfo.processInfo.environment["BPF_CLANG"] ?? "clang", "-target", "bpf", "-mcpu=v3", "-g", "-O2", "-Wall", "-Wextra",
                "-Wno-unused-parameter",
                "-Werror", "-D__TARGET_ARCH_\(architecture)", "-c", source, "-o", "/dev/null",
            ]
            process.currentDirectoryURL = folder
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0, "\(source) for \(architecture)")
        }
    }

    @Test func base64DecodesAsFoundationDoes() {
        let cases: [(text: StaticString, why: String)] = [
            ("", "nothing"), ("QQ==", "one byte, two pads"), ("QUI=", "two bytes, one pad"), ("QUJD", "no pad"),
            ("+/+/AAECAw==", "both odd characters, zero bytes"),
        ]
        for (text, why) in cases {
            #expect(base64Bytes(text) == Data(base64Encoded: "\(text)").map(Array.init), "\(why)")
        }
    }

    @Test func everySignalNeedsHooksOfItsOwnProgram() {
        for program in ProbeProgram.all {
            let functions = Set(program.hooks.map(\.function))
            #expect(functions.count == program.hooks.count)
            for signal in program.signals {
                #expect(!signal.needs.isEmpty)
                #expect(functions.isSuperset(of: signal.needs + signal.completedBy), "\(signal.metric)")
            }
        }
    }

    @Test(arguments: HistogramUnit.allCases) func unitOfTheKernelsIntegersIsWithinAMillionthOfTheBounds(unit: HistogramUnit) {
        // One unit in nanoseconds, as the kernel computes it and as the bounds say.
        let kernel = Double(UInt64(1) << UInt64(unit.shift)) / Double(unit.multiplier)
        let bound = unit.upperBoundSeconds(slot: 0) / 2 * 1e9
        #expect(abs(kernel / bound - 1) < 1e-6)
    }

    @Test func binarySecondBoundsArePowersOfTwo() {
        #expect(HistogramUnit.binarySecond.upperBoundSeconds(slot: 29) == 1)
        #expect(HistogramUnit.binarySecond.upperBoundSeconds(slot: 0) == 0x1p-29)
        #expect(HistogramUnit.microsecond.upperBoundSeconds(slot: 5) == 64e-6)
    }
}
