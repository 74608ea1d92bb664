// A thread of our own for work that blocks: the loop waits for signals and calls bpf(2), which must not hold a thread of the task pool.
// SondeAgent runs the loop on it.
// It never outlives the call.

import Glibc

/// One body on a thread of its own.
final class NamedThread: Sendable {
    private let name: String
    private let body: @Sendable () -> Void

    private init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    /// Runs a body on a new thread and returns when it is done; at once with `false` when the thread cannot be made.
    /// - Parameter name: at most 15 bytes, as `ps -T` shows it.
    static func run(_ name: String, _ body: @escaping @Sendable () -> Void) async -> Bool {
        await withCheckedContinuation { (done: CheckedContinuation<Bool, Never>) in
            let thread = NamedThread(name) {
                body()
                done.resume(returning: true)
            }
            if !thread.start() { done.resume(returning: false) }
        }
    }

    /// - Returns: whether the thread runs, which then owns this object.
    private func start() -> Bool {
        var thread = pthread_t()
        let me = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<NamedThread>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, me.toOpaque())
        guard code == 0 else {
            me.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private func run() {
        setName()
        body()
    }

    /// Swift's Glibc module has no pthread_setname_np; the kernel takes the name from a file too (proc(5)). A thread without a name works as well.
    private func setName() {
        let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = Array(name.utf8.prefix(15)).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }
}
