// The host and port that a URL names, and the checks that a request must pass before libcurl sees it.
// The loop uses it for error texts, the server name override and against header injection.
// It never decodes a URL: libcurl parses it again and refuses what it does not understand.

/// Scheme, host and port of a URL.
struct RequestTarget {
    let scheme: String
    /// As in the URL; an IPv6 address with its brackets.
    let host: String
    let port: Int
    /// Whatever follows the authority.
    let rest: String

    var peer: String { "\(host):\(port)" }

    init(_ request: HTTPRequest) throws(HTTPError) {
        try self.init(url: request.url)
        guard !request.method.isEmpty, request.method.utf8.allSatisfy(Self.isTokenByte) else {
            throw HTTPError(.invalidRequest, "The method of a request to \(peer) is no HTTP token. Use a method such as GET.")
        }
        for (name, value) in request.headers {
            guard !name.isEmpty, name.utf8.allSatisfy(Self.isTokenByte), !value.utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 }) else {
                throw HTTPError(
                    .invalidRequest,
                    "A header of a request to \(peer) has a character that HTTP forbids (RFC 9110, section 5). Check '\(Self.printable(name))'."
                )
            }
        }
    }

    init(url: String) throws(HTTPError) {
        guard let separator = url.range(of: "://") else { throw Self.malformed }
        scheme = url[..<separator.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https", url.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else { throw Self.malformed }
        let afterScheme = url[separator.upperBound...]
        let end = afterScheme.firstIndex { "/?#".contains($0) } ?? afterScheme.endIndex
        let authority = afterScheme[..<end]
        rest = String(afterScheme[end...])
        guard !authority.contains("@") else {
            throw HTTPError(.invalidRequest, "A URL holds a user or password. Take it out of the URL and send it as a header or in the credentials' own field.")
        }
        guard let (host, portText) = Self.split(authority), !host.isEmpty else { throw Self.malformed }
        self.host = host
        switch portText {
        case nil: port = scheme == "https" ? 443 : 80
        case let text?:
            guard let number = UInt16(text), number > 0 else { throw Self.malformed }
            port = Int(number)
        }
    }

    /// A server name becomes part of a URL, so it must be a host name or an address and nothing more.
    static func check(serverName: String) throws(HTTPError) {
        let isHost = serverName.utf8.allSatisfy { isTokenByte($0) && !"!#$%&'*+^`|~".utf8.contains($0) }
        guard !serverName.isEmpty, isHost else {
            throw HTTPError(.invalidRequest, "A TLS server name is no host name. Give a name such as api.example.org, without scheme, port and path.")
        }
    }

    private static var malformed: HTTPError {
        HTTPError(
            .invalidRequest, "A URL is not of the form http(s)://host[:port]/path in plain ASCII. Check the address, and percent-encode its path and query.")
    }

    private static func split(_ authority: Substring) -> (host: String, port: Substring?)? {
        let hostEnd: Substring.Index
        if authority.hasPrefix("[") {
            guard let bracket = authority.firstIndex(of: "]") else { return nil }
            hostEnd = authority.index(after: bracket)
        } else {
            hostEnd = authority.firstIndex(of: ":") ?? authority.endIndex
        }
        let tail = authority[hostEnd...]
        if tail.isEmpty { return (String(authority[..<hostEnd]), nil) }
        return tail.hasPrefix(":") ? (String(authority[..<hostEnd]), tail.dropFirst()) : nil
    }

    /// RFC 9110, section 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    private static func printable(_ name: String) -> String { String(name.prefix(64).map { $0.isASCII && ($0.asciiValue ?? 0) > 32 ? $0 : "?" }) }
}

extension StringProtocol {
    /// The first place of a short text; the standard library has no search without Foundation.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
