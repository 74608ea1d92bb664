// The documents of one or several files, checked and rendered together, as `sonde validate` and `sonde render` do it.
// A probe finds the collector that it names among the same files.
// It never reads a file and never prints: it takes parsed documents and returns reports.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

/// One document and what is to be said about it.
public struct DocumentReport: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable {
        case collector, probe, agentConfiguration
        /// A Kubernetes object of another kind: not ours to check.
        case other
        /// Nothing that can be checked: no object, or a version that is not served.
        case unusable
    }

    public let kind: Kind
    /// `OpenTelemetryCollector observability/gateway`.
    public let title: String
    public let findings: [Finding]
    /// A document to write instead, for pieces of a configuration.
    public let suggestion: JSONValue?

    init(_ kind: Kind, _ title: String, _ findings: [Finding] = [], suggestion: JSONValue? = nil) {
        self.kind = kind
        self.title = title
        self.findings = findings
        self.suggestion = suggestion
    }
}

/// One of our resources with its manifests.
public struct RenderedResource: Hashable, Sendable {
    /// The document, with the namespace that it is rendered for.
    public let object: JSONValue
    public let report: DocumentReport
    /// Empty when the report has errors.
    public let manifests: [Manifest]
}

/// Parsed documents, in order.
public struct ResourceFile: Sendable {
    private let documents: [JSONValue]
    private let collectors: [ObjectName: OpenTelemetryCollector]
    private let facts: ValidationFacts

