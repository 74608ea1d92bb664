// SPDX-License-Identifier: Apache-2.0
// The system's libcurl; imported by the HTTPClient target only. Swift cannot call variadic functions, hence one typed wrapper for each argument kind.
#pragma once
#include <curl/curl.h>
#include <stdlib.h>

static inline CURLcode sonde_easy_set_long(CURL *handle, CURLoption option, long value) { return curl_easy_setopt(handle, option, value); }
static inline CURLcode sonde_easy_set_string(CURL *handle, CURLoption option, const char *value) { return curl_easy_setopt(handle, option, value); }
static inline CURLcode sonde_easy_set_pointer(CURL *handle, CURLoption option, void *value) { return curl_easy_setopt(handle, option, value); }
static inline CURLcode sonde_easy_set_offset(CURL *handle, CURLoption option, curl_off_t value) { return curl_easy_setopt(handle, option, value); }
// libcurl copies the bytes (CURL_BLOB_COPY), so `data` need not outlive the call.
static inline CURLcode sonde_easy_set_blob(CURL *handle, CURLoption option, const void *data, size_t length) {
    struct curl_blob blob = {(void *)data, length, CURL_BLOB_COPY};
    return curl_easy_setopt(handle, option, &blob);
}
typedef size_t (*sonde_data_callback)(char *data, size_t size, size_t count, void *context);
static inline CURLcode sonde_easy_set_callback(CURL *handle, CURLoption option, sonde_data_callback callback) { return curl_easy_setopt(handle, option, callback); }
static inline CURLcode sonde_easy_get_long(CURL *handle, CURLINFO info, long *value) { return curl_easy_getinfo(handle, info, value); }
static inline CURLcode sonde_easy_get_pointer(CURL *handle, CURLINFO info, void **value) { return curl_easy_getinfo(handle, info, value); }
static inline CURLMcode sonde_multi_set_long(CURLM *multi, CURLMoption option, long value) { return curl_multi_setopt(multi, option, value); }
static inline CURLcode sonde_message_result(CURLMsg *message) { return message->data.result; }
