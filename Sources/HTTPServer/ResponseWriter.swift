// Writes one response from the handler's task: each part waits until the socket has taken the one before, within a deadline.
// ConnectionHandler makes one for each request.
// It never reads, and never decides about the connection beyond telling whether it can be used again.

import NIOCore
import NIOHTTP1

struct ResponseWriter: Sendable {
    let channel: any Channel
    let head: HTTPRequestHead
    let writeDeadline: Duration
    let connections: ConnectionRegistry

    /// Writes everything; true when the connection can take another request.
    func write(_ response: HTTPServerResponse) async -> Bool {
        do {
            switch response.body {
            case .bytes(let bytes): try await write(response, bytes)
            case .stream(let pull): try await write(response, pull)
            }
            return head.isKeepAlive
        } catch {
            return false  // The connection broke, or the stream was cut on purpose: the client sees a broken response.
        }
    }

    private func write(_ response: HTTPServerResponse, _ bytes: [UInt8]) async throws {
        var headers = self.headers(response)
        if response.status >= 200, response.status != 204, response.status != 304 {
            headers.replaceOrAdd(name: "content-length", value: String(bytes.count))
        }
        channel.write(HTTPServerResponsePart.head(responseHead(response, headers)), promise: nil)
        if head.method != .HEAD, !bytes.isEmpty { channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: bytes))), promise: nil) }
        try await flush(.end(nil))
    }

    private func write(_ response: HTTPServerResponse, _ pull: @Sendable () async throws -> [UInt8]?) async throws {
        connections.streamStarted(on: channel)
        try await flush(.head(responseHead(response, headers(response))))
        if head.method != .HEAD {
            while let chunk = try await nextChunk(pull) {
                if !chunk.isEmpty { try await flush(.body(.byteBuffer(ByteBuffer(bytes: chunk)))) }
            }
        }
        try await flush(.end(nil))
    }

    /// The next chunk; nil at the stream's end, and when the server drains: then the stream ends properly, as an API server ends its watches.
    private func nextChunk(_ pull: @Sendable () async throws -> [UInt8]?) async throws -> [UInt8]? {
        if connections.isDraining { return nil }
        do {
            return try await pull()
        } catch is CancellationError where connections.isDraining {
            return nil
        }
    }

    private func flush(_ part: HTTPServerResponsePart) async throws {
        let tooSlow = channel.eventLoop.scheduleTask(in: TimeAmount(writeDeadline)) { [channel] in channel.close(promise: nil) }
        defer { tooSlow.cancel() }
        try await channel.writeAndFlush(part).get()
    }

    private func headers(_ response: HTTPServerResponse) -> HTTPHeaders {
        var headers = HTTPHeaders(response.headers.map { ($0.name, $0.value) })
        if !head.isKeepAlive || connections.isDraining { headers.replaceOrAdd(name: "connection", value: "close") }
        return headers
    }

    private func responseHead(_ response: HTTPServerResponse, _ headers: HTTPHeaders) -> HTTPResponseHead {
        HTTPResponseHead(version: head.version, status: HTTPResponseStatus(statusCode: response.status), headers: headers)
    }
}
