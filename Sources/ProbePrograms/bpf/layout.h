/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What lies in the maps that user space reads: keys and values, byte for byte.
 * Used by every program here and mirrored by ../Layouts.swift, which the loader compares with the map sizes and a test with the BTF of these structs.
 * Never holds a pointer, a bit field or implicit padding.
 */
#pragma once

#define SLOTS 40

/* A log2 histogram; slot s holds durations in (2^s, 2^(s+1)] units (histogram.h), slot 0 also everything below, the last slot also everything above. */
struct histogram {
	u64 count;
	u64 sum_ns;
	u64 slots[SLOTS];
};

struct sched_key {
	u64 cgroup;
};

struct sched_value {
	struct histogram latency;
	u64 voluntary;
	u64 involuntary;
};

enum role { ROLE_CLIENT = 0, ROLE_SERVER = 1 };

/* An error that the kernel did not name where the program stands. */
#define ERROR_UNKNOWN 0xffffffffu

struct connect_key {
	u64 cgroup;
	u16 role;
	u16 port;  /* the server's: of the peer of a client, of a server's own end; 0 = not told */
	u32 error; /* errno, 0 = established */
};

/* A client's connections to one address: IPv6, of IPv4 the mapped form (RFC 4291, 2.5.5.2). */
struct peer_key {
	struct connect_key connect;
	u8 address[16];
};

enum retransmit_kind { RETRANSMIT_RTO = 0, RETRANSMIT_FAST = 1, RETRANSMIT_TLP = 2, RETRANSMIT_SYNACK = 3 };

struct retransmit_key {
	u64 cgroup;
	u32 kind;
	u32 error; /* errno of the send, 0 = sent */
};

struct retransmit_value {
	u64 segments;
};

enum disk_direction { DISK_READ = 0, DISK_WRITE = 1 };

struct disk_key {
	u64 cgroup;
	u32 device; /* major << 20 | minor */
	u32 direction;
};

enum direction { DIRECTION_RECEIVE = 0, DIRECTION_TRANSMIT = 1 };

struct reset_key {
	u64 cgroup;
	u32 direction;
	u32 zero;
};

struct reset_value {
	u64 resets;
};

struct rtt_key {
	u64 cgroup;
};

struct lifetime_key {
	u64 cgroup;
	u32 role;
	u32 zero;
};

struct drop_key {
	u64 cgroup;
	u32 reason;                  /* enum skb_drop_reason; the upper 16 bits name a subsystem */
	u32 transport_and_direction; /* IP protocol number, 256 = none, | direction << 16 */
};

struct drop_value {
	u64 packets;
	u64 bytes;
};

/* A TCP socket that a process has open, as the walk over all tasks found it; the key is its address. */
struct open_socket {
	u64 cgroup;
	u64 walk;  /* number of the newest walk that found it */
	u32 drops; /* of a listener: connections that it could not take */
	u32 state; /* include/net/tcp_states.h */
};

/* Inode numbers of network namespaces; 0 = not found. */
struct host_namespaces {
	u32 host_network;
	u32 own_network;
};

enum process_event_kind { PROCESS_EXEC = 0, PROCESS_CRASH = 1, PROCESS_OOM_KILL = 2 };

#define PROCESS_NAME 128

/* A record of the ring process_events. */
struct process_event {
	u64 time_ns; /* CLOCK_MONOTONIC */
	u64 cgroup;
	u64 anonymous_pages; /* of a victim; 0 = not known */
	u32 kind;
	u32 pid; /* in the host's namespace */
	u32 signal; /* of a crash */
	u32 name_bytes;
	char name[PROCESS_NAME]; /* the path of what was executed, else the task's name */
};

struct syscall_key {
	u64 cgroup;
	u32 nr;
	u32 error; /* errno, 0 = success */
};

struct syscall_count {
	u64 calls;
};

#define SYSCALLS 512 /* x86-64 and arm64 end below 480; x32 numbers carry bit 30 and never match */

struct syscall_filter {
	u64 words[SYSCALLS / 64];
};

/* A file as one cgroup uses it. Inode numbers are given anew when a file is deleted, generations are not. */
struct file_key {
	u64 cgroup;
	u64 inode;
	u32 device; /* dev_t of the kernel: major << 20 | minor */
	u32 generation;
};

/* Successful calls, and their bytes. */
struct file_value {
	u64 opens;
	u64 reads;
	u64 writes;
	u64 syncs;
	u64 read_bytes;
	u64 written_bytes;
	u64 named; /* this CPU has sent the file's path */
};

/* Calls on files that found no room among the groups of files. */
struct file_rest_key {
	u64 cgroup;
};

enum file_operation { FILE_OPEN = 0, FILE_SYNC = 1 };

struct file_time_key {
	u64 cgroup;
	u32 operation;
	u32 error; /* errno, 0 = success */
};