    /// - Parameters:
    ///   - namespace: The namespace of resources that name none.
    ///   - known: Collectors that are not in the files, for probes that name them; one in the files goes before.
    ///   - facts: What is known of the installation; by default its collector image is the one that Sonde is released with.
    public init(documents: [JSONValue], namespace: String = "default", known: [JSONValue] = [], facts: ValidationFacts = ValidationFacts()) {
        self.facts = facts
        self.documents = documents.flatMap(Self.items).map { Self.placed($0, in: namespace) }
        let found = (known + self.documents).filter { Self.kind(of: $0) == .collector }.compactMap { try? OpenTelemetryCollector(object: $0) }
        collectors = Dictionary(found.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    }

    /// The documents with their namespaces, those of lists one by one.
    public var objects: [JSONValue] { documents }

    /// What is wrong with each document.
    public var reports: [DocumentReport] { documents.map(report) }

    /// The manifests of all resources without errors, in document order, and the errors of the others.
    public func render(_ collectorFacts: CollectorFacts, _ probeFacts: ProbeFacts) -> (manifests: [Manifest], reports: [DocumentReport]) {
        let rendered = renderEach(collectorFacts, probeFacts)
        return (rendered.flatMap(\.manifests), rendered.map(\.report))
    }

    /// Every document with its manifests, in document order.
    public func renderEach(_ collectorFacts: CollectorFacts, _ probeFacts: ProbeFacts) -> [RenderedResource] {
        documents.map { document in
            var report = report(document)
            var manifests: [Manifest] = []
            if report.findings.errors.isEmpty {
                switch report.kind {
                case .collector: manifests = (try? OpenTelemetryCollector(object: document)).map { CollectorRendering.render($0, collectorFacts) } ?? []
                case .probe: report = renderProbe(document, report, probeFacts, into: &manifests)
                case .agentConfiguration, .other, .unusable: break
                }
            }
            return RenderedResource(object: document, report: report, manifests: manifests)
        }
    }

    private func renderProbe(_ document: JSONValue, _ report: DocumentReport, _ facts: ProbeFacts, into manifests: inout [Manifest]) -> DocumentReport {
        do throws(ConfigurationError) {
            let probe = try EBPFProbe(object: document)
            manifests += ProbeRendering.render(probe, destination: try destination(of: probe), facts)
            return report
        } catch {
            return DocumentReport(.probe, report.title, report.findings + error.findings)
        }
    }

    private func destination(of probe: EBPFProbe) throws(ConfigurationError) -> String {
        switch probe.spec.destination {
        case .endpoint(let url): return url
        case .collector(let name):
            guard let collector = collectors[ObjectName(namespace: probe.name.namespace, name: name)] else {
                throw ConfigurationError(
                    Finding(
                        .error, rule: "collector-not-found", path: "spec.collectorRef.name",
                        message: "OpenTelemetryCollector \(probe.name.namespace ?? "default")/\(name) is in none of the files",
                        remedy: "give its file too, or write endpoint: http://HOST:4318 instead of collectorRef"))
            }
            return try OTLPDestination.url(of: collector, for: probe.spec.export.protocol)
        }
    }

    private func report(_ document: JSONValue) -> DocumentReport {
        let title = "\(document.kind) \(document.metadata.objectName)"
        switch Self.kind(of: document) {
        case .collector: return DocumentReport(.collector, title, Validation.findings(collector: document, facts: facts))
        case .probe: return DocumentReport(.probe, title, Validation.findings(probe: document) + destinationFindings(document))
        case .agentConfiguration: return DocumentReport(.agentConfiguration, "AgentConfiguration", AgentConfiguration.findings(for: document))
        case .other: return DocumentReport(.other, title)
        case .unusable: return Self.unusable(document)
        }
    }

    /// A collector of the same files must take what the probe sends; one that is not here may be in the cluster.
    private func destinationFindings(_ document: JSONValue) -> [Finding] {
        guard let probe = try? EBPFProbe(object: document), case .collector(let name) = probe.spec.destination,
            let collector = collectors[ObjectName(namespace: probe.name.namespace, name: name)]
        else { return [] }
        do throws(ConfigurationError) {
            _ = try OTLPDestination.url(of: collector, for: probe.spec.export.protocol)
            return []
        } catch {
            return error.findings
        }
    }

    private static func unusable(_ document: JSONValue) -> DocumentReport {
        if let sections = Fragment.sections(of: document) {
            let finding = Finding(
                .error, rule: "fragment", path: "",
                message: "is no Kubernetes object but a piece of a collector's configuration (\(sections.joined(separator: ", ")))",
                remedy: "put it below spec.config of an OpenTelemetryCollector and name its components in a pipeline, as below")
            return DocumentReport(.unusable, "piece of a configuration", [finding], suggestion: Fragment.resource(around: document))
        }
        if document.kind == ResourceType.openTelemetryCollectors.kind || document.kind == ResourceType.ebpfProbes.kind {
            let type: ResourceType = document.kind == ResourceType.ebpfProbes.kind ? .ebpfProbes : .openTelemetryCollectors
            let finding = Finding(
                .error, rule: "unknown-version", path: "apiVersion", message: "\(document.apiVersion) is not served by this version",
                remedy: "write apiVersion: \(type.apiVersion)")
            return DocumentReport(.unusable, "\(document.kind) \(document.metadata.objectName)", [finding])
        }
        let finding = Finding(
            .error, rule: "no-object", path: "", message: "is no Kubernetes object: apiVersion and kind are missing",
            remedy: "start with apiVersion: \(ResourceType.openTelemetryCollectors.apiVersion) and kind: \(ResourceType.openTelemetryCollectors.kind)")
        return DocumentReport(.unusable, "document", [finding])
    }

    private static func kind(of document: JSONValue) -> DocumentReport.Kind {
        switch (document.apiVersion, document.kind) {
        case (ResourceType.openTelemetryCollectors.apiVersion, ResourceType.openTelemetryCollectors.kind): .collector
        case (ResourceType.ebpfProbes.apiVersion, ResourceType.ebpfProbes.kind): .probe
        case (AgentConfiguration.apiVersion, AgentConfiguration.kind): .agentConfiguration
        case (_, ResourceType.openTelemetryCollectors.kind), (_, ResourceType.ebpfProbes.kind): .unusable
        case (let version, let kind): version.isEmpty || kind.isEmpty ? .unusable : .other
        }
    }

    private static func items(_ document: JSONValue) -> [JSONValue] {
        document.kind == "List" ? document["items"]?.array ?? [] : [document]
    }

    private static func placed(_ document: JSONValue, in namespace: String) -> JSONValue {
        guard document["metadata"]?.object != nil, document.metadata.namespace == nil, [.collector, .probe].contains(kind(of: document)) else {
            return document
        }
        var document = document
        document.set(["metadata", "namespace"], to: .string(namespace))
        return document
    }
}
