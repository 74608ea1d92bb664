// Names that stand in series: shortened to what tells services apart, so that few of them say much.
// DNSLookups shortens the name of each lookup that is over.
// It never keeps an address: reverse lookups and names of pods by their address lose it.

enum DNSName {
    /// Suffixes of two labels below which everybody registers. A whole list has ten thousand of them and changes weekly; these are the common ones.
    private static let secondLevels: Set<String> = ["ac", "co", "com", "edu", "gob", "gov", "govt", "mil", "ne", "net", "nom", "or", "org", "school"]

    /// - Parameter name: in lower case, without the dot at the end.
    /// - Returns: `SERVICE.NAMESPACE.svc.ZONE` and `NAMESPACE.pod.ZONE` for names of a cluster, for others the registered domain: the last two labels,
    ///   three below a common suffix of two such as `co.uk`. `~other` for an address in the place of a name.
    static func reduced(_ name: String) -> String {
        let labels = name.split(separator: ".", omittingEmptySubsequences: true)
        guard let last = labels.last else { return "." }
        if last.allSatisfy(\.isNumber) { return overflowValue }
        let cluster = labels.lastIndex(of: "svc").map { (at: $0, before: 2) } ?? labels.lastIndex(of: "pod").map { (at: $0, before: 1) }
        // A zone has a label at least; without one it is somebody's domain called svc.
        if let cluster, cluster.at >= cluster.before, cluster.at < labels.count - 1, labels.count - cluster.at <= 5 {
            return labels[(cluster.at - cluster.before)...].joined(separator: ".")
        }
        let isCountry = last.utf8.count == 2 && labels.count >= 3
        let kept = isCountry && secondLevels.contains(String(labels[labels.count - 2])) ? 3 : 2
        return labels.suffix(kept).joined(separator: ".")
    }
}
