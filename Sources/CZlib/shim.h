// SPDX-License-Identifier: Apache-2.0
// The system's zlib; imported by the HTTPClient target only.
#pragma once
#include <zlib.h>

// deflateInit2 and inflateInit2 are macros, which Swift cannot call. Both return a zlib code (Z_OK = 0).
static inline int sonde_deflate_init_gzip(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
static inline int sonde_inflate_init_gzip(z_stream *stream) { return inflateInit2(stream, 15 + 16); }
