// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Count of chosen system calls per cgroup, number and error, from one hook: no clock, nothing kept between two calls.
 * Loaded by ProbeKernel in the place of syscall.bpf.c when nobody wants times; user space reads the map syscall_calls.
 * Never counts a call that is not complete, nor one of a 32-bit program, whose numbers mean other calls.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "layout.h"
#include "identity.h"

enum program_index { PROGRAM_SYS_EXIT_COUNT, PROGRAMS };
#include "maps.h"
#include "system_call.h"
#include "call_filter.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct syscall_key);
	__type(value, struct syscall_count);
} syscall_calls SEC(".maps");

static const struct syscall_count no_calls;

/*
 * A call that a signal cut short is a loss here: when the kernel runs it again it comes back under its own number and is counted then. When the kernel goes on
 * with it as restart_syscall, only something kept since the first exit could tell which call that was, so it is counted under that name, and only when that
 * name is wanted.
 */
static __always_inline void completed(u32 nr, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct syscall_key key = { .nr = nr, .error = result < 0 && result >= -ERRNO_MAX ? -result : 0 };
	struct syscall_count *count;

	if (is_32bit(task))
		return;
	if (is_interrupted(result)) {
		lose(PROGRAM_SYS_EXIT_COUNT, interrupted);
		return;
	}
	key.cgroup = task_cgroup(task);
	if (ignored(key.cgroup))
		return;
	count = group_value(syscall_calls, &key, no_calls, PROGRAM_SYS_EXIT_COUNT);
	if (count)
		count->calls++;
}

SEC("tp_btf/sys_exit")
int sys_exit_count(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_SYS_EXIT_COUNT);
	u64 nr = number_of((struct pt_regs *)ctx[0]);

	if (wanted(nr))
		completed(nr, (long)ctx[1]);
	run_end(run);
	return 0;
}
