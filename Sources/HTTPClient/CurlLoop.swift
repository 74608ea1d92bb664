// The one thread of a client: it owns libcurl's multi handle and every transfer on it.
// HTTPClient submits, cancels and resumes transfers through the mailbox; a wake-up makes the thread look.
// It never runs on Swift's cooperative pool, and no other thread touches a handle.

import CCurl
import Glibc
import Synchronization

final class CurlLoop: Sendable {
    private struct Mailbox {
        var added: [Transfer] = []
        var cancelled: [Transfer] = []
        var resumed: [Transfer] = []
        var isStopping = false
        /// No transfer is taken any more, and the multi handle is or will be freed; says why.
        var closed: HTTPError?
        var isThreadGone = false
        var stopWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let mailbox = Mutex(Mailbox())
    private let liveCount = Atomic<Int>(0)
    private let settings: HTTPClient.Configuration
    /// Used by the loop thread; others only call `curl_multi_wakeup`, which is thread-safe, under the mailbox's lock while `closed` is nil.
    private nonisolated(unsafe) let multi: UnsafeMutableRawPointer?

    private static let isCurlReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    init(_ settings: HTTPClient.Configuration) {
        self.settings = settings
        multi = Self.isCurlReady ? curl_multi_init() : nil
        guard let multi else {
            close(HTTPError(.shutDown, "libcurl could not start. Check the memory limit and the installed libcurl."))
            return
        }
        // A request never shares a connection that is in use. Where it may, libcurl 7.88 picks any connection to a host that once spoke HTTP/2, also one on
        // which an HTTP/1.1 stream runs: the request is written into it and never answered.
        _ = sonde_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        _ = sonde_multi_set_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, settings.maxConnections)
        _ = sonde_multi_set_long(multi, CURLMOPT_MAXCONNECTS, settings.maxIdleConnections)
        startThread()
    }

    /// Transfers that were submitted and whose handle is not freed.
    var live: Int { liveCount.load(ordering: .acquiring) }

    // MARK: From any thread

    func submit(_ transfer: Transfer) {
        let closed = mailbox.withLock { mailbox -> HTTPError? in
            if let closed = mailbox.closed { return closed }
            liveCount.add(1, ordering: .acquiringAndReleasing)
            mailbox.added.append(transfer)
            wake()
            return nil
        }
        if let closed { transfer.finish(.failure(closed)) }
    }

    func cancel(_ transfer: Transfer) {
        transfer.withState { $0.onCancel() }
        post { $0.cancelled.append(transfer) }
    }

    func resume(_ transfer: Transfer) { post { $0.resumed.append(transfer) } }

    /// Asks the thread to end; what is under way fails with `shutDown`.
    func stop() { post { $0.isStopping = true } }

    /// Returns when the thread has freed everything.
    func waitUntilStopped() async {
        await withCheckedContinuation { continuation in
            let isGone = mailbox.withLock { mailbox in
                if !mailbox.isThreadGone { mailbox.stopWaiters.append(continuation) }
                return mailbox.isThreadGone
            }
            if isGone { continuation.resume() }
        }
    }

    private func post(_ change: (inout Mailbox) -> Void) {
        mailbox.withLock { mailbox in
            guard mailbox.closed == nil else { return }
            change(&mailbox)
            wake()
        }
    }

    /// Under the mailbox's lock, so that the handle cannot be freed meanwhile. The wake-up is kept until the next poll.
    private func wake() { _ = curl_multi_wakeup(multi) }

    // MARK: The thread

