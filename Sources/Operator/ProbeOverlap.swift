// Finds probes that take the same nodes: both would count everything there twice.
// ProbeReconciler asks for each probe; the answer becomes the condition Degraded/Overlap of the younger one.
// It never guesses: it speaks up only when one selection is sure to lie within the other.

import JSON
import Kubernetes
import SondeAPI

/// An older probe on the nodes of a younger one.
struct ProbeOverlap: Hashable, Sendable {
    let older: ObjectName
    /// Nodes that both select.
    let nodes: Int

    var message: String {
        "EBPFProbe \(older), which is older, takes \(nodes) of the same nodes: a node has one agent, so this probe's pods wait there. "
            + "Narrow the nodeSelector of one of the two"
    }

    /// - Parameters:
    ///   - others: All probes that are known.
    ///   - nodes: Nodes that a probe's agents should run on.
    static func find(for probe: EBPFProbe, among others: [EBPFProbe], nodes: (EBPFProbe) -> Int) -> ProbeOverlap? {
        guard let selection = selection(probe) else { return nil }
        let older = others.filter { isOlder($0, than: probe) && !$0.spec.paused }.sorted { isOlder($0, than: $1) }
        for other in older {
            guard let otherSelection = self.selection(other) else { continue }
            let isWithin = otherSelection.isSubset(of: selection), contains = selection.isSubset(of: otherSelection)
            guard isWithin || contains else { continue }
            let common = isWithin ? nodes(probe) : nodes(other)
            if common > 0 { return ProbeOverlap(older: other.name, nodes: common) }
        }
        return nil
    }

    /// `key=value` for each label that nodes must have; nil when affinity makes the selection more than that.
    private static func selection(_ probe: EBPFProbe) -> Set<String>? {
        guard probe.spec["affinity"] == nil else { return nil }
        return Set((probe.spec["nodeSelector"]?.object ?? [:]).map { "\($0)=\($1.string ?? "")" })
    }

    private static func isOlder(_ left: EBPFProbe, than right: EBPFProbe) -> Bool {
        guard left.metadata.uid != right.metadata.uid else { return false }
        let (a, b) = (left.metadata.creationTimestamp?.secondsSinceEpoch ?? 0, right.metadata.creationTimestamp?.secondsSinceEpoch ?? 0)
        return a == b ? left.metadata.uid < right.metadata.uid : a < b
    }
}
