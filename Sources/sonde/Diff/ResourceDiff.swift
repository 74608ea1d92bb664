// What becomes of one resource: its objects' changes, each with its reasons.
// ClusterDiff and FileDiff make it; DiffText and DiffDocument print it.
// It never holds a change whose reason it knows without that reason.

import CollectorConfig
import Kubernetes
import Operator
import Rendering
import SondeAPI

/// What rendering needs beside the resources.
struct DiffFacts {
    var collector: CollectorFacts
    var probe: ProbeFacts

    init(
        collectorImage: String, agentImage: String, proxyVariables: [String: String] = [:], labelsFilter: [String] = [], annotationsFilter: [String] = [],
        grantsRoles: Bool = true
    ) {
        collector = CollectorFacts(
            collectorImage: collectorImage, proxyVariables: proxyVariables, labelsFilter: labelsFilter, annotationsFilter: annotationsFilter,
            grantsRoles: grantsRoles)
        probe = ProbeFacts(agentImage: agentImage, proxyVariables: proxyVariables)
    }

    var validation: ValidationFacts { ValidationFacts(collectorImage: collector.collectorImage, grantsRoles: collector.grantsRoles) }
}

struct ResourceDiff {
    let title: String
    var changes: [ObjectChange] = []
    /// Fields of the resource that differ.
    var effects: [FieldEffect] = []
    var findings: [Finding] = []
    /// Why nothing is compared; empty otherwise.
    var note = ""
    /// What the comparison lacks; empty otherwise.
    var remark = ""

    var hasErrors: Bool { !findings.errors.isEmpty || changes.contains { $0.action == .refuse } }
    var isChange: Bool { changes.contains(where: \.isChange) }

    /// Fields because of which an object changes.
    func reasons(_ change: ObjectChange) -> [FieldEffect] { effects.filter { $0.objects.contains(change.reference) } }

    /// Pods that restart in all; nil when their number is not known.
    var restartedPods: Int? {
        let counts = changes.map(\.restartedPods)
        return counts.contains(nil) ? .none : counts.compactMap(\.self).reduce(0, +)
    }
}
