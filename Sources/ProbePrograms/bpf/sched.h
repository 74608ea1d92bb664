/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The groups of both scheduler programs, and who left a CPU and why.
 * Included by sched.bpf.c (exact) and sched_fast.bpf.c (one hook) after maps.h; only one of them is loaded at a time.
 * Never looks at the idle task (pid 0).
 */
#pragma once

/* Set before load from the tracepoint's prototype: 5.18 (commit fa2c3254d7cf) added prev_state. */
const volatile bool switch_has_prev_state = true;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct sched_key);
	__type(value, struct sched_value);
} sched_groups SEC(".maps");

static const struct sched_value no_value;

static __always_inline struct sched_value *group_of(u64 cgroup, u32 program)
{
	struct sched_key key = { .cgroup = cgroup };

	if (ignored(cgroup))
		return 0;
	return group_value(sched_groups, &key, no_value, program);
}

static __always_inline unsigned int state_before_switch(u64 *ctx, struct task_struct *prev)
{
	if (switch_has_prev_state)
		return (unsigned int)ctx[3];
	if (bpf_core_field_exists(prev->__state))
		return prev->__state;
	return (unsigned int)BPF_CORE_READ((struct task_struct___before_5_14 *)prev, state);
}

/* A task that is preempted stays runnable whatever its state says (__schedule in kernel/sched/core.c). */
static __always_inline bool stays_runnable(u64 *ctx, struct task_struct *prev)
{
	return (ctx[0] & 1) || state_before_switch(ctx, prev) == TASK_RUNNING;
}

static __always_inline void count_switch(struct sched_value *group, bool runnable)
{
	if (!group)
		return;
	if (runnable)
		group->involuntary++;
	else
		group->voluntary++;
}
