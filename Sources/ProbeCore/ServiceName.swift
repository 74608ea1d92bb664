// `service.name` of a pod: its name without what a controller generated, so that all pods of one workload are one service.
// Owner puts it into resources.
// It never asks the API server which controller it was: the agent has no token, so the forms of names must do.

/// The rules, first match wins:
///
/// | form of the name | made by | service |
/// |---|---|---|
/// | `<name>-<hash>-<5>` | ReplicaSet of a Deployment | `<name>` |
/// | `<name>-<8 digits>-<5>` | Job of a CronJob | `<name>` |
/// | `<name>-<5>` | DaemonSet, Job, bare ReplicaSet | `<name>` |
/// | `<58 characters><5>` | the same, of a name that was cut | what is left, without a cut hash |
/// | `<name>-<digits>` | StatefulSet | `<name>` |
/// | `<name>-<node>` | static pod | `<name>` |
/// | anything else | a bare pod | the name |
///
/// Generated characters are those of Kubernetes' `rand.SafeEncodeString`: no vowels and none of 0, 1, 3, so words are rarely taken for them.
enum ServiceName {
    static func of(pod: String, node: String?) -> String {
        if let node, !node.isEmpty, pod.hasSuffix("-\(node)"), pod.utf8.count > node.utf8.count + 1 {
            return String(pod.dropLast(node.count + 1))
        }
        if let (rest, last) = splitLast(pod[...]) {
            if last.utf8.count == 5, isGenerated(last) { return withoutOwnersSuffix(rest) }
            if isDigits(last) { return String(rest) }
        }
        return withoutCutSuffix(pod)
    }

    /// A ReplicaSet's template hash (a 32-bit number in decimal, encoded) or the minute for which a CronJob made its Job.
    private static func withoutOwnersSuffix(_ name: Substring) -> String {
        guard let (rest, last) = splitLast(name) else { return String(name) }
        let isTemplateHash = (6...10).contains(last.utf8.count) && isGenerated(last)
        let isMinute = last.utf8.count == 8 && isDigits(last)
        return String(isTemplateHash || isMinute ? rest : name)
    }

    /// `generateName` is cut at 58 characters (apiserver's names.SimpleNameGenerator), so the five characters may follow without a dash.
    private static func withoutCutSuffix(_ pod: String) -> String {
        guard pod.utf8.count == 63, isGenerated(pod.suffix(5)) else { return pod }
        let name = pod.dropLast(5)
        guard let (rest, last) = splitLast(name), last.utf8.count <= 10, isGenerated(last), last.contains(where: \.isNumber) else { return String(name) }
        return String(rest)
    }

    private static func splitLast(_ name: Substring) -> (rest: Substring, last: Substring)? {
        guard let dash = name.lastIndex(of: "-"), dash > name.startIndex else { return nil }
        return (name[..<dash], name[name.index(after: dash)...])
    }

    private static let generated = Set("bcdfghjklmnpqrstvwxz2456789".utf8)

    private static func isGenerated(_ text: Substring) -> Bool { !text.isEmpty && text.utf8.allSatisfy(generated.contains) }

    private static func isDigits(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
