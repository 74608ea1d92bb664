// The verdict on an OpenTelemetryCollector or EBPFProbe that somebody wants to store: the one validation, as an admission answer.
// WebhookHandler asks it; the controllers use the same findings, so that a webhook that is off or down loses nothing.
// It never changes an object and never keeps one from being deleted.

import JSON
import Kubernetes
import SondeAPI

/// Errors refuse, warnings are passed on.
///
/// Not refused, whatever the findings: deletes, writes to a subresource, objects that are being deleted (their finalizers must come off), and updates that
/// leave `spec` as it was (labels, annotations, an apply of the same manifest after Sonde learned a rule).
public enum ResourceAdmission {
    /// Causes that an answer carries at most; the message names every error.
    static let causesMax = 100

    /// - Parameter check: Everything wrong or doubtful about an object.
    public static func answer(_ request: AdmissionRequest, check: (JSONValue) -> [Finding]) -> AdmissionAnswer {
        guard request.operation == .create || request.operation == .update, request.subresource.isEmpty else { return .allowed() }
        var findings = check(request.object)
        let isBeingDeleted = request.object.metadata.isBeingDeleted
        let isSame = request.operation == .update && request.object["spec"] == request.oldObject["spec"] && mark(request.object) == mark(request.oldObject)
        if isBeingDeleted { return .allowed() }
        if isSame {
            findings = findings.map { $0.severity == .error ? Finding(.warning, rule: $0.rule, path: $0.path, message: $0.message, remedy: $0.remedy) : $0 }
        }
        return answer(request, findings)
    }

    private static func answer(_ request: AdmissionRequest, _ findings: [Finding]) -> AdmissionAnswer {
        let warnings = findings.warnings.map(\.description)
        let errors = findings.errors
        guard !errors.isEmpty else { return .allowed(warnings: warnings) }
        let causes = errors.prefix(causesMax).map { error in
            let text = error.remedy.isEmpty ? error.message : "\(error.message); \(error.remedy)"
            return KubernetesError.Cause(reason: "FieldValueInvalid", message: text, field: error.path)
        }
        let lines = errors.count == 1 ? errors[0].description : errors.map { "\n- \($0)" }.joined()
        return .refused(code: 422, reason: "Invalid", message: lines, causes: causes, warnings: warnings)
    }

    /// What a conversion could not read is an error that does not stand in the spec.
    private static func mark(_ object: JSONValue) -> String? { object.metadata.annotations[ConversionAnnotation.error] }
}
