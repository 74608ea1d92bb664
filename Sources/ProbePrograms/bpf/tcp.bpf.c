// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * TCP per cgroup: how long connections take and last, which fail and why, round trips, resets, and how many segments are sent again.
 * Loaded by ProbeKernel for the tcp signal; user space reads the maps connects, peers, lifetimes, round_trips, resets and retransmits.
 * Never takes an identity from the current task in softirq, and looks at no address unless user space asks for those of clients' peers.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "layout.h"
#include "histogram.h"
#include "identity.h"

enum program_index {
	PROGRAM_INET_SOCK_SET_STATE,
	PROGRAM_TCP_RETRANSMIT_SKB,
	PROGRAM_TCP_RETRANSMIT_SYNACK,
	PROGRAM_TCP_PROBE,
	PROGRAM_TCP_SEND_RESET,
	PROGRAM_TCP_RECEIVE_RESET,
	ACCOUNT_LIFETIMES, /* losses of a class of its own: inet_sock_set_state counts connections and their lifetimes */
	PROGRAMS
};
#include "maps.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before load from the tracepoint's prototype: 6.17 added err, and fires for failed sends too. RetransSegs has always counted those. */
const volatile bool retransmit_has_error = true;

#include "sockets.h"

/* Set before load: the network namespace (its inode) whose segments are also counted on their own, to be held against its RetransSegs; 0 = none. */
const volatile u32 compared_network = 0;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct retransmit_value);
} compared_segments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct connect_key);
	__type(value, struct histogram);
} connects SEC(".maps");

/* Allocated as it fills: most probes tell no address. Entries that nobody uses any more are taken out by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2048);
	__type(key, struct peer_key);
	__type(value, struct histogram);
} peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct retransmit_key);
	__type(value, struct retransmit_value);
} retransmits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct lifetime_key);
	__type(value, struct histogram);
} lifetimes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct rtt_key);
	__type(value, struct histogram);
} round_trips SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct reset_key);
	__type(value, struct reset_value);
} resets SEC(".maps");

static const struct reset_value no_resets;
static const struct histogram no_histogram;
static const struct retransmit_value no_segments;

/*
 * connect() and listen() run in the caller's context, unless a kernel thread does it (MPTCP subflows, NFS). Without memory nothing is remembered: a connect
 * is lost when it ends, where it is counted.
 */
