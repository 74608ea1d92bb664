// How the operator asks an agent for its status, and where an agent is.
// The executable implements the protocol over HTTP, tests by a table; AgentWatcher calls it.
// It never names an address that a node cannot have for its pods: loopback and link-local ones are refused.

import Glibc
import SondeAPI

/// Asks one agent.
public protocol AgentStatusSource: Sendable {
    /// - Throws: `AgentSilence`, or `CancellationError` when the task was cancelled.
    func status(at address: AgentAddress) async throws -> AgentStatus
}

/// An agent that gave no usable answer.
public struct AgentSilence: Error, Hashable, Sendable, CustomStringConvertible {
    /// The same words for the same trouble on every node, so that they can be counted: no address, no time.
    public let reason: String
    public init(_ reason: String) { self.reason = reason }
    public var description: String { reason }
}

/// The numeric address of a pod, and the port of its agent's status.
public struct AgentAddress: Hashable, Sendable, CustomStringConvertible {
    public let host: String
    public let port: Int
    private let isIPv6: Bool

    /// - Parameter podIP: `status.podIP`. A kubelet writes it, so it is looked at: nil for anything but an address that pods can have.
    public init?(podIP: String, port: Int = AgentStatus.portDefault) {
        var four = [UInt8](repeating: 0, count: 4)
        var six = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, podIP, &four) == 1 {
            guard Self.isPodAddress(four[...]) else { return nil }
            isIPv6 = false
        } else if inet_pton(AF_INET6, podIP, &six) == 1 {
            let isMapped = six[..<10].allSatisfy { $0 == 0 } && six[10] == 0xff && six[11] == 0xff
            let isLow = six[..<15].allSatisfy { $0 == 0 }  // :: and ::1
            let isLinkLocal = six[0] == 0xfe && six[1] & 0xc0 == 0x80
            guard !isMapped, !isLow, !isLinkLocal, six[0] != 0xff else { return nil }
            isIPv6 = true
        } else {
            return nil
        }
        host = podIP
        self.port = port
    }

    /// Not 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, nor multicast and above.
    private static func isPodAddress(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes[0] != 0 && bytes[0] != 127 && !(bytes[0] == 169 && bytes[1] == 254) && bytes[0] < 224
    }

    /// As a URL has it.
    public var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
