// Receivers of the collector, K to Z: one component a paragraph.
// ComponentRegistry parses it once, on first use; ComponentTable says what the lines mean.
// It never holds code: facts of the collector's repositories only, which a newer release adds to.

extension ComponentTable {
    static let receiversKToZ = """
        receiver k8s_cluster
         is metrics:beta logs:development
         in contrib k8s
         listens never
         access always:core/events,namespaces,namespaces/status,nodes,nodes/spec,persistentvolumeclaims,persistentvolumes,pods,pods/status,
          replicationcontrollers,replicationcontrollers/status,resourcequotas,services=get,list,watch
         access always:apps/daemonsets,deployments,replicasets,statefulsets=get,list,watch
         access always:extensions/daemonsets,deployments,replicasets=get,list,watch
         access always:batch/jobs,cronjobs=get,list,watch
         access always:autoscaling/horizontalpodautoscalers=get,list,watch
         access openshift:quota.openshift.io/clusterresourcequotas=get,list,watch
         keys@139 auth_type context collection_interval node_conditions_to_report allocatable_types_to_report metadata_exporters distribution
          metadata_collection_interval metrics resource_attributes namespace namespaces k8s_leader_elector
        receiver k8s_events
         is logs:alpha
         in contrib k8s
         listens never
         access always:core/events=get,list,watch
         keys@139 auth_type context namespaces k8s_leader_elector
        receiver k8s_objects = k8sobjects@151
         is logs:beta
         in contrib k8s
         listens never
         access objects:
         keys@139 auth_type context objects error_mode include_initial_state k8s_leader_elector
        receiver kafka
         is traces:beta metrics:beta logs:beta profiles:development
         in core contrib
         keys@139 brokers resolve_canonical_bootstrap_servers_only protocol_version client_id auth tls metadata rack_id use_leader_epoch session_timeout
          heartbeat_interval group_id initial_offset autocommit min_fetch_size default_fetch_size max_fetch_size max_fetch_wait max_partition_fetch_size
          group_rebalance_strategy group_instance_id logs metrics traces profiles topic encoding message_marking header_extraction error_backoff telemetry
        receiver kafka_metrics = kafkametrics@152
         is metrics:beta
         in contrib
         keys@139 +scraper brokers resolve_canonical_bootstrap_servers_only protocol_version client_id auth tls metadata rack_id use_leader_epoch
          cluster_alias topic_match group_match refresh_frequency scrapers metrics resource_attributes
        receiver kubelet_stats = kubeletstats@152
         is metrics:beta
         in contrib k8s
         listens never
         access always:core/nodes/stats=get
         access utilization:core/nodes/proxy=get
         keys@139 +scraper auth_type context ca_file ca_pem include_system_ca_certs_pool cert_file cert_pem key_file key_pem min_version max_version
          cipher_suites reload_interval curve_preferences tpm insecure_skip_verify endpoint dialer extra_metadata_labels metric_groups k8s_api_config node
          metrics resource_attributes collect_all_network_interfaces
        receiver libhoney
         is traces:alpha logs:alpha
         in contrib:117..
         at http.endpoint:8080/TCP
         keys@139 http auth_api wrapper fields
        receiver loki
         is logs:alpha
         in contrib
         listens grpc:9095/TCP/grpc http:3100/TCP/http
         keys@139 protocols use_incoming_timestamp
        receiver macos_unified_logging
         is logs:alpha
         in contrib:142..
        receiver memcached
         is metrics:beta
         in contrib
         listens never
         keys@139 +scraper endpoint transport dialer metrics
        receiver mongodb
         is metrics:beta logs:development
         in contrib
         keys@139 +scraper tls metrics resource_attributes hosts username password replica_set direct_connection
        receiver mongodb_atlas = mongodbatlas@145
         is metrics:beta logs:beta
         in contrib
         keys@139 +scraper base_url public_key private_key granularity metrics resource_attributes projects alerts events logs retry_on_failure storage
        receiver mysql
         is metrics:beta logs:development
         in contrib
         listens never
         keys@139 +scraper username password database allow_native_passwords endpoint transport dialer tls metrics resource_attributes events
          statement_events top_query_collection query_sample_collection
        receiver named_pipe = namedpipe@149-150
         is logs:alpha
         in contrib
         keys@139 attributes resource id type output path mode encoding multiline preserve_leading_whitespaces preserve_trailing_whitespaces max_log_size
          operators storage retry_on_failure
        receiver netflow
         is logs:alpha
         in contrib:121..
         keys@139 scheme hostname port sockets workers queue_size send_raw
        receiver nginx
         is metrics:beta
         in contrib
         listens never
         keys@139 +http_client collection_interval initial_delay metrics
        receiver nop
         is traces:beta metrics:beta logs:beta profiles:alpha
         in core contrib profiler:151..
        receiver nsxt
         is metrics:alpha
         in contrib
         listens never
         keys@139 +http_client collection_interval initial_delay metrics resource_attributes username password
        receiver ntp
         is metrics:beta
         in contrib:113..
         keys@139 +scraper metrics resource_attributes version endpoint
        receiver obi
         is traces:development metrics:development
         in contrib:156..
        receiver opencensus
         is traces:deprecated metrics:deprecated
         in core:..131.1 contrib:..131.1 k8s:..131.1
        receiver oracledb
         is metrics:alpha logs:development
         in contrib
         listens never
         keys@139 +scraper datasource endpoint password service username metrics resource_attributes events top_query_collection query_sample_collection
        receiver osquery
         is logs:alpha
        receiver otelarrow
         is traces:beta metrics:beta logs:beta
         in contrib:105.. k8s:105..
         at protocols.grpc.endpoint:4317/TCP
         keys@139 protocols admission
        receiver otlp
         is traces:stable metrics:stable logs:stable profiles:alpha
         in core contrib k8s otlp:111..
         listens grpc:4317/TCP/grpc http:4318/TCP/http
         keys@158 protocols
        receiver otlp_json_file = otlpjsonfile@144-156
         is traces:alpha metrics:alpha logs:alpha profiles:development
         in contrib
         keys@139 include exclude exclude_older_than ordering_criteria include_file_name include_file_path include_file_name_resolved
          include_file_path_resolved include_file_owner_name include_file_owner_group_name poll_interval max_concurrent_files max_batches start_at
          fingerprint_size initial_buffer_size max_log_size encoding multiline preserve_leading_whitespaces preserve_trailing_whitespaces force_flush_period
          header delete_after_read include_file_record_number include_file_record_offset compression polls_to_archive acquire_fs_lock storage replay_file
        receiver podman_stats
         is metrics:alpha
         in contrib
         listens never
         keys@139 +scraper endpoint api_version ssh_key ssh_passphrase metrics resource_attributes
        receiver postgresql
         is metrics:beta logs:development
         in contrib
         listens never
         keys@139 +scraper username password databases exclude_databases endpoint transport dialer tls connection_pool metrics resource_attributes events
          query_sample_collection top_query_collection
        receiver pprof
         is profiles:alpha
         in contrib:148..
        receiver profiling
         is profiles:alpha
         in profiler:125..
        receiver prometheus
         is metrics:beta
         in core contrib k8s
         listens api_server
         access sd-pod:core/pods=get,list,watch
         access sd-endpoints:core/endpoints,services,pods=get,list,watch
         access sd-endpointslice:discovery.k8s.io/endpointslices=get,list,watch
         access sd-endpointslice:core/services,pods=get,list,watch
         access sd-service:core/services=get,list,watch
         access sd-ingress:networking.k8s.io/ingresses=get,list,watch
         access sd-node:core/nodes=get,list,watch
         access sd-namespace-metadata:core/namespaces=get,list,watch
         keys@139 config trim_metric_suffixes use_start_time_metric start_time_metric_regex report_extra_scrape_metrics target_allocator api_server
        receiver prometheus_remote_write = prometheusremotewrite@148
         is metrics:alpha
         in contrib:131..
         at endpoint:9090/TCP
         keys@139 +http_server
        receiver prometheus_simple
         is metrics:unmaintained
         in contrib
         listens never
         keys@139 +http_client tls_enabled tls_config collection_interval metrics_path params labels use_service_account job_name
        receiver pulsar
         is traces:alpha metrics:alpha logs:alpha
         in contrib
         listens never
         keys@139 endpoint topic subscription encoding consumer_name tls_trust_certs_file_path tls_allow_insecure_connection auth
        receiver purefa
         is metrics:alpha
         in contrib
         keys@139 +http_client settings array hosts directories pods volumes env fa_array_name namespace
        receiver purefb
         is metrics:alpha
         in contrib
         listens never
         keys@139 +http_client settings arrays clients usage env
        receiver rabbitmq
         is metrics:beta
         in contrib
         listens never
         keys@139 +http_client collection_interval initial_delay username password metrics resource_attributes
        receiver receiver_creator
         is traces:alpha metrics:beta logs:alpha profiles:alpha
         in contrib k8s
         access templates:
         keys@139 watch_observers resource_attributes discovery receivers
        receiver redfish
         is metrics:development
        receiver redis
         is metrics:beta
         in contrib
         listens never
         keys@139 +scraper endpoint transport dialer username password tls metrics resource_attributes
        receiver riak
         is metrics:beta
         in contrib
         listens never
         keys@139 +http_client collection_interval initial_delay username password metrics
        receiver saphana
         is metrics:alpha
         in contrib:123..
         listens never
         keys@139 +scraper endpoint dialer tls metrics resource_attributes username password
        receiver sapm
         is traces:deprecated
         in contrib:..132.4
         listens 7276/TCP
        receiver signalfx
         is metrics:deprecated logs:deprecated
         in contrib:..156
         listens 9943/TCP
         keys@139 +http_server
        receiver skywalking
         is traces:beta metrics:development
         in contrib
         listens grpc:11800/TCP/grpc http:12800/TCP/http
         keys@139 protocols
        receiver snmp
         is metrics:alpha
         in contrib
         listens never
         keys@139 +scraper endpoint version community user security_level auth_type auth_password privacy_type privacy_password resource_attributes
          attributes metrics
        receiver snowflake
         is metrics:alpha
         in contrib
         keys@139 +scraper metrics resource_attributes username password account schema warehouse database role
        receiver solace
         is traces:beta
         in contrib
         keys@139 broker queue max_unacknowledged tls auth flow_control
        receiver splunk_enterprise = splunkenterprise@155
         is metrics:alpha
         in contrib:101..
         keys@139 +scraper metrics indexer search_head cluster_master build_version_info
        receiver splunk_hec
         is metrics:beta logs:beta
         in contrib
         listens 8088/TCP
         keys@139 +http_server access_token_passthrough ack raw_path splitting health_path hec_metadata_to_otel_attrs
        receiver sqlquery
         is metrics:alpha logs:development
         in contrib
         keys@139 +scraper driver datasource host port database username password additional_params queries storage telemetry max_open_conn
        receiver sqlserver
         is metrics:beta logs:development
         in contrib
         keys@139 +scraper metrics resource_attributes events top_query_collection query_sample_collection instance_name computer_name datasource password
          port server username
        receiver ssh_check = sshcheck@151
         is metrics:beta
         in contrib
         listens never
         keys@139 +scraper endpoint username password key_file known_hosts ignore_host_key check_sftp metrics resource_attributes
        receiver statsd
         is metrics:beta
         in contrib
         listens 8125/UDP
         keys@139 endpoint transport dialer aggregation_interval enable_ip_only_aggregation enable_metric_type enable_simple_tags is_monotonic_counter
          timer_histogram_mapping socket_permissions
        receiver stef
         is metrics:alpha
         in contrib:127..
         at endpoint:4320/TCP
         keys@139 +grpc_server ack_interval
        receiver syslog
         is logs:beta
         in contrib
         at tcp.listen_address/TCP udp.listen_address/UDP
         keys@139 attributes resource id type output protocol location enable_octet_counting allow_skip_pri_header non_transparent_framing_trailer max_octets
          tcp udp on_error operators storage retry_on_failure
        receiver systemd
         is metrics:alpha
         in contrib:142..
        receiver tcp_check = tcpcheck@152
         is metrics:alpha
         in contrib:122.1..
         keys@139 +scraper metrics targets
        receiver tcp_log = tcplog@150
         is logs:alpha
         in contrib
         listens required/TCP
         keys@139 attributes resource id type output max_log_size listen_address tls add_attributes one_log_per_packet encoding multiline
          preserve_leading_whitespaces preserve_trailing_whitespaces operators storage retry_on_failure
        receiver tls_check = tlscheck@150
         is metrics:alpha
         in contrib:122.1..
         keys@139 +scraper metrics resource_attributes targets
        receiver udp_log = udplog@150
         is logs:alpha
         in contrib
         listens required/UDP
         keys@139 attributes resource id type output listen_address one_log_per_packet add_attributes encoding multiline preserve_leading_whitespaces
          preserve_trailing_whitespaces async operators storage retry_on_failure
        receiver vcenter
         is metrics:alpha
         in contrib
         listens never
         keys@139 +scraper tls metrics resource_attributes endpoint username password
        receiver vcr
         is traces:development metrics:development logs:development profiles:development
        receiver wavefront
         is metrics:deprecated
         in contrib
         listens 2003/TCP
         keys@139 endpoint dialer tcp_idle_timeout extract_collectd_tags
        receiver webhook_event = webhookevent@150-152
         is logs:beta
         in contrib
         at endpoint/TCP
         keys@139 +http_server path health_path required_header split_logs_at_newline split_logs_at_json_boundary convert_headers_to_attributes
          header_attribute_regex
        receiver windows_event_log = windowseventlog@150
         is logs:alpha
         in contrib
         keys@139 attributes resource id type output channel ignore_channel_errors max_reads start_at poll_interval raw include_log_record_original
          suppress_rendering_info exclude_providers remote query operators storage retry_on_failure
        receiver windows_service = windowsservice@154
         is metrics:alpha
         in contrib:155..
        receiver windowsperfcounters
         is metrics:beta
         in contrib
         keys@139 +scraper metrics perfcounters
        receiver yang_grpc = yanggrpc@148
         is metrics:alpha
         in contrib:142..
        receiver zipkin
         is traces:beta
         in core contrib k8s
         listens 9411/TCP/http
         keys@139 +http_server parse_string_tags
        receiver zookeeper
         is metrics:alpha
         in contrib
         listens never
         keys@139 +scraper endpoint dialer metrics resource_attributes
        """
}