static __always_inline struct connection *remember(struct sock *sk)
{
	struct connection *connection = bpf_sk_storage_get(&connections, sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct task_struct *task = bpf_get_current_task_btf();

	if (connection && !cgroup_v2 && !(task->flags & PF_KTHREAD))
		connection->cgroup = task_cgroup(task);
	return connection;
}

static __always_inline u16 told_port(struct sock *sk, u32 role)
{
	u16 port = role == ROLE_CLIENT ? __builtin_bswap16(sk->__sk_common.skc_dport) : sk->__sk_common.skc_num;
	u32 zero = 0;
	struct control *now = bpf_map_lookup_elem(&control, &zero);

	return now && port < now->ports_below ? port : 0;
}

static __always_inline bool tells_addresses(void)
{
	u32 zero = 0;
	struct control *now = bpf_map_lookup_elem(&control, &zero);

	return now && now->addresses;
}

/* Whether the kernel has an address of this family. */
static __always_inline bool read_peer(struct sock *sk, u8 *address)
{
	u16 family = sk->__sk_common.skc_family;

	if (family == AF_INET) {
		address[10] = address[11] = 0xff;
		return !bpf_core_read(address + 12, 4, &sk->__sk_common.skc_daddr);
	}
	if (family != AF_INET6 || !bpf_core_field_exists(sk->__sk_common.skc_v6_daddr))
		return false;
	return !bpf_core_read(address, 16, &sk->__sk_common.skc_v6_daddr);
}

/* The group of a client's peer; NULL when addresses are not told or the map is full: the connection is then counted without its address. */
static __always_inline struct histogram *peer_group(struct sock *sk, const struct connect_key *connect)
{
	struct peer_key key = { .connect = *connect };
	struct histogram *histogram;

	if (connect->role != ROLE_CLIENT || !tells_addresses() || !read_peer(sk, key.address))
		return 0;
	histogram = bpf_map_lookup_elem(&peers, &key);
	if (histogram)
		return histogram;
	bpf_map_update_elem(&peers, &key, &no_histogram, BPF_NOEXIST);
	return bpf_map_lookup_elem(&peers, &key);
}

static __always_inline void record(struct sock *sk, struct connection *connection, u32 role, u32 error, u64 ns)
{
	struct connect_key key = { .cgroup = socket_cgroup(sk, connection), .role = role, .port = told_port(sk, role), .error = error };
	struct histogram *histogram;

	if (ignored(key.cgroup))
		return;
	histogram = peer_group(sk, &key);
	if (!histogram)
		histogram = group_value(connects, &key, no_histogram, PROGRAM_INET_SOCK_SET_STATE);
	if (histogram)
		histogram_add(histogram, ns);
}

/*
 * SYN_RECV to ESTABLISHED is no time on a server: the socket is made by the packet that establishes it. The kernel has by then stored the time from its
 * SYN-ACK to that packet as the first round-trip sample (tcp_synack_rtt_meas), in eighths of a microsecond; not when the SYN-ACK had to be sent again or
 * a SYN cookie was used.
 */
static __always_inline void accepted(struct sock *sk, struct connection *connection)
{
	u32 srtt_us = BPF_CORE_READ((struct tcp_sock *)sk, srtt_us);

	if (srtt_us)
		record(sk, connection, ROLE_SERVER, 0, (u64)(srtt_us >> 3) * 1000);
	else if (!ignored(socket_cgroup(sk, connection)))
		lose(PROGRAM_INET_SOCK_SET_STATE, unmeasured);
}

/* A connect ends whose beginning was not kept: it is older than the programs, or there was and is no memory for it. One event, one loss. */
static __always_inline void connect_unseen(struct sock *sk)
{
	struct connection *connection = bpf_sk_storage_get(&connections, sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (ignored(socket_cgroup(sk, connection)))
		return;
	if (connection)
		lose(PROGRAM_INET_SOCK_SET_STATE, unmeasured);
	else
		lose(PROGRAM_INET_SOCK_SET_STATE, storage_full);
}

/* Without an error in the socket: the application closed it, or connect() itself failed (no free port), whose error the socket does not hold. */
static __always_inline u32 connect_error(struct sock *sk)
{
	if (sk->sk_err)
		return sk->sk_err;
	return sk->sk_shutdown == SHUTDOWN_MASK ? ECANCELED : ERROR_UNKNOWN;
}

static __always_inline void connect_ended(struct sock *sk, struct connection *connection, u32 error)
{
	u64 ns = bpf_ktime_get_ns() - connection->connecting_since;

	connection->connecting_since = 0;
	record(sk, connection, ROLE_CLIENT, error, ns);
}

/* The connection lasts from here; a child socket of a listener that the programs have not seen gets its storage now. */
static __always_inline void established(struct sock *sk, u64 role)
{
	struct connection *connection = bpf_sk_storage_get(&connections, sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!connection) {
		if (!ignored(socket_cgroup(sk, 0)))
			lose(ACCOUNT_LIFETIMES, storage_full);
		return;
	}
	if (!cgroup_v2 && !connection->cgroup)
		connection->cgroup = walked_cgroup(sk);
	connection->established_since = bpf_ktime_get_ns();
	connection->role = role;
}

static __always_inline void closed(struct sock *sk, struct connection *connection)
{
	struct lifetime_key key = { .cgroup = socket_cgroup(sk, connection), .role = (u32)connection->role };
	u64 since = connection->established_since;
	struct histogram *histogram;

	connection->established_since = 0;
	if (ignored(key.cgroup))
		return;
	histogram = group_value(lifetimes, &key, no_histogram, ACCOUNT_LIFETIMES);
	if (histogram)
		histogram_add(histogram, bpf_ktime_get_ns() - since);
}

/* A socket that was just made has no place in the newest walk: what stands there is of an earlier socket at this address. */
static __always_inline void forget_walked(struct sock *sk)
{
	u64 key = (u64)sk;

	if (!cgroup_v2)
		bpf_map_delete_elem(&open_sockets, &key);
}

static __always_inline void state_changed(struct sock *sk, int old, int new)
{
	struct connection *connection;

	if (old == TCP_SYN_RECV && new == TCP_ESTABLISHED)
		forget_walked(sk);

	if (new == TCP_SYN_SENT) {
		connection = remember(sk);
		if (connection)
			connection->connecting_since = bpf_ktime_get_ns();
		return;
	}
	if (new == TCP_LISTEN) {
		if (!cgroup_v2)
			remember(sk);
		return;
	}
	if (new != TCP_ESTABLISHED && new != TCP_CLOSE)
		return;
	connection = bpf_sk_storage_get(&connections, sk, 0, 0);
	if (connection && connection->connecting_since)
		connect_ended(sk, connection, new == TCP_ESTABLISHED ? 0 : connect_error(sk));
	else if (old == TCP_SYN_SENT)
		connect_unseen(sk);
	else if (old == TCP_SYN_RECV && new == TCP_ESTABLISHED)
		accepted(sk, connection);
	if (new == TCP_ESTABLISHED)
		established(sk, old == TCP_SYN_RECV ? ROLE_SERVER : ROLE_CLIENT);
	else if (connection && connection->established_since)
		closed(sk, connection);
}

SEC("tp_btf/inet_sock_set_state")
int inet_sock_set_state(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_INET_SOCK_SET_STATE);
	struct sock *sk = (struct sock *)ctx[0];

	if (sk->sk_protocol == IPPROTO_TCP)
		state_changed(sk, (int)ctx[1], (int)ctx[2]);
	run_end(run);
	return 0;
}

static __always_inline void compare(struct sock *sk, u64 segments)
{
	u32 zero = 0;
	struct retransmit_value *value;

	if (!compared_network || BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) != compared_network)
		return;
	value = bpf_map_lookup_elem(&compared_segments, &zero);
	if (value)
		add_to(&value->segments, segments);
}

