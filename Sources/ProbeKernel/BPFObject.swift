// One open libbpf object: constants and sizes before load, programs and maps after it.
// Used by the loader and held by the loaded probe; no libbpf pointer leaves this file but the object's own maps and programs.
// Never shared between threads: the loader confines it, the loaded probe guards it by its lock.
import CBPF
import Glibc
import ProbePrograms

/// Owns a `struct bpf_object` and the links of its programs.
final class BPFObject {
    private let object: OpaquePointer
    private var links: [String: OpaquePointer] = [:]

    /// Opens an ELF object; throws libbpf's errno.
    init(bytes: [UInt8], name: String) throws(BPFFailure) {
        let opened = bytes.withUnsafeBytes { memory in
            name.withCString { name in
                var options = bpf_object_open_opts()
                options.sz = MemoryLayout<bpf_object_open_opts>.size
                options.object_name = name
                return bpf_object__open_mem(memory.baseAddress, memory.count, &options)
            }
        }
        guard let opened else { throw BPFFailure(errno: errno) }
        object = opened
    }

    deinit {
        for link in links.values { bpf_link__destroy(link) }
        bpf_object__close(object)
    }

    // MARK: Before load

    /// Chooses which programs are loaded.
    func load(only functions: Set<String>) {
        var program = bpf_object__next_program(object, nil)
        while let current = program {
            bpf_program__set_autoload(current, functions.contains(String(cString: bpf_program__name(current))))
            program = bpf_object__next_program(object, current)
        }
    }

    /// Sets a `const volatile` variable; a program that does not have it is left alone.
    func setConstant<Value: FixedWidthInteger>(_ name: String, to value: Value) throws(BPFFailure) {
        guard let map = bpf_object__find_map_by_name(object, ".rodata") ?? internalMap(endingWith: ".rodata"),
            let place = place(of: name), place.bytes == MemoryLayout<Value>.size
        else {
            if place(of: name) == nil { return }
            throw BPFFailure(errno: EINVAL)
        }
        var size = 0
        guard let memory = bpf_map__initial_value(map, &size), place.offset + place.bytes <= size else { throw BPFFailure(errno: EINVAL) }
        withUnsafeBytes(of: value) {
            UnsafeMutableRawPointer(mutating: memory).advanced(by: place.offset).copyMemory(from: $0.baseAddress ?? memory, byteCount: place.bytes)
        }
    }

    /// Leaves a map out; its users must be dead code.
    func leaveOut(_ map: String) throws(BPFFailure) {
        guard let pointer = bpf_object__find_map_by_name(object, map) else { throw BPFFailure(errno: ENOENT) }
        let result = bpf_map__set_autocreate(pointer, false)
        guard result == 0 else { throw BPFFailure(errno: -result) }
    }

    func setEntries(_ entries: UInt32, of map: String) throws(BPFFailure) {
        guard let pointer = bpf_object__find_map_by_name(object, map) else { throw BPFFailure(errno: ENOENT) }
        let result = bpf_map__set_max_entries(pointer, entries)
        guard result == 0 else { throw BPFFailure(errno: -result) }
    }

    /// Uses a map that is loaded already in the place of an own one.
    func reuse(_ descriptor: Int32, as map: String) throws(BPFFailure) {
        guard let pointer = bpf_object__find_map_by_name(object, map) else { throw BPFFailure(errno: ENOENT) }
        let result = bpf_map__reuse_fd(pointer, descriptor)
        guard result == 0 else { throw BPFFailure(errno: -result) }
    }

    private func internalMap(endingWith suffix: String) -> OpaquePointer? {
        var map = bpf_object__next_map(object, nil)
        while let current = map {
            if String(cString: bpf_map__name(current)).hasSuffix(suffix) { return current }
            map = bpf_object__next_map(object, current)
        }
        return nil
    }

    /// Where a variable lies in `.rodata`, from the object's own BTF.
    private func place(of variable: String) -> (offset: Int, bytes: Int)? {
        guard let btf = bpf_object__btf(object) else { return nil }
        let identifier = btf__find_by_name(btf, ".rodata")
        guard identifier > 0, let section = btf__type_by_id(btf, UInt32(identifier)), btf_is_datasec(section), let entries = btf_var_secinfos(section) else {
            return nil
        }
        for index in 0..<Int(btf_vlen(section)) {
            guard let type = btf__type_by_id(btf, entries[index].type), let name = btf__name_by_offset(btf, type.pointee.name_off) else { continue }
            if String(cString: name) == variable { return (Int(entries[index].offset), Int(entries[index].size)) }
        }
        return nil
    }

    // MARK: Load and attach

    func load() throws(BPFFailure) {
        let result = bpf_object__load(object)
        guard result == 0 else { throw BPFFailure(errno: -result) }
    }

    /// Attaches a program for as long as this object lives; gives its file descriptor.
    func attach(_ function: String) throws(BPFFailure) -> Int32 {
        guard let program = bpf_object__find_program_by_name(object, function) else { throw BPFFailure(errno: ENOENT) }
        guard let link = bpf_program__attach(program) else { throw BPFFailure(errno: errno) }
        links[function] = link
        return bpf_program__fd(program)
    }

    /// The descriptor of a program that is run, not attached.
    func descriptor(of function: String) throws(BPFFailure) -> Int32 {
        guard let program = bpf_object__find_program_by_name(object, function) else { throw BPFFailure(errno: ENOENT) }
        return bpf_program__fd(program)
    }

    /// Takes a program off its hook; it stays loaded.
    func detach(_ function: String) {
        if let link = links.removeValue(forKey: function) { bpf_link__destroy(link) }
    }

    /// A map that was loaded; nil when the object has none of that name.
    func map(_ name: String) -> BPFMap? {
        guard let map = bpf_object__find_map_by_name(object, name) else { return nil }
        return BPFMap(
            name: name, descriptor: bpf_map__fd(map), keyBytes: Int(bpf_map__key_size(map)), valueBytes: Int(bpf_map__value_size(map)),
            entries: Int(bpf_map__max_entries(map)), cpuCount: Int(max(1, libbpf_num_possible_cpus())))
    }
}

/// libbpf's or the kernel's error number, positive.
struct BPFFailure: Error {
    var errno: Int32
}
