// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Block IO latency: from the moment when the kernel accounts for a request to its end, so time in the queue counts.
 * Loaded by ProbeKernel for the disk signal on Linux 6.5 and newer; user space reads the map disks.
 * Never counts a request twice: the end takes the beginning away.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "layout.h"
#include "histogram.h"
#include "identity.h"

enum program_index { PROGRAM_BLOCK_IO_START, PROGRAM_BLOCK_IO_DONE, PROGRAMS };
#include "maps.h"
#define ENDS_ONCE true

/* A request begins in the task that submits it. */
static __always_inline u64 submitter_cgroup(struct bio *bio)
{
	return current_cgroup();
}

#include "disk.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/block_io_start")
int block_io_start(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_BLOCK_IO_START);

	request_began((struct request *)ctx[0], PROGRAM_BLOCK_IO_START);
	run_end(run);
	return 0;
}

SEC("tp_btf/block_io_done")
int block_io_done(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_BLOCK_IO_DONE);

	request_ended((struct request *)ctx[0], PROGRAM_BLOCK_IO_DONE);
	run_end(run);
	return 0;
}
