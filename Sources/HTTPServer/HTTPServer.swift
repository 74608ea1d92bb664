// An HTTP/1.1 server over SwiftNIO: keep-alive, limits and deadlines for requests, streamed responses with back-pressure, optional TLS.
// The operator serves its probes, metrics and webhook with it, the test API server everything.
// It never knows what it serves, and never waits for a slow client without a deadline.

public import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// A listening server. It must be shut down by its owner.
///
/// Thread rules: every method may be called from any task. The handler runs in a task of its own for each request; that task is cancelled when the
/// client goes away or the server stops, and `shutdown` waits for it.
public final class HTTPServer: Sendable {
    /// Answers one request.
    public typealias Handler = @Sendable (HTTPServerRequest) async -> HTTPServerResponse

    /// What was turned away because of a limit that all clients share.
    public enum Refusal: String, Sendable {
        /// One connection too many: closed.
        case connections
        /// No room for a body: answered with 503.
        case bodies
    }

    /// The port that is listened on, also when 0 was asked for.
    public let port: Int
    private let listener: any Channel
    private let group: MultiThreadedEventLoopGroup
    private let connections: ConnectionRegistry
    private let budget: BodyBudget
    private let tls: TLSHolder

    /// Connections closed because `HTTPServerLimits.maxConnections` were open.
    public var refusedConnections: Int { connections.refused }
    /// Requests answered with 503 because bodies of `HTTPServerLimits.maxBodyBytesTogether` were held.
    public var refusedBodies: Int { budget.refused }

    private init(
        port: Int, listener: any Channel, group: MultiThreadedEventLoopGroup, connections: ConnectionRegistry, budget: BodyBudget, tls: TLSHolder
    ) {
        self.tls = tls
        self.budget = budget
        self.port = port
        self.listener = listener
        self.group = group
        self.connections = connections
    }

    /// Binds and listens.
    /// - Parameter port: 0 takes any free port.
    /// - Parameter threads: Event loop threads; one is enough for probes.
    /// - Parameter refused: Called from any thread when a limit that all clients share turns one away.
    /// - Throws: `HTTPServerError` when the address cannot be bound or the certificate cannot be used.
    public static func start(
        host: String, port: Int, tls: HTTPServerTLS? = nil, limits: HTTPServerLimits = HTTPServerLimits(), threads: Int = 1,
        logger: Logger, refused: @escaping @Sendable (Refusal) -> Void = { _ in }, handler: @escaping Handler
    ) async throws -> HTTPServer {
        precondition(limits.maxBodyBytesTogether >= limits.maxBodyBytes, "one body alone must have room")
        guard (0...65535).contains(port) else { throw HTTPServerError(.bind, "cannot listen on \(host):\(port): a port is from 0 to 65535") }
        let holder = TLSHolder(try tls.map(Self.context))
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let connections = ConnectionRegistry(maxConnections: limits.maxConnections) { refused(.connections) }
        let budget = BodyBudget(maxBytes: limits.maxBodyBytesTogether) { refused(.bodies) }
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = ConnectionHandler(limits: limits, connections: connections, budget: budget, logger: logger, handler: handler)
                    try configure(channel, tlsContext: holder.context, limits: limits, connections: connections, connection)
                }
            }
        do {
            let listener = try await bootstrap.bind(host: host, port: port).get()
            return HTTPServer(
                port: listener.localAddress?.port ?? port, listener: listener, group: group, connections: connections, budget: budget, tls: holder)
        } catch {
            try? await group.shutdownGracefully()
            throw HTTPServerError(.bind, "cannot listen on \(host):\(port): \(error)")
        }
    }

    /// Takes another certificate for connections that are opened from now on; open ones go on with theirs.
    /// - Throws: `HTTPServerError` when it cannot be used, or when the server speaks plain HTTP; then nothing has changed.
    public func replaceTLS(_ tls: HTTPServerTLS) throws {
        guard self.tls.context != nil else { throw HTTPServerError(.tls, "the server at port \(port) was started without TLS") }
        self.tls.replace(try Self.context(tls))
    }

    /// Stops listening, lets running responses end and closes every connection; streams are cancelled at once.
    /// - Parameter grace: After this time what still runs is cancelled and its connection closed.
    public func shutdown(grace: Duration = .seconds(5)) async throws {
        try? await listener.close()
        connections.signal(.drain)
        let connections = connections
        let cutOff = group.next().scheduleTask(in: TimeAmount(grace)) { connections.signal(.stop) }
        await connections.waitUntilEmpty()
        cutOff.cancel()
        try await group.shutdownGracefully()
    }

    private static func configure(
        _ channel: any Channel, tlsContext: NIOSSLContext?, limits: HTTPServerLimits, connections: ConnectionRegistry, _ connection: ConnectionHandler
    ) throws {
        guard connections.admit(channel) else { throw ChannelError.ioOnClosedChannel }
        let pipeline = channel.pipeline.syncOperations
        if let tlsContext { try pipeline.addHandler(NIOSSLServerHandler(context: tlsContext)) }
        var decoderLimits = NIOHTTPDecoderLimitConfiguration()
        decoderLimits.maxHeaderListSize = limits.maxHeaderBytes
        decoderLimits.maxHeaderFieldSize = limits.maxHeaderBytes
        try pipeline.configureHTTPServerPipeline(
            withErrorHandling: false, withEncoderConfiguration: .init(), withDecoderLimitConfiguration: decoderLimits)
        try pipeline.addHandler(connection)
    }

    private static func context(_ tls: HTTPServerTLS) throws -> NIOSSLContext {
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(tls.certificatePEM).map { NIOSSLCertificateSource.certificate($0) }
            let key = try NIOSSLPrivateKey(bytes: tls.privateKeyPEM, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            if let clientCA = tls.clientCAPEM {
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(clientCA))
                configuration.certificateVerification = .optionalVerification
            }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw HTTPServerError(.tls, "the server's certificate or key, or the CA of its clients, cannot be used: \(error)")
        }
    }
}