    private func startThread() {
        var thread = pthread_t()
        let me = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<CurlLoop>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, me.toOpaque())
        guard code == 0 else {
            me.release()
            close(HTTPError(.shutDown, "No thread for HTTP could be started (errno \(code)). Check the limit on processes."))
            return
        }
        pthread_detach(thread)
    }

    private func run() {
        _ = sonde_name_this_thread(String(settings.threadName.prefix(15)))
        // Signals belong to the main thread, and OpenSSL's writes must not raise SIGPIPE. libcurl's resolver threads inherit the mask.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        guard let multi else { return }
        var transfers = LiveTransfers(multi: multi, settings: settings)
        while true {
            let mail = mailbox.withLock { mailbox -> Mailbox in
                let mail = mailbox
                mailbox.added = []
                mailbox.cancelled = []
                mailbox.resumed = []
                return mail
            }
            if mail.isStopping {
                mail.added.forEach { end($0, .failure(Self.stopped)) }
                break
            }
            var ended = mail.added.compactMap { transfers.start($0) }
            ended += mail.cancelled.compactMap { transfers.remove($0, .failure(CancellationError())) }
            ended += mail.resumed.compactMap { transfers.resume($0) }
            ended += transfers.perform()
            for (transfer, result) in ended { end(transfer, result) }
            curl_multi_poll(multi, nil, 0, transfers.pollMilliseconds(now: .now), nil)
        }
        for transfer in transfers.all { if let (transfer, result) = transfers.remove(transfer, .failure(Self.stopped)) { end(transfer, result) } }
        close(Self.stopped)
    }

    private static var stopped: HTTPError { HTTPError(.shutDown, "The HTTP client was shut down; no request goes out any more.") }

    private func end(_ transfer: Transfer, _ result: Result<Void, any Error>) {
        liveCount.subtract(1, ordering: .acquiringAndReleasing)
        transfer.finish(result)
    }

    private func close(_ reason: HTTPError) {
        let left = mailbox.withLock { mailbox in
            mailbox.closed = reason
            return exchange(&mailbox.added, with: [])
        }
        left.forEach { end($0, .failure(reason)) }
        if let multi { curl_multi_cleanup(multi) }
        let waiters = mailbox.withLock { mailbox in
            mailbox.isThreadGone = true
            return exchange(&mailbox.stopWaiters, with: [])
        }
        waiters.forEach { $0.resume() }
    }
}

/// Puts a new value in the place of an old one and returns the old one.
private func exchange<Value>(_ place: inout Value, with new: Value) -> Value {
    let old = place
    place = new
    return old
}

/// The transfers that libcurl works on. Confined to the loop thread.
private struct LiveTransfers {
    typealias Ended = (Transfer, Result<Void, any Error>)

    let multi: UnsafeMutableRawPointer
    let settings: HTTPClient.Configuration
    private var byTransfer: [ObjectIdentifier: EasyTransfer] = [:]
    /// Those with deadlines of ours; a client has as many as it has watches.
    private var timed: [ObjectIdentifier: EasyTransfer] = [:]

    init(multi: UnsafeMutableRawPointer, settings: HTTPClient.Configuration) {
        self.multi = multi
        self.settings = settings
    }

    var all: [Transfer] { byTransfer.values.map(\.transfer) }

    /// The transfer itself when it ended before it began.
    mutating func start(_ transfer: Transfer) -> Ended? {
        guard !transfer.withState({ $0.isCancelled }) else { return (transfer, .failure(CancellationError())) }
        guard let easy = EasyTransfer(transfer, settings: settings), curl_multi_add_handle(multi, easy.handle) == CURLM_OK else {
            return (transfer, .failure(HTTPError(.broken, "No memory for a request to \(transfer.target.peer). Check the memory limit.")))
        }
        byTransfer[ObjectIdentifier(transfer)] = easy
        if easy.isTimedHere { timed[ObjectIdentifier(transfer)] = easy }
        return nil
    }

    /// Takes a transfer away from libcurl and frees its handle; nil when it had ended already.
    mutating func remove(_ transfer: Transfer, _ result: Result<Void, any Error>) -> Ended? {
        guard let easy = byTransfer.removeValue(forKey: ObjectIdentifier(transfer)) else { return nil }
        timed.removeValue(forKey: ObjectIdentifier(transfer))
        easy.abandonConnection()
        curl_multi_remove_handle(multi, easy.handle)
        return (transfer, result)
    }

    mutating func resume(_ transfer: Transfer) -> Ended? {
        guard let easy = byTransfer[ObjectIdentifier(transfer)] else { return nil }
        let code = easy.resume()
        return code == CURLE_OK ? nil : remove(transfer, easy.result(code))
    }

    mutating func perform() -> [Ended] {
        var running: Int32 = 0
        curl_multi_perform(multi, &running)
        var ended: [Ended] = []
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle, let easy = EasyTransfer.of(handle) else { continue }
            // Read before the handle goes: libcurl frees the message with it.
            let result = easy.result(sonde_message_result(message))
            if let end = remove(easy.transfer, result) { ended.append(end) }
        }
        let now = ContinuousClock.now
        for easy in timed.values {
            guard let deadline = easy.deadline, deadline <= now, let end = remove(easy.transfer, .failure(easy.deadlineError)) else { continue }
            ended.append(end)
        }
        return ended
    }

    /// Until the next deadline of ours; libcurl shortens it to its own.
    func pollMilliseconds(now: ContinuousClock.Instant) -> Int32 {
        let longest = 60_000
        let next = timed.values.compactMap(\.deadline).min()
        return Int32(next.map { min(longest, (now.duration(to: $0)).wholeMilliseconds) } ?? longest)
    }
}
