// Reads what only the host's network namespace tells: drops of its devices, its own count of retransmitted segments, its sockets by state.
// AgentLoop owns one and hands its readings to the aggregator each window.
// It never reads a file while the agent is in another network namespace, where the same files speak of the pod.

import Glibc
import ProbeCore
import ProbeKernel
import SondeAPI

struct NetworkMeter {
    /// A node with more sockets counts the first ones; said once.
    static let socketsMax = 65536
    static let devicesBytesMax = 1 << 18

    static let dropsMetric = "system.network.packet.dropped"
    static let driftMetric = "ebpf.tcp.retransmits.drift"
    static let connectionsMetric = "system.network.connection.count"

    private let root: String
    private var devices = DeviceTable()
    private var drift = RetransmitDrift()
    private var hasSaidMore = false

    /// - Parameter root: the root of the cgroup hierarchy, which stands for the host.
    init(root: String) { self.root = root }

    /// - Parameters:
    ///   - segments: what the programs counted of the host's namespace; nil when they do not.
    ///   - readsSockets: whether the files stand for the walk over all tasks.
    mutating func read(_ signals: ProbeSignals, segments: () -> UInt64?, readsSockets: Bool, into aggregator: inout ProbeAggregator) {
        var status = stat()
        guard stat(root, &status) == 0 else { return }
        let host = UInt64(status.st_ino)
        if signals.drops.enabled { devices.take(Self.devices(), host: host, into: &aggregator) }
        guard signals.tcp.enabled else { return }
        if let kernel = NetworkFiles.retransmittedSegments(inSNMP: readSmallFile("/proc/net/snmp") ?? ""), let ours = segments() {
            aggregator.setRetransmitDrift(drift.take(kernel: kernel, ours: ours), host: host)
        }
        if readsSockets { aggregator.setConnections(byState: states(), host: host) }
    }

    /// The host's own devices: one end of a pair, as each pod has it, comes and goes with its pod.
    private static func devices() -> [NetworkFiles.Device] {
        var text = ""
        _ = forEachLine(of: "/proc/net/dev", limit: 4096) { if text.utf8.count < devicesBytesMax { text += $0 + "\n" } }
        return Array(NetworkFiles.devices(inDev: text).lazy.filter { !isPair($0.name) }.prefix(DeviceTable.devicesMax))
    }

    /// A virtual Ethernet pair has another device behind it and, unlike a VLAN, no type of its own (Documentation/ABI/testing/sysfs-class-net).
    private static func isPair(_ name: String) -> Bool {
        let folder = "/sys/class/net/\(name)/"
        guard let index = readSmallFile(folder + "ifindex"), let link = readSmallFile(folder + "iflink") else { return false }
        return index != link && !(readSmallFile(folder + "uevent") ?? "").contains("DEVTYPE=")
    }

    private mutating func states() -> [UInt32: UInt64] {
        var counts: [UInt32: UInt64] = [:]
        for path in ["/proc/net/tcp", "/proc/net/tcp6"] {
            let isComplete = forEachLine(of: path, limit: Self.socketsMax) { line in
                if let state = NetworkFiles.state(inTCPLine: line) { counts[state, default: 0] += 1 }
            }
            if isComplete == false, !hasSaidMore {
                AgentLog.warning("the host has more sockets than are counted by state", ("path", path), ("limit", "\(Self.socketsMax)"))
                hasSaidMore = true
            }
        }
        return counts
    }

    // MARK: Status

    /// What these files give, by family of signals; where the namespace is another, only what was asked for is told as missing.
    static func metrics(view: NetworkView?, isAsked: Bool, comparesSegments: Bool, readsSockets: Bool) -> [String: [AgentStatus.Metric]] {
        guard case .host? = view else {
            guard isAsked, let view else { return [:] }
            let missing = { (name: String) in AgentStatus.Metric(name: name, state: .unsupported, reason: view.reason) }
            return ["drops": [missing(dropsMetric)], "tcp": [missing(driftMetric)]]
        }
        let drift =
            comparesSegments
            ? AgentStatus.Metric(name: driftMetric, state: .active)
            : AgentStatus.Metric(name: driftMetric, state: .unsupported, reason: "retransmitted segments are not counted; see ebpf.tcp.retransmits")
        let sockets = AgentStatus.Metric(
            name: connectionsMetric, state: .degraded,
            reason: "from /proc/net/tcp of the host's network namespace alone: the walk over all tasks takes Linux 6.7")
        return ["drops": [AgentStatus.Metric(name: dropsMetric, state: .active)], "tcp": [drift] + (readsSockets ? [sockets] : [])]
    }
}
