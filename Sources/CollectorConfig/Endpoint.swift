// Listen addresses as collectors write them: `0.0.0.0:4317`, `[::]:4317`, `${env:MY_POD_IP}:4317`, `:4317`, `http://host:9090/path`.
// Port inference, defaulting and the search for an OTLP receiver read them.
// It never resolves a name or an environment variable.

/// Reads listen addresses.
public enum Endpoint {
    /// The port at the end of an address; nil when there is none or it comes from a variable.
    public static func port(_ text: String?) -> Int? {
        guard let text else { return nil }
        let digits = authority(text).split(separator: ":", omittingEmptySubsequences: false).last.map(String.init) ?? ""
        guard authority(text).contains(":"), !digits.isEmpty, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let port = Int(digits), (1...65535).contains(port)
        else { return nil }
        return port
    }

    /// Whether the address has a URL's scheme, as the address of something remote has.
    public static func isURL(_ text: String) -> Bool { text.hasPrefix("http://") || text.hasPrefix("https://") }

    /// Whether only processes of the same pod can reach the address.
    public static func isLoopback(_ text: String) -> Bool {
        let host = authority(text)
        return host.hasPrefix("localhost:") || host.hasPrefix("127.") || host.hasPrefix("[::1]")
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
