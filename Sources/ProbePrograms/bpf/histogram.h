/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Durations into log2 slots whose unit user space chooses before load.
 * Used by the programs that measure time; needs layout.h.
 * Never loses a duration: what is outside of the slots goes to the first or the last one.
 */
#pragma once

/*
 * unit = 2^shift / multiplier nanoseconds. The default is 2^-30 s: slot s is (2^(s-30), 2^(s-29)] s, whose bounds are exact powers of two in seconds,
 * which is what an OTLP exponential histogram of scale 0 holds without loss.
 */
const volatile u64 unit_multiplier = 1125900;
const volatile u32 unit_shift = 20;

/* Above this (2.4 hours) every duration is in the last slot, and the multiplication below would run over. */
#define LONGEST_NS (1ULL << 43)

static __always_inline u32 log2_floor(u64 value)
{
	u32 result = 0;

	if (value >> 32) {
		result += 32;
		value >>= 32;
	}
	if (value >> 16) {
		result += 16;
		value >>= 16;
	}
	if (value >> 8) {
		result += 8;
		value >>= 8;
	}
	if (value >> 4) {
		result += 4;
		value >>= 4;
	}
	if (value >> 2) {
		result += 2;
		value >>= 2;
	}
	return result + (u32)(value >> 1);
}

/* Rounds up, so that a duration of exactly 2^(s+1) units is still in slot s: upper bounds are inclusive. */
static __always_inline u32 slot_of(u64 ns)
{
	u64 units;
	u32 slot;

	if (ns >= LONGEST_NS)
		return SLOTS - 1;
	units = (ns * unit_multiplier + (1ULL << unit_shift) - 1) >> unit_shift;
	if (units < 2)
		return 0;
	slot = log2_floor(units - 1);
	return slot < SLOTS ? slot : SLOTS - 1;
}

static __always_inline void histogram_add(struct histogram *histogram, u64 ns)
{
	u32 slot = slot_of(ns);

	histogram->count++;
	histogram->sum_ns += ns;
	if (slot < SLOTS)
		histogram->slots[slot]++;
}
