// SPDX-License-Identifier: Apache-2.0
// The system's libbpf; imported by the ProbeKernel target only.
#pragma once
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <malloc.h>
#include <sys/vfs.h>

// Which file system a path lies on (f_type of statfs), or -errno. Swift's Glibc module has neither statfs nor malloc's controls.
static inline long sonde_filesystem_type(const char *path) {
    struct statfs information;
    return statfs(path, &information) == 0 ? (long)information.f_type : -(long)errno;
}
// One arena for all threads; returns 1 when it was set.
static inline int sonde_use_one_arena(void) { return mallopt(M_ARENA_MAX, 1); }
static inline int sonde_trim_memory(void) { return malloc_trim(0); }
