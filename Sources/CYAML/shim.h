// SPDX-License-Identifier: Apache-2.0
// The system's libyaml; imported by the YAML target only.
#pragma once
#include <stdlib.h>
#include <yaml.h>
