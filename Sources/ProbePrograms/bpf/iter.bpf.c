// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Every TCP socket that a process of this node has open, whichever namespaces it is in: a walk over all tasks and their open files.
 * Run by ProbeKernel at the start and before each export, never attached: what is older than the other programs gets its owner here, and user space
 * reads states and listeners' drops from the map open_sockets.
 * Never finds sockets that no process has open (TIME_WAIT, closed ones that still send), and never looks beyond FILES_MAX files of a process.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "layout.h"
#include "histogram.h"
#include "identity.h"

enum program_index { PROGRAM_WALK_TASKS, PROGRAMS };
#include "maps.h"
#include "sockets.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define FILES_MAX 65536
#define S_IFMT 0170000
#define S_IFSOCK 0140000

/* kernel/bpf/task_iter.c and bpf_iter.c (6.7): iterators on the stack */
struct bpf_iter_task {
	u64 opaque[3];
} __attribute__((aligned(8)));
struct bpf_iter_num {
	u64 opaque[1];
} __attribute__((aligned(8)));
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task, unsigned int flags) __ksym;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

/* User space numbers its walks. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} walk_number SEC(".maps");

static __always_inline struct sock *tcp_socket(struct file *file)
{
	struct socket *socket;
	struct sock *sk;
	u16 family;

	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if ((family != AF_INET && family != AF_INET6) || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	return sk;
}

static __always_inline void found(struct sock *sk, u64 cgroup, u64 walk)
{
	struct open_socket socket = { .cgroup = cgroup, .walk = walk };
	u64 key = (u64)sk;
	struct open_socket *known = bpf_map_lookup_elem(&open_sockets, &key);

	/* Several processes may have it open: the first one counts. */
	if (known && known->walk == walk)
		return;
	socket.state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (cgroup_v2)
		socket.cgroup = BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id);
	if (socket.state == TCP_LISTEN) {
		socket.drops = (u32)BPF_CORE_READ(sk, sk_drops.counter);
		key = local_end(sk);
		bpf_map_update_elem(&listeners, &key, &socket.cgroup, 0);
		key = (u64)sk;
	}
	if (bpf_map_update_elem(&open_sockets, &key, &socket, 0))
		lose(PROGRAM_WALK_TASKS, map_full);
}

static __always_inline void walk_files(struct task_struct *task, u64 walk)
{
	struct files_struct *files = BPF_CORE_READ(task, files);
	struct bpf_iter_num numbers;
	struct fdtable *table;
	struct file **entries;
	u32 count;
	u64 cgroup;
	int *number;

	if (!files)
		return;
	table = BPF_CORE_READ(files, fdt);
	count = BPF_CORE_READ(table, max_fds);
	entries = BPF_CORE_READ(table, fd);
	cgroup = task_cgroup(task);
	bpf_iter_num_new(&numbers, 0, count < FILES_MAX ? count : FILES_MAX);
	while ((number = bpf_iter_num_next(&numbers))) {
		struct file *file = 0;
		struct sock *sk;

		if (bpf_probe_read_kernel(&file, sizeof(file), entries + *number) || !file)
			continue;
		sk = tcp_socket(file);
		if (sk)
			found(sk, cgroup, walk);
	}
	bpf_iter_num_destroy(&numbers);
}

SEC("syscall")
int walk_tasks(void *ctx)
{
	struct run run = run_begin(PROGRAM_WALK_TASKS);
	struct bpf_iter_task tasks;
	struct task_struct *task;
	u32 zero = 0;
	u64 *walk = bpf_map_lookup_elem(&walk_number, &zero);

	if (!walk)
		return 0;
	bpf_rcu_read_lock();
	bpf_iter_task_new(&tasks, 0, 0);
	while ((task = bpf_iter_task_next(&tasks)))
		walk_files(task, *walk);
	bpf_iter_task_destroy(&tasks);
	bpf_rcu_read_unlock();
	run_end(run);
	return 0;
}
