// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Block IO latency from the moment when a request goes to the device to its end.
 * Loaded by ProbeKernel for the disk signal where disk.bpf.c finds no hooks (before Linux 6.5); user space reads the map disks.
 * Never counts a request twice: its first completion takes the beginning away.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "layout.h"
#include "histogram.h"
#include "identity.h"

enum program_index { PROGRAM_BLOCK_RQ_ISSUE, PROGRAM_BLOCK_RQ_COMPLETE, PROGRAM_BLOCK_GETRQ, PROGRAMS };
#include "maps.h"
/* A request is completed in parts (blk_update_request). */
#define ENDS_ONCE false

/* Who submitted what waits for its device, by the first bio's address: whoever is busy with the device sends other tasks' requests along. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, u64);
	__type(value, u64);
} submitters SEC(".maps");

static __always_inline u64 submitter_cgroup(struct bio *bio)
{
	u64 address = (u64)bio, cgroup;
	u64 *submitter = bpf_map_lookup_elem(&submitters, &address);

	if (!submitter)
		return current_cgroup();
	cgroup = *submitter;
	bpf_map_delete_elem(&submitters, &address);
	return cgroup;
}

#include "disk.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before load from the tracepoint's prototype: 5.11 (commit a54895fa057c) took the queue away, which was the first argument. */
const volatile u32 request_argument = 0;

SEC("tp_btf/block_rq_issue")
int block_rq_issue(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_BLOCK_RQ_ISSUE);

	request_began((struct request *)ctx[request_argument & 1], PROGRAM_BLOCK_RQ_ISSUE);
	run_end(run);
	return 0;
}

SEC("tp_btf/block_rq_complete")
int block_rq_complete(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_BLOCK_RQ_COMPLETE);

	request_ended((struct request *)ctx[request_argument & 1], PROGRAM_BLOCK_RQ_COMPLETE);
	run_end(run);
	return 0;
}

/* A bio gets a request, in the task that submits it. Needed where the bio itself does not say for whom it is. */
SEC("tp_btf/block_getrq")
int block_getrq(u64 *ctx)
{
	struct run run;
	u64 address = ctx[request_argument & 1], cgroup;

	if (cgroup_v2)
		return 0;
	run = run_begin(PROGRAM_BLOCK_GETRQ);
	cgroup = current_cgroup();
	/* Without room the task that sends the request off counts instead. */
	bpf_map_update_elem(&submitters, &address, &cgroup, 0);
	run_end(run);
	return 0;
}
