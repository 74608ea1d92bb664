// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Which network namespace is the host's, and which one the agent is in.
 * Run once by ProbeKernel in the agent's own context, never attached; user space reads the map namespaces.
 * Never trusts a number: the first namespace's inode is given anew at each boot, so it is taken from the task that starts first.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "layout.h"

enum program_index { PROGRAM_FIND_NAMESPACES, PROGRAMS };
#include "maps.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A process has few ancestors; a deeper tree leaves the host's namespace unknown. */
#define ANCESTORS_MAX 64

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct host_namespaces);
} namespaces SEC(".maps");

/*
 * Every process descends from the swapper (pid 0 in the first pid namespace, its own parent), whose namespaces are the first ones (init_nsproxy) and cannot be
 * changed. Parents are the kernel's, whatever the process namespace shows.
 */
SEC("raw_tp/sys_enter")
int find_namespaces(void *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	u32 zero = 0;
	struct host_namespaces *found = bpf_map_lookup_elem(&namespaces, &zero);

	if (!found)
		return 0;
	found->own_network = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	for (int generation = 0; generation < ANCESTORS_MAX; generation++) {
		if (!BPF_CORE_READ(task, pid)) {
			found->host_network = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
			break;
		}
		task = BPF_CORE_READ(task, real_parent);
	}
	return 0;
}
