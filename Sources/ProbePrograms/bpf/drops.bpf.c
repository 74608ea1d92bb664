// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Packets that the kernel dropped, by reason, transport and direction, per cgroup.
 * Loaded by ProbeKernel for the drops signal; user space reads the map drops. Cgroups of version 1 come from the map that tcp.bpf.c fills.
 * Never counts what was consumed in the ordinary way, nor what a network card dropped before the kernel had a packet.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "layout.h"
#include "histogram.h"
#include "identity.h"

enum program_index { PROGRAM_KFREE_SKB, PROGRAMS };
#include "maps.h"
#include "sockets.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before load from the tracepoint's prototype: 5.17 added the reason, 6.11 the receiving socket. */
const volatile bool drop_has_reason = true;
const volatile bool drop_has_socket = true;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct drop_key);
	__type(value, struct drop_value);
} drops SEC(".maps");

static const struct drop_value no_drops;

/* include/net/dropreason-core.h: 0 is no drop, 1 is consumed. */
#define FIRST_REASON 2
#define NO_TRANSPORT 256

static __always_inline struct sock *full_socket(struct sock *sk)
{
	u8 state;

	if (!sk)
		return 0;
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	return state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV ? 0 : sk;
}

/* The socket that would have received the packet, or the one that sent it. */
static __always_inline u64 owner_of(struct sk_buff *skb, struct sock *receiver)
{
	struct sock *sk = full_socket(receiver);

	if (sk)
		return socket_cgroup(sk, cgroup_v2 ? 0 : bpf_sk_storage_get(&connections, sk, 0, 0));
	sk = full_socket(skb->sk);
	if (sk)
		return socket_cgroup(sk, cgroup_v2 ? 0 : bpf_sk_storage_get(&connections, sk, 0, 0));
	return 0;
}

/* The IP header's protocol field; extension headers of IPv6 are not followed. */
static __always_inline u32 transport_of(struct sk_buff *skb)
{
	const unsigned char *header = skb->head + skb->network_header;
	u8 transport;
	u64 offset;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		offset = 9;
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		offset = 6;
	else
		return NO_TRANSPORT;
	if (skb->network_header == (u16)~0 || bpf_probe_read_kernel(&transport, sizeof(transport), header + offset))
		return NO_TRANSPORT;
	return transport;
}

SEC("tp_btf/kfree_skb")
int kfree_skb(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_KFREE_SKB);
	struct sk_buff *skb = (struct sk_buff *)ctx[0];
	u32 reason = drop_has_reason ? (u32)ctx[2] : FIRST_REASON;
	struct sock *receiver = drop_has_socket ? (struct sock *)ctx[3] : 0;
	struct drop_key key = { .reason = reason };
	struct drop_value *value;
	u32 direction;

	if (reason >= FIRST_REASON) {
		key.cgroup = owner_of(skb, receiver);
		/* The interface through which it came is set when the kernel takes it in, on the loopback too. */
		direction = receiver || skb->skb_iif ? DIRECTION_RECEIVE : DIRECTION_TRANSMIT;
		key.transport_and_direction = transport_of(skb) | direction << 16;
		value = ignored(key.cgroup) ? 0 : group_value(drops, &key, no_drops, PROGRAM_KFREE_SKB);
		if (value) {
			add_to(&value->packets, 1);
			add_to(&value->bytes, skb->len);
		}
	}
	run_end(run);
	return 0;
}
