// The formats that strings in our resources may have, each with its test in Swift and its pattern for an API server.
// Schema checks and the generated custom resource definitions use the same rule by its name.
// It never resolves or contacts what a string names.

/// A format of a string.
public enum TextRule: String, Sendable, CaseIterable {
    /// No rule beyond the length.
    case free
    /// A DNS label (RFC 1123), such as a namespace.
    case dnsLabel
    /// A DNS subdomain (RFC 1123), such as an object's name.
    case dnsSubdomain
    /// An OTLP base URL: `http(s)://host[:port][/path]`.
    case httpURL
    /// A system call's name as `syscalls(2)` lists it.
    case systemCall
    /// An HTTP field name (RFC 9110).
    case headerName

    /// The regular expression (RE2) for an API server; nil when there is nothing to check.
    public var pattern: String? {
        switch self {
        case .free: nil
        case .dnsLabel: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
        case .dnsSubdomain: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
        case .httpURL: "^https?://[^/?#@\\s]+(/[^?#\\s]*)?$"
        case .systemCall: "^[a-z_][a-z0-9_]*$"
        case .headerName: "^[-!#$%&'*+.^_`|~A-Za-z0-9]+$"
        }
    }

    /// What the string must be, for a message.
    public var meaning: String {
        switch self {
        case .free: "any text"
        case .dnsLabel: "lower-case letters, digits and hyphens"
        case .dnsSubdomain: "lower-case letters, digits, hyphens and dots"
        case .httpURL: "a URL http(s)://host[:port][/path] without user, query and fragment"
        case .systemCall: "a system call's name in lower case"
        case .headerName: "an HTTP header name"
        }
    }

    public var example: String {
        switch self {
        case .free: "text"
        case .dnsLabel: "checkout"
        case .dnsSubdomain: "ebpf-pipeline"
        case .httpURL: "http://gateway-collector.observability.svc:4318"
        case .systemCall: "epoll_wait"
        case .headerName: "x-tenant"
        }
    }

    /// Whether the text has this format.
    public func accepts(_ text: String) -> Bool {
        switch self {
        case .free: true
        case .dnsLabel: Self.isLabel(text[...])
        case .dnsSubdomain: text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(Self.isLabel)
        case .httpURL: Self.isURL(text)
        case .systemCall:
            !text.isEmpty && text.utf8.allSatisfy { Self.isLower($0) || Self.isDigit($0) || $0 == UInt8(ascii: "_") } && !Self.isDigit(text.utf8.first ?? 0)
        case .headerName: !text.isEmpty && text.utf8.allSatisfy(Self.isToken)
        }
    }

    private static func isLabel(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        let isInner = text.utf8.allSatisfy { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
        return isInner && first != UInt8(ascii: "-") && last != UInt8(ascii: "-")
    }

    private static func isURL(_ text: String) -> Bool {
        let rest: Substring
        if text.hasPrefix("http://") { rest = text.dropFirst(7) } else if text.hasPrefix("https://") { rest = text.dropFirst(8) } else { return false }
        let host = rest.prefix { $0 != "/" }
        let isClean = !rest.contains { $0 == "?" || $0 == "#" || $0.isWhitespace }
        return !host.isEmpty && isClean && !host.contains("@")
    }

    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isToken(_ byte: UInt8) -> Bool {
        isLower(byte) || isDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || "-!#$%&'*+.^_`|~".utf8.contains(byte)
    }
}