static __always_inline void retransmitted(struct sock *sk, u32 kind, u32 error, u64 segments, u32 program)
{
	struct connection *connection = cgroup_v2 ? 0 : bpf_sk_storage_get(&connections, sk, 0, 0);
	struct retransmit_key key = { .cgroup = socket_cgroup(sk, connection), .kind = kind, .error = error };
	struct retransmit_value *value;

	compare(sk, segments);
	if (ignored(key.cgroup))
		return;
	value = group_value(retransmits, &key, no_segments, program);
	/* Two programs add to this map, and one may interrupt the other. */
	if (value)
		add_to(&value->segments, segments);
}

/* Outside of loss recovery only the tail loss probe sends again (tcp_schedule_loss_probe allows it in Open and CWR). */
static __always_inline u32 kind_of(struct sock *sk)
{
	struct inet_connection_sock *icsk = (struct inet_connection_sock *)sk;

	switch (BPF_CORE_READ_BITFIELD_PROBED(icsk, icsk_ca_state)) {
	case TCP_CA_Loss:
		return RETRANSMIT_RTO;
	case TCP_CA_Recovery:
		return RETRANSMIT_FAST;
	default:
		return RETRANSMIT_TLP;
	}
}

/* tcp_transmit_skb gives -errno, or a positive NET_XMIT_ code when the queueing discipline dropped the segment, which the kernel calls ENOBUFS elsewhere. */
static __always_inline u32 send_error(u64 *ctx)
{
	int error;

	if (!retransmit_has_error)
		return 0;
	error = (int)ctx[2];
	return error > 0 ? ENOBUFS : -error;
}

