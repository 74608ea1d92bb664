// The running kernel's type information: which tracepoints exist and how many arguments they have.
// Used by the loader before it loads anything.
// Never compares kernel versions: distributions backport.
import CBPF
import ProbePrograms

/// Looks at `/sys/kernel/btf/vmlinux`, which every kernel with `CONFIG_DEBUG_INFO_BTF` has; it is visible in any container.
struct KernelBTF: Sendable {
    /// Arguments of each tracepoint that the programs use and this kernel has, without the first, which belongs to the tracing.
    let argumentCounts: [String: Int]
    /// Functions for programs (kfuncs) that the programs use and this kernel has.
    var functions: Set<String> = []
    /// Names of `enum skb_drop_reason` by number, as the kernel writes them.
    var dropReasons: [UInt32: String] = [:]
    /// Names of `enum skb_drop_reason_subsys`.
    var dropSubsystems: [UInt32: String] = [:]

    /// include/uapi/linux/btf.h
    private enum Kind {
        static let enumeration: UInt32 = 6
        static let function: UInt32 = 12
    }

    /// nil when the kernel has no BTF or it cannot be read.
    static func read(tracepoints: [String], functions: [String]) -> KernelBTF? {
        KernelLog.begin()
        defer { _ = KernelLog.end() }
        guard let btf = btf__load_vmlinux_btf() else { return nil }
        defer { btf__free(btf) }
        var counts: [String: Int] = [:]
        for name in tracepoints { counts[name] = argumentCount(of: name, in: btf) }
        return KernelBTF(
            argumentCounts: counts,
            functions: Set(functions.filter { btf__find_by_name_kind(btf, $0, Kind.function) > 0 }),
            dropReasons: enumerators(of: "skb_drop_reason", in: btf),
            dropSubsystems: enumerators(of: "skb_drop_reason_subsys", in: btf))
    }

    private static func enumerators(of name: String, in btf: OpaquePointer) -> [UInt32: String] {
        let identifier = btf__find_by_name_kind(btf, name, Kind.enumeration)
        guard identifier > 0, let type = btf__type_by_id(btf, UInt32(identifier)), let values = btf_enum(type) else { return [:] }
        return (0..<Int(btf_vlen(type))).reduce(into: [:]) { names, index in
            guard let text = btf__name_by_offset(btf, values[index].name_off) else { return }
            names[UInt32(bitPattern: values[index].val)] = String(cString: text)
        }
    }

    /// `typedef void (*btf_trace_NAME)(void *, ...)` is how the kernel describes a tracepoint (include/trace/bpf_probe.h).
    private static func argumentCount(of tracepoint: String, in btf: OpaquePointer) -> Int? {
        let identifier = btf__find_by_name(btf, "btf_trace_\(tracepoint)")
        guard identifier > 0, let alias = btf__type_by_id(btf, UInt32(identifier)), btf_is_typedef(alias),
            let pointer = btf__type_by_id(btf, alias.pointee.type), btf_is_ptr(pointer),
            let prototype = btf__type_by_id(btf, pointer.pointee.type), btf_is_func_proto(prototype)
        else { return nil }
        return Int(btf_vlen(prototype)) - 1
    }
}
