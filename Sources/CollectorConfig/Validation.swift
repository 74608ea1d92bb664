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
    /// Components that no collector may use, as `exporter.kafka`, or `kafka` for every kind.
    public var disabledComponents: [String]

    public init(collectorImage: String = CollectorImage.pinned, grantsRoles: Bool = true, disabledComponents: [String] = []) {
        self.collectorImage = collectorImage
        self.grantsRoles = grantsRoles
        self.disabledComponents = disabledComponents
    }
}

/// Checks of whole resources. Errors mean that nothing is rendered; warnings and notes do not stop anything.
///
/// No rule keeps another one from being looked at. docs/validation.md explains each rule; `FindingRule` lists them.
public enum Validation {
    /// Everything wrong or doubtful about an OpenTelemetryCollector: fields first, then the configuration.
    /// - Parameters:
    ///   - old: The resource as it was, where one is changed: some changes deserve a word.
    ///   - facts: What is known of the installation.
    public static func findings(collector object: JSONValue, replacing old: JSONValue? = nil, facts: ValidationFacts = ValidationFacts()) -> [Finding] {
        var findings = OpenTelemetryCollector.findings(for: object)
        let subject = RuleSubject(object, facts)
        guard subject.spec.document.object != nil else { return findings }
        findings += SpecRules.findings(subject.spec) + AutoscalerRules.findings(subject.spec) + TargetAllocatorRules.findings(subject.spec)
        findings += CollectorAnnotations.findings(subject.metadata.annotations, mode: subject.spec.mode ?? .deployment)
        findings += CollectorAnnotations.findingsOfAlerts(subject)
        findings += SpecRules.contentFindings(subject.spec, subject.metadata.annotations)
        findings += ChangeRules.findings(subject.spec, replacing: old)
        if let problem = object.metadata.annotations[ConversionAnnotation.error] {
            findings.append(
                Finding(
                    .error, rule: "unreadable-config", path: "spec.config", message: problem,
                    remedy: "correct the text of the v1alpha1 resource, or write v1beta1, where config is a mapping"))
        } else if subject.configuration.value.object != nil {
            findings += configurationFindings(subject)
        }
        return SilencedRules(object.metadata.annotations).applied(to: findings).map(\.bounded)
    }

    private static func configurationFindings(_ subject: RuleSubject) -> [Finding] {
        let (spec, configuration) = (subject.spec, subject.configuration)
        var findings = GraphRules.findings(configuration) + NullRules.findings(configuration)
        findings += ComponentRules(configuration: configuration, image: subject.image).findings + AccessFindings.findings(subject)
        findings += PortRules.findings(spec, configuration) + PortNumberRules.findings(configuration)
        findings += ScrapeTraps.findings(subject) + FilterTraps.findings(subject)
        findings += PipelineTraps.findings(subject) + SamplingTraps.findings(subject) + TraceRoutingRules.findings(subject)
        findings += MetricTraps.findings(subject) + CardinalityTraps.findings(configuration) + MemoryTraps.findings(subject)
        findings += DisabledComponents.findings(subject) + LogTraps.findings(spec, configuration) + TelemetryRules.findings(subject)
        return findings
    }

    /// Everything wrong or doubtful about an EBPFProbe.
    public static func findings(probe object: JSONValue) -> [Finding] {
        var findings = EBPFProbe.findings(for: object)
        if let probe = try? EBPFProbe(object: object) { findings += ProbeRules.findings(probe.spec) }
        return SilencedRules(object.metadata.annotations).applied(to: findings).map(\.bounded)
    }
}
