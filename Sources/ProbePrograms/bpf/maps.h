/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What every object has beside its own maps: what its programs cost and what they lost, one entry a program, and how a group's value is found or made.
 * Included by every program file after enum program_index, which numbers its programs in the order of ../Manifest.swift and ends with PROGRAMS.
 * Never grows a map beyond max_entries, which user space sets before load; what found no room is counted.
 */
#pragma once

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROGRAMS);
	__type(key, enum program_index);
	__type(value, struct program_cost);
} costs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROGRAMS);
	__type(key, enum program_index);
	__type(value, struct program_losses);
} losses SEC(".maps");

/* Counts one loss under its reason, a field of struct program_losses. */
#define lose(program, reason)                                                                  \
	({                                                                                     \
		u32 lose_index = (program);                                                    \
		struct program_losses *lose_entry = bpf_map_lookup_elem(&losses, &lose_index); \
		if (lose_entry)                                                                \
			lose_entry->reason++;                                                  \
	})

/*
 * The value of a key in this CPU's part of a per-CPU hash, made from zeros when it is new; NULL, and a loss counted, when the map is full.
 * An update that fails because another CPU made the same key first is no failure: the second look-up finds it.
 */
#define group_value(map, key, zeros, program)                                         \
	({                                                                            \
		void *group_found = bpf_map_lookup_elem(&map, key);                   \
		if (!group_found) {                                                   \
			bpf_map_update_elem(&map, key, &zeros, BPF_NOEXIST);          \
			group_found = bpf_map_lookup_elem(&map, key);                 \
			if (!group_found)                                             \
				lose(program, map_full);                              \
		}                                                                     \
		group_found;                                                          \
	})

struct run {
	struct program_cost *cost;
	u64 started_ns; /* 0 = this run is not timed */
};

static __always_inline struct run run_begin(u32 program)
{
	struct run run = { .cost = bpf_map_lookup_elem(&costs, &program) };

	if (run.cost && (run.cost->runs++ & 63) == 0)
		run.started_ns = bpf_ktime_get_ns();
	return run;
}

static __always_inline void run_end(struct run run)
{
	if (run.cost && run.started_ns) {
		u64 ended_ns = bpf_ktime_get_ns();
		u64 ns = ended_ns - run.started_ns;
		/* Reading the clock takes as long as half of the shortest programs, and is no part of them. */
		u64 clock_ns = bpf_ktime_get_ns() - ended_ns;

		run.cost->sampled_ns += ns > clock_ns ? ns - clock_ns : 0;
		run.cost->sampled_runs++;
	}
}
