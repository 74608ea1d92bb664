/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where the bytes that a task sends or has received lie in its own memory; found in the registers of its system call while sock_send_length and
 * sock_recv_length fire, which is in the task's own context, after the call took or gave the bytes.
 * Used by programs that look into messages; needs system_call.h and <bpf/bpf_helpers.h>.
 * Never reads a socket's queues, and knows only the calls below: io_uring, splice and sendfile have no user memory in their registers.
 */
#pragma once

/* include/uapi/asm-generic/unistd.h and arch/x86/entry/syscalls/syscall_64.tbl */
#if defined(__TARGET_ARCH_x86)
enum { NR_READ = 0, NR_WRITE = 1, NR_READV = 19, NR_WRITEV = 20, NR_SENDTO = 44, NR_RECVFROM = 45, NR_SENDMSG = 46, NR_RECVMSG = 47 };
enum { NR_RECVMMSG = 299, NR_SENDMMSG = 307 };
#else
enum { NR_READ = 63, NR_WRITE = 64, NR_READV = 65, NR_WRITEV = 66, NR_SENDTO = 206, NR_RECVFROM = 207, NR_SENDMSG = 211, NR_RECVMSG = 212 };
enum { NR_RECVMMSG = 243, NR_SENDMMSG = 269 };
#endif

/* struct iovec, struct msghdr and struct mmsghdr as 64-bit programs lay them out. */
struct user_vector {
	u64 base;
	u64 length;
};

struct user_message {
	u64 name;
	u32 name_length;
	u32 padding;
	u64 vectors;
	u64 vector_count;
	u64 control;
	u64 control_length;
	u32 flags;
	u32 more_padding;
};

struct user_message_of_many {
	struct user_message message;
	u32 length;
	u32 padding;
};

/* A message of so many parts is read; what lies in further parts is missing at its end. */
#define VECTORS_MAX 8

struct message_place {
	u64 name;	     /* the address that was given, or 0 */
	u64 vectors;	     /* 0 = only is the one vector */
	u64 vector_count;
	struct user_vector only;
};

/*
 * sendmmsg and recvmmsg come by once for each message with the same registers, so the task counts. They go through their messages in order and stop at the
 * first error, with which the count begins anew; a recvmmsg that its timeout ends early is not seen ending, and its successor is only right when it uses
 * another array.
 */
struct messages_of_call {
	struct sock *sk;
	u64 array;
	u32 next;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct messages_of_call);
} calls_of_many SEC(".maps");

/* The place of the present message in its array, or -1 without memory to count. */
static __always_inline int message_index(struct task_struct *task, struct sock *sk, struct pt_regs *regs, int result)
{
	struct messages_of_call *call = bpf_task_storage_get(&calls_of_many, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	u64 array = SECOND_ARGUMENT(regs);
	u32 count = THIRD_ARGUMENT(regs);
	u32 index = 0;

	if (!call)
		return -1;
	if (call->array == array && call->sk == sk && call->next < count)
		index = call->next;
	call->sk = sk;
	call->array = result < 0 || index + 1 >= count ? 0 : array;
	call->next = index + 1;
	return index & 1023; /* UIO_MAXIOV */
}

static __always_inline bool read_header(struct message_place *place, u64 header)
{
	struct user_message message;

	if (bpf_probe_read_user(&message, sizeof(message), (void *)header))
		return false;
	place->name = message.name;
	place->vectors = message.vectors;
	place->vector_count = message.vector_count;
	return true;
}

static __always_inline bool find_message(struct message_place *place, struct pt_regs *regs, u32 index)
{
	*place = (struct message_place){ .vector_count = 1, .only = { SECOND_ARGUMENT(regs), THIRD_ARGUMENT(regs) } };
	switch (number_of(regs)) {
	case NR_SENDTO:
		place->name = FIFTH_ARGUMENT(regs);
		return true;
	case NR_READ:
	case NR_WRITE:
	case NR_RECVFROM:
		return true;
	case NR_READV:
	case NR_WRITEV:
		place->vectors = place->only.base;
		place->vector_count = place->only.length;
		return true;
	case NR_SENDMSG:
	case NR_RECVMSG:
		return read_header(place, place->only.base);
	case NR_SENDMMSG:
	case NR_RECVMMSG:
		return read_header(place, place->only.base + index * sizeof(struct user_message_of_many));
	default:
		return false;
	}
}

static __always_inline bool is_call_of_many(struct pt_regs *regs) { return number_of(regs) == NR_SENDMMSG || number_of(regs) == NR_RECVMMSG; }

/* The port of the address that the call gave, in host order; 0 when it gave none. */
static __always_inline u16 named_port(const struct message_place *place)
{
	struct {
		u16 family;
		__be16 port;
	} address; /* the beginning of sockaddr_in and of sockaddr_in6 */

	if (!place->name || bpf_probe_read_user(&address, sizeof(address), (void *)place->name))
		return 0;
	return __builtin_bswap16(address.port);
}

/*
 * Copies the first bytes of the message, at most wanted of them; gives how many, 0 when the memory cannot be read.
 * bytes has room for twice limit, a constant that wanted does not exceed: the verifier adds up the largest offset and the largest length.
 */
static __always_inline u32 copy_message(u8 *bytes, const struct message_place *place, u32 wanted, u32 limit)
{
	struct user_vector vector = place->only;
	u32 taken = 0;

	for (u32 index = 0; index < VECTORS_MAX && index < place->vector_count && taken < wanted; index++) {
		if (place->vectors && bpf_probe_read_user(&vector, sizeof(vector), (void *)(place->vectors + index * sizeof(vector))))
			return 0;
		u64 length = wanted - taken;

		if (vector.length < length)
			length = vector.length;
		if (taken >= limit || length > limit || bpf_probe_read_user(bytes + taken, length, (void *)vector.base))
			return 0;
		taken += length;
	}
	return taken;
}
