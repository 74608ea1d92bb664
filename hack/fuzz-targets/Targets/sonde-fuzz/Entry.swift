// The function that libFuzzer calls with each input, under the name that its library asks for even where a program has a main of its own.
// main.swift hands it to the driver.
// It never keeps an input.

import Glibc

/// What SONDE_FUZZ names; nil when it names none.
let chosenReader = getenv("SONDE_FUZZ").flatMap { readers[String(cString: $0)] }

@_cdecl("LLVMFuzzerTestOneInput")
func readOneInput(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    chosenReader?(UnsafeRawBufferPointer(start: bytes, count: size))
    return 0
}
