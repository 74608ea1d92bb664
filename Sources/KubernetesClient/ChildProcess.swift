// Running one short program to its end: its output bounded, its time limited, its process group ended with it.
// Credential plugins are run with it, on a thread of their own.
// It never uses a shell, and it leaves no process and no descriptor behind.

import Glibc

/// One program with its arguments.
struct ChildProcess: Sendable {
    /// A path, or a name that is looked up in this process's PATH.
    var command: String
    var arguments: [String] = []
    var environment: [String: String] = [:]
    /// The program may use this process's terminal: it shares its standard input and error.
    var isInteractive = false
    var deadline: Duration
    /// More on standard output ends the program.
    var outputBytesMax = 1 << 20

    struct Output: Sendable {
        /// As a shell says it: 128 plus the signal's number when one ended it.
        let exitStatus: Int32
        let standardOutput: [UInt8]
        /// The first 4 KiB; empty when interactive.
        let standardError: [UInt8]
    }

    enum Failure: Error, Sendable {
        /// An errno from starting it.
        case notStarted(Int32)
        case deadlineExceeded
        case outputTooLong
    }

    static let errorBytesMax = 4 << 10

    /// Blocks until the program has ended or was ended.
    func run() throws(Failure) -> Output {
        let output = try Pipe()
        defer { output.close() }
        let errors = try Pipe()
        defer { errors.close() }
        let process = try spawn(output: output, errors: errors)
        output.closeWriteEnd()
        errors.closeWriteEnd()
        let end = ContinuousClock.now + deadline
        do {
            let (out, err) = try collect(output, errors, until: end)
            return Output(exitStatus: try wait(process, until: end), standardOutput: out, standardError: err)
        } catch {
            kill(isInteractive ? process : -process, SIGKILL)
            var status: Int32 = 0
            while waitpid(process, &status, 0) < 0, errno == EINTR {}
            throw error
        }
    }

    // MARK: Start

    private func spawn(output: Pipe, errors: Pipe) throws(Failure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output.writeEnd, 1)
        if !isInteractive {
            posix_spawn_file_actions_adddup2(&actions, errors.writeEnd, 2)
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        // Not every library marks its sockets close-on-exec (libcurl 7.88 does not). Closing one that is not open is no error.
        for descriptor in 3..<Self.descriptorsEnd { posix_spawn_file_actions_addclose(&actions, descriptor) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        // A group of its own can be ended with all its children; but only the terminal's own group may read the terminal.
        posix_spawnattr_setpgroup(&attributes, 0)
        let group = isInteractive ? 0 : Int16(POSIX_SPAWN_SETPGROUP)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | group)

        let argumentList = CStringList([command] + arguments)
        let environmentList = CStringList(environment.map { "\($0.key)=\($0.value)" })
        defer {
            argumentList.free()
            environmentList.free()
        }
        var process = pid_t()
        let code = posix_spawnp(&process, command, &actions, &attributes, argumentList.pointers, environmentList.pointers)
        guard code == 0 else { throw .notStarted(code) }
        return process
    }

    /// Above every open descriptor, with room for those that other threads open meanwhile: the kernel gives out the lowest free number.
    private static var descriptorsEnd: Int32 {
        var highest: Int32 = 2
        if let folder = opendir("/proc/self/fd") {
            defer { closedir(folder) }
            while let entry = readdir(folder) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                highest = max(highest, Int32(name) ?? 2)
            }
        }
        // posix_spawn refuses to close what is beyond the limit of this process.
        var limit = rlimit()
        let isLimited = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        return max(3, min(highest + 256, isLimited ? Int32(clamping: limit.rlim_cur) : .max))
    }

    // MARK: Output and end

    private func collect(_ output: Pipe, _ errors: Pipe, until end: ContinuousClock.Instant) throws(Failure) -> (output: [UInt8], errors: [UInt8]) {
        var collected: [[UInt8]] = [[], []]
        var sources = [pollfd(fd: output.readEnd, events: Int16(POLLIN), revents: 0), pollfd(fd: errors.readEnd, events: Int16(POLLIN), revents: 0)]
        while sources.contains(where: { $0.fd >= 0 }) {
            let left = end - .now
            guard left > .zero else { throw .deadlineExceeded }
            let ready = poll(
                &sources, nfds_t(sources.count), Int32(clamping: left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1))
            guard ready > 0 else { continue }
            for index in sources.indices where sources[index].fd >= 0 && sources[index].revents != 0 {
                guard let piece = Pipe.read(sources[index].fd) else { continue }
                if piece.isEmpty {
                    sources[index].fd = -1  // The end; poll leaves negative descriptors out.
                } else if index == 0 {
                    collected[0] += piece
                    guard collected[0].count <= outputBytesMax else { throw .outputTooLong }
                } else {
                    collected[1] += piece.prefix(Self.errorBytesMax - collected[1].count)
                }
            }
        }
        return (collected[0], collected[1])
    }

    /// A program may close its output long before it ends, so this waits too; on a thread of its own, in steps of 2 ms.
    private func wait(_ process: pid_t, until end: ContinuousClock.Instant) throws(Failure) -> Int32 {
        var status: Int32 = 0
        while true {
            let ended = waitpid(process, &status, WNOHANG)
            if ended == process { break }
            guard ended == 0 || errno == EINTR else { throw .notStarted(errno) }
            guard ContinuousClock.now < end else { throw .deadlineExceeded }
            poll(nil, 0, 2)
        }
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }
}

/// Both ends of a pipe; `close` closes what is still open.
private final class Pipe {
    private(set) var readEnd: Int32 = -1
    private(set) var writeEnd: Int32 = -1

    init() throws(ChildProcess.Failure) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .notStarted(errno) }
        (readEnd, writeEnd) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }

    func closeWriteEnd() {
        if writeEnd >= 0 { Glibc.close(writeEnd) }
        writeEnd = -1
    }

    func close() {
        closeWriteEnd()
        if readEnd >= 0 { Glibc.close(readEnd) }
        readEnd = -1
    }

    /// Empty at the end; nil when interrupted.
    static func read(_ descriptor: Int32) -> [UInt8]? {
        var interrupted = false
        let piece = [UInt8](unsafeUninitializedCapacity: 16 << 10) { space, count in
            let got = Glibc.read(descriptor, space.baseAddress, space.count)
            interrupted = got < 0 && errno == EINTR
            count = max(0, got)
        }
        return interrupted ? nil : piece
    }
}

/// A null-terminated array of C strings, owned until `free`.
private struct CStringList {
    let pointers: [UnsafeMutablePointer<CChar>?]

    init(_ strings: [String]) { pointers = strings.map { strdup($0) } + [nil] }

    func free() { pointers.forEach { Glibc.free($0) } }
}
