// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What happens to processes: killed for memory, crashed, and (on request) started.
 * Loaded by ProbeKernel for the events signal; user space reads the ring process_events.
 * Never runs when a process is forked, and records no argument, no environment and no memory of a process.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "layout.h"
#include "histogram.h"
#include "identity.h"

enum program_index { PROGRAM_SCHED_PROCESS_EXEC, PROGRAM_SCHED_PROCESS_EXIT, PROGRAM_MARK_VICTIM, PROGRAMS };
#include "maps.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before load from the tracepoint's prototype: before 6.9 (commit 72ba14deb40a) there was only a pid. */
const volatile bool victim_has_task = true;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 262144);
} process_events SEC(".maps");

/* A ring has no type: this puts the record's into the object's BTF, where a test compares it with Swift's. */
const struct process_event *const volatile process_event_layout = 0;

/* Signals that a faulty program gets (signal(7)): ILL TRAP ABRT BUS FPE SEGV XCPU XFSZ SYS, the same numbers on x86-64 and arm64. */
#define CRASH_SIGNALS (1ULL << 4 | 1ULL << 5 | 1ULL << 6 | 1ULL << 7 | 1ULL << 8 | 1ULL << 11 | 1ULL << 24 | 1ULL << 25 | 1ULL << 31)

static __always_inline struct process_event *event_of(u64 cgroup, u32 kind, u32 program)
{
	struct process_event *event = bpf_ringbuf_reserve(&process_events, sizeof(*event), 0);

	if (!event) {
		lose(program, ring_full);
		return 0;
	}
	event->time_ns = bpf_ktime_get_ns();
	event->cgroup = cgroup;
	event->anonymous_pages = 0;
	event->kind = kind;
	event->pid = 0;
	event->signal = 0;
	event->name_bytes = 0;
	return event;
}

static __always_inline void name_process(struct process_event *event, struct task_struct *task)
{
	event->pid = task->tgid;
	event->name_bytes = sizeof(task->comm);
	bpf_probe_read_kernel(event->name, sizeof(task->comm), task->comm);
}

static __always_inline bool wants_exec(void)
{
	u32 zero = 0;
	struct control *now = bpf_map_lookup_elem(&control, &zero);

	return now && now->exec_events;
}

static __always_inline void executed(struct task_struct *task, struct linux_binprm *binary)
{
	u64 cgroup = task_cgroup(task);
	struct process_event *event;
	long bytes;

	if (ignored(cgroup))
		return;
	event = event_of(cgroup, PROCESS_EXEC, PROGRAM_SCHED_PROCESS_EXEC);
	if (!event)
		return;
	event->pid = task->tgid;
	bytes = bpf_probe_read_kernel_str(event->name, PROCESS_NAME, BPF_CORE_READ(binary, filename));
	event->name_bytes = bytes > 0 ? bytes : 0;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

SEC("tp_btf/sched_process_exec")
int sched_process_exec(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_SCHED_PROCESS_EXEC);

	if (wants_exec())
		executed((struct task_struct *)ctx[0], (struct linux_binprm *)ctx[2]);
	run_end(run);
	return 0;
}

/* The whole process gets the code of the thread that crashed, and the first thread exits with it (do_group_exit in kernel/exit.c). */
static __always_inline void exited(struct task_struct *task)
{
	u32 signal = task->exit_code & 0x7f;
	struct process_event *event;
	u64 cgroup;

	if (task->pid != task->tgid || !(CRASH_SIGNALS >> (signal & 63) & 1) || signal > 63)
		return;
	cgroup = task_cgroup(task);
	if (ignored(cgroup))
		return;
	event = event_of(cgroup, PROCESS_CRASH, PROGRAM_SCHED_PROCESS_EXIT);
	if (!event)
		return;
	name_process(event, task);
	event->signal = signal;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

SEC("tp_btf/sched_process_exit")
int sched_process_exit(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_SCHED_PROCESS_EXIT);

	exited((struct task_struct *)ctx[0]);
	run_end(run);
	return 0;
}

/* Without the task itself, the one that asked for memory stands for it: the same cgroup when a container's limit was the reason. */
static __always_inline void chosen(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	u64 cgroup = victim_has_task ? task_cgroup(task) : current_cgroup();
	struct process_event *event;

	if (ignored(cgroup))
		return;
	event = event_of(cgroup, PROCESS_OOM_KILL, PROGRAM_MARK_VICTIM);
	if (!event)
		return;
	if (victim_has_task) {
		name_process(event, task);
		if (bpf_core_type_exists(struct percpu_counter) && bpf_core_field_exists(task->mm->rss_stat[MM_ANONPAGES].count))
			event->anonymous_pages = BPF_CORE_READ(task, mm, rss_stat[MM_ANONPAGES].count);
	} else {
		event->pid = (u32)ctx[0];
	}
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

SEC("tp_btf/mark_victim")
int mark_victim(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_MARK_VICTIM);

	chosen(ctx);
	run_end(run);
	return 0;
}
