// `sonde validate FILE…`: every error and warning of the resources in files, each with its path and what to write.
// People run it before they apply, pipelines before they merge; the operator's own checks are the same.
// It never asks a cluster: what depends on other objects is found there.

import ArgumentParser
import CollectorConfig
import JSON
import Rendering
import SondeAPI
import YAML

struct Validate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks resources: fields, pipelines, ports, and configurations that lose data in silence.",
        discussion: """
            Takes OpenTelemetryCollector, EBPFProbe and the agent's AgentConfiguration; other objects in the same files are passed over with a note. \
            Each finding says where it is, what is wrong, and what to write, and has the name of its rule (docs/validation.md). An error keeps a resource from \
            being admitted; a warning does not, and the annotation sonde.dev/ignore-findings: RULE,RULE silences it; a note is told here only. \
            Files are YAML or JSON, with any number of documents; - is standard input.

            Examples:
              sonde validate collector.yaml
              sonde validate collector.yaml probe.yaml      also: does the collector take what the probe sends?
              kustomize build . | sonde validate -
              sonde validate --strict *.yaml                warnings count as errors
              sonde validate --output json *.yaml           for programs: documents[].findings[]

            Exit status: 0 no errors, 1 errors, 2 something is no Kubernetes object or cannot be read.
            """)

    @Argument(help: "Files with resources; - is standard input.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var files: [String]

    @Flag(help: "Exit with 1 on warnings too.")
    var strict = false

    @Option(name: .shortAndLong, help: "text or json.")
    var output = OutputFormat.text

    @Option(help: "The operator's collector image, for resources that name none: some rules depend on the version.")
    var collectorImage = CollectorFacts.defaultImage

    @Option(name: .shortAndLong, help: "The namespace of resources that name none.")
    var namespace = "default"

    func run() throws {
        let documents = try InputFile.documents(files)
        let reports = ResourceFile(documents: documents, namespace: namespace, facts: ValidationFacts(collectorImage: collectorImage)).reports
        switch output {
        case .text: for report in reports { Output.text(Report.text(report)) }
        case .json: Output.line(Report.json(reports).text(.compact))
        }
        if let status = Report.status(reports, strict: strict) { throw status }
    }
}

/// Reports as text, for people.
enum Report {
    /// One line with the verdict, then three lines for each finding.
    static func text(_ report: DocumentReport) -> String {
        var text = "\(report.title): \(verdict(report))\n"
        for finding in report.findings.errors + report.findings.warnings + report.findings.infos { text += self.text(finding) }
        if let suggestion = report.suggestion { text += "\n" + YAML.text(suggestion) + "\n" }
        return text
    }

    private static func verdict(_ report: DocumentReport) -> String {
        let errors = report.findings.errors.count, warnings = report.findings.warnings.count
        if report.kind == .other { return "not checked, another kind" }
        let counts = [(errors, "error"), (warnings, "warning"), (report.findings.infos.count, "note")].filter { $0.0 > 0 }.map { count($0.0, $0.1) }
        let text = counts.joined(separator: ", ")
        if errors > 0 { return text }
        return text.isEmpty ? "valid" : "valid, with \(text)"
    }

    private static func label(_ severity: Finding.Severity) -> String { severity == .info ? "note" : severity.rawValue }

    private static func text(_ finding: Finding) -> String {
        let path = finding.path.isEmpty ? "" : " \(finding.path)"
        let remedy = finding.remedy.isEmpty ? "" : "    do: \(indented(finding.remedy))\n"
        return "  \(label(finding.severity))\(path) (\(finding.rule))\n    \(indented(finding.message))\n\(remedy)"
    }

    private static func indented(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n        ")
    }

    private static func count(_ number: Int, _ noun: String) -> String { number == 1 ? "1 \(noun)" : "\(number) \(noun)s" }

    /// The exit status that reports ask for; nil for success.
    static func status(_ reports: [DocumentReport], strict: Bool) -> ExitCode? {
        if reports.contains(where: { $0.kind == .unusable }) { return ExitStatus.unusable }
        let findings = reports.flatMap(\.findings)
        return findings.errors.isEmpty && (!strict || findings.warnings.isEmpty) ? nil : ExitStatus.findings
    }

    /// `{documents: [{kind, title, findings: [{severity, rule, path, message, remedy}]}], counts: {error, warning, info}}`.
    static func json(_ reports: [DocumentReport]) -> JSONValue {
        let findings = reports.flatMap(\.findings)
        let counts = Finding.Severity.allCases.map { severity in (severity.rawValue, JSONValue(findings.count { $0.severity == severity })) }
        return ["documents": .array(reports.map(json)), "counts": .object(JSONObject(counts))]
    }

    private static func json(_ report: DocumentReport) -> JSONValue {
        var document: JSONValue = [
            "kind": .string(report.kind.rawValue), "title": .string(report.title), "findings": .array(report.findings.map(json)),
        ]
        document["suggestion"] = report.suggestion
        return document
    }

    private static func json(_ finding: Finding) -> JSONValue {
        [
            "severity": .string(finding.severity.rawValue), "rule": .string(finding.rule), "path": .string(finding.path),
            "message": .string(finding.message), "remedy": .string(finding.remedy),
        ]
    }
}
