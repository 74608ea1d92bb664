// Exporters of the collector: one component a paragraph.
// ComponentRegistry parses it once, on first use; ComponentTable says what the lines mean.
// It never holds code: facts of the collector's repositories only, which a newer release adds to.

extension ComponentTable {
    static let exporters = """
        exporter alertmanager
         is traces:development logs:development
        exporter alibabacloud_logservice
         is traces:beta metrics:beta logs:beta
         in contrib
         keys@139 endpoint project logstore access_key_id access_key_secret ecs_ram_role token_file_path
        exporter awscloudwatchlogs
         is logs:alpha
         in contrib
         keys@139 retry_on_failure log_group_name log_stream_name endpoint log_retention tags sending_queue num_workers request_timeout_seconds max_retries
          no_verify_ssl proxy_address region local_mode resource_arn role_arn external_id raw_log
        exporter awsemf
         is metrics:beta
         in contrib
         keys@139 num_workers endpoint request_timeout_seconds max_retries no_verify_ssl proxy_address region local_mode resource_arn role_arn external_id
          log_group_name log_stream_name namespace retain_initial_value_of_delta_metric dimension_rollup_option log_retention tags
          parse_json_encoded_attr_values metric_declarations metric_descriptors output_destination eks_fargate_container_insights_enabled
          resource_to_telemetry_conversion detailed_metrics version
        exporter awskinesis
         is traces:beta metrics:beta logs:beta
         in contrib
         keys@139 timeout sending_queue retry_on_failure encoding aws max_records_per_batch max_record_size
        exporter awss3
         is traces:alpha metrics:alpha logs:alpha
         in contrib
         keys@139 sending_queue timeout s3uploader marshaler encoding encoding_file_extension resource_attrs_to_s3
        exporter awsxray
         is traces:beta
         in contrib
         keys@139 num_workers endpoint request_timeout_seconds max_retries no_verify_ssl proxy_address region local_mode resource_arn role_arn external_id
          indexed_attributes index_all_attributes aws_log_groups telemetry
        exporter azure_blob = azureblob@144-156
         is traces:alpha metrics:alpha logs:alpha
         in contrib:124..
         keys@139 url container auth blob_name_format format append_blob encodings retry_on_failure
        exporter azuredataexplorer
         is traces:beta metrics:beta logs:beta
         in contrib
         keys@139 timeout sending_queue retry_on_failure cluster_uri application_id application_key tenant_id managed_identity_id use_azure_auth db_name
          metrics_table_name logs_table_name traces_table_name metrics_table_json_mapping logs_table_json_mapping traces_table_json_mapping ingestion_type
        exporter azuremonitor
         is traces:beta metrics:beta logs:beta
         in contrib
         keys@139 +http_client sending_queue connection_string instrumentation_key maxbatchsize maxbatchinterval spaneventsenabled shutdown_timeout
          custom_events_enabled exception_events_enabled
        exporter bmc_helix = bmchelix@151-152
         is metrics:alpha
         in contrib:120..
         keys@139 +http_client api_key retry_on_failure
        exporter carbon
         is metrics:beta
         in contrib:..140.1
         keys@139 endpoint dialer max_idle_conns timeout sending_queue retry_on_failure resource_to_telemetry_conversion
        exporter cassandra
         is traces:alpha logs:alpha
         in contrib
         keys@139 auth dsn keyspace trace_table logs_table compression replication port timeout
        exporter clickhouse
         is traces:beta metrics:alpha logs:beta profiles:development
         in contrib
         keys@139 timeout retry_on_failure sending_queue endpoint username password database tls connection_params logs_table_name traces_table_name
          metrics_table_name ttl table_engine cluster_name create_schema compress async_insert metrics_tables
        exporter coralogix
         is traces:beta metrics:beta logs:beta profiles:alpha
         in contrib
         keys@139 sending_queue retry_on_failure timeout protocol domain domain_settings private_link traces metrics logs profiles private_key
          application_name_attributes subsystem_name_attributes application_name subsystem_name rate_limiter
        exporter datadog
         is traces:beta metrics:beta logs:beta
         in contrib
        exporter dataset
         is traces:alpha logs:alpha
         in contrib
         keys@139 dataset_url api_key debug buffer traces logs server_host retry_on_failure sending_queue timeout
        exporter debug
         is traces:alpha metrics:alpha logs:alpha profiles:alpha
         in core contrib k8s profiler:125..
         keys@158 output_paths sampling_initial sampling_thereafter sending_queue use_internal_logger verbosity
        exporter doris
         is traces:alpha metrics:alpha logs:alpha
         in contrib:116..
         keys@139 +http_client retry_on_failure sending_queue table database username password create_schema mysql_endpoint history_days create_history_days
          replication_num timezone log_response label_prefix log_progress_interval
        exporter elasticsearch
         is traces:beta metrics:development logs:beta profiles:development
         in contrib
         keys@139 +http_client sending_queue endpoints cloudid num_workers logs_index logs_dynamic_index metrics_index metrics_dynamic_index traces_index
          traces_dynamic_index logs_dynamic_id logs_dynamic_pipeline pipeline user password api_key discover retry flush mapping logstash_format telemetry
          include_source_on_error metadata_keys
        exporter faro
         is traces:alpha logs:alpha
         in contrib:127..
         keys@139 +http_client sending_queue retry_on_failure
        exporter file
         is traces:alpha metrics:alpha logs:alpha profiles:development
         in core contrib k8s profiler:125..
         keys@139 path append rotation format encoding compression flush_interval group_by
        exporter google_cloud_storage = googlecloudstorage@148
         is traces:development logs:alpha
         in contrib:140..
        exporter googlecloud
         is traces:beta metrics:beta logs:beta
         in contrib
        exporter googlecloudpubsub
         is traces:beta metrics:beta logs:beta
         in contrib
         keys@139 timeout sending_queue retry_on_failure project user_agent endpoint insecure topic compression watermark ordering
        exporter googlemanagedprometheus
         is metrics:beta
         in contrib
         keys@139 project user_agent metric timeout sending_queue
        exporter honeycomb_marker = honeycombmarker@151-152
         is logs:alpha
         in contrib
         keys@139 +http_client api_key api_url markers sending_queue retry_on_failure
        exporter influxdb
         is traces:beta metrics:beta logs:beta
         in contrib
         keys@139 +http_client sending_queue retry_on_failure org bucket token v1_compatibility span_dimensions log_record_dimensions metrics_schema
          payload_max_lines payload_max_bytes precision
        exporter instana
         is traces:alpha
         in contrib:..109
        exporter kafka
         is traces:beta metrics:beta logs:beta profiles:development
         in core contrib
         keys@139 timeout sending_queue retry_on_failure brokers resolve_canonical_bootstrap_servers_only protocol_version client_id auth tls metadata
          rack_id use_leader_epoch producer logs metrics traces profiles topic include_metadata_keys topic_from_attribute encoding partition_traces_by_id
          partition_metrics_by_resource_attributes partition_logs_by_resource_attributes partition_logs_by_trace_id
        exporter load_balancing = loadbalancing@153
         is traces:beta metrics:development logs:beta
         in contrib k8s
         access resolver-slices:discovery.k8s.io/endpointslices=get,list,watch
         access resolver-endpoints:core/endpoints=get,list,watch
         keys@139 timeout retry_on_failure sending_queue protocol resolver routing_key routing_attributes
        exporter logging
         is traces:deprecated metrics:deprecated logs:deprecated
         in core:..110 contrib:..110
        exporter logicmonitor
         is traces:alpha logs:alpha
         in contrib
         keys@139 +http_client sending_queue retry_on_failure resource_to_telemetry_conversion api_token logs
        exporter logzio
         is traces:beta logs:beta
         in contrib
         keys@139 +http_client sending_queue retry_on_failure account_token region custom_endpoint drain_interval queue_capacity queue_max_length
        exporter loki
         is logs:deprecated
         in contrib:..130.1
        exporter mezmo
         is logs:deprecated
         in contrib
         keys@139 +http_client sending_queue retry_on_failure ingest_url ingest_key
        exporter nop
         is traces:beta metrics:beta logs:beta profiles:alpha
         in core contrib k8s:102.. profiler:125..
        exporter opencensus
         is traces:deprecated metrics:deprecated
         in core:..131.1 contrib:..131.1
        exporter opensearch
         is traces:alpha logs:alpha
         in contrib
         keys@139 http retry_on_failure timeout mapping sending_queue dataset namespace logs_index logs_index_fallback logs_index_time_format traces_index
          traces_index_fallback traces_index_time_format bulk_action
        exporter otelarrow
         is traces:beta metrics:beta logs:beta
         in contrib:105.. k8s:105..
         keys@139 +grpc_client timeout sending_queue retry_on_failure arrow metadata_keys metadata_cardinality_limit
        exporter otlp_grpc = otlp@144
         is traces:stable metrics:stable logs:stable profiles:alpha
         in core contrib k8s otlp:111.. profiler:125..
         keys@158 +grpc_client retry_on_failure sending_queue user_agent
        exporter otlp_http = otlphttp@144
         is traces:stable metrics:stable logs:stable profiles:alpha
         in core contrib k8s otlp:111.. profiler:125..
         keys@158 +http_client encoding logs_endpoint metrics_endpoint profiles_endpoint retry_on_failure sending_queue traces_endpoint
        exporter prometheus
         is metrics:beta
         in core contrib
         listens 8888/TCP
         keys@139 +http_server sending_queue namespace const_labels send_timestamps metric_expiration resource_to_telemetry_conversion enable_open_metrics
          add_metric_suffixes translation_strategy
        exporter prometheus_remote_write = prometheusremotewrite@154
         is metrics:beta
         in core contrib
         keys@139 +http_client retry_on_failure namespace remote_write_queue external_labels max_batch_size_bytes max_batch_request_parallelism
          resource_to_telemetry_conversion wal target_info add_metric_suffixes send_metadata protobuf_message
        exporter pulsar
         is traces:alpha metrics:alpha logs:alpha
         in contrib
         keys@139 timeout sending_queue retry_on_failure endpoint topic encoding producer tls_trust_certs_file_path tls_allow_insecure_connection auth
          operation_timeout connection_timeout max_connections_per_broker
        exporter rabbitmq
         is traces:alpha metrics:alpha logs:alpha
         in contrib:104..
         keys@139 connection routing encoding_extension durable retry_on_failure
        exporter sapm
         is traces:deprecated
         in contrib:..146.1
         keys@139 endpoint access_token num_workers max_connections disable_compression compression log_detailed_response access_token_passthrough timeout
          sending_queue retry_on_failure
        exporter sematext
         is metrics:development logs:development
        exporter sentry
         is traces:alpha logs:alpha
         in contrib
         keys@139 dsn environment insecure_skip_verify
        exporter signalfx
         is traces:deprecated metrics:beta logs:beta
         in contrib
         keys@139 +http_client sending_queue retry_on_failure access_token realm ingest_url ingest_tls api_url api_tls log_data_points log_dimension_updates
          dimension_client access_token_passthrough disable_default_translation_rules delta_translation_ttl sync_host_metadata root_path exclude_metrics
          include_metrics exclude_properties correlation nonalphanumeric_dimension_chars drop_histogram_buckets send_otlp_histograms
        exporter skywalking
         is metrics:deprecated logs:deprecated
         in contrib:..104
        exporter splunk_hec
         is traces:beta metrics:beta logs:beta profiles:development
         in contrib
         keys@139 +http_client sending_queue retry_on_failure batcher log_data_enabled profiling_data_enabled token source sourcetype index
          disable_compression max_content_length_logs max_content_length_metrics max_content_length_traces max_event_size splunk_app_name splunk_app_version
          otel_attrs_to_hec_metadata otel_to_hec_fields health_path health_check_enabled export_raw use_multi_metric_format heartbeat telemetry
        exporter stef
         is metrics:alpha
         in contrib:127..
         keys@139 +grpc_client timeout sending_queue retry_on_failure
        exporter sumologic
         is traces:beta metrics:beta logs:beta
         in contrib
         keys@139 +http_client sending_queue retry_on_failure compress_encoding max_request_body_size log_format metric_format decompose_otlp_histograms
          client sticky_session_enabled
        exporter syslog
         is logs:alpha
         in contrib
         keys@139 endpoint port network protocol enable_octet_counting tls sending_queue retry_on_failure timeout
        exporter tencentcloud_logservice
         is logs:beta
         in contrib
         keys@139 region logset topic secret_id secret_key
        exporter tinybird
         is traces:alpha metrics:alpha logs:alpha
         in contrib:131..
         keys@139 +http_client retry_on_failure sending_queue token metrics traces logs wait
        exporter zipkin
         is traces:beta
         in core contrib
         keys@139 +http_client sending_queue retry_on_failure format default_service_name
        """
}
