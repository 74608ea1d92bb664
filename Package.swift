// swift-tools-version:6.2
// Targets stand in import order: a target may import only what stands above it (ARCHITECTURE.md, "Targets").
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

func library(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = [], plugins: [Target.PluginUsage] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict, plugins: plugins)
}

func executable(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

let collections = Target.Dependency.product(name: "OrderedCollections", package: "swift-collections")
let deques = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
]

let package = Package(
    name: "sonde",
    products: [
        .executable(name: "sonde-operator", targets: ["sonde-operator"]),
        .executable(name: "sonde-agent", targets: ["sonde-agent"]),
        .executable(name: "sonde", targets: ["sonde"]),
        .executable(name: "kubernetes-test-server", targets: ["kubernetes-test-server"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    ],
    targets: [
        // System libraries with shims: each is imported by exactly one Swift target.
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CBPF", pkgConfig: "libbpf", providers: [.apt(["libbpf-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        library("JSON"),
        library("YAML", ["JSON", "CYAML"]),
        library("HTTPClient", ["CCurl", "CZlib"]),
        library("HTTPServer", nio + [logging]),
        library("Kubernetes", ["JSON"]),
        library("Crypto", ["Kubernetes", "CCrypto"]),
        library("KubernetesClient", ["JSON", "YAML", "HTTPClient", "Kubernetes", logging]),
        library("KubernetesRuntime", ["JSON", "Kubernetes", logging, metrics, deques, .product(name: "HeapModule", package: "swift-collections")]),
        library("KubernetesTestServer", ["JSON", "YAML", "HTTPClient", "HTTPServer", "Kubernetes", logging]),
        library("SondeAPI", ["JSON", "Kubernetes"]),
        library("CollectorComponents"),
        library("CollectorConfig", ["JSON", "YAML", "Crypto", "Kubernetes", "SondeAPI", "CollectorComponents"]),
        library("Rendering", ["JSON", "YAML", "Kubernetes", "SondeAPI", "CollectorComponents", "CollectorConfig"]),
        library("Admission", ["JSON", "YAML", "Crypto", "Kubernetes", "KubernetesRuntime", "SondeAPI", "CollectorConfig", "Rendering", logging, metrics]),
        library("Operator", ["JSON", "YAML", "Kubernetes", "KubernetesRuntime", "SondeAPI", "Crypto", "CollectorConfig", "Rendering", logging, metrics]),
        library("OTLPMessages"),
        .plugin(name: "BPFCompile", capability: .buildTool()),
        library("ProbePrograms", exclude: ["bpf"], plugins: ["BPFCompile"]),
        library("ProbeCore", ["JSON", "SondeAPI", "OTLPMessages", "ProbePrograms"]),
        library("ProbeKernel", ["CBPF", "ProbePrograms", "ProbeCore"]),
        library("OTLPExport", ["HTTPClient", "OTLPMessages"]),

        executable("sonde-operator", ["JSON", "YAML", "HTTPClient", "HTTPServer", "Kubernetes", "KubernetesClient", "KubernetesRuntime", "SondeAPI", "Crypto", "CollectorComponents", "CollectorConfig", "Rendering", "Admission", "Operator", logging, metrics, arguments]),
        executable("sonde-agent", ["JSON", "YAML", "SondeAPI", "OTLPMessages", "ProbePrograms", "ProbeCore", "ProbeKernel", "OTLPExport", "HTTPClient"]),
        executable("sonde", ["JSON", "YAML", "Kubernetes", "KubernetesClient", "SondeAPI", "CollectorConfig", "Rendering", "Operator", logging, "OTLPMessages", "ProbePrograms", "ProbeCore", "ProbeKernel", arguments]),
        // Not shipped: the in-process API server as a process, for trying Sonde without a cluster.
        executable("kubernetes-test-server", ["JSON", "YAML", "HTTPServer", "Kubernetes", "KubernetesTestServer", logging, arguments]),

        // Of several targets of tests: folders, children, certificates, servers, random input. Nothing else depends on it.
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        tests("JSONTests", ["TestSupport", "JSON"]),
        tests("YAMLTests", ["TestSupport", "JSON", "YAML"]),
        tests("HTTPClientTests", ["TestSupport", "HTTPClient", "HTTPServer", logging]),
        tests("HTTPServerTests", ["HTTPServer", logging]),
        tests("KubernetesTests", ["JSON", "Kubernetes"]),
        tests("KubernetesClientTests", ["TestSupport", "JSON", "YAML", "HTTPClient", "Kubernetes", "KubernetesClient", "KubernetesTestServer", "HTTPServer", logging]),
        tests("KubernetesRuntimeTests", ["JSON", "Kubernetes", "KubernetesRuntime", logging, metrics]),
        tests("KubernetesTestServerTests", ["JSON", "YAML", "HTTPClient", "HTTPServer", "Kubernetes", "KubernetesTestServer", logging]),
        tests("SondeAPITests", ["TestSupport", "JSON", "YAML", "SondeAPI", "Kubernetes"]),
        tests("CollectorComponentsTests", ["CollectorComponents"]),
        tests("CollectorConfigTests", ["JSON", "YAML", "SondeAPI", "CollectorComponents", "CollectorConfig"]),
        tests("RenderingTests", ["TestSupport", "JSON", "YAML", "Kubernetes", "SondeAPI", "CollectorConfig", "Rendering"], resources: [.copy("Golden")]),
        tests("CryptoTests", ["Crypto", "Kubernetes"]),
        tests("AdmissionTests", ["TestSupport", "JSON", "YAML", "Crypto", "Kubernetes", "KubernetesRuntime", "KubernetesTestServer", "SondeAPI", "CollectorConfig", "Rendering", "Admission", logging, metrics]),
        tests("OperatorTests", ["JSON", "YAML", "Kubernetes", "KubernetesRuntime", "KubernetesTestServer", "SondeAPI", "CollectorConfig", "Rendering", "Operator", logging, metrics]),
        tests("OTLPMessagesTests", ["OTLPMessages"]),
        tests("ProbeProgramsTests", ["ProbePrograms"]),
        tests("ProbeCoreTests", ["TestSupport", "JSON", "SondeAPI", "OTLPMessages", "ProbePrograms", "ProbeCore"]),
        tests("ProbeKernelTests", ["SondeAPI", "OTLPMessages", "ProbePrograms", "ProbeCore", "ProbeKernel"]),
        tests("OTLPExportTests", ["TestSupport", "OTLPMessages", "OTLPExport", "HTTPClient", "HTTPServer", logging]),
        tests("SondeOperatorTests", ["JSON", "Crypto", "HTTPClient", "HTTPServer", "Kubernetes", "KubernetesRuntime", "KubernetesTestServer", "SondeAPI", "Rendering", "Admission", "Operator", "sonde-operator", logging, metrics]),
        tests("SondeAgentTests", ["TestSupport", "JSON", "YAML", "SondeAPI", "OTLPMessages", "OTLPExport", "ProbePrograms", "ProbeCore", "ProbeKernel", "sonde-agent"]),
        tests("SondeTests", ["TestSupport", "JSON", "YAML", "Kubernetes", "KubernetesTestServer", "SondeAPI", "Rendering", "Operator", "ProbePrograms", "ProbeCore", "ProbeKernel", "sonde"]),
        tests("EndToEndTests", ["JSON", "YAML", "Crypto", "Rendering", "Admission", "Kubernetes", "KubernetesClient", "KubernetesRuntime", "KubernetesTestServer", "HTTPServer", "SondeAPI", "Operator", "sonde-operator", logging, metrics]),
        tests("RepositoryTests", ["TestSupport", "JSON", "YAML", "Kubernetes", "SondeAPI", "CollectorComponents", "CollectorConfig", "Rendering", "ProbePrograms"]),
    ],
    swiftLanguageModes: [.v6]
)
