// Paths that stand in series: numbers and ids taken out, so that files of one kind are one series, and secrets not at all.
// FileTable makes a template of each path that the kernel sent.
// It never lets a name through that a redaction covers, whole or in part.

/// A file's path within the root directory of who uses it.
struct FilePath: Hashable, Sendable {
    /// From the root down.
    var components: [String]
    /// Upper components are missing.
    var isCut: Bool

    /// What stands for a path that is not told.
    static let redacted = "~redacted"
    /// Paths below these are nobody's business but their owner's.
    static let redactedPrefixes = ["/home", "/root", "/run/secrets", "/var/run/secrets", "/etc/kubernetes/pki", "/etc/ssl/private"]
    /// A component with one of these words names a secret.
    static let redactedWords = ["secret", "token", "password", "passwd", "credential", "private"]
    /// Of a longer path the middle is left out.
    static let componentsMax = 8

    /// - Parameter redact: prefixes beside the built-in ones: whole components, `/data/keys` does not cover `/data/keys2`.
    func template(redacting redact: [String]) -> String {
        // What is missing may be a prefix that is not told.
        if isCut { return Self.redacted }
        if (Self.redactedPrefixes + redact).contains(where: isBelow) { return Self.redacted }
        if components.contains(where: Self.isSecret) { return Self.redacted }
        var parts = components.map(Self.template)
        if parts.count > Self.componentsMax { parts.replaceSubrange(4..<parts.count - 3, with: ["**"]) }
        return "/" + parts.joined(separator: "/")
    }

    private func isBelow(_ prefix: String) -> Bool {
        let wanted = prefix.split(separator: "/").map(String.init)
        return components.count >= wanted.count && components.prefix(wanted.count).elementsEqual(wanted)
    }

    private static func isSecret(_ component: String) -> Bool {
        let lower = component.lowercased()
        return redactedWords.contains { lower.contains($0) }
    }

    /// `segment-12.log` → `segment-*.log`, `550e8400-e29b-41d4-a716-446655440000` → `*`; `x86_64` and `libz.so` stay.
    static func template(_ component: String) -> String {
        var out = ""
        var run = ""
        for character in withoutUUIDs(component) + "\u{0}" {
            if character.isASCII, character.isLetter || character.isNumber {
                run.append(character)
                continue
            }
            out += varied(run, after: out.last)
            run = ""
            if character != "\u{0}" { out.append(character) }
        }
        // Ids are written with any of these between their parts.
        for separator in ["-", "_", ".", ":"] { while let range = out.firstRange(of: "*\(separator)*") { out.replaceSubrange(range, with: "*") } }
        return out
    }

    /// RFC 9562, 4: 8, 4, 4, 4 and 12 hexadecimal digits.
    private static func withoutUUIDs(_ component: String) -> String {
        var bytes = Array(component.utf8)
        let dashes: Set<Int> = [8, 13, 18, 23]
        var place = 0
        while place + 36 <= bytes.count {
            let isUUID = (0..<36).allSatisfy { index in
                let byte = bytes[place + index]
                return dashes.contains(index) ? byte == UInt8(ascii: "-") : Character(UnicodeScalar(byte)).isHexDigit
            }
            if isUUID { bytes.replaceSubrange(place..<place + 36, with: [UInt8(ascii: "*")]) }
            place += 1
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Letters and digits with nothing between them: an id becomes `*`, and so do numbers, alone or behind letters.
    private static func varied(_ run: String, after separator: Character?) -> String {
        let digits = run.reduce(0) { $0 + ($1.isNumber ? 1 : 0) }
        if digits == run.count { return digits >= 3 || digits > 0 && separator != "_" ? "*" : run }
        // A time, as in 20240102T101112Z.
        if run.first?.isNumber == true, run.allSatisfy({ $0.isNumber || $0 == "T" || $0 == "Z" }) { return "*" }
        if digits > 0 && run.count >= 8 && run.allSatisfy(\.isHexDigit) || digits >= 2 && run.count >= 16 { return "*" }
        var out = ""
        var number = ""
        for character in run + " " {
            if character.isNumber {
                number.append(character)
            } else {
                out += number.count >= 3 ? "*" : number
                number = ""
                if character != " " { out.append(character) }
            }
        }
        return out
    }
}
