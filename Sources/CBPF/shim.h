// SPDX-License-Identifier: Apache-2.0
// The system's libbpf; imported by the ProbeKernel target only.
#pragma once
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/vfs.h>

// Which file system a path lies on (f_type of statfs), or -errno. Swift's Glibc module has neither statfs nor malloc's controls.
static inline long sonde_filesystem_type(const char *path) {
    struct statfs information;
    return statfs(path, &information) == 0 ? (long)information.f_type : -(long)errno;
}
// One arena for all threads; returns 1 when it was set.
static inline int sonde_use_one_arena(void) { return mallopt(M_ARENA_MAX, 1); }
static inline int sonde_trim_memory(void) { return malloc_trim(0); }

// Drops the mapped pages of one library's code; what runs again is mapped again from the page cache. Code is never written to here (no text relocations on
// x86-64 and arm64 position-independent code), so nothing is lost; writable and relocated segments are left alone.
static inline int sonde_drop_code_of(struct dl_phdr_info *library, size_t size, void *context) {
    const size_t page = 4096;
    (void)size, (void)context;
    for (int i = 0; i < library->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &library->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) || (segment->p_flags & PF_W)) continue;
        size_t start = (library->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        madvise((void *)start, library->dlpi_addr + segment->p_vaddr + segment->p_memsz - start, MADV_DONTNEED);
    }
    return 0;
}
static inline void sonde_drop_code(void) { dl_iterate_phdr(sonde_drop_code_of, 0); }
