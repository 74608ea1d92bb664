/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The kernel's types with only the fields that the programs read; libbpf moves every access to the running kernel's offsets (CO-RE).
 * Included first by every program. A field's name and type are the kernel's own (include/linux/sched.h, include/net/sock.h, ...), its place here means nothing.
 * Never a copy of a kernel header: a field that nobody reads is taken out.
 */
#pragma once

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed short __s16;
typedef signed int __s32;
typedef signed long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef _Bool bool;
#define true 1
#define false 0

/* include/uapi/linux/bpf.h */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};
enum { BPF_NOEXIST = 1 };
enum { BPF_F_NO_PREALLOC = 1, BPF_F_CLONE = 512 };
enum { BPF_LOCAL_STORAGE_GET_F_CREATE = 1 };
/* User space looks at a ring every 200 ms; a wakeup for each record would cost more than the record. */
enum { BPF_RB_NO_WAKEUP = 1 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node {
	u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
};

struct thread_info {
	unsigned long flags;
	u32 status; /* x86 only */
};

struct rq {
	u64 clock;
};

struct cfs_rq {
	struct rq *rq;
};

struct sched_entity {
	struct cfs_rq *cfs_rq; /* CONFIG_FAIR_GROUP_SCHED, which Kubernetes needs for CPU shares */
};

struct sched_info {
	unsigned long pcount;
	unsigned long long run_delay;
	unsigned long long last_queued;
};

struct percpu_counter {
	__s64 count;
};

struct mm_struct {
	struct percpu_counter rss_stat[4]; /* since 6.2 (commit f1a7941243c1) */
};

struct linux_binprm {
	const char *filename;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	unsigned int flags;
	int on_cpu; /* CONFIG_SMP before 6.17 */
	int pid;
	int tgid;
	int exit_code;
	char comm[16];
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	struct sched_entity se;
	struct sched_info sched_info; /* CONFIG_SCHED_INFO */
	struct css_set *cgroups;
	struct task_struct *real_parent;
	struct nsproxy *nsproxy;
};

/* Before 5.14 (commit 2f064a59a11f) the field was called state. */
struct task_struct___before_5_14 {
	long state;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

/* Before 5.16 (commit 8520e224f547) one word held either a pointer or, with bit 0 set, version 1's class and priority. */
struct sock_cgroup_data___before_5_16 {
	u64 val;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

struct nsproxy {
	struct net *net_ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	__u8 bytes[16]; /* the kernel has a union of arrays here, which is read as a whole */
};

struct sock_common {
	__be32 skc_daddr; /* the peer's, of an IPv4 socket */
	struct in6_addr skc_v6_daddr; /* CONFIG_IPV6; of an IPv4 peer the mapped form */
	__be16 skc_dport; /* the peer's, 0 = not connected */
	unsigned short skc_family;
	volatile unsigned char skc_state;
	__u16 skc_num; /* the local port, in host order */
	possible_net_t skc_net;
};

typedef struct {
	int counter;
} atomic_t;

struct super_block {
	__u32 s_dev; /* dev_t */
	unsigned long s_magic;
};

struct inode {
	unsigned short i_mode;
	__u32 i_generation;
	unsigned long i_ino;
	struct super_block *i_sb;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct fs_struct {
	struct path root;
};

struct file {
	void *private_data;
	struct inode *f_inode;
	struct path f_path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct socket {
	struct sock *sk;
};

struct sock {
	struct sock_common __sk_common;
	int sk_err;
	u16 sk_protocol;
	u8 sk_shutdown;
	atomic_t sk_drops;
	struct sock_cgroup_data sk_cgrp_data;
};

struct inet_connection_sock {
	u8 icsk_ca_state : 5;
};

struct tcp_sock {
	u32 srtt_us;
};

/* net/ipv4/tcp.c keeps one of these in sk_buff.cb of every skb in a socket's queues. */
struct tcp_skb_cb {
	u16 tcp_gso_segs;
};

struct sk_buff {
	struct sock *sk;
	char cb[48];
	unsigned int len;
	int skb_iif;
	__be16 protocol;
	__u16 network_header; /* from head; all ones = not set */
	unsigned char *head;
};

struct gendisk {
	int major;
	int first_minor;
};

struct request_queue {
	struct gendisk *disk; /* since 5.16 (commit d152c682f03c); before in request.rq_disk */
};

struct blkcg {
	struct cgroup_subsys_state css;
};

struct blkcg_gq {
	struct blkcg *blkcg;
};

struct bio {
	struct blkcg_gq *bi_blkg;
};

struct request {
	struct request_queue *q;
	u32 cmd_flags;
	struct bio *bio;
};

struct request___before_5_17 {
	struct gendisk *rq_disk;
};

struct pt_regs {
	unsigned long orig_ax, di, si, dx, r8; /* x86 */
	int syscallno;			       /* arm64, as the next two */
	unsigned long long orig_x0;
	unsigned long long regs[31];
};

enum cgroup_subsys_id { memory_cgrp_id = 4 };

#pragma clang attribute pop

/* include/net/tcp_states.h */
enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT = 2, TCP_SYN_RECV = 3, TCP_TIME_WAIT = 6, TCP_CLOSE = 7, TCP_LISTEN = 10, TCP_NEW_SYN_RECV = 12 };
/* include/uapi/linux/tcp.h, enum tcp_ca_state */
enum { TCP_CA_Recovery = 3, TCP_CA_Loss = 4 };

/* include/linux/blk_types.h, enum req_op: the low eight bits of cmd_flags */
enum { REQ_OP_MASK = 255, REQ_OP_READ = 0, REQ_OP_WRITE = 1, REQ_OP_WRITE_ZEROES = 9 };

/* include/linux/mm_types_task.h: index of mm_struct.rss_stat */
enum { MM_ANONPAGES = 1 };

/*
 * Adds to a 64-bit counter that others may add to at the same time. clang makes of __sync_fetch_and_add an instruction that also gives the old value, which
 * kernels before 5.12 (commit 5ca419f2864a) refuse.
 */
#define add_to(counter, number) asm volatile("lock *(u64 *)(%0 + 0) += %1" : : "r"(counter), "r"((u64)(number)) : "memory")

/* Lets the compiler forget what it knows of a value, where a verifier knows less and so must see the bounds tested or cut. */
#define forget_bounds(value) asm volatile("" : "+r"(value))

#define TASK_RUNNING 0
#define PF_KTHREAD 0x00200000
#define IPPROTO_TCP 6
#define AF_INET 2
#define AF_INET6 10
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86DD
#define bpf_htons(x) ((__be16)__builtin_bswap16(x)) /* every architecture that we know is little-endian */
#define SHUTDOWN_MASK 3
#define ENOBUFS 105
#define ECANCELED 125
