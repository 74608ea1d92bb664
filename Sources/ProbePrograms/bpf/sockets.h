/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What is known of a socket, and whose it is.
 * Included by tcp.bpf.c, which writes it, and by drops.bpf.c, which shares the map when both are loaded.
 * Never takes an identity from the current task in softirq.
 */
#pragma once

/* Freed by the kernel with the socket. Children of a listener inherit it (BPF_F_CLONE), which gives them their cgroup on version 1. */
struct connection {
	u64 cgroup;
	u64 connecting_since;  /* 0 = no connect is under way */
	u64 established_since; /* 0 = not established, or before the programs were loaded */
	u64 role;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct connection);
} connections SEC(".maps");

/* Any context. On version 1 a socket that is older than the programs has no storage: cgroup 0, unknown. */
static __always_inline u64 socket_cgroup(struct sock *sk, struct connection *connection)
{
	if (cgroup_v2)
		return socket_cgroup_v2(sk);
	return connection ? connection->cgroup : 0;
}
