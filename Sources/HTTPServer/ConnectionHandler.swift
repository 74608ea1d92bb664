// One connection's state machine: reads a request within its limits and deadlines, starts the handler, watches for the client's end.
// HTTPServer puts one at the end of each connection's pipeline.
// It never runs the handler's code on the event loop, and never leaves the loop with its own state.

import Logging
import NIOCore
import NIOHTTP1
import NIOSSL

final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case waitingForHead
        case readingBody(HTTPRequestHead, [UInt8])
        case responding(Task<Void, Never>)
        /// An error answer has been written; what the client still sends is thrown away until it ends or the deadline passes.
        case refusing
        case closed
    }

    private let limits: HTTPServerLimits
    private let connections: ConnectionRegistry
    private let budget: BodyBudget
    private let logger: Logger
    private let handler: HTTPServer.Handler
    private var state = State.waitingForHead
    /// Of the budget, for the body that is being read.
    private var heldBytes = 0
    private var deadline: Scheduled<Void>?
    /// Parts of the next request: a client may send it as soon as it has the answer, before the handler's task has told that it is done.
    private var early: [HTTPServerRequestPart] = []
    private static let earlyPartsMax = 64

    init(limits: HTTPServerLimits, connections: ConnectionRegistry, budget: BodyBudget, logger: Logger, handler: @escaping HTTPServer.Handler) {
        self.limits = limits
        self.budget = budget
        self.connections = connections
        self.logger = logger
        self.handler = handler
    }

    func handlerAdded(context: ChannelHandlerContext) { setDeadline(limits.headDeadline, context) { $0.close(promise: nil) } }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .waitingForHead): begin(head, context)
        case (.body(let bytes), .readingBody(let head, let body)): read(bytes, head, body, context)
        case (.end, .readingBody(let head, let body)): respond(to: head, body: body, context)
        case (.end, .refusing): context.close(promise: nil)
        case (let part, .responding):
            guard early.count < Self.earlyPartsMax else { return context.close(promise: nil) }
            early.append(part)
        default: break  // The rest of a refused request.
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let signal = event as? ConnectionRegistry.Signal else { return context.fireUserInboundEventTriggered(event) }
        switch (signal, state) {
        case (.drain, .waitingForHead), (.stop, _): context.close(promise: nil)
        default: break  // The response that is under way sees `isDraining`; the registry has cancelled it if it is a stream.
        }
        if case .responding(let task) = state, signal == .stop { task.cancel() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (error, state) {
        case (HTTPParserError.headerOverflow, .waitingForHead): refuse(431, "the headers are longer than \(limits.maxHeaderBytes) bytes", context)
        case (is HTTPParserError, .waitingForHead), (is HTTPParserError, .readingBody): refuse(400, "this is no HTTP/1.1 request", context)
        default:
            logger.debug("connection failed", metadata: ["error": "\(error)"])
            context.close(promise: nil)
        }
    }

    private func read(_ bytes: ByteBuffer, _ head: HTTPRequestHead, _ body: consuming [UInt8], _ context: ChannelHandlerContext) {
        guard bytes.readableBytes <= limits.maxBodyBytes - body.count else { return refuseTooLong(context) }
        guard budget.take(bytes.readableBytes) else { return refuseForNow(context) }
        heldBytes += bytes.readableBytes
        state = .closed  // Gives up the shared storage of the body while it grows.
        body.append(contentsOf: bytes.readableBytesView)
        state = .readingBody(head, body)
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        guard length <= limits.maxBodyBytes else { return refuseTooLong(context) }
        guard budget.hasRoom(for: length) else { return refuseForNow(context) }
        state = .readingBody(head, [])
        setDeadline(limits.bodyDeadline, context) { [self] in refuse(408, "the body did not come in time", $0) }
        if head.headers.first(name: "expect")?.lowercased() == "100-continue" {
            context.writeAndFlush(wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: .continue))), promise: nil)
        }
    }

    private func respond(to head: HTTPRequestHead, body: [UInt8], _ context: ChannelHandlerContext) {
        deadline?.cancel()
        let target = RequestTarget(head.uri)
        let request = HTTPServerRequest(
            method: head.method.rawValue, path: target.path, query: target.query, headers: head.headers.map { ($0.name, $0.value) }, body: body,
            clientCertificateSubject: clientSubject(context))
        let writer = ResponseWriter(channel: context.channel, head: head, writeDeadline: limits.writeDeadline, connections: connections)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let (handler, connections, eventLoop, channel) = (handler, connections, context.eventLoop, context.channel)
        let (budget, heldBytes) = (budget, heldBytes)
        self.heldBytes = 0  // The task holds the body now, also when the connection is gone.
        let task = Task {
            let keepsAlive = await writer.write(handler(request))
            budget.give(heldBytes)
            eventLoop.execute {
                connections.taskEnded(on: channel)
                bound.value.0.responded(keepsAlive: keepsAlive, bound.value.1)
            }
        }
        state = .responding(task)
        connections.taskStarted(task, on: channel)
    }

    private func responded(keepsAlive: Bool, _ context: ChannelHandlerContext) {
        guard case .responding = state else { return }
        guard keepsAlive, !connections.isDraining else { return context.close(promise: nil) }
        state = .waitingForHead
        setDeadline(limits.headDeadline, context) { $0.close(promise: nil) }
        let parts = early
        early = []
        for part in parts { channelRead(context: context, data: NIOAny(part)) }
    }

    private func refuseTooLong(_ context: ChannelHandlerContext) { refuse(413, "the body is longer than \(limits.maxBodyBytes) bytes", context) }

    private func refuseForNow(_ context: ChannelHandlerContext) {
        refuse(503, "the server holds as much of other requests as it may; try again", headers: [("retry-after", "1")], context)
    }

    /// Answers without the handler and closes: at the end of the request when one is under way, so that the client reads the answer before a reset.
    private func refuse(_ status: Int, _ text: String, headers others: [(String, String)] = [], _ context: ChannelHandlerContext) {
        release()
        var headers = HTTPHeaders([("content-type", "text/plain; charset=utf-8"), ("connection", "close")] + others)
        headers.add(name: "content-length", value: String(text.utf8.count))
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        state = .refusing
        let linger: Duration = [413, 503].contains(status) ? min(limits.bodyDeadline, .seconds(5)) : .milliseconds(100)
        setDeadline(linger, context) { $0.close(promise: nil) }
    }

    /// Gives back what is held for a body that will not be answered.
    private func release() {
        budget.give(heldBytes)
        heldBytes = 0
    }

    private func end() {
        release()
        deadline?.cancel()
        if case .responding(let task) = state { task.cancel() }
        state = .closed
    }

    private func setDeadline(_ time: Duration, _ context: ChannelHandlerContext, _ action: @escaping (ChannelHandlerContext) -> Void) {
        deadline?.cancel()
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) { action(context) }
    }

    private func clientSubject(_ context: ChannelHandlerContext) -> CertificateSubject? {
        guard let tls = try? context.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self), let certificate = tls.peerCertificate,
            let der = try? certificate.toDERBytes()
        else { return nil }
        return CertificateSubject(der: der)
    }
}
