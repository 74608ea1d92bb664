// Reads and writes one map through bpf(2).
// Used by the loaded probe, which makes sure that the descriptor is open while it does.
// Never interprets a value; a per-CPU value comes as one array for each possible CPU.
import CBPF
import Glibc
import ProbeCore

/// A map's descriptor and its shape.
struct BPFMap: Sendable {
    let name: String
    let descriptor: Int32
    let keyBytes: Int
    let valueBytes: Int
    let entries: Int
    /// Possible CPUs, which is more than online ones on some machines.
    let cpuCount: Int

    /// The kernel lays a per-CPU value out in multiples of eight bytes.
    private var strideBytes: Int { (valueBytes + 7) / 8 * 8 }
    private var perCPUBytes: Int { strideBytes * cpuCount }

    /// The same map read as one that has one value for each key.
    var plain: BPFMap { BPFMap(name: name, descriptor: descriptor, keyBytes: keyBytes, valueBytes: valueBytes, entries: entries, cpuCount: 1) }

    // MARK: Per-CPU hashes

    /// Every entry, in batches where the kernel can (5.6), else one by one.
    func groups() throws(ProbeKernelError) -> [RawGroup] {
        do throws(BPFFailure) {
            return try groupsInBatches()
        } catch {
            return try groupsOneByOne()
        }
    }

    /// The last batch comes with ENOENT and its count set; ENOSPC means that one bucket has more entries than a batch.
    func groupsInBatches() throws(BPFFailure) -> [RawGroup] {
        var capacity = max(16, min(entries, (1 << 20) / perCPUBytes))
        var groups: [RawGroup] = []
        var token = [UInt8](repeating: 0, count: max(keyBytes, 8))
        var isFirst = true
        while true {
            var keys = [UInt8](repeating: 0, count: capacity * keyBytes)
            var values = [UInt8](repeating: 0, count: capacity * perCPUBytes)
            var count = UInt32(capacity)
            var next = token
            let result = token.withUnsafeMutableBytes {
                bpf_map_lookup_batch(descriptor, isFirst ? nil : $0.baseAddress, &next, &keys, &values, &count, nil)
            }
            let failure = result == 0 ? 0 : errno
            if failure == ENOSPC, capacity < entries * 2 {
                capacity *= 2
                continue
            }
            guard failure == 0 || failure == ENOENT else { throw BPFFailure(errno: failure) }
            for index in 0..<Int(count) { groups.append(group(keys: keys, values: values, index: index)) }
            if failure == ENOENT { return groups }
            token = next
            isFirst = false
        }
    }

    /// A key that is deleted meanwhile makes the kernel start from the beginning, so the walk is bounded and keys are taken once.
    func groupsOneByOne() throws(ProbeKernelError) -> [RawGroup] {
        var groups: [[UInt8]: RawGroup] = [:]
        var key: [UInt8]?
        for _ in 0..<2 * entries + 1 {
            var next = [UInt8](repeating: 0, count: keyBytes)
            let result = key.map { bpf_map_get_next_key(descriptor, $0, &next) } ?? bpf_map_get_next_key(descriptor, nil, &next)
            if result != 0 {
                if errno == ENOENT { break }
                throw .kernel(errno, doing: "reading map \(name)")
            }
            if let values = try value(of: next) { groups[next] = RawGroup(key: next, values: split(values)) }
            key = next
        }
        return Array(groups.values)
    }

    /// Takes entries out; what is not there any more is no error. Gives how many were taken out.
    func delete(_ keys: [[UInt8]]) throws(ProbeKernelError) -> Int {
        var deleted = 0
        for key in keys {
            guard key.count == keyBytes else {
                throw ProbeKernelError(.invalidArgument, "map \(name): a key has \(keyBytes) bytes, this one has \(key.count)")
            }
            if bpf_map_delete_elem(descriptor, key) == 0 {
                deleted += 1
            } else if errno != ENOENT {
                throw .kernel(errno, doing: "deleting from map \(name)")
            }
        }
        return deleted
    }

    /// Takes entries out together with their values; those that are gone are left out. Kernels that cannot (before 5.14) leave all where they are.
    func take(_ keys: [[UInt8]]) throws(ProbeKernelError) -> [RawGroup] {
        var taken: [RawGroup] = []
        for key in keys {
            guard key.count == keyBytes else {
                throw ProbeKernelError(.invalidArgument, "map \(name): a key has \(keyBytes) bytes, this one has \(key.count)")
            }
            var value = [UInt8](repeating: 0, count: perCPUBytes)
            if bpf_map_lookup_and_delete_elem(descriptor, key, &value) == 0 {
                taken.append(RawGroup(key: key, values: split(value)))
            } else if errno == EINVAL || errno == ENOTSUP {
                return taken
            } else if errno != ENOENT {
                throw .kernel(errno, doing: "taking entries out of map \(name)")
            }
        }
        return taken
    }

    // MARK: Arrays

    /// The value at an index on each possible CPU.
    func perCPUValue(at index: UInt32) throws(ProbeKernelError) -> [[UInt8]] {
        guard let values = try value(of: withUnsafeBytes(of: index) { Array($0) }) else { return [] }
        return split(values)
    }

    /// Writes the value at an index of a map that is not per CPU.
    func set(_ value: [UInt8], at index: UInt32) throws(ProbeKernelError) {
        guard value.count == valueBytes else {
            throw ProbeKernelError(.invalidArgument, "map \(name): a value has \(valueBytes) bytes, this one has \(value.count)")
        }
        var key = index
        guard bpf_map_update_elem(descriptor, &key, value, 0) == 0 else { throw .kernel(errno, doing: "writing map \(name)") }
    }

    /// Writes an entry of a hash that is not per CPU.
    func insert(_ value: [UInt8], at key: [UInt8]) throws(ProbeKernelError) {
        guard key.count == keyBytes, value.count == valueBytes else {
            throw ProbeKernelError(
                .invalidArgument, "map \(name): an entry has \(keyBytes) and \(valueBytes) bytes, this one has \(key.count) and \(value.count)")
        }
        guard bpf_map_update_elem(descriptor, key, value, 0) == 0 else { throw .kernel(errno, doing: "writing map \(name)") }
    }

    // MARK: Bytes

    private func value(of key: [UInt8]) throws(ProbeKernelError) -> [UInt8]? {
        var value = [UInt8](repeating: 0, count: perCPUBytes)
        guard bpf_map_lookup_elem(descriptor, key, &value) != 0 else { return value }
        if errno == ENOENT { return nil }
        throw .kernel(errno, doing: "reading map \(name)")
    }

    private func group(keys: [UInt8], values: [UInt8], index: Int) -> RawGroup {
        RawGroup(
            key: Array(keys[index * keyBytes..<(index + 1) * keyBytes]),
            values: split(values[index * perCPUBytes..<(index + 1) * perCPUBytes]))
    }

    private func split(_ bytes: some RandomAccessCollection<UInt8>) -> [[UInt8]] {
        (0..<cpuCount).map { Array(bytes.dropFirst($0 * strideBytes).prefix(valueBytes)) }
    }
}
