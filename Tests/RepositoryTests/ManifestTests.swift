// Rendered objects against the schemas of Kubernetes itself, of the oldest and the newest version that is supported.
// It reads the golden files, which RenderingTests holds equal to what is rendered.
// It never checks kinds of other products: their schemas are not Kubernetes'.

import Foundation
import JSON
import Kubernetes
import TestSupport
import Testing
import YAML

@Suite struct ManifestTests {
    private static let known: Set<ResourceType> = [
        .deployments, .statefulSets, .daemonSets, .services, .configMaps, .serviceAccounts, .podDisruptionBudgets, .horizontalPodAutoscalers, .ingresses,
        .networkPolicies,
    ]

    @Test(arguments: ["1.30", "1.37"]) func everyRenderedObjectIsOneOfKubernetes(version: String) throws {
        let files = try Repository.files(under: "Tests/RenderingTests/Golden", suffix: ".golden.yaml")
        let objects = try files.flatMap { try YAML.parse(try Repository.text($0)) }
        let known = objects.filter { object in Self.known.contains { $0.apiVersion == object.apiVersion && $0.kind == object.kind } }
        // What differs by nothing but the resource's name is checked once: the validator takes its time.
        var seen: Set<String> = []
        let checked = known.filter { object in
            let name = object.metadata.labels["app.kubernetes.io/instance"]?.split(separator: ".").last.map(String.init) ?? object.metadata.name
            return seen.insert(object.text().replacing(name, with: "")).inserted
        }
        #expect(Set(checked.map(\.kind)).count >= 10, "\(Set(checked.map(\.kind)))")
        let folder = try TemporaryFolder()
        let file = "\(folder.path)/objects.yaml"
        try YAML.documents(checked).write(toFile: file, atomically: true, encoding: .utf8)
        let (status, output) = try Tools.run("kubernetes-validate", ["--strict", "-k", version, file])
        #expect(status == 0, "\(output)")
    }
}
