// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Block IO latency from the moment when a request goes to the device to its end.
 * Loaded by ProbeKernel for the disk signal where disk.bpf.c finds no hooks (before Linux 6.5); user space reads the map disks.
 * Never counts a request twice: its first completion takes the beginning out of the map.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "layout.h"
#include "histogram.h"
#include "identity.h"

enum program_index { PROGRAM_BLOCK_RQ_ISSUE, PROGRAM_BLOCK_RQ_COMPLETE, PROGRAMS };
#include "maps.h"
/* A request is completed in parts (blk_update_request). */
#define ENDS_ONCE false
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
