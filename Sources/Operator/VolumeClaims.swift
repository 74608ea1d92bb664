// Volume claim templates of two versions of a StatefulSet compared: which are new, and whose size grew.
// ImmutableChange decides with it; ReconcilerContext lets the claims grow.
// It never shrinks or deletes a claim.

import JSON
import Kubernetes

/// A claim template that asks for more than the claims that were made from it have.
struct ClaimGrowth: Hashable {
    /// Of the template.
    let name: String
    /// A quantity.
    let storage: String
    let pods: Int

    /// The claims of a StatefulSet's pods (k8s.io/kubernetes, statefulset getPersistentVolumeClaimName).
    func claimNames(of statefulSet: String) -> [String] { (0..<pods).map { "\(name)-\(statefulSet)-\($0)" } }
}

enum VolumeClaims {
    /// Claims beyond so many pods are not looked at.
    static let podsMax = 1000

    private static let storagePath = ["spec", "resources", "requests", "storage"]

    private static func templates(_ statefulSet: JSONValue) -> [String: JSONValue] {
        let entries = (statefulSet.at("spec", "volumeClaimTemplates")?.array ?? []).map { ($0.metadata.name, $0) }
        return Dictionary(entries, uniquingKeysWith: { first, _ in first })
    }

    /// Names of templates that only the new version has.
    static func added(from old: JSONValue, to new: JSONValue) -> [String] {
        let before = templates(old)
        return templates(new).keys.filter { before[$0] == nil }.sorted()
    }

    /// Templates whose size grew.
    static func growing(from old: JSONValue, to new: JSONValue) -> [ClaimGrowth] {
        let before = templates(old)
        let pods = min(max(old.at("spec", "replicas")?.int ?? 1, old.at("status", "replicas")?.int ?? 0), podsMax)
        return templates(new).sorted { $0.key < $1.key }.compactMap { name, template in
            guard let wanted = template.at(storagePath)?.string, let size = Quantity(wanted),
                let given = before[name]?.at(storagePath)?.string.flatMap(Quantity.init), size > given
            else { return nil }
            return ClaimGrowth(name: name, storage: wanted, pods: pods)
        }
    }

    /// The change of one claim; nil when it is large enough.
    static func patch(_ claim: JSONValue, _ growth: ClaimGrowth) -> JSONValue? {
        guard let size = Quantity(growth.storage), let given = claim.at(storagePath)?.string.flatMap(Quantity.init), given < size else { return nil }
        var patch: JSONValue = [:]
        patch.set(storagePath, to: .string(growth.storage))
        return patch
    }
}
