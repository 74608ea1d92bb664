// sonde-fuzz: libFuzzer over one of the readers in Readers.swift, the one that SONDE_FUZZ names.
// hack/fuzz --coverage runs it, once for each reader; every argument is libFuzzer's (`-help=1`).
// It never judges an input: a trap, a broken promise or a bad memory access ends it, and libFuzzer keeps the input.

import CLibFuzzer
import Glibc

if chosenReader == nil {
    print("sonde-fuzz: set SONDE_FUZZ to one of \(readers.keys.sorted().joined(separator: " "))")
    exit(2)
}
var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
exit(LLVMFuzzerRunDriver(&count, &arguments) { readOneInput($0, $1) })