/// What new connections speak TLS with; nil: they do not.
final class TLSHolder: Sendable {
    private let state: Mutex<NIOSSLContext?>

    init(_ context: NIOSSLContext?) { state = Mutex(context) }

    var context: NIOSSLContext? { state.withLock { $0 } }

    func replace(_ context: NIOSSLContext) { state.withLock { $0 = context } }
}

/// The open connections and the running handlers' tasks: what shutdown waits for.
final class ConnectionRegistry: Sendable {
    enum Signal: Sendable {
        /// Close after the response that is under way; end streams.
        case drain
        /// Cancel and close.
        case stop
    }

    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var tasks: [ObjectIdentifier: Task<Void, Never>] = [:]
        /// Channels whose response is a stream.
        var streams: Set<ObjectIdentifier> = []
        var signal: Signal?
        var refused = 0
    }

    private let state = Mutex(State())
    private let maxConnections: Int
    private let report: @Sendable () -> Void

    /// - Parameter report: Called for each connection that is one too many.
    init(maxConnections: Int, report: @escaping @Sendable () -> Void) {
        self.maxConnections = maxConnections
        self.report = report
    }

    var refused: Int { state.withLock { $0.refused } }
    var isDraining: Bool { state.withLock { $0.signal != nil } }

    /// Counts the channel in until it closes; false when it is one too many or the server stops.
    func admit(_ channel: any Channel) -> Bool {
        let id = ObjectIdentifier(channel)
        let (isAdmitted, isTooMany) = state.withLock { state in
            guard state.signal == nil else { return (false, false) }
            guard state.channels.count < maxConnections else {
                state.refused += 1
                return (false, true)
            }
            state.channels[id] = channel
            return (true, false)
        }
        if isTooMany { report() }
        if isAdmitted { channel.closeFuture.whenComplete { _ in self.state.withLock { $0.channels[id] = nil } } }
        return isAdmitted
    }

    /// Remembers the task that answers on this channel until `taskEnded`.
    func taskStarted(_ task: Task<Void, Never>, on channel: any Channel) { state.withLock { $0.tasks[ObjectIdentifier(channel)] = task } }

    func taskEnded(on channel: any Channel) {
        state.withLock { state in
            state.tasks[ObjectIdentifier(channel)] = nil
            state.streams.remove(ObjectIdentifier(channel))
        }
    }

    /// Marks the channel's response as one that ends only when it is cancelled.
    func streamStarted(on channel: any Channel) { state.withLock { _ = $0.streams.insert(ObjectIdentifier(channel)) } }

    func signal(_ signal: Signal) {
        let (channels, streams) = state.withLock { state in
            state.signal = signal
            return (Array(state.channels.values), state.streams.compactMap { state.tasks[$0] })
        }
        for task in streams { task.cancel() }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(signal) }
    }

    func waitUntilEmpty() async {
        while let channel = state.withLock({ $0.channels.values.first }) {
            try? await channel.closeFuture.get()
            // The future's own callback may run after this one; the entry is taken out by both.
            state.withLock { $0.channels[ObjectIdentifier(channel)] = nil }
        }
        while let task = state.withLock({ $0.tasks.popFirst()?.value }) { await task.value }
    }
}
