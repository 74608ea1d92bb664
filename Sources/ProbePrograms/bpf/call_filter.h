/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Which system calls are wanted.
 * Included by syscall.bpf.c and syscall_counts.bpf.c after layout.h; user space writes the map, at any time.
 * Never asks for the task: what nobody wants costs one look-up.
 */
#pragma once

/* A bit for each call. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct syscall_filter);
} syscall_filter SEC(".maps");

static __always_inline bool wanted(u64 nr)
{
	u32 zero = 0;
	struct syscall_filter *filter;

	if (nr >= SYSCALLS)
		return false;
	filter = bpf_map_lookup_elem(&syscall_filter, &zero);
	return filter && filter->words[nr >> 6] >> (nr & 63) & 1;
}
