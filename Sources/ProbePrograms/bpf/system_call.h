/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The system call that the current task is in: its number and arguments, as its registers have them.
 * Used by the programs that look at calls or at the memory that calls name; needs kernel.h.
 * Never right for 32-bit programs, whose numbers mean other calls: is_32bit tells them.
 */
#pragma once

#if defined(__TARGET_ARCH_x86)
#define TS_COMPAT 0x2 /* arch/x86/include/asm/thread_info.h */
#elif defined(__TARGET_ARCH_arm64)
#define TIF_32BIT 22 /* arch/arm64/include/asm/thread_info.h */
#else
#error "registers of this architecture are not known here"
#endif

static __always_inline bool is_32bit(struct task_struct *task)
{
#if defined(__TARGET_ARCH_x86)
	return task->thread_info.status & TS_COMPAT;
#else
	return task->thread_info.flags >> TIF_32BIT & 1;
#endif
}

static __always_inline u64 number_of(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->orig_ax;
#else
	return (u64)(long)regs->syscallno;
#endif
}

/* The first argument is not here: on arm64 its register holds the result once the call is done. */
#if defined(__TARGET_ARCH_x86)
#define SECOND_ARGUMENT(regs) ((regs)->si)
#define THIRD_ARGUMENT(regs) ((regs)->dx)
#define FIFTH_ARGUMENT(regs) ((regs)->r8)
#else
#define SECOND_ARGUMENT(regs) ((regs)->regs[1])
#define THIRD_ARGUMENT(regs) ((regs)->regs[2])
#define FIFTH_ARGUMENT(regs) ((regs)->regs[4])
#endif
