// `sonde diff`: which objects of a resource change, which pods restart, and which field is the reason, before anything is applied.
// People and pipelines run it before they apply; against a cluster by dry runs, or between two versions of a file.
// It never writes to a cluster.

import ArgumentParser
import JSON
import KubernetesClient
import Rendering
import SondeAPI

struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says what a change of resources does: objects, pods that restart, and why.",
        discussion: """
            With one file the cluster that KUBECONFIG names is asked, by server-side dry runs: what the operator would do if the file were applied. With two \
            files their resources are compared, without a cluster. Images that a resource does not name are those that it runs now, or those of the options.

            Examples:
              sonde diff collector.yaml                        what would change in the cluster?
              kustomize build . | sonde diff -
              sonde diff <(git show main:collector.yaml) collector.yaml
              sonde diff --output json collector.yaml | jq '.resources[].objects[] | select(.restartedPods != 0)'

            Exit status, as of kubectl diff: 0 nothing changes, 1 something changes, 2 a resource has errors or something could not be read or asked.
            """)

    @Argument(
        help: "One file to compare with the cluster, or an old and a new one; - is standard input.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var files: [String]

    @Option(name: .shortAndLong, help: "How to print: text or json.")
    var output = OutputFormat.text

    @Option(name: .shortAndLong, help: "The namespace of resources that name none; by default the context's, or default.")
    var namespace: String?

    @Option(help: "The kubeconfig to use instead of KUBECONFIG.")
    var kubeconfig: String?

    @Option(help: "The context of the kubeconfig.")
    var context: String?

    @Option(help: "The image of collectors that name none and do not run yet.")
    var collectorImage = CollectorFacts.defaultImage

    @Option(help: "The image of agents whose probe names none.")
    var agentImage = ProbeFacts.defaultImage

    func validate() throws {
        guard (1...2).contains(files.count) else { throw ValidationError("Give one file, or an old and a new one; several files go in through -.") }
    }

    func run() async throws {
        let diffs = files.count == 2 ? try compareFiles() : try await compareWithCluster()
        switch output {
        case .text: Output.text(DiffText.text(diffs))
        case .json: Output.line(DiffDocument.document(diffs).text(.pretty))
        }
        if diffs.contains(where: \.hasErrors) { throw ExitStatus.unusable }
        if diffs.contains(where: \.isChange) { throw ExitStatus.findings }
    }

    private var facts: DiffFacts { DiffFacts(collectorImage: collectorImage, agentImage: agentImage) }

    private func compareFiles() throws(ExitCode) -> [ResourceDiff] {
        let (old, new) = (try InputFile.documents([files[0]]), try InputFile.documents([files[1]]))
        return FileDiff(old: old, new: new, namespace: namespace ?? "default", facts: facts).diffs
    }

    private func compareWithCluster() async throws -> [ResourceDiff] {
        let documents = try InputFile.documents(files)
        let configuration: ClientConfiguration
        do {
            configuration = try ClientConfiguration.resolve(environment: ProcessEnvironment.variables, kubeconfig: kubeconfig, context: context)
        } catch {
            Output.error("error: \(error)")
            throw ExitStatus.unusable
        }
        let client = KubernetesClient(configuration)
        let diff = ClusterDiff(api: client, namespace: namespace ?? configuration.namespace, facts: facts)
        do {
            let diffs = try await diff.diffs(documents)
            await client.shutdown()
            return diffs
        } catch {
            await client.shutdown()
            Output.error("error: \(error)")
            throw ExitStatus.unusable
        }
    }
}
