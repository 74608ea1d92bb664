// The requests that the status server understands: GET with a path, headers ignored (RFC 9112, sections 2 and 3).
// StatusConnection reads what has arrived with it after each read.
// It never keeps a header, and never accepts a request that it would have to guess about.

enum StatusRequest: Equatable {
    /// More bytes may make it a request.
    case incomplete
    case get(path: String)
    case refused(StatusAnswer)

    static let bytesMax = 1024

    init(_ bytes: some Collection<UInt8>) {
        if bytes.count > Self.bytesMax {
            self = .refused(.text(431, "a request may have \(Self.bytesMax) bytes"))
        } else if let line = Self.requestLine(bytes) {
            self = Self.read(line)
        } else {
            self = .incomplete
        }
    }

    /// The first line, once the empty line after the headers has arrived. Only CR LF ends a line.
    private static func requestLine(_ bytes: some Collection<UInt8>) -> [UInt8]? {
        let bytes = Array(bytes)
        let end: [UInt8] = [13, 10, 13, 10]
        guard bytes.count >= end.count, (0...bytes.count - end.count).contains(where: { bytes[$0..<$0 + end.count].elementsEqual(end) }) else { return nil }
        return Array(bytes.prefix { $0 != 13 })
    }

    private static func read(_ line: [UInt8]) -> StatusRequest {
        let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        let isVisible = line.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
        guard parts.count == 3, isVisible, parts[1].first == UInt8(ascii: "/") else { return .refused(.text(400, "this is no HTTP request")) }
        let version = String(decoding: parts[2], as: UTF8.self)
        guard version == "HTTP/1.1" || version == "HTTP/1.0" else { return .refused(.text(505, "HTTP/1.1 is spoken here")) }
        guard parts[0].elementsEqual("GET".utf8) else { return .refused(.text(405, "only GET is answered here")) }
        return .get(path: String(decoding: parts[1].prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self))
    }
}

extension StatusAnswer {
    /// The whole response; every connection carries one.
    var bytes: [UInt8] {
        let allow = status == 405 ? "allow: GET\r\n" : ""
        let head = "HTTP/1.1 \(status) \(phrase)\r\ncontent-type: \(contentType)\r\ncontent-length: \(body.count)\r\n\(allow)connection: close\r\n\r\n"
        return Array(head.utf8) + body
    }

    private var phrase: String {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 431: "Request Header Fields Too Large"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        default: "Error"
        }
    }
}
