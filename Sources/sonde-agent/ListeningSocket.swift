// A TCP socket that listens on a numeric address, or on all addresses of both families.
// StatusServer makes one.
// It never looks a name up.

import Glibc

/// The caller closes the descriptor.
struct ListeningSocket {
    let descriptor: Int32
    let port: Int

    private static let backlog: Int32 = 16

    /// - Parameter address: IPv4, IPv6, or `*`.
    init(address: String, port: Int) throws(FileFailure) {
        guard let number = UInt16(exactly: port) else { throw FileFailure(message: "port \(port) is not between 0 and 65535") }
        // A kernel without IPv6 still has all its addresses.
        if address == "*" {
            if let both = try? Self(v6: "::", number) { self = both } else { self = try Self(v4: "0.0.0.0", number) }
        } else {
            self = address.contains(":") ? try Self(v6: address, number) : try Self(v4: address, number)
        }
    }

    private init(v4 text: String, _ port: UInt16) throws(FileFailure) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        guard inet_pton(AF_INET, text, &address.sin_addr) == 1 else { throw FileFailure(message: "\(text) is no IP address") }
        try self.init(family: AF_INET, &address, as: sockaddr_in.self)
    }

    /// `::` takes IPv4 clients too.
    private init(v6 text: String, _ port: UInt16) throws(FileFailure) {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        guard inet_pton(AF_INET6, text, &address.sin6_addr) == 1 else { throw FileFailure(message: "\(text) is no IP address") }
        try self.init(family: AF_INET6, &address, as: sockaddr_in6.self)
    }

    private init<Address>(family: Int32, _ address: inout Address, as type: Address.Type) throws(FileFailure) {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Self.failure("socket") }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var (yes, no): (Int32, Int32) = (1, 0)
        let intSize = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, intSize)
        if family == AF_INET6 { setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &no, intSize) }
        var size = socklen_t(MemoryLayout<Address>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, size) == 0 && listen(descriptor, Self.backlog) == 0 && getsockname(descriptor, generic, &size) == 0
            }
        }
        guard isListening else {
            let failure = Self.failure("listen")
            close(descriptor)
            throw failure
        }
        self.descriptor = descriptor
        // Both address structures have the port in the same place (netinet/in.h).
        port = withUnsafeBytes(of: address) { Int(UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self))) }
    }

    private static func failure(_ call: String) -> FileFailure { FileFailure(message: "\(call): \(String(cString: strerror(errno)))") }
}
