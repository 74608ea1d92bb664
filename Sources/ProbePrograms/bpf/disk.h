/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Block requests under way, and how long they took per cgroup, device and direction.
 * Included by disk.bpf.c and disk_issue.bpf.c after maps.h, which differ in the moments that they measure between and in ENDS_ONCE: whether a request
 * comes to its last hook once, so that an end without a beginning is a lost event.
 * Never follows a request that is no read or write: flushes and discards move no data, and passthrough commands are the driver's own.
 */
#pragma once

/* In the place of a time: the request has ended, or is of a cgroup that nobody looks at. */
#define NOT_UNDER_WAY 0
#define NOT_LOOKED_AT 1

struct request_start {
	u64 started_ns;
	u64 cgroup;
};

/*
 * By address, of which a device has a fixed number: entries stay and are written over, which costs a third of taking them out and in again. A request that is
 * merged into another one never ends; the next use of its address overwrites it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, u64);
	__type(value, struct request_start);
} requests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct disk_key);
	__type(value, struct histogram);
} disks SEC(".maps");

static const struct histogram no_histogram;

/* Gives whether the request is a read or a write. */
static __always_inline bool direction_of(struct request *request, u32 *direction)
{
	u32 operation = request->cmd_flags & REQ_OP_MASK;

	*direction = operation == REQ_OP_READ ? DISK_READ : DISK_WRITE;
	return operation == REQ_OP_READ || operation == REQ_OP_WRITE || operation == REQ_OP_WRITE_ZEROES;
}

/*
 * Version 2 keeps with the data who wrote it, also when the kernel writes it back later. Version 1's block hierarchy has ids of its own, so there the
 * task that submits counts: right for reads and synchronous writes, and the host's for what is written back.
 */
static __always_inline u64 request_cgroup(struct request *request)
{
	struct bio *bio = request->bio;
	struct blkcg_gq *group;

	if (!cgroup_v2 || !bio)
		return submitter_cgroup(bio);
	group = bio->bi_blkg;
	return group ? group->blkcg->css.cgroup->kn->id : 0;
}

static __always_inline void request_began(struct request *request, u32 program)
{
	u64 address = (u64)request;
	struct request_start start, *known;
	u32 direction;

	if (!direction_of(request, &direction))
		return;
	start.cgroup = request_cgroup(request);
	start.started_ns = ignored(start.cgroup) ? NOT_LOOKED_AT : bpf_ktime_get_ns();
	known = bpf_map_lookup_elem(&requests, &address);
	if (known) {
		*known = start;
		return;
	}
	/* Where ends without a beginning are counted, this one will be. */
	if (bpf_map_update_elem(&requests, &address, &start, 0) && !ENDS_ONCE)
		lose(program, storage_full);
}

static __always_inline u32 device_of(struct request *request)
{
	struct gendisk *disk;

	if (bpf_core_field_exists(request->q->disk))
		disk = request->q->disk;
	else
		disk = ((struct request___before_5_17 *)request)->rq_disk;
	return (u32)disk->major << 20 | (u32)disk->first_minor;
}

static __always_inline void request_ended(struct request *request, u32 program)
{
	u64 address = (u64)request;
	struct request_start *start = bpf_map_lookup_elem(&requests, &address);
	struct disk_key key = {};
	struct histogram *histogram;

	if (!start || start->started_ns == NOT_UNDER_WAY) {
		/* Older than the programs, or its entry had to make room for others. */
		if (ENDS_ONCE && direction_of(request, &key.direction))
			lose(program, unmeasured);
		return;
	}
	key.cgroup = start->cgroup;
	key.device = device_of(request);
	if (start->started_ns != NOT_LOOKED_AT && direction_of(request, &key.direction)) {
		histogram = group_value(disks, &key, no_histogram, program);
		if (histogram)
			histogram_add(histogram, bpf_ktime_get_ns() - start->started_ns);
	}
	start->started_ns = NOT_UNDER_WAY;
}