SEC("tp_btf/tcp_retransmit_skb")
int tcp_retransmit_skb(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_TCP_RETRANSMIT_SKB);
	struct sock *sk = (struct sock *)ctx[0];
	struct tcp_skb_cb *tcp = (struct tcp_skb_cb *)&((struct sk_buff *)ctx[1])->cb;
	u16 segments = BPF_CORE_READ(tcp, tcp_gso_segs);

	/* What the kernel adds to RetransSegs: tcp_skb_pcount in __tcp_retransmit_skb. An event may stand for many segments. */
	retransmitted(sk, kind_of(sk), send_error(ctx), segments ? segments : 1, PROGRAM_TCP_RETRANSMIT_SKB);
	run_end(run);
	return 0;
}

SEC("tp_btf/tcp_retransmit_synack")
int tcp_retransmit_synack(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_TCP_RETRANSMIT_SYNACK);

	/* The socket is the listener. */
	retransmitted((struct sock *)ctx[0], RETRANSMIT_SYNACK, 0, 1, PROGRAM_TCP_RETRANSMIT_SYNACK);
	run_end(run);
	return 0;
}

/*
 * Multiples of 2^32 divided by the golden ratio fall evenly below any bound, whatever rhythm the segments have (Weyl, Knuth 6.4); a random number and a
 * division would cost more than the rest of the program.
 */
static __always_inline bool is_sampled(struct run run)
{
	u32 zero = 0;
	struct control *now = bpf_map_lookup_elem(&control, &zero);

	return now && run.cost && (u32)run.cost->runs * 0x9e3779b9u < now->rtt_below;
}

/* The smoothed round-trip time as the connection has it at a received segment, in eighths of a microsecond; 0 = none was measured. */
static __always_inline void measure_round_trip(struct sock *sk)
{
	u32 srtt_us = BPF_CORE_READ((struct tcp_sock *)sk, srtt_us);
	struct connection *connection = cgroup_v2 ? 0 : bpf_sk_storage_get(&connections, sk, 0, 0);
	struct rtt_key key = { .cgroup = socket_cgroup(sk, connection) };
	struct histogram *histogram;

	if (!srtt_us || ignored(key.cgroup))
		return;
	histogram = group_value(round_trips, &key, no_histogram, PROGRAM_TCP_PROBE);
	if (histogram)
		histogram_add(histogram, (u64)srtt_us * 125);
}

SEC("tp_btf/tcp_probe")
int tcp_probe(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_TCP_PROBE);

	if (is_sampled(run))
		measure_round_trip((struct sock *)ctx[0]);
	run_end(run);
	return 0;
}

/* Without a socket: a segment for a port where nobody listens, which is the node's. */
static __always_inline void count_reset(struct sock *sk, u32 direction, u32 program)
{
	struct reset_key key = { .direction = direction };
	struct reset_value *value;

	/* A request or a TIME_WAIT socket has no cgroup field. */
	if (sk && sk->__sk_common.skc_state != TCP_TIME_WAIT && sk->__sk_common.skc_state != TCP_NEW_SYN_RECV)
		key.cgroup = socket_cgroup(sk, cgroup_v2 ? 0 : bpf_sk_storage_get(&connections, sk, 0, 0));
	if (ignored(key.cgroup))
		return;
	value = group_value(resets, &key, no_resets, program);
	if (value)
		add_to(&value->resets, 1);
}

SEC("tp_btf/tcp_send_reset")
int tcp_send_reset(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_TCP_SEND_RESET);

	count_reset((struct sock *)ctx[0], DIRECTION_TRANSMIT, PROGRAM_TCP_SEND_RESET);
	run_end(run);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int tcp_receive_reset(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_TCP_RECEIVE_RESET);

	count_reset((struct sock *)ctx[0], DIRECTION_RECEIVE, PROGRAM_TCP_RECEIVE_RESET);
	run_end(run);
	return 0;
}
