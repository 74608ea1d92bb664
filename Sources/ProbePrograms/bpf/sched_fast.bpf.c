// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Run-queue latency and context switches per cgroup from one hook: the kernel's own time at which the task that comes in was queued.
 * Loaded by ProbeKernel instead of sched.bpf.c when the budget asks for it or the resource says precision: Fast; user space reads the map sched_groups.
 * Never reads a clock: the run queue's clock is not refreshed for each event, so waits below 64 us are unreliable one by one; sums and tails hold.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "layout.h"
#include "histogram.h"
#include "identity.h"

enum program_index { PROGRAM_SCHED_SWITCH_FAST, PROGRAMS };
#include "maps.h"
#include "sched.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before load: programs of this kind have task storage since 5.11; without it, what a task waited before it was moved is missing. */
const volatile bool has_task_storage = true;

/* The kernel's sum of the task's waits (sched_info.run_delay) when it last ran. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} waited_before SEC(".maps");

/*
 * last_queued is set when a task becomes runnable or is preempted (sched_info_enqueue, sched_info_depart), and cleared when it runs, which is after this
 * tracepoint. A task that is moved to another run queue while it waits is queued anew there; what it waited until then has been added to run_delay.
 */
static __always_inline void waited(struct task_struct *next)
{
	struct sched_value *group;
	u64 queued_ns, run_delay, now_ns, waited_ns;
	u64 *before;

	if (!bpf_core_field_exists(next->sched_info.last_queued))
		return;
	queued_ns = next->sched_info.last_queued;
	if (!queued_ns)
		return;
	now_ns = next->se.cfs_rq->rq->clock;
	waited_ns = now_ns > queued_ns ? now_ns - queued_ns : 0;
	run_delay = next->sched_info.run_delay;
	before = has_task_storage ? bpf_task_storage_get(&waited_before, next, 0, 0) : 0;
	if (before) {
		u64 moved_ns = run_delay - *before;

		*before = run_delay + waited_ns;
		waited_ns += moved_ns;
	} else {
		u64 after = run_delay + waited_ns;

		if (has_task_storage && !bpf_task_storage_get(&waited_before, next, &after, BPF_LOCAL_STORAGE_GET_F_CREATE)) {
			lose(PROGRAM_SCHED_SWITCH_FAST, storage_full);
			return;
		}
		/* A task that never ran has its whole wait here; how much of an older one's is from before, nobody knows. */
		if (!next->sched_info.pcount)
			waited_ns += run_delay;
	}
	group = group_of(task_cgroup(next), PROGRAM_SCHED_SWITCH_FAST);
	if (group)
		histogram_add(&group->latency, waited_ns);
}

SEC("tp_btf/sched_switch")
int sched_switch_fast(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_SCHED_SWITCH_FAST);
	struct task_struct *prev = (struct task_struct *)ctx[1];
	struct task_struct *next = (struct task_struct *)ctx[2];

	if (prev->pid)
		count_switch(group_of(task_cgroup(prev), PROGRAM_SCHED_SWITCH_FAST), stays_runnable(ctx, prev));
	if (next->pid)
		waited(next);
	run_end(run);
	return 0;
}
