// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Opens, reads, writes and syncs of regular files per cgroup and file, with the path of each file once, and how long opens and syncs take.
 * Loaded by ProbeKernel for the files signal, which is off by default: any system call of the node passes both hooks. User space reads the maps files,
 * files_rest and file_times, and the ring file_paths.
 * Never sees what reaches a file without a system call of these (mapped memory, io_uring), and never a byte of what is in a file.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "layout.h"
#include "histogram.h"
#include "identity.h"

/* Behind the programs: losses of classes of their own. */
enum program_index { PROGRAM_FILES_ENTER, PROGRAM_FILES_EXIT, ACCOUNT_FILE_CALLS, ACCOUNT_FILE_PATHS, PROGRAMS };
#include "maps.h"
#include "system_call.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* include/uapi/asm-generic/unistd.h and arch/x86/entry/syscalls/syscall_64.tbl; a number that the architecture lacks is one that no call has. */
#if defined(__TARGET_ARCH_x86)
enum { NR_READ = 0, NR_WRITE = 1, NR_OPEN = 2, NR_PREAD64 = 17, NR_PWRITE64 = 18, NR_READV = 19, NR_WRITEV = 20, NR_SENDFILE = 40 };
enum { NR_FSYNC = 74, NR_FDATASYNC = 75, NR_CREAT = 85, NR_OPENAT = 257, NR_PREADV = 295, NR_PWRITEV = 296 };
enum { NR_COPY_FILE_RANGE = 326, NR_PREADV2 = 327, NR_PWRITEV2 = 328, NR_OPENAT2 = 437 };
#else
enum { NR_READ = 63, NR_WRITE = 64, NR_OPEN = 1024, NR_PREAD64 = 67, NR_PWRITE64 = 68, NR_READV = 65, NR_WRITEV = 66, NR_SENDFILE = 71 };
enum { NR_FSYNC = 82, NR_FDATASYNC = 83, NR_CREAT = 1025, NR_OPENAT = 56, NR_PREADV = 69, NR_PWRITEV = 70 };
enum { NR_COPY_FILE_RANGE = 285, NR_PREADV2 = 286, NR_PWRITEV2 = 287, NR_OPENAT2 = 437 };
#endif

#define S_IFMT 0170000
#define S_IFREG 0100000

/* include/uapi/linux/magic.h: regular files that are no data but the kernel's words. */
#define PROC_SUPER_MAGIC 0x9fa0
#define SYSFS_MAGIC 0x62656572
#define CGROUP_SUPER_MAGIC 0x27e0eb
#define CGROUP2_SUPER_MAGIC 0x63677270
#define DEBUGFS_MAGIC 0x64626720
#define TRACEFS_MAGIC 0x74726163
#define SECURITYFS_MAGIC 0x73636673
#define NSFS_MAGIC 0x6e736673

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct file_key);
	__type(value, struct file_value);
} files SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct file_rest_key);
	__type(value, struct file_value);
} files_rest SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct file_time_key);
	__type(value, struct histogram);
} file_times SEC(".maps");

/* When the task's open or sync began; 0 = none is under way. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} file_calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} file_paths SEC(".maps");

/* Room to put a path together: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct file_path);
} workspace SEC(".maps");

static const struct file_value no_file;
static const struct histogram no_histogram;

static __always_inline struct mount *mount_of(struct vfsmount *mounted)
{
	return (struct mount *)((u64)mounted - bpf_core_field_offset(struct mount, mnt));
}

static __always_inline struct vfsmount *mounted_at(struct mount *mount)
{
	return (struct vfsmount *)((u64)mount + bpf_core_field_offset(struct mount, mnt));
}

/*
 * Goes from the file up to the root directory of the task, which is the container's, through the mounts on the way (fs/d_path.c, prepend_path). A step is a
 * name or a mount.
 */
#define STEPS_MAX (FILE_NAMES + 12)

/*
 * Puts the names of the file's path into the workspace. A global function, which the verifier looks at once and not for each place that it is called from;
 * such a function takes numbers only. The count is kept in the map: the verifier would follow a variable through every combination of steps and names.
 */
