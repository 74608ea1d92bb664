// `sonde render FILE…`: the objects that the operator would apply for the resources in files, as YAML.
// People read them before they apply, and compare them between versions; a review shows what a change does.
// It never asks a cluster, so owner references, which need a live object's uid, are left out.

import ArgumentParser
import CollectorConfig
import Rendering
import SondeAPI
import YAML

struct Render: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints the objects that the operator would apply.",
        discussion: """
            Objects go to standard output, findings to standard error. A probe that names a collector needs that collector's file too.

            Examples:
              sonde render collector.yaml
              sonde render collector.yaml probe.yaml | less
              diff <(git show main:collector.yaml | sonde render -) <(sonde render collector.yaml)

            Exit status: 0 everything is rendered, 1 a resource has errors and is left out, 2 something is no Kubernetes object or cannot be read.
            """)

    @Argument(help: "Files with resources; - is standard input.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var files: [String]

    @Option(name: .shortAndLong, help: "The namespace of resources that name none.")
    var namespace = "default"

    @Option(help: "The image of collectors that name none.")
    var collectorImage = CollectorFacts.defaultImage

    @Option(help: "The image of agents whose probe names none.")
    var agentImage = ProbeFacts.defaultImage

    func run() throws {
        let documents = try InputFile.documents(files)
        let file = ResourceFile(documents: documents, namespace: namespace, facts: ValidationFacts(collectorImage: collectorImage))
        let (manifests, reports) = file.render(.init(collectorImage: collectorImage), .init(agentImage: agentImage))
        for report in reports where report.findings.contains(where: { $0.severity != .info }) { Output.error(Report.text(report)) }
        if !manifests.isEmpty { Output.text(YAML.documents(manifests.map(\.object))) }
        if let status = Report.status(reports, strict: false) { throw status }
    }
}
