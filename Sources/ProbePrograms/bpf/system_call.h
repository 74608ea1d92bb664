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

/* On arm64 the first argument's register holds the result once the call is done; the kernel keeps the argument beside it. */
#if defined(__TARGET_ARCH_x86)
#define FIRST_ARGUMENT(regs) ((regs)->di)
#define SECOND_ARGUMENT(regs) ((regs)->si)
#define THIRD_ARGUMENT(regs) ((regs)->dx)
#define FIFTH_ARGUMENT(regs) ((regs)->r8)
#else
#define FIRST_ARGUMENT(regs) ((regs)->orig_x0)
#define SECOND_ARGUMENT(regs) ((regs)->regs[1])
#define THIRD_ARGUMENT(regs) ((regs)->regs[2])
#define FIFTH_ARGUMENT(regs) ((regs)->regs[4])
#endif

/* include/linux/errno.h: what a call returns inside of the kernel when a signal came before it did anything. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516

#define ERRNO_MAX 4095

/*
 * A call that returns one of these is not complete: the kernel runs it again after the signal, as a new sys_enter or as restart_syscall, or turns it into EINTR
 * after this tracepoint. Counting it here would count restarted calls twice; it is counted as a loss instead.
 */
static __always_inline bool is_interrupted(long result)
{
	return result == -ERESTARTSYS || result == -ERESTARTNOINTR || result == -ERESTARTNOHAND || result == -ERESTART_RESTARTBLOCK;
}
