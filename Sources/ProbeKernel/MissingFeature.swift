// What a kernel lacks, read from its own words: the helper, the kind of map.
// Used for the reasons of hooks that do not load.
// Never decides anything: a line that is not known here stays as the kernel wrote it.

/// The feature that a refused program wanted, in words; nil when the log does not say.
func missingFeature(in log: String) -> String? {
    for line in log.split(separator: "\n") {
        if let map = text(in: line, between: "map '", and: "': failed to create: Invalid argument") {
            return "this kernel cannot make the map \(map): task storage for programs came with Linux 5.11, ring buffers with 5.8"
        }
        guard let place = line.range(of: "unknown func ") ?? line.range(of: "invalid func ") else { continue }
        // `unknown func bpf_sk_storage_get#107`, `invalid func unknown#158`
        let number = line[place.upperBound...].split(separator: "#").last.flatMap { UInt32($0.prefix(while: \.isNumber)) }
        guard let number else { continue }
        guard let helper = helpers[number] else { return "this kernel does not let programs of this kind call helper \(number)" }
        return "this kernel does not let tracing programs call \(helper.name) (Linux \(helper.kernel))"
    }
    return nil
}

/// Helpers that came to tracing programs after 5.8 and that our programs call (include/uapi/linux/bpf.h).
private let helpers: [UInt32: (name: String, kernel: String)] = [
    46: ("bpf_get_socket_cookie", "5.12"), 107: ("bpf_sk_storage_get", "5.11"), 156: ("bpf_task_storage_get", "5.11"),
    158: ("bpf_get_current_task_btf", "5.11"), 175: ("bpf_task_pt_regs", "5.15"),
]

private func text(in line: Substring, between start: String, and end: String) -> Substring? {
    guard let first = line.range(of: start), let last = line.range(of: end), first.upperBound <= last.lowerBound else { return nil }
    return line[first.upperBound..<last.lowerBound]
}

/// Whether a release (`5.10.0-32-cloud-amd64`) is older than a version (`5.11`); false when one of them is no version.
func isOlder(_ release: String, than version: String) -> Bool {
    guard let first = numbers(release), let second = numbers(version) else { return false }
    return first < second
}

private func numbers(_ text: String) -> (Int, Int)? {
    let parts = text.split(separator: ".", maxSplits: 2)
    guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1].prefix(while: \.isNumber)) else { return nil }
    return (major, minor)
}

extension Substring {
    /// The first place of a text; the standard library has no search without its regular expressions.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
