// One transfer in two halves: `Transfer` is what tasks and the loop share, `EasyTransfer` is libcurl's side of it.
// HTTPClient makes the first, the loop thread makes the second and frees it.
// An EasyTransfer never leaves the loop thread.

import CCurl
import Synchronization

/// What a task and the loop thread share: the request and the state of the exchange.
final class Transfer: Sendable {
    let request: HTTPRequest
    let target: RequestTarget
    private let exchange: Mutex<Exchange>

    let tls: TLSConfiguration

    init(_ request: HTTPRequest, mode: BodyMode, defaultTLS: TLSConfiguration) throws(HTTPError) {
        self.request = request
        tls = request.tls ?? defaultTLS
        target = try RequestTarget(request)
        if let name = tls.serverName { try RequestTarget.check(serverName: name) }
        exchange = Mutex(Exchange(mode: mode))
    }

    /// Reads or changes the state; what it returns is performed by the caller outside of the lock.
    func withState<Result: Sendable>(_ body: (inout Exchange) -> sending Result) -> Result { exchange.withLock { body(&$0) } }

    func finish(_ result: Result<Void, any Error>) { exchange.withLock { $0.onFinished(result) }.perform() }

    var isStream: Bool { exchange.withLock { if case .stream = $0.mode { true } else { false } } }
}

/// libcurl's side of a transfer. Confined to the loop thread: made, used and freed there.
final class EasyTransfer {
    let transfer: Transfer
    let handle: UnsafeMutableRawPointer
    let isStream: Bool
    private let isHTTP2: Bool
    /// Why a callback made libcurl stop; says more than libcurl's own code.
    private(set) var refusal: HTTPError?
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var connectTo: UnsafeMutablePointer<curl_slist>?
    private let errorText: UnsafeMutablePointer<CChar>
    private let headDeadline: ContinuousClock.Instant?
    private var lastByte: ContinuousClock.Instant

    /// Nil when libcurl has no memory for another handle.
    init?(_ transfer: Transfer, settings: HTTPClient.Configuration) {
        guard let handle = curl_easy_init() else { return nil }
        self.transfer = transfer
        self.handle = handle
        isStream = transfer.isStream
        isHTTP2 = transfer.request.version == .http2
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        lastByte = .now
        headDeadline = isStream || isHTTP2 ? lastByte + (transfer.request.timeout ?? HTTPRequest.defaultTimeout) : nil
        setDestination(settings)
        setTLS(transfer.tls)
        setRequest()
        setCallbacks()
    }

    /// The caller has taken the handle out of the multi handle.
    deinit {
        curl_easy_cleanup(handle)
        curl_slist_free_all(headerList)
        curl_slist_free_all(connectTo)
        errorText.deallocate()
    }

    /// The transfer behind a handle of the loop that is still alive.
    static func of(_ handle: UnsafeMutableRawPointer) -> EasyTransfer? {
        var pointer: UnsafeMutableRawPointer?
        guard sonde_easy_get_pointer(handle, CURLINFO_PRIVATE, &pointer) == CURLE_OK, let pointer else { return nil }
        return Unmanaged<EasyTransfer>.fromOpaque(pointer).takeUnretainedValue()
    }

    func result(_ code: CURLcode) -> Result<Void, any Error> {
        if let refusal { return .failure(refusal) }
        if code == CURLE_OK { return .success(()) }
        // What does not know HTTP/2 answers its preface with something else, or hangs up: libcurl 7.88 sees no answer in either.
        if code == CURLE_GOT_NOTHING, isHTTP2, transfer.target.scheme == "http" {
            return .failure(
                HTTPError(
                    .otherProtocol, "\(transfer.target.peer) ended the connection without an answer in HTTP/2. Unless it is just stopping, check the port."))
        }
        let own = String(cString: errorText)
        let detail = own.isEmpty ? String(cString: curl_easy_strerror(code)) : own
        let error = HTTPError(code, peer: transfer.target.peer, detail: detail)
        // An alert that libcurl tells of says more.
        if error.code == .broken, lacksCertificate(code) {
            let guess = "it ended a new connection before it answered: it may want a client certificate, and none is set"
            return .failure(HTTPError(CURLE_SSL_CLIENTCERT, peer: transfer.target.peer, detail: guess))
        }
        return .failure(error)
    }

    /// Whether this looks like a server that asked for a certificate in vain. Over HTTP/2 libcurl 7.88 does not tell the alert that says so in TLS 1.3.
    private func lacksCertificate(_ code: CURLcode) -> Bool {
        let cutOff = [CURLE_PARTIAL_FILE, CURLE_HTTP2_STREAM, CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR]
        guard cutOff.contains(code), transfer.target.scheme == "https", isHTTP2 else { return false }
        let tls = transfer.tls
        guard tls.clientCertificatePEM == nil, tls.clientCertificateFile == nil, transfer.withState({ $0.head.status == 0 }) else { return false }
        var newConnections = 0
        return sonde_easy_get_long(handle, CURLINFO_NUM_CONNECTS, &newConnections) == CURLE_OK && newConnections > 0
    }

