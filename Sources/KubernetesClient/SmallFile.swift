// Reading small local files: kubeconfig, tokens, certificates; and a file that is read again when it rotates.
// Configuration loading and credentials use it, and executables for their own files.
// It never reads more than its limit, and it blocks only as long as a local disk does.

import Glibc
import Synchronization

package enum SmallFile {
    /// Larger files are no kubeconfig, token or certificate.
    package static let bytesMax = 8 << 20

    /// What tells one version of a file from the next.
    struct Version: Hashable, Sendable {
        let modifiedSeconds: Int
        let modifiedNanoseconds: Int
        let inode: UInt64
        let sizeBytes: Int
    }

    /// - Throws: `ClientConfigurationError` (`unreadable`) with the path and the system's reason.
    package static func read(_ path: String) throws(ClientConfigurationError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        defer { close(descriptor) }
        var content: [UInt8] = []
        while true {
            var failure: Int32 = 0
            let piece = [UInt8](unsafeUninitializedCapacity: 64 << 10) { space, count in
                let got = Glibc.read(descriptor, space.baseAddress, space.count)
                if got < 0 { failure = errno }
                count = max(0, got)
            }
            if failure == EINTR { continue }
            guard failure == 0 else { throw unreadable(path, failure) }
            if piece.isEmpty { return content }
            content.append(contentsOf: piece)
            guard content.count <= bytesMax else {
                throw ClientConfigurationError(.unreadable, "\(path) is larger than \(bytesMax >> 20) MiB, which no such file is. Check the path.")
            }
        }
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func version(_ path: String) -> Version? {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        return Version(
            modifiedSeconds: info.st_mtim.tv_sec, modifiedNanoseconds: info.st_mtim.tv_nsec, inode: UInt64(info.st_ino), sizeBytes: Int(info.st_size))
    }

    private static func unreadable(_ path: String, _ code: Int32) -> ClientConfigurationError {
        let reason = String(cString: strerror(code))
        let remedy = code == ENOENT ? "Check the path, or create the file." : "Check its permissions and the user that this process runs as."
        return ClientConfigurationError(.unreadable, "\(path) cannot be read: \(reason). \(remedy)")
    }
}

/// A file that somebody else replaces now and then: a mounted token or CA. The last readable content stays in use while a new one cannot be read.
final class RotatingFile: Sendable {
    private struct State {
        var content: [UInt8]
        var version: SmallFile.Version?
        var checked: ContinuousClock.Instant
    }

    let path: String
    /// The file is looked at no more often than this, except when asked to.
    private let interval: Duration
    private let state: Mutex<State>

    /// - Throws: `ClientConfigurationError` when the file cannot be read now.
    init(_ path: String, interval: Duration = .seconds(60)) throws(ClientConfigurationError) {
        self.path = path
        self.interval = interval
        // The version is taken first: a change in between is seen at the next look.
        let version = SmallFile.version(path)
        state = Mutex(State(content: try SmallFile.read(path), version: version, checked: .now))
    }

    /// The content, at most `interval` old. `.now` looks at the file whatever the time, as after a 401.
    func content(_ look: Look = .whenDue) -> [UInt8] {
        state.withLock { state in
            let now = ContinuousClock.now
            guard look == .now || now - state.checked >= interval else { return state.content }
            state.checked = now
            let version = SmallFile.version(path)
            if version != nil, version != state.version, let content = try? SmallFile.read(path) {
                state.content = content
                state.version = version
            }
            return state.content
        }
    }

    enum Look { case whenDue, now }
}