__noinline int put_names(u64 file_address, u64 top_address, u64 top_mount)
{
	struct file *file = (struct file *)file_address;
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry), *top = (struct dentry *)top_address;
	struct vfsmount *mounted = BPF_CORE_READ(file, f_path.mnt), *top_mounted = (struct vfsmount *)top_mount;
	u32 zero = 0;
	struct file_path *path = bpf_map_lookup_elem(&workspace, &zero);

	if (!path)
		return 0;
	path->names = 0;
	path->is_cut = 0;
	for (u32 step = 0; step < STEPS_MAX; step++) {
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

		if (dentry == top && mounted == top_mounted)
			return 0;
		if (dentry == BPF_CORE_READ(mounted, mnt_root)) {
			struct mount *mount = mount_of(mounted), *above = BPF_CORE_READ(mount, mnt_parent);

			if (above == mount)
				return 0;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mounted = mounted_at(above);
			continue;
		}
		if (parent == dentry)
			return 0;
		if (path->names >= FILE_NAMES)
			break;
		if (bpf_probe_read_kernel_str(path->name[path->names & (FILE_NAMES - 1)], FILE_NAME, BPF_CORE_READ(dentry, d_name.name)) < 0)
			break;
		path->names++;
		dentry = parent;
	}
	path->is_cut = 1;
	return 0;
}

/* Gives whether the path is on its way. */
static __always_inline bool send_path(const struct file_key *key, struct file *file, struct task_struct *task)
{
	u32 zero = 0, size;
	struct file_path *path = bpf_map_lookup_elem(&workspace, &zero);

	if (!path)
		return false;
	path->key = *key;
	put_names((u64)file, (u64)BPF_CORE_READ(task, fs, root.dentry), (u64)BPF_CORE_READ(task, fs, root.mnt));
	size = sizeof(struct file_path) - sizeof(path->name) + path->names * FILE_NAME;
	if (size > sizeof(struct file_path))
		return false;
	if (bpf_ringbuf_output(&file_paths, path, size, BPF_RB_NO_WAKEUP)) {
		lose(ACCOUNT_FILE_PATHS, ring_full);
		return false;
	}
	return true;
}

static __always_inline bool is_data(struct inode *inode)
{
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return false;
	switch ((u32)BPF_CORE_READ(inode, i_sb, s_magic)) {
	case PROC_SUPER_MAGIC:
	case SYSFS_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
	case DEBUGFS_MAGIC:
	case TRACEFS_MAGIC:
	case SECURITYFS_MAGIC:
	case NSFS_MAGIC:
		return false;
	default:
		return true;
	}
}

/* The value of the file in this CPU's part of the map, or of the cgroup's rest when there is no room for another file. */
static __always_inline struct file_value *value_of(struct file *file, struct inode *inode, struct task_struct *task, u64 cgroup)
{
	struct file_key key = {
		.cgroup = cgroup,
		.inode = BPF_CORE_READ(inode, i_ino),
		.device = BPF_CORE_READ(inode, i_sb, s_dev),
		.generation = BPF_CORE_READ(inode, i_generation),
	};
	struct file_rest_key rest = { .cgroup = cgroup };
	struct file_value *value = bpf_map_lookup_elem(&files, &key);

	if (!value) {
		bpf_map_update_elem(&files, &key, &no_file, BPF_NOEXIST);
		value = bpf_map_lookup_elem(&files, &key);
	}
	if (!value)
		return group_value(files_rest, &rest, no_file, PROGRAM_FILES_EXIT);
	if (!value->named && send_path(&key, file, task))
		value->named = 1;
	return value;
}

/* The task's open file; one that another thread has closed since is gone. */
static __always_inline struct file *file_of(struct task_struct *task, u32 number)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **entries = BPF_CORE_READ(table, fd);
	struct file *file = 0;

	if (number >= BPF_CORE_READ(table, max_fds) || bpf_probe_read_kernel(&file, sizeof(file), entries + number))
		return 0;
	return file;
}

static __always_inline struct file_value *counters(struct task_struct *task, u32 number, u64 cgroup)
{
	struct file *file = file_of(task, number);
	struct inode *inode = file ? BPF_CORE_READ(file, f_inode) : 0;

	if (!inode || !is_data(inode))
		return 0;
	return value_of(file, inode, task, cgroup);
}

enum call { CALL_OTHER, CALL_OPEN, CALL_READ, CALL_WRITE, CALL_SYNC, CALL_SENDFILE, CALL_COPY };

