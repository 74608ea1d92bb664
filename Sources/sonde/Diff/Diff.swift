// `sonde diff`: which objects of a resource change, which pods restart, and which field is the reason, before anything is applied.
// People and pipelines run it before they apply; against a cluster by dry runs, or between two versions of a file.
// It never writes to a cluster.

import ArgumentParser
import JSON
import KubernetesClient
import Operator
import Rendering
import SondeAPI

struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says what a change of resources does: objects, pods that restart, and why.",
        discussion: """
            With one file the cluster that KUBECONFIG names is asked, by server-side dry runs: what the operator would do if the file were applied. With two \
            files their resources are compared, without a cluster. Images that a resource does not name are those that it runs now, or those of the options. \
            Give the operator's other settings too where they are not the defaults: what is compared is what it would render.

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

    @Option(help: "As the operator has it: regular expressions, separated by spaces, of labels that do not go to objects.")
    var labelsFilter = ""

    @Option(help: "As the operator has it: regular expressions, separated by spaces, of annotations that do not go to objects.")
    var annotationsFilter = ""

    @Option(help: "As the operator has it: whether it makes Roles and ClusterRoles.")
    var collectorRoles = true

    @Option(help: "A proxy variable of the operator, HTTPS_PROXY=URL; may be given several times.")
    var proxy: [String] = []

    func validate() throws {
        for pattern in Self.words(labelsFilter) + Self.words(annotationsFilter) where !KeyFilter.isPattern(pattern) {
            throw ValidationError("\(pattern) is no regular expression.")
        }
        guard proxyVariables.count == proxy.count else {
            throw ValidationError("--proxy takes HTTP_PROXY, HTTPS_PROXY or NO_PROXY, in capitals or not, with = and a value.")
        }
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

    var facts: DiffFacts {
        DiffFacts(
            collectorImage: collectorImage, agentImage: agentImage, proxyVariables: proxyVariables, labelsFilter: Self.words(labelsFilter),
            annotationsFilter: Self.words(annotationsFilter), grantsRoles: collectorRoles)
    }

    private static func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }

    /// What the operator would pass on of these.
    private var proxyVariables: [String: String] {
        let given = proxy.map { $0.split(separator: "=", maxSplits: 1).map(String.init) }.filter { $0.count == 2 }.map { ($0[0], $0[1]) }
        return OperatorConfiguration.proxyVariables(of: Dictionary(given, uniquingKeysWith: { $1 }))
    }

    /// What a command line asks for. - Throws: When the line cannot be read.
    static func facts(in arguments: [String]) throws -> DiffFacts { try parse(arguments).facts }

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
