// Listen addresses as collectors write them: `0.0.0.0:4317`, `[::]:4317`, `${env:MY_POD_IP}:4317`, `:4317`, `http://host:9090/path`.
// Port inference, defaulting and the search for an OTLP receiver read them.
// It never resolves a name or an environment variable.

/// Reads listen addresses.
public enum Endpoint {
    /// The port of an address: the first number after a colon, an IPv6 host aside; nil when there is none or it comes from a variable.
    public static func port(_ text: String?) -> Int? {
        var rest = (text ?? "")[...]
        if let opening = rest.firstIndex(of: "["), let closing = rest[opening...].firstIndex(of: "]") { rest = rest[closing...] }
        while let colon = rest.firstIndex(of: ":") {
            rest = rest[rest.index(after: colon)...]
            let digits = rest.prefix { $0.isASCII && $0.isWholeNumber }
            if !digits.isEmpty { return Int(digits).flatMap { (1...65535).contains($0) ? $0 : nil } }
        }
        return nil
    }

    /// The host of an address without brackets: empty for `:4317`, `${env:MY_POD_IP}` for a variable.
    static func host(_ text: String) -> String {
        let authority = authority(text)
        if authority.hasPrefix("["), let closing = authority.firstIndex(of: "]") {
            return String(authority[authority.index(after: authority.startIndex)..<closing])
        }
        if authority.hasPrefix("${"), let closing = authority.firstIndex(of: "}") { return String(authority[...closing]) }
        return String(authority.prefix { $0 != ":" })
    }

    /// Whether only processes of the same pod can reach the address.
    public static func isLoopback(_ text: String) -> Bool {
        let host = host(text)
        return host == "localhost" || host.hasPrefix("127.") || host == "::1"
    }

    /// Whether two hosts surely stand for the same interface: equal, `localhost` and its usual address, or one of them all interfaces. Two addresses of the
    /// loopback network, or of two families, are two.
    static func overlap(_ left: String, _ right: String) -> Bool {
        let (one, other) = (host(left), host(right))
        let all: Set<String> = ["", "0.0.0.0", "::"]
        return one == other || all.contains(one) || all.contains(other) || Set([one, other]) == ["localhost", "127.0.0.1"]
    }

    /// `:4317` and `4317` with the host filled in; other text as it is.
    static func withHost(_ text: String) -> String {
        if text.hasPrefix(":") { return "0.0.0.0\(text)" }
        return Int(text) == nil ? text : "0.0.0.0:\(text)"
    }

    /// Without scheme and path. Variables may contain `:` and `/`, so a scheme must stand at the start.
    private static func authority(_ text: String) -> Substring {
        var rest = text[...]
        for scheme in ["http://", "https://", "tcp://", "udp://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        guard !rest.hasPrefix("${") else { return rest }
        return rest.prefix { $0 != "/" }
    }
}