static __always_inline enum call call_of(u64 nr)
{
	switch (nr) {
	case NR_OPEN:
	case NR_CREAT:
	case NR_OPENAT:
	case NR_OPENAT2:
		return CALL_OPEN;
	case NR_READ:
	case NR_PREAD64:
	case NR_READV:
	case NR_PREADV:
	case NR_PREADV2:
		return CALL_READ;
	case NR_WRITE:
	case NR_PWRITE64:
	case NR_WRITEV:
	case NR_PWRITEV:
	case NR_PWRITEV2:
		return CALL_WRITE;
	case NR_FSYNC:
	case NR_FDATASYNC:
		return CALL_SYNC;
	case NR_SENDFILE:
		return CALL_SENDFILE;
	case NR_COPY_FILE_RANGE:
		return CALL_COPY;
	default:
		return CALL_OTHER;
	}
}

static __always_inline void entered(u64 nr)
{
	enum call call = call_of(nr);
	struct task_struct *task;
	u64 *began;

	if (call != CALL_OPEN && call != CALL_SYNC)
		return;
	task = bpf_get_current_task_btf();
	if (is_32bit(task))
		return;
	began = bpf_task_storage_get(&file_calls, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	/* Without memory the call is lost when it is done, where it is counted. */
	if (began)
		*began = bpf_ktime_get_ns();
}

static __always_inline void took(struct task_struct *task, u64 cgroup, u32 operation, long result)
{
	struct file_time_key key = { .cgroup = cgroup, .operation = operation };
	u64 *began = bpf_task_storage_get(&file_calls, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct histogram *times;
	u64 now_ns = bpf_ktime_get_ns();

	if (!began) {
		lose(ACCOUNT_FILE_CALLS, storage_full);
		return;
	}
	if (!*began) {
		lose(ACCOUNT_FILE_CALLS, unmeasured);
		return;
	}
	if (is_interrupted(result)) {
		lose(ACCOUNT_FILE_CALLS, interrupted);
		return;
	}
	key.error = result < 0 && result >= -ERRNO_MAX ? -result : 0;
	times = group_value(file_times, &key, no_histogram, ACCOUNT_FILE_CALLS);
	if (times)
		histogram_add(times, now_ns > *began ? now_ns - *began : 0);
	*began = 0;
}

static __always_inline void moved(struct task_struct *task, u64 cgroup, u32 number, bool is_write, u64 bytes)
{
	struct file_value *value = counters(task, number, cgroup);

	if (!value)
		return;
	if (is_write) {
		value->writes++;
		value->written_bytes += bytes;
	} else {
		value->reads++;
		value->read_bytes += bytes;
	}
}

static __always_inline void left(struct pt_regs *regs, long result)
{
	enum call call = call_of(number_of(regs));
	struct task_struct *task;
	struct file_value *value;
	u64 cgroup;

	if (call == CALL_OTHER || (result < 0 && call != CALL_OPEN && call != CALL_SYNC))
		return;
	task = bpf_get_current_task_btf();
	if (is_32bit(task))
		return;
	cgroup = task_cgroup(task);
	if (ignored(cgroup))
		return;
	if (call == CALL_OPEN || call == CALL_SYNC) {
		took(task, cgroup, call == CALL_OPEN ? FILE_OPEN : FILE_SYNC, result);
		if (result < 0)
			return;
		value = counters(task, call == CALL_OPEN ? result : FIRST_ARGUMENT(regs), cgroup);
		if (value && call == CALL_OPEN)
			value->opens++;
		else if (value)
			value->syncs++;
		return;
	}
	if (call == CALL_SENDFILE || call == CALL_COPY) {
		moved(task, cgroup, call == CALL_COPY ? FIRST_ARGUMENT(regs) : SECOND_ARGUMENT(regs), false, result);
		moved(task, cgroup, call == CALL_COPY ? THIRD_ARGUMENT(regs) : FIRST_ARGUMENT(regs), true, result);
		return;
	}
	moved(task, cgroup, FIRST_ARGUMENT(regs), call == CALL_WRITE, result);
}

SEC("tp_btf/sys_enter")
int files_enter(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_FILES_ENTER);

	entered(ctx[1]);
	run_end(run);
	return 0;
}

SEC("tp_btf/sys_exit")
int files_exit(u64 *ctx)
{
	struct run run = run_begin(PROGRAM_FILES_EXIT);

	left((struct pt_regs *)ctx[0], (long)ctx[1]);
	run_end(run);
	return 0;
}
