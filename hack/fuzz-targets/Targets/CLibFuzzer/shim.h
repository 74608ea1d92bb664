// libFuzzer's entry for programs that have a main of their own (llvm/docs/LibFuzzer.rst, "Using libFuzzer as a library").
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *count, char ***arguments, int (*one)(const uint8_t *bytes, size_t size));
