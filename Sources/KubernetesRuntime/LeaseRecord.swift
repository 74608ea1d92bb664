// A Lease (coordination.k8s.io/v1) as the election reads and writes it.
// The election machine compares and makes these; tests and `sonde doctor` may print them.
// It never judges by the times in it: other machines' clocks wrote them.

import JSON
import Kubernetes

/// The spec of a Lease, over the object that carries it.
public struct LeaseRecord: Hashable, Sendable {
    /// `""` when nobody holds the lease.
    public var holder: String
    public var durationSeconds: Int
    public var acquireTime: Timestamp?
    public var renewTime: Timestamp?
    /// How often the holder changed.
    public var transitions: Int

    public init(holder: String, durationSeconds: Int, acquireTime: Timestamp?, renewTime: Timestamp?, transitions: Int) {
        self.holder = holder
        self.durationSeconds = durationSeconds
        self.acquireTime = acquireTime
        self.renewTime = renewTime
        self.transitions = transitions
    }

    public init(decoding lease: JSONValue) {
        let spec = lease["spec"]
        self.init(
            holder: spec?["holderIdentity"]?.string ?? "", durationSeconds: spec?["leaseDurationSeconds"]?.int ?? 0,
            acquireTime: spec?["acquireTime"]?.string.flatMap(Timestamp.init(rfc3339:)),
            renewTime: spec?["renewTime"]?.string.flatMap(Timestamp.init(rfc3339:)), transitions: spec?["leaseTransitions"]?.int ?? 0)
    }

    /// The Lease object with this spec; `previous` keeps its metadata, its resource version above all.
    public func object(name: ObjectName, previous: JSONValue?) -> JSONValue {
        var lease = previous ?? ["metadata": ["name": .string(name.name), "namespace": .string(name.namespace ?? "default")]]
        lease["apiVersion"] = .string(ResourceType.leases.apiVersion)
        lease["kind"] = .string(ResourceType.leases.kind)
        var spec: JSONValue = lease["spec"]?.object == nil ? [:] : lease["spec"] ?? [:]
        spec["holderIdentity"] = .string(holder)
        spec["leaseDurationSeconds"] = JSONValue(durationSeconds)
        if let acquireTime { spec["acquireTime"] = .string(acquireTime.rfc3339Micro) }
        if let renewTime { spec["renewTime"] = .string(renewTime.rfc3339Micro) }
        spec["leaseTransitions"] = JSONValue(transitions)
        lease["spec"] = spec
        return lease
    }
}
