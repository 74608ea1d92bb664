// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Count and latency of chosen system calls per cgroup, number and error.
 * Loaded by ProbeKernel for the syscalls signal, which is off by default: any system call of the node pays for it. User space reads the map syscalls.
 * Never counts a call twice, nor one of a 32-bit program, whose numbers mean other calls.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "layout.h"
#include "histogram.h"
#include "identity.h"

enum program_index { PROGRAM_SYS_ENTER, PROGRAM_SYS_EXIT, PROGRAMS };
#include "maps.h"
#include "system_call.h"
#include "call_filter.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#if defined(__TARGET_ARCH_x86)
#define NR_RESTART_SYSCALL 219
#elif defined(__TARGET_ARCH_arm64)
#define NR_RESTART_SYSCALL 128
#else
#error "system call numbers of this architecture are not known here"
#endif

struct call {
	u64 started_ns; /* 0 = none under way */
	u32 nr;
	u32 restarts; /* the kernel will go on with this call as restart_syscall */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct syscall_key);
	__type(value, struct histogram);
} syscalls SEC(".maps");

static const struct histogram no_histogram;

static __always_inline void entered(u32 nr)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct call *call;

	if (is_32bit(task))
		return;
	call = bpf_task_storage_get(&calls, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call) {
		lose(PROGRAM_SYS_ENTER, storage_full);
		return;
	}
	if (nr == NR_RESTART_SYSCALL) {
		if (!call->restarts)
			call->started_ns = 0;
		call->restarts = 0;
		return;
	}
	call->started_ns = bpf_ktime_get_ns();
	call->nr = nr;
	call->restarts = 0;
}

static __always_inline void completed(struct task_struct *task, struct call *call, long result)
{
	u32 error = result < 0 && result >= -ERRNO_MAX ? -result : 0;
	struct syscall_key key = { .cgroup = task_cgroup(task), .nr = call->nr, .error = error };
	u64 started_ns = call->started_ns;
	struct histogram *histogram;

	call->started_ns = 0;
	if (ignored(key.cgroup))
		return;
	histogram = group_value(syscalls, &key, no_histogram, PROGRAM_SYS_EXIT);
	if (histogram)
		histogram_add(histogram, bpf_ktime_get_ns() - started_ns);
}

static __always_inline void exited(u64 nr, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct call *call = bpf_task_storage_get(&calls, task, 0, 0);

	if (!call || !call->started_ns)
		return;
	if (began_unseen(call->started_ns)) {
		call->started_ns = 0;
		return;
	}
	if (is_interrupted(result)) {
		call->restarts = result == -ERESTART_RESTARTBLOCK;
		if (!ignored(task_cgroup(task)))
			lose(PROGRAM_SYS_EXIT, interrupted);
	} else if (call->nr == nr || nr == NR_RESTART_SYSCALL) {
		completed(task, call, result);
	}
}

SEC("tp_btf/sys_enter")
int sys_enter(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_SYS_ENTER);

	if (wanted(ctx[1]))
		entered(ctx[1]);
	run_end(run);
	return 0;
}

SEC("tp_btf/sys_exit")
int sys_exit(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_SYS_EXIT);
	u64 nr = number_of((struct pt_regs *)ctx[0]);

	if (wanted(nr))
		exited(nr, (long)ctx[1]);
	run_end(run);
	return 0;
}
