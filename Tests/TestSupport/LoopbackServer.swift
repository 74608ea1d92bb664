// A bare TCP server on a free port of the loopback: what it answers is the test's business.
// Tests of clients make servers of it that no real server would be.
// It never reaches beyond the loopback.

import Foundation

/// Each connection is served on a thread of its own and closed when that is done. The server goes with its value.
public final class LoopbackServer: Sendable {
    public let port: UInt16
    private let listener: Int32

    public init(serve: @escaping @Sendable (Connection) -> Void) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.address(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, length) == 0 && getsockname(listener, $0, &length) == 0 }
        }
        guard bound, listen(listener, 64) == 0 else { throw ChildFailure(description: "no port of the loopback: \(String(cString: strerror(errno)))") }
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread {
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                Thread.detachNewThread {
                    serve(Connection(descriptor: descriptor))
                    close(descriptor)
                }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    static func address(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = port.bigEndian
        return address
    }

    /// One end of a connection; all calls block.
    public struct Connection: Sendable {
        let descriptor: Int32

        /// A connection to a port of the loopback; nil when nobody listens there. Whoever makes one closes it.
        public init?(to port: UInt16) {
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = LoopbackServer.address(port: port)
            let descriptor = descriptor
            let connected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
            }
            if !connected {
                Foundation.close(descriptor)
                return nil
            }
        }

        init(descriptor: Int32) { self.descriptor = descriptor }

        /// Up to so many bytes; empty at the end.
        public func read(_ limit: Int = 65_536) -> [UInt8] {
            var buffer = [UInt8](repeating: 0, count: limit)
            let count = Foundation.read(descriptor, &buffer, limit)
            return count > 0 ? Array(buffer[..<count]) : []
        }

        /// The head of a request up to the empty line; nil when the connection ended before.
        public func readHead() -> String? {
            var head: [UInt8] = []
            while !head.reversed().starts(with: [10, 13, 10, 13]) {
                let byte = read(1)
                if byte.isEmpty { return nil }
                head += byte
            }
            return String(decoding: head, as: UTF8.self)
        }

        @discardableResult
        public func write(_ bytes: [UInt8]) -> Bool { send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count }

        @discardableResult
        public func write(_ text: String) -> Bool { write(Array(text.utf8)) }

        /// Says that no more comes, and waits until the other side has said so too.
        public func finish() {
            shutdown(descriptor, Int32(SHUT_WR))
            while !read().isEmpty {}
        }

        public func close() { Foundation.close(descriptor) }

        /// Copies both ways until one side ends.
        public func join(_ other: Connection) {
            var ends = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: other.descriptor, events: Int16(POLLIN), revents: 0)]
            while poll(&ends, 2, -1) > 0 {
                for (from, to) in [(0, other), (1, self)] where ends[from].revents != 0 {
                    let piece = Connection(descriptor: ends[from].fd).read()
                    guard !piece.isEmpty, to.write(piece) else { return }
                }
            }
        }
    }
}
