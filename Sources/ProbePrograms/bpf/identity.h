/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Who an event belongs to: the cgroup id (the inode of its directory) of a task or a socket, in the one hierarchy that the agent reads.
 * Used by every program. 0 means unknown.
 * Never mixes hierarchies: ids of two hierarchies are different numbers and may collide.
 */
#pragma once

/* Set before load: the unified hierarchy (true) or version 1's memory hierarchy (false). */
const volatile bool cgroup_v2 = true;

static __always_inline u64 task_cgroup(struct task_struct *task)
{
	if (cgroup_v2)
		return task->cgroups->dfl_cgrp->kn->id;
	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return 0;
	return task->cgroups->subsys[bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id)]->cgroup->kn->id;
}

/* The current task's, also before 5.11, where programs of this kind get no typed pointer to it (bpf_get_current_task_btf). */
static __always_inline u64 current_cgroup(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct cgroup_subsys_state *memory = 0;
	struct css_set *groups = BPF_CORE_READ(task, cgroups);

	if (cgroup_v2)
		return BPF_CORE_READ(groups, dfl_cgrp, kn, id);
	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return 0;
	bpf_probe_read_kernel(&memory, sizeof(memory), &groups->subsys[bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id)]);
	return BPF_CORE_READ(memory, cgroup, kn, id);
}

/* The cgroup in which the socket was made (a child socket has its listener's); only the unified hierarchy keeps it. Right in softirq, where current is not. */
static __always_inline u64 socket_cgroup_v2(struct sock *sk)
{
	struct sock_cgroup_data___before_5_16 *old = (void *)&sk->sk_cgrp_data;

	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		return sk->sk_cgrp_data.cgroup->kn->id;
	u64 val = BPF_CORE_READ(old, val);
	return val & 1 ? 0 : BPF_CORE_READ((struct cgroup *)val, kn, id);
}

/* Cgroups whose namespace nobody wants to see; user space writes it. Allocated as it fills: most probes filter nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, u8);
} ignored_cgroups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct control);
} control SEC(".maps");

/* Whether events of this cgroup are left out. A cgroup that user space has not seen yet is not: its counts are filtered there. */
static __always_inline bool ignored(u64 cgroup)
{
	u32 zero = 0;
	struct control *now = bpf_map_lookup_elem(&control, &zero);

	return now && now->filtering && bpf_map_lookup_elem(&ignored_cgroups, &cgroup);
}

/* Whether something began before the programs were attached again: its end may belong to another beginning. */
static __always_inline bool began_unseen(u64 started_ns)
{
	u32 zero = 0;
	struct control *now = bpf_map_lookup_elem(&control, &zero);

	return now && started_ns < now->since_ns;
}
