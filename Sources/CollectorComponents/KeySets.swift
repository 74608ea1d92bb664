// Keys that many components share, by name: settings of HTTP and gRPC clients and servers, and of scrapers.
// ComponentRegistry parses it once, on first use; ComponentTable says what the lines mean.
// It never holds code: facts of the collector's repositories only, which a newer release adds to.

extension ComponentTable {
    static let keySets = """
        set http_client endpoint proxy_url tls read_buffer_size write_buffer_size timeout headers auth compression compression_params max_idle_conns
          max_idle_conns_per_host max_conns_per_host idle_conn_timeout disable_keep_alives http2_read_idle_timeout http2_ping_timeout cookies
          force_attempt_http2 middlewares
        set http_server endpoint tls cors auth max_request_body_size include_metadata response_headers compression_algorithms read_timeout
          read_header_timeout write_timeout idle_timeout middlewares keep_alives_enabled
        set grpc_client endpoint compression tls keepalive read_buffer_size write_buffer_size wait_for_ready headers balancer_name authority auth
          middlewares user_agent
        set grpc_server endpoint transport dialer tls max_recv_msg_size_mib max_concurrent_streams read_buffer_size write_buffer_size keepalive auth
          include_metadata middlewares
        set scraper collection_interval initial_delay timeout
        """
}
