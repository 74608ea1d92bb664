// SPDX-License-Identifier: Apache-2.0
// The system's libcurl; imported by the HTTPClient target only. Swift cannot call variadic functions, hence one typed wrapper for each argument kind.
#pragma once
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

static inline CURLcode sonde_easy_set_long(CURL *handle, CURLoption option, long value) { return curl_easy_setopt(handle, option, value); }
static inline CURLcode sonde_easy_set_string(CURL *handle, CURLoption option, const char *value) { return curl_easy_setopt(handle, option, value); }
static inline CURLcode sonde_easy_set_pointer(CURL *handle, CURLoption option, void *value) { return curl_easy_setopt(handle, option, value); }
static inline CURLcode sonde_easy_set_offset(CURL *handle, CURLoption option, curl_off_t value) { return curl_easy_setopt(handle, option, value); }
// libcurl copies the bytes (CURL_BLOB_COPY), so `data` need not outlive the call.
static inline CURLcode sonde_easy_set_blob(CURL *handle, CURLoption option, const void *data, size_t length) {
    struct curl_blob blob = {(void *)data, length, CURL_BLOB_COPY};
    return curl_easy_setopt(handle, option, &blob);
}
// libcurl copies `length` bytes of the request body, so `data` need not outlive the call.
static inline CURLcode sonde_easy_set_body(CURL *handle, const void *data, size_t length) {
    CURLcode code = curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    return code ? code : curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, length ? data : "");
}
typedef size_t (*sonde_data_callback)(char *data, size_t size, size_t count, void *context);
static inline CURLcode sonde_easy_set_callback(CURL *handle, CURLoption option, sonde_data_callback callback) { return curl_easy_setopt(handle, option, callback); }

// Gives up a connection on which sent bytes stay unacknowledged for `*context` milliseconds. Without it a request on a connection whose
// peer is gone waits for its own timeout, and a stream for as long as the kernel retransmits (15 minutes).
static inline int sonde_socket_created(void *context, curl_socket_t socket, curlsocktype purpose) {
    unsigned int milliseconds = (unsigned int)(size_t)context;
    (void)purpose;
    // A socket without the option (a Unix socket) still works, so the result does not count.
    (void)setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
    return CURL_SOCKOPT_OK;
}
static inline CURLcode sonde_easy_set_unacknowledged_max(CURL *handle, unsigned int milliseconds) {
    CURLcode code = curl_easy_setopt(handle, CURLOPT_SOCKOPTDATA, (void *)(size_t)milliseconds);
    return code ? code : curl_easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, sonde_socket_created);
}
static inline CURLcode sonde_easy_get_long(CURL *handle, CURLINFO info, long *value) { return curl_easy_getinfo(handle, info, value); }
static inline CURLcode sonde_easy_get_pointer(CURL *handle, CURLINFO info, void **value) { return curl_easy_getinfo(handle, info, value); }
static inline CURLMcode sonde_multi_set_long(CURLM *multi, CURLMoption option, long value) { return curl_multi_setopt(multi, option, value); }
static inline CURLcode sonde_message_result(CURLMsg *message) { return message->data.result; }
// CURL_WRITEFUNC_PAUSE and CURLPAUSE_CONT are macros with casts that Swift does not import.
static inline size_t sonde_write_pause(void) { return CURL_WRITEFUNC_PAUSE; }
static inline CURLcode sonde_easy_continue(CURL *handle) { return curl_easy_pause(handle, CURLPAUSE_CONT); }

// A GNU extension that <pthread.h> declares only under _GNU_SOURCE. At most 15 bytes; returns 0 or an errno.
extern int pthread_setname_np(pthread_t thread, const char *name);
static inline int sonde_name_this_thread(const char *name) { return pthread_setname_np(pthread_self(), name); }
