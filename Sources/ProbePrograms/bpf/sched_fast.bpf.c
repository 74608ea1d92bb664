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

static __always_inline void waited(struct task_struct *next)
{
	struct sched_value *group;
	u64 queued_ns;
	u64 now_ns;

	if (!bpf_core_field_exists(next->sched_info.last_queued))
		return;
	/* Set when a task becomes runnable or is preempted (sched_info_enqueue, sched_info_depart), cleared when it runs, which is after this tracepoint. */
	queued_ns = next->sched_info.last_queued;
	if (!queued_ns)
		return;
	now_ns = next->se.cfs_rq->rq->clock;
	group = group_of(task_cgroup(next), PROGRAM_SCHED_SWITCH_FAST);
	if (group)
		histogram_add(&group->latency, now_ns > queued_ns ? now_ns - queued_ns : 0);
}

SEC("tp_btf/sched_switch")
int sched_switch_fast(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_SCHED_SWITCH_FAST);
	struct task_struct *prev = (struct task_struct *)ctx[1];
	struct task_struct *next = (struct task_struct *)ctx[2];

	if (prev->pid)
		count_switch(prev, stays_runnable(ctx, prev), PROGRAM_SCHED_SWITCH_FAST);
	if (next->pid)
		waited(next);
	run_end(run);
	return 0;
}
