// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The beginnings of DNS messages that tasks send and receive over UDP and TCP, in the order in which they do.
 * Loaded by ProbeKernel for the dns signal; user space reads the ring dns_records and makes lookups of it.
 * Never looks at a socket without a watched port: other sockets pay for the comparison of their ports alone.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "layout.h"
#include "identity.h"

enum program_index { PROGRAM_DNS_SEND, PROGRAM_DNS_RECV, PROGRAMS };
#include "maps.h"
#include "system_call.h"
#include "message.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_UDP 17
/* include/linux/socket.h: bytes that are received again later, and such that were sent and came back with an ICMP error. */
#define MSG_PEEK 2
#define MSG_ERRQUEUE 0x2000

/* The third byte of a message begins with QR: 0 a query, 1 a response (RFC 1035, 4.1.1). */
#define QR_BYTE 2
#define QR 0x80

/* Which ports carry DNS, a bit each; user space may change it at any time. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct dns_ports);
} dns_ports SEC(".maps");

/* UDP sockets that asked a watched port without being connected to it: the call that receives the answer does not yet know from where it is. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u16);
} asking_sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} dns_records SEC(".maps");

/* Room to put a record together, one for each program: the kernel lets no program run again on a CPU before its last run there is over. */
struct workspace {
	struct dns_record record;
	u8 beyond[DNS_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROGRAMS);
	__type(key, enum program_index);
	__type(value, struct workspace);
} workspaces SEC(".maps");

/* What is known of an event before its bytes are. */
struct event {
	struct sock *sk;
	struct task_struct *task;
	struct pt_regs *regs;
	u32 program;
	int length;
	u16 local_port;
	u16 peer_port;
	u8 protocol;
};

static __always_inline bool is_watched(u16 port)
{
	u32 zero = 0;
	struct dns_ports *ports = bpf_map_lookup_elem(&dns_ports, &zero);
	u32 number = port;

	/* The verifiers of some kernels (6.12) take the result of a byte swap for any number. */
	forget_bounds(number);
	return ports && ports->words[number >> 6 & 1023] >> (number & 63) & 1;
}

/* An unconnected socket names the port in its call. All messages of one sendmmsg are taken to go to the port of the first. */
static __always_inline bool asks(struct event *event)
{
	struct message_place place;
	u16 *port;

	if (!find_message(&place, event->regs, 0))
		return false;
	event->peer_port = named_port(&place);
	if (!event->peer_port || !is_watched(event->peer_port))
		return false;
	port = bpf_sk_storage_get(&asking_sockets, event->sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!port) {
		lose(PROGRAM_DNS_SEND, storage_full);
		return false;
	}
	*port = event->peer_port;
	return true;
}

static __always_inline bool has_asked(struct event *event)
{
	u16 *port = bpf_sk_storage_get(&asking_sockets, event->sk, 0, 0);

	if (port)
		event->peer_port = *port;
	return port;
}

/* What almost every socket is told by: one of its ports is watched, or it is UDP and has no peer. */
static __always_inline bool may_carry_dns(u16 local_port, u16 peer_port, u8 protocol)
{
	if (local_port && is_watched(local_port))
		return true;
	return peer_port ? is_watched(peer_port) : protocol == IPPROTO_UDP;
}

static __always_inline bool carries_dns(struct event *event)
{
	if (event->peer_port || (event->local_port && is_watched(event->local_port)))
		return true;
	return event->program == PROGRAM_DNS_SEND ? asks(event) : has_asked(event);
}

/*
 * How much of a message is kept. User space needs no more of an answer that a server sends than its header, and nothing of the query that led to it. A stream
 * is kept as it is: only user space knows where in it messages begin.
 */
static __always_inline u32 kept_bytes(const struct event *event, const u8 *bytes, u32 captured)
{
	bool is_response = bytes[QR_BYTE] & QR;

	if (event->protocol != IPPROTO_UDP || captured < DNS_HEADER_BYTES)
		return captured;
	if (event->program == PROGRAM_DNS_SEND)
		return is_response ? DNS_HEADER_BYTES : captured;
	return is_response ? captured : 0;
}

