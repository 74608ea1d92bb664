// SPDX-License-Identifier: Apache-2.0
// The system's libbpf; imported by the ProbeKernel target only.
#pragma once
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
