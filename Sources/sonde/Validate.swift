// `sonde validate FILE…`: every error and warning of the resources in files, each with its path and what to write.
// People run it before they apply, pipelines before they merge; the operator's own checks are the same.
// It never asks a cluster: what depends on other objects is found there.

import ArgumentParser
import Rendering
import SondeAPI
import YAML

struct Validate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks resources: fields, pipelines, ports, and configurations that lose data in silence.",
        discussion: """
            Takes OpenTelemetryCollector, EBPFProbe and the agent's AgentConfiguration; other Kubernetes objects in the same files are left alone. \
            Each finding says where it is, what is wrong, and what to write. Files are YAML or JSON, with any number of documents; - is standard input.

            Examples:
              sonde validate collector.yaml
              sonde validate collector.yaml probe.yaml      also: does the collector take what the probe sends?
              kustomize build . | sonde validate -
              sonde validate --strict *.yaml                warnings count as errors

            Exit status: 0 no errors, 1 errors, 2 something is no Kubernetes object or cannot be read.
            """)

    @Argument(help: "Files with resources; - is standard input.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var files: [String]

    @Flag(help: "Exit with 1 on warnings too.")
    var strict = false

    @Option(name: .shortAndLong, help: "The namespace of resources that name none.")
    var namespace = "default"

    func run() throws {
        let documents = try InputFile.documents(files)
        let reports = ResourceFile(documents: documents, namespace: namespace).reports
        for report in reports { Output.text(Report.text(report)) }
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
        if errors == 0 { return warnings == 0 ? "valid" : "valid, with \(count(warnings, "warning"))" }
        return warnings == 0 ? count(errors, "error") : "\(count(errors, "error")), \(count(warnings, "warning"))"
    }

    private static func text(_ finding: Finding) -> String {
        let path = finding.path.isEmpty ? "" : " \(finding.path)"
        let remedy = finding.remedy.isEmpty ? "" : "    do: \(indented(finding.remedy))\n"
        return "  \(finding.severity.rawValue)\(path) (\(finding.rule))\n    \(indented(finding.message))\n\(remedy)"
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
}