    /// Before the handle is taken out: a request that gets no answer must not leave its connection to the next one. libcurl closes HTTP/1.1 connections
    /// then, but keeps those of HTTP/2, for other streams.
    func abandonConnection() { if isHTTP2 { set(CURLOPT_FORBID_REUSE, 1) } }

    // MARK: Deadlines of streams and of HTTP/2; libcurl counts those of whole HTTP/1.1 responses itself

    var isTimedHere: Bool { headDeadline != nil }

    /// When the transfer is given up unless something arrives; nil when nothing limits the wait.
    var deadline: ContinuousClock.Instant? {
        guard isStream else { return headDeadline }
        let (hasHead, isPaused) = transfer.withState { ($0.isHeadComplete, $0.isPaused) }
        guard hasHead else { return headDeadline }
        // A paused transfer waits for its consumer, not for the server.
        guard !isPaused, let idle = transfer.request.idleTimeout else { return nil }
        return lastByte + idle
    }

    var deadlineError: HTTPError {
        guard isStream else {
            let timeout = transfer.request.timeout ?? HTTPRequest.defaultTimeout
            return HTTPError(CURLE_OPERATION_TIMEDOUT, peer: transfer.target.peer, detail: "no complete answer within \(timeout)")
        }
        let hasHead = transfer.withState { $0.isHeadComplete }
        let what =
            hasHead
            ? "sent nothing for \(transfer.request.idleTimeout ?? .zero)" : "did not answer within \(transfer.request.timeout ?? HTTPRequest.defaultTimeout)"
        return HTTPError(
            .timeout, "\(transfer.target.peer) \(what) on a stream. Check that the server is healthy and that nothing between drops idle connections.")
    }

    /// Goes on after a pause; libcurl may call the write callback from inside.
    func resume() -> CURLcode {
        lastByte = .now
        transfer.withState { $0.onResumed() }
        return sonde_easy_continue(handle)
    }

    // MARK: Options

    private func set(_ option: CURLoption, _ value: Int) { _ = sonde_easy_set_long(handle, option, value) }
    private func set(_ option: CURLoption, _ value: String?) { _ = sonde_easy_set_string(handle, option, value) }