static __always_inline void output(const struct event *event, u64 cgroup, u32 index)
{
	struct workspace *workspace = bpf_map_lookup_elem(&workspaces, &event->program);
	u32 wanted = event->protocol == IPPROTO_UDP ? DNS_QUESTION_BYTES : DNS_BYTES;
	u64 pid_tgid = bpf_get_current_pid_tgid();
	struct message_place place;
	u32 captured = 0;

	if (!workspace)
		return;
	if ((u32)event->length < wanted)
		wanted = event->length;
	if (find_message(&place, event->regs, index))
		captured = copy_message(workspace->record.bytes, &place, wanted, DNS_BYTES);
	if (!captured) {
		lose(event->program, unreadable);
		return;
	}
	captured = kept_bytes(event, workspace->record.bytes, captured);
	if (!captured || captured > DNS_BYTES)
		return;
	workspace->record.time_ns = bpf_ktime_get_ns();
	workspace->record.cgroup = cgroup;
	workspace->record.cookie = bpf_get_socket_cookie(event->sk);
	workspace->record.tgid = pid_tgid >> 32;
	workspace->record.pid = pid_tgid;
	workspace->record.length = event->length;
	workspace->record.captured = captured;
	workspace->record.local_port = event->local_port;
	workspace->record.peer_port = event->peer_port;
	workspace->record.protocol = event->protocol;
	workspace->record.direction = event->program == PROGRAM_DNS_SEND ? DNS_SENT : DNS_RECEIVED;
	/* Records differ in size, which bpf_ringbuf_reserve cannot: a query takes a fifth of the largest record. */
	if (bpf_ringbuf_output(&dns_records, &workspace->record, sizeof(struct dns_record) - DNS_BYTES + captured, BPF_RB_NO_WAKEUP))
		lose(event->program, ring_full);
}

static __always_inline void transferred(struct sock *sk, int result, int flags, u32 program)
{
	u16 local_port = sk->__sk_common.skc_num, peer_port = __builtin_bswap16(sk->__sk_common.skc_dport);
	u16 family = sk->__sk_common.skc_family;
	u8 protocol = sk->sk_protocol;
	struct event event;
	int index = 0;
	u64 cgroup;

	if ((family != AF_INET && family != AF_INET6) || (protocol != IPPROTO_UDP && protocol != IPPROTO_TCP))
		return;
	if (!may_carry_dns(local_port, peer_port, protocol))
		return;
	event = (struct event){ .sk = sk, .program = program, .length = result, .local_port = local_port, .peer_port = peer_port, .protocol = protocol };
	event.task = bpf_get_current_task_btf();
	event.regs = (struct pt_regs *)bpf_task_pt_regs(event.task);
	if (!carries_dns(&event))
		return;
	cgroup = task_cgroup(event.task);
	if (ignored(cgroup))
		return;
	if (event.task->flags & PF_KTHREAD || is_32bit(event.task)) {
		if (result > 0)
			lose(program, unreadable);
		return;
	}
	if (is_call_of_many(event.regs))
		index = message_index(event.task, sk, event.regs, result);
	if (result <= 0 || flags & (MSG_PEEK | MSG_ERRQUEUE))
		return;
	if (index < 0)
		lose(program, storage_full);
	else
		output(&event, cgroup, index);
}

SEC("tp_btf/sock_send_length")
int dns_send(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_DNS_SEND);

	transferred((struct sock *)ctx[0], (int)ctx[1], 0, PROGRAM_DNS_SEND);
	run_end(run);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int dns_recv(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_DNS_RECV);

	transferred((struct sock *)ctx[0], (int)ctx[1], (int)ctx[2], PROGRAM_DNS_RECV);
	run_end(run);
	return 0;
}