/* A path is sent as the names of its components, the last one first; a longer name is cut, and of a longer path the upper components are missing. */
#define FILE_NAMES 16
#define FILE_NAME 40

struct file_path {
	struct file_key key;
	u32 names;
	u32 is_cut;
	char name[FILE_NAMES][FILE_NAME];
};

/* Header and the longest question of a DNS message (RFC 1035, 4.1): 12 + 255 + 4, rounded up. */
#define DNS_HEADER_BYTES 12
#define DNS_QUESTION_BYTES 272
/* What is kept of a piece of a TCP stream, which may begin within a message. */
#define DNS_BYTES 512

enum dns_direction { DNS_SENT = 0, DNS_RECEIVED = 1 };

/* A message, or a piece of a TCP stream, as one system call sent or received it; in the ring it ends behind its captured bytes. */
struct dns_record {
	u64 time_ns; /* CLOCK_MONOTONIC, when the call was done */
	u64 cgroup;  /* of the task */
	u64 cookie;  /* the socket's */
	u32 tgid;
	u32 pid;
	u32 length;   /* of the message or piece */
	u16 captured; /* bytes of it that are here */
	u16 local_port;
	u16 peer_port; /* 0 = a server's socket, which is not connected */
	u8 protocol;   /* IPPROTO_UDP or IPPROTO_TCP */
	u8 direction;
	u32 padding;
	u8 bytes[DNS_BYTES];
};

struct dns_ports {
	u64 words[65536 / 64];
};

/* What a program costs: it times one of 64 of its own runs, since BPF_ENABLE_STATS wants CAP_SYS_ADMIN. */
struct program_cost {
	u64 runs;
	u64 sampled_runs;
	u64 sampled_ns;
};

/* What a program could not record, by reason. */
struct program_losses {
	u64 map_full;     /* no room for a new group */
	u64 storage_full; /* no task or socket storage: out of memory, or the socket's option memory (net.core.optmem_max) is used up */
	u64 unmeasured;   /* an event whose start was not seen */
	u64 interrupted;  /* a system call that a signal cut short before it did anything; the kernel restarts it or fails it with EINTR */
	u64 ring_full;    /* no room in the ring buffer */
	u64 unreadable;   /* a message whose bytes are not where the call's registers say: io_uring, a 32-bit program, memory that is gone */
};

/* What user space may change while the programs run; one entry in the map control. */
struct control {
	u64 filtering; /* not 0: the map ignored_cgroups has entries */
	u64 exec_events;  /* not 0: program starts are recorded */
	u64 rtt_below;    /* a segment is looked at whose 32-bit number is below this: 2^32 / n for one of n, 0 for none */
	u64 ports_below; /* ports from here on are not told */
	u64 addresses;   /* not 0: addresses of clients' peers are told */
	u64 since_ns;  /* when the programs were attached again; what began before that was not seen whole */
};

_Static_assert(sizeof(struct histogram) == 16 + 8 * SLOTS, "histogram");
_Static_assert(sizeof(struct sched_value) == sizeof(struct histogram) + 16, "sched_value");
_Static_assert(sizeof(struct connect_key) == 16, "connect_key");
_Static_assert(sizeof(struct peer_key) == 32, "peer_key");
_Static_assert(sizeof(struct retransmit_key) == 16, "retransmit_key");
_Static_assert(sizeof(struct disk_key) == 16, "disk_key");
_Static_assert(sizeof(struct reset_key) == 16, "reset_key");
_Static_assert(sizeof(struct lifetime_key) == 16, "lifetime_key");
_Static_assert(sizeof(struct drop_key) == 16, "drop_key");
_Static_assert(sizeof(struct open_socket) == 24, "open_socket");
_Static_assert(sizeof(struct host_namespaces) == 8, "host_namespaces");
_Static_assert(sizeof(struct process_event) == 40 + PROCESS_NAME, "process_event");
_Static_assert(sizeof(struct syscall_key) == 16, "syscall_key");
_Static_assert(sizeof(struct syscall_count) == 8, "syscall_count");
_Static_assert(sizeof(struct file_key) == 24, "file_key");
_Static_assert(sizeof(struct file_value) == 56, "file_value");
_Static_assert(sizeof(struct file_time_key) == 16, "file_time_key");
_Static_assert(sizeof(struct file_path) == 32 + FILE_NAMES * FILE_NAME, "file_path");
_Static_assert(sizeof(struct dns_record) == 48 + DNS_BYTES, "dns_record");
_Static_assert(sizeof(struct dns_ports) == 8192, "dns_ports");
_Static_assert(sizeof(struct program_cost) == 24, "program_cost");
_Static_assert(sizeof(struct control) == 48, "control");
_Static_assert(sizeof(struct program_losses) == 48, "program_losses");
