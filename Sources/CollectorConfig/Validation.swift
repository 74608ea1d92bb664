// The one validation of both resources: admission, the controllers and `sonde validate` all call it.
// It puts together the checks of fields, of the pipelines' graph, of ports, and of configurations that lose data in silence.
// It never needs a cluster: what depends on other objects is found when the controller looks for them.

import CollectorComponents
import JSON
import Kubernetes
import SondeAPI

/// What validation needs to know of the operator that will run a resource.
public struct ValidationFacts: Hashable, Sendable {
    /// The image of collectors whose resource names none.
    public var collectorImage: String
    /// Whether the operator makes Roles and ClusterRoles for what a configuration needs.
    public var grantsRoles: Bool

    public init(collectorImage: String = CollectorImage.pinned, grantsRoles: Bool = true) {
        self.collectorImage = collectorImage
        self.grantsRoles = grantsRoles
    }
}

/// Checks of whole resources. Errors mean that nothing is rendered; warnings do not stop anything.
public enum Validation {
    /// Everything wrong or doubtful about an OpenTelemetryCollector: fields first, then the configuration.
    public static func findings(collector object: JSONValue, facts: ValidationFacts = ValidationFacts()) -> [Finding] {
        let fields = OpenTelemetryCollector.findings(for: object)
        if let problem = object.metadata.annotations[ConversionAnnotation.error] {
            return fields + [
                Finding(
                    .error, rule: "unreadable-config", path: "spec.config", message: problem,
                    remedy: "correct the text of the v1alpha1 resource, or write v1beta1, where config is a mapping")
            ]
        }
        guard let collector = try? OpenTelemetryCollector(object: object), collector.spec.document.object != nil else { return fields }
        let configuration = CollectorConfiguration(collector.spec.config)
        var findings = fields + SpecRules.findings(collector.spec)
        findings += CollectorAnnotations.findings(collector.metadata.annotations, mode: collector.spec.mode ?? .deployment)
        guard configuration.value.object != nil else { return findings }
        findings += GraphRules.findings(configuration)
        let image = collector.spec.image.isEmpty ? facts.collectorImage : collector.spec.image
        findings += ComponentRules(configuration: configuration, image: CollectorImage(image)).findings
        findings += PortRules.findings(collector.spec, configuration)
        findings += AccessFindings.findings(collector, configuration, grantsRoles: facts.grantsRoles)
        findings += ScrapeTraps.findings(collector, configuration)
        findings += PipelineTraps.findings(collector.spec, configuration)
        findings += LogTraps.findings(collector.spec, configuration)
        return findings
    }

    /// Everything wrong or doubtful about an EBPFProbe.
    public static func findings(probe object: JSONValue) -> [Finding] {
        var findings = EBPFProbe.findings(for: object)
        guard let probe = try? EBPFProbe(object: object) else { return findings }
        let both = Set(probe.spec.namespaces.include).intersection(probe.spec.namespaces.exclude)
        for name in both.sorted() {
            findings.append(
                Finding(
                    .warning, rule: "namespace-excluded", path: "spec.namespaces.include", message: "\(name) is excluded too, and exclude wins",
                    remedy: "remove it from one of the lists"))
        }
        if probe.spec.signals.families.allSatisfy({ !$0.enabled }) {
            findings.append(
                Finding(.warning, rule: "no-signal", path: "spec.signals", message: "every signal is off", remedy: "leave signals out for the defaults"))
        }
        if probe.spec.export.insecureSkipVerify {
            findings.append(
                Finding(
                    .warning, rule: "insecure-tls", path: "spec.export.tls.insecureSkipVerify", message: "any server is trusted with the data",
                    remedy: "name the signing certificates with caSecret"))
        }
        return findings
    }
}
