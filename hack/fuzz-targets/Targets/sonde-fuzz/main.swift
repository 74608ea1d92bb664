// sonde-fuzz: libFuzzer over one of the readers in Readers.swift, the one that SONDE_FUZZ names.
// hack/fuzz --coverage runs it, once for each reader; every argument is libFuzzer's (`-help=1`).
// It never judges an input: a trap, a broken promise or a bad memory access ends it, and libFuzzer keeps the input.

import CLibFuzzer
import Glibc

let name = getenv("SONDE_FUZZ").map { String(cString: $0) } ?? ""
guard let found = readers[name] else {
    print("sonde-fuzz: set SONDE_FUZZ to one of \(readers.keys.sorted().joined(separator: " "))")
    exit(2)
}
let reader = found

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
exit(
    LLVMFuzzerRunDriver(&count, &arguments) { bytes, size in
        reader(UnsafeRawBufferPointer(start: bytes, count: size))
        return 0
    })