    private func setDestination(_ settings: HTTPClient.Configuration) {
        set(CURLOPT_URL, transfer.request.url)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_NOSIGNAL, 1)
        // A name that resolves slowly must not hold up the loop when its transfer ends early.
        set(CURLOPT_QUICK_EXIT, 1)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_TCP_KEEPIDLE, 30)
        set(CURLOPT_TCP_KEEPINTVL, 10)
        _ = sonde_easy_set_unacknowledged_max(handle, UInt32(clamping: settings.unacknowledgedMax.wholeMilliseconds))
        set(CURLOPT_CONNECTTIMEOUT_MS, settings.connectTimeout.wholeMilliseconds)
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        if let proxy = settings.proxy { set(CURLOPT_PROXY, proxy) }
        setVersion()
        guard isStream else {
            if !isHTTP2 { set(CURLOPT_TIMEOUT_MS, (transfer.request.timeout ?? HTTPRequest.defaultTimeout).wholeMilliseconds) }
            return
        }
        // A stream ends by being dropped, mostly; its connection is not worth keeping.
        useOwnConnection()
    }

    private func useOwnConnection() {
        set(CURLOPT_FRESH_CONNECT, 1)
        set(CURLOPT_FORBID_REUSE, 1)
    }

    /// HTTP/1.1 unless asked: with libcurl 7.88 a paused HTTP/2 stream holds up all others on its connection, and CurlLoop says what else goes wrong.
    private func setVersion() {
        guard isHTTP2 else { return set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)) }
        if transfer.target.scheme == "https" { return set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS)) }
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE))
        // A proxy forwards HTTP/1.1 only; through a tunnel anything goes.
        set(CURLOPT_HTTPPROXYTUNNEL, 1)
        // libcurl 7.88 begins HTTP/2 once more on an idle connection that it takes again (Curl_http2_may_switch), which ends it. With ALPN it does not.
        useOwnConnection()
    }

    private func setTLS(_ tls: TLSConfiguration) {
        guard transfer.target.scheme == "https" else { return }
        if tls.caPEM != nil || tls.caFile != nil { set(CURLOPT_CAPATH, nil) }  // Otherwise the system's authorities would count too.
        setPEM(tls.caPEM, tls.caFile, blob: CURLOPT_CAINFO_BLOB, file: CURLOPT_CAINFO)
        setPEM(tls.clientCertificatePEM, tls.clientCertificateFile, blob: CURLOPT_SSLCERT_BLOB, file: CURLOPT_SSLCERT)
        setPEM(tls.clientKeyPEM, tls.clientKeyFile, blob: CURLOPT_SSLKEY_BLOB, file: CURLOPT_SSLKEY)
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if tls.insecureSkipVerify {
            set(CURLOPT_SSL_VERIFYPEER, 0)
            set(CURLOPT_SSL_VERIFYHOST, 0)
        }
        guard let name = tls.serverName, name != transfer.target.host else { return }
        // libcurl takes SNI and the name to verify from the URL, so the URL gets the name and the connection goes where the URL pointed.
        set(CURLOPT_URL, "https://\(name):\(transfer.target.port)\(transfer.target.rest)")
        connectTo = curl_slist_append(nil, "\(name):\(transfer.target.port):\(transfer.target.host):\(transfer.target.port)")
        _ = sonde_easy_set_pointer(handle, CURLOPT_CONNECT_TO, connectTo)
        headerList = curl_slist_append(headerList, "Host: \(transfer.target.peer)")
    }

    private func setPEM(_ bytes: [UInt8]?, _ path: String?, blob: CURLoption, file: CURLoption) {
        if let bytes {
            _ = bytes.withUnsafeBytes { sonde_easy_set_blob(handle, blob, $0.baseAddress, $0.count) }
        } else if let path {
            set(file, path)
        }
    }

    private func setRequest() {
        let request = transfer.request
        for (name, value) in request.headers { headerList = curl_slist_append(headerList, value.isEmpty ? "\(name);" : "\(name): \(value)") }
        if let body = request.body {
            _ = body.withUnsafeBytes { sonde_easy_set_body(handle, $0.baseAddress, $0.count) }
            // libcurl would add its form type, and wait a second for 100 Continue that many servers never send.
            if !request.headers.contains(where: { $0.0.lowercased() == "content-type" }) { headerList = curl_slist_append(headerList, "Content-Type:") }
            headerList = curl_slist_append(headerList, "Expect:")
        }
        if request.method == "HEAD" { set(CURLOPT_NOBODY, 1) } else { set(CURLOPT_CUSTOMREQUEST, request.method) }
        if let headerList { _ = sonde_easy_set_pointer(handle, CURLOPT_HTTPHEADER, headerList) }
    }

    private func setCallbacks() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        _ = sonde_easy_set_pointer(handle, CURLOPT_PRIVATE, context)
        _ = sonde_easy_set_pointer(handle, CURLOPT_ERRORBUFFER, errorText)
        _ = sonde_easy_set_pointer(handle, CURLOPT_HEADERDATA, context)
        _ = sonde_easy_set_callback(handle, CURLOPT_HEADERFUNCTION) { data, size, count, context in
            EasyTransfer.withContext(context, data, size * count) { $0.onHeaderLine($1) }
        }
        _ = sonde_easy_set_pointer(handle, CURLOPT_WRITEDATA, context)
        _ = sonde_easy_set_callback(handle, CURLOPT_WRITEFUNCTION) { data, size, count, context in
            EasyTransfer.withContext(context, data, size * count) { $0.onBody($1) }
        }
    }

    // MARK: Callbacks, called by libcurl on the loop thread

    private static func withContext(
        _ context: UnsafeMutableRawPointer?, _ data: UnsafeMutablePointer<CChar>?, _ count: Int, _ body: (EasyTransfer, UnsafeRawBufferPointer) -> Int
    ) -> Int {
        guard let context else { return 0 }
        return body(Unmanaged<EasyTransfer>.fromOpaque(context).takeUnretainedValue(), UnsafeRawBufferPointer(start: data, count: count))
    }

    private func onHeaderLine(_ line: UnsafeRawBufferPointer) -> Int {
        lastByte = .now
        guard let delivery = transfer.withState({ $0.onHeaderLine(line) }) else {
            refusal = HTTPError(.tooLarge, "\(transfer.target.peer) sent more than \(Exchange.headerBytesMax) bytes of headers. Check what answers there.")
            return -1
        }
        delivery.perform()
        return line.count
    }

    private func onBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        lastByte = .now
        let (verdict, delivery) = transfer.withState { $0.onBody(bytes) }
        delivery.perform()
        switch verdict {
        case .taken: return bytes.count
        case .pause: return Int(bitPattern: UInt(sonde_write_pause()))
        case .tooLarge:
            refusal = HTTPError(
                .tooLarge,
                "The answer of \(transfer.target.peer) is longer than \(transfer.request.maxResponseBytes) bytes. Ask for less at a time, or raise the limit.")
            return -1
        }
    }
}

extension Duration {
    /// Rounded up, at least 1: libcurl reads 0 as "no limit".
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        let milliseconds = seconds.multipliedReportingOverflow(by: 1000)
        guard !milliseconds.overflow, milliseconds.partialValue < Int64(Int32.max) else { return Int(Int32.max) }
        return max(1, Int(milliseconds.partialValue + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000))
    }
}
