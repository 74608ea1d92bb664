// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Run-queue latency and context switches per cgroup: from the wakeup (or the preemption) of a task to the moment when it runs.
 * Loaded by ProbeKernel for the scheduler signal; user space reads the map sched_groups.
 * Never looks at the idle task (pid 0) and keeps no state outside of the task's own storage.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "layout.h"
#include "histogram.h"
#include "identity.h"

enum program_index { PROGRAM_SCHED_WAKEUP, PROGRAM_SCHED_WAKEUP_NEW, PROGRAM_SCHED_SWITCH, PROGRAMS };
#include "maps.h"
#include "sched.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* In the lowest bit of a time: the task was preempted on its way to sleep. It waits on, and a wakeup meanwhile only takes the sleep away. */
#define ALMOST_ASLEEP 1ULL

/* When the task became runnable; 0 = it is not waiting for a CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} runnable_since SEC(".maps");

static __always_inline void became_runnable(struct task_struct *task, u64 since_ns, u32 program)
{
	u64 *since;

	if (!task->pid)
		return;
	since = bpf_task_storage_get(&runnable_since, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!since) {
		lose(program, storage_full);
		return;
	}
	if (program != PROGRAM_SCHED_SWITCH && *since & ALMOST_ASLEEP) {
		*since &= ~ALMOST_ASLEEP;
		return;
	}
	/* It waited and ran without being seen coming in: some guests' kernels hide a switch now and then. */
	if (*since && !ignored(task_cgroup(task)))
		lose(program, unmeasured);
	*since = since_ns;
}

/* A wakeup of a task that runs, because it was about to sleep, begins no wait. */
static __always_inline void woken(struct task_struct *task, u32 program)
{
	if (bpf_core_field_exists(task->on_cpu) && task->on_cpu)
		return;
	became_runnable(task, bpf_ktime_get_ns() & ~ALMOST_ASLEEP, program);
}

/* How long the task waited that comes in; -1 when nobody saw it begin to wait. */
static __always_inline long long waited(struct task_struct *next, u64 now_ns)
{
	u64 *since = bpf_task_storage_get(&runnable_since, next, 0, 0);
	long long waited_ns;

	if (!since || !*since)
		return -1;
	waited_ns = now_ns - *since;
	*since = 0;
	/* CPUs' clocks may differ by nanoseconds. */
	return waited_ns < 0 ? 0 : waited_ns;
}

static __always_inline void switched(struct task_struct *prev, struct task_struct *next, bool runnable, u64 since_ns, u64 now_ns)
{
	struct sched_value *group = 0;
	u64 cgroup = 0, next_cgroup;
	long long waited_ns;

	if (prev->pid) {
		if (runnable)
			became_runnable(prev, since_ns, PROGRAM_SCHED_SWITCH);
		cgroup = task_cgroup(prev);
		group = group_of(cgroup, PROGRAM_SCHED_SWITCH);
		count_switch(group, runnable);
	}
	if (!next->pid)
		return;
	waited_ns = waited(next, now_ns);
	next_cgroup = task_cgroup(next);
	if (waited_ns < 0) {
		if (!ignored(next_cgroup))
			lose(PROGRAM_SCHED_SWITCH, unmeasured);
		return;
	}
	/* Tasks of one container take turns often: the second look-up would be a fifth of the switch's cost. */
	if (!prev->pid || next_cgroup != cgroup)
		group = group_of(next_cgroup, PROGRAM_SCHED_SWITCH);
	else if (!group && !ignored(cgroup))
		lose(PROGRAM_SCHED_SWITCH, map_full); /* The switch was the first event that found no room, the wait is the second. */
	if (group)
		histogram_add(&group->latency, waited_ns);
}

SEC("tp_btf/sched_wakeup")
int sched_wakeup(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_SCHED_WAKEUP);

	woken((struct task_struct *)ctx[0], PROGRAM_SCHED_WAKEUP);
	run_end(run);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int sched_wakeup_new(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_SCHED_WAKEUP_NEW);

	woken((struct task_struct *)ctx[0], PROGRAM_SCHED_WAKEUP_NEW);
	run_end(run);
	return 0;
}

SEC("tp_btf/sched_switch")
int sched_switch(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_SCHED_SWITCH);
	struct task_struct *prev = (struct task_struct *)ctx[1];
	/* One reading of the clock for both: it is a good part of what a switch costs here. */
	u64 now_ns = bpf_ktime_get_ns(), since_ns = now_ns & ~ALMOST_ASLEEP;

	if (state_before_switch(ctx, prev) != TASK_RUNNING)
		since_ns |= ALMOST_ASLEEP;
	switched(prev, (struct task_struct *)ctx[2], stays_runnable(ctx, prev), since_ns, now_ns);
	run_end(run);
	return 0;
}
