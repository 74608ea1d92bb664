// Reads the records of a BPF ring buffer.
// Held by the loaded probe, which keeps the ring's descriptor open and lets one thread read at a time.
// Never waits: who wants records asks again later.
import CBPF
import Glibc

/// One ring, mapped into memory by libbpf.
final class RingReader {
    /// What libbpf's callback gets: it has one pointer only.
    private struct Drain {
        let body: (UnsafeRawBufferPointer) -> Void
        var left: Int
        var taken = 0
    }

    private let ring: OpaquePointer
    /// libbpf keeps this pointer; it is set for the time of a call.
    private let current: UnsafeMutablePointer<Drain?>

    /// nil when the ring cannot be mapped: out of memory.
    init?(descriptor: Int32) {
        current = .allocate(capacity: 1)
        current.initialize(to: nil)
        let made = ring_buffer__new(
            descriptor,
            { context, record, size in
                guard let current = context?.assumingMemoryBound(to: Drain?.self), current.pointee != nil else { return -EINVAL }
                current.pointee?.body(UnsafeRawBufferPointer(start: record, count: size))
                current.pointee?.taken += 1
                current.pointee?.left -= 1
                // A negative result ends the reading behind this record; producers may be faster than we are.
                return current.pointee?.left == 0 ? -EAGAIN : 0
            }, current, nil)
        guard let made else {
            current.deallocate()
            return nil
        }
        ring = made
    }

    deinit {
        ring_buffer__free(ring)
        current.deinitialize(count: 1)
        current.deallocate()
    }

    /// Hands over waiting records, oldest first; their bytes are valid only during the call.
    func drain(limit: Int, _ body: (UnsafeRawBufferPointer) -> Void) -> Int {
        withoutActuallyEscaping(body) { body in
            current.pointee = Drain(body: body, left: max(1, limit))
            _ = ring_buffer__consume(ring)
            defer { current.pointee = nil }
            return current.pointee?.taken ?? 0
        }
    }
}
