// What becomes of one resource: its objects' changes, each with its reasons.
// ClusterDiff and FileDiff make it; DiffText and DiffDocument print it.
// It never holds a change whose reason it knows without that reason.

import Kubernetes
import Operator
import Rendering
import SondeAPI

/// What rendering needs beside the resources.
struct DiffFacts {
    var collector: CollectorFacts
    var probe: ProbeFacts

    init(collectorImage: String, agentImage: String) {
        collector = CollectorFacts(collectorImage: collectorImage)
        probe = ProbeFacts(agentImage: agentImage)
    }
}

struct ResourceDiff {
    let title: String
    var changes: [ObjectChange] = []
    /// Fields of the resource that differ.
    var effects: [FieldEffect] = []
    var findings: [Finding] = []
    /// Why nothing is compared; empty otherwise.
    var note = ""

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
