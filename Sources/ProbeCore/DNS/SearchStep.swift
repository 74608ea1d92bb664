// Whether a name is the next step of a search list after another one (resolv.conf(5): search, ndots).
// DNSLookupTable asks it for each query that follows a failed lookup of the same process.
// It never knows the search list: it compares the two names.

enum SearchStep {
    /// - Parameters:
    ///   - name: what was not found, and `next` what is asked for now; both have the same first label.
    ///   - base: what the program asked for, when an earlier step has shown it.
    /// - Returns: the base, when the names alone show that they are steps of one search; otherwise nil.
    static func base(of name: String, next: String, known base: String?) -> String? {
        if let base { return next == base || next.hasPrefix(base + ".") ? base : nil }
        // The absolute name comes last, or first when it has dots enough.
        if name.hasPrefix(next + ".") { return next }
        if next.hasPrefix(name + ".") { return name }
        // Domains of a cluster's list lie in one another: NAMESPACE.svc.ZONE, svc.ZONE, ZONE.
        let common = commonLabels(name, next)
        let domain = name.dropFirst(common.utf8.count), nextDomain = next.dropFirst(common.utf8.count)
        return domain.hasSuffix(nextDomain) || nextDomain.hasSuffix(domain) ? common : nil
    }

    /// The labels with which both names begin.
    static func commonLabels(_ first: String, _ second: String) -> String {
        zip(first.split(separator: "."), second.split(separator: ".")).prefix { $0 == $1 }.map { String($0.0) }.joined(separator: ".")
    }
}
