// swift-tools-version:6.2
// What reads bytes of others, built a second time with libFuzzer's coverage and AddressSanitizer: hack/fuzz --coverage builds and runs it.
// A package of its own, because the flags are "unsafe" for SwiftPM and must never reach what is shipped; Sources and Plugins are links to the checkout's own.
import PackageDescription

let fuzzed: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .unsafeFlags(["-sanitize=fuzzer,address", "-enable-testing"]),
]

func library(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = [], plugins: [Target.PluginUsage] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: fuzzed, plugins: plugins)
}

let package = Package(
    name: "sonde-fuzz",
    targets: [
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl"),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1"),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "CLibFuzzer", path: "Targets/CLibFuzzer"),
        library("JSON"),
        library("YAML", ["JSON", "CYAML"]),
        library("HTTPClient", ["CCurl", "CZlib"]),
        library("Kubernetes", ["JSON"]),
        library("Crypto", ["Kubernetes", "CCrypto"]),
        library("SondeAPI", ["JSON", "Kubernetes"]),
        library("CollectorComponents"),
        library("CollectorConfig", ["JSON", "YAML", "Crypto", "Kubernetes", "SondeAPI", "CollectorComponents"]),
        library("OTLPMessages"),
        .plugin(name: "BPFCompile", capability: .buildTool()),
        library("ProbePrograms", exclude: ["bpf"], plugins: ["BPFCompile"]),
        library("ProbeCore", ["JSON", "SondeAPI", "OTLPMessages", "ProbePrograms"]),
        library("OTLPExport", ["HTTPClient", "OTLPMessages"]),
        .executableTarget(
            name: "sonde-fuzz",
            dependencies: [
                "JSON", "YAML", "HTTPClient", "Kubernetes", "SondeAPI", "CollectorConfig", "OTLPMessages", "ProbePrograms", "ProbeCore", "OTLPExport",
                "CLibFuzzer",
            ],
            path: "Targets/sonde-fuzz", swiftSettings: fuzzed,
            // The other linkers throw the coverage's sections away.
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]),
    ],
    swiftLanguageModes: [.v6]
)
