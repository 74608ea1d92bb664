// Errors of this module.
// Thrown by the loaded probe's map functions; a hook that fails is no error but an outcome with a reason (HookOutcome).
// Never without the name of the map and the kernel's error name.
import ProbePrograms

/// A map could not be read or written.
public struct ProbeKernelError: Error, Hashable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// The probe was closed before.
        case closed
        /// The program has no such map.
        case noSuchMap
        /// A key or a setting has the wrong size or range.
        case invalidArgument
        /// bpf(2) failed.
        case kernel(errno: Int32)
    }

    public var code: Code
    public var message: String
    public var description: String { message }

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    static func kernel(_ errorNumber: Int32, doing action: String) -> ProbeKernelError {
        ProbeKernelError(.kernel(errno: errorNumber), "\(action): \(errorName(errorNumber))")
    }
}

/// `EPERM` for 1; the number itself when it has no name.
func errorName(_ number: Int32) -> String {
    ErrorNames.name(of: number.magnitude) ?? "error \(number.magnitude)"
}
