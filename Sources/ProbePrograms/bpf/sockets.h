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

/* By address: every TCP socket that some process has open. iter.bpf.c fills it; user space takes out what the newest walk did not find. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 32768);
	__type(key, u64);
	__type(value, struct open_socket);
} open_sockets SEC(".maps");

/* Cgroup of the listener, by network namespace (upper 32 bits) and port. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, u64);
} listeners SEC(".maps");

static __always_inline u64 local_end(struct sock *sk)
{
	return (u64)BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) << 32 | BPF_CORE_READ(sk, __sk_common.skc_num);
}

/* Version 1, for a socket that is older than the programs, or the child of such a listener: what the newest walk found. 0 = unknown. */
static __always_inline u64 walked_cgroup(struct sock *sk)
{
	u64 key = (u64)sk;
	struct open_socket *known = bpf_map_lookup_elem(&open_sockets, &key);
	u64 *listener;

	if (known)
		return known->cgroup;
	key = local_end(sk);
	listener = bpf_map_lookup_elem(&listeners, &key);
	return listener ? *listener : 0;
}

/* Any context. */
static __always_inline u64 socket_cgroup(struct sock *sk, struct connection *connection)
{
	if (cgroup_v2)
		return socket_cgroup_v2(sk);
	return connection && connection->cgroup ? connection->cgroup : walked_cgroup(sk);
}
