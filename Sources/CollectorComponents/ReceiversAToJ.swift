// Receivers of the collector, A to J: one component a paragraph.
// ComponentRegistry parses it once, on first use; ComponentTable says what the lines mean.
// It never holds code: facts of the collector's repositories only, which a newer release adds to.

extension ComponentTable {
    static let receiversAToJ = """
        receiver active_directory_ds
         is metrics:beta
         in contrib
         keys@139 +scraper metrics
        receiver active_directory_inv
         is logs:alpha
        receiver aerospike
         is metrics:alpha
         in contrib
         listens never
         keys@139 +scraper endpoint tlsname username password collect_cluster_metrics metrics resource_attributes tls
        receiver apache
         is metrics:beta
         in contrib
         keys@139 +http_client collection_interval initial_delay metrics resource_attributes
        receiver apache_spark = apachespark@154
         is metrics:alpha
         in contrib
         keys@139 +http_client collection_interval initial_delay metrics resource_attributes application_names
        receiver aws_cloudwatch = awscloudwatch@156
         is metrics:alpha logs:alpha
         in contrib
         keys@139 region profile imds_endpoint logs storage
        receiver aws_lambda
         is metrics:alpha logs:alpha
         in contrib:148..
        receiver awscontainerinsightreceiver
         is metrics:beta
         in contrib
         keys@139 collection_interval container_orchestrator add_service_as_attribute prefer_full_pod_name add_full_pod_name_metric_label
        receiver awsecscontainermetrics
         is metrics:beta
         in contrib
         keys@139 collection_interval
        receiver awsfirehose
         is metrics:alpha logs:alpha
         in contrib
         at endpoint:4433/TCP
         keys@139 +http_server encoding record_type access_key
        receiver awss3
         is traces:alpha metrics:alpha logs:alpha
         in contrib:113..
         keys@139 s3downloader starttime endtime encodings notifications sqs
        receiver awsxray
         is traces:beta
         in contrib
         listens 2000/UDP
         keys@139 endpoint transport dialer proxy_server
        receiver azure_blob = azureblob@144-156
         is traces:alpha logs:alpha
         in contrib
         keys@139 auth connection_string storage_account_url service_principal cloud event_hub logs traces
        receiver azure_event_hub = azureeventhub@145
         is traces:beta metrics:beta logs:beta
         in contrib
         keys@139 connection partition offset storage format group apply_semantic_conventions time_formats metric_aggregation poll_rate max_poll_events
        receiver azure_functions
         is logs:development
        receiver azure_monitor = azuremonitor@148
         is metrics:alpha
         in contrib
         keys@139 +scraper resource_attributes cloud subscription_ids discover_subscriptions tenant_id resource_groups services metrics cache_resources
          cache_resources_definitions maximum_number_of_metrics_in_a_call maximum_number_of_records_per_resource append_tags_as_attributes use_batch_api
          dimensions maximum_resources_per_batch auth credentials client_id client_secret federated_token_file
        receiver bigip
         is metrics:unmaintained
         in contrib:..145
         keys@139 +http_client collection_interval initial_delay username password metrics resource_attributes
        receiver carbon
         is metrics:beta
         in contrib
         listens 2003/TCP
         keys@139 endpoint transport dialer tcp_idle_timeout parser
        receiver chrony
         is metrics:beta
         in contrib
         listens never
         keys@139 +scraper metrics endpoint
        receiver cisco_os = ciscoos@148
         is metrics:alpha
         in contrib:148..
        receiver cloud_foundry = cloudfoundry@152
         is metrics:beta logs:development
         in contrib
         listens never
         keys@139 rlp_gateway uaa
        receiver cloudflare
         is logs:alpha
         in contrib
         keys@139 logs
        receiver collectd
         is metrics:beta
         in contrib
         listens 8081/TCP
         keys@139 +http_server timeout encoding attributes_prefix
        receiver couchdb
         is metrics:beta
         in contrib
         listens never
         keys@139 +http_client collection_interval initial_delay metrics resource_attributes username password
        receiver datadog
         is traces:alpha metrics:alpha logs:alpha
         in contrib
         at endpoint:8126/TCP
         keys@139 +http_server trace_id_cache_size intake
        receiver docker_stats
         is metrics:alpha
         in contrib
         listens never
         keys@139 +scraper endpoint excluded_images api_version container_labels_to_metric_labels env_vars_to_metric_labels metrics resource_attributes
        receiver elasticsearch
         is metrics:beta
         in contrib
         keys@139 +http_client collection_interval initial_delay metrics resource_attributes nodes skip_cluster_metrics indices username password
        receiver envoy_als = envoyals@150-153
         is logs:alpha
         in contrib:121..
         at endpoint:19001/TCP
         keys@139 +grpc_server
        receiver expvar
         is metrics:alpha
         in contrib
         keys@139 +http_client collection_interval initial_delay metrics
        receiver faro
         is traces:alpha logs:alpha
         in contrib:127..
         at endpoint:8080/TCP
         keys@139 +http_server
        receiver file_log = filelog@149
         is logs:beta
         in contrib k8s
         listens never
         keys@139 attributes resource id type output include exclude exclude_older_than ordering_criteria include_file_name include_file_path
          include_file_name_resolved include_file_path_resolved include_file_owner_name include_file_owner_group_name poll_interval max_concurrent_files
          max_batches start_at fingerprint_size initial_buffer_size max_log_size encoding multiline preserve_leading_whitespaces preserve_trailing_whitespaces
          force_flush_period header delete_after_read include_file_record_number include_file_record_offset compression polls_to_archive acquire_fs_lock
          operators storage retry_on_failure
        receiver file_stats = filestats@151
         is metrics:beta
         in contrib
         keys@139 +scraper metrics resource_attributes include
        receiver flink_metrics = flinkmetrics@151-154
         is metrics:alpha
         in contrib
         listens never
         keys@139 +http_client collection_interval initial_delay metrics resource_attributes
        receiver fluent_forward = fluentforward@151
         is logs:beta
         in contrib k8s
         listens 8006/TCP
         keys@139 endpoint
        receiver github
         is traces:alpha metrics:alpha
         in contrib:109..
         keys@139 +scraper scrapers metrics resource_attributes webhook
        receiver gitlab
         is traces:alpha
         in contrib:139..
         keys@139 webhook
        receiver google_cloud_spanner = googlecloudspanner@144-156
         is metrics:beta
         in contrib
         keys@139 +scraper top_metrics_query_max_rows backfill_enabled cardinality_total_limit projects hide_topn_lockstats_rowrangestartkey truncate_text
        receiver googlecloudmonitoring
         is metrics:alpha
         in contrib:112..
         keys@139 +scraper project_id metrics_list
        receiver googlecloudpubsub
         is traces:beta metrics:beta logs:beta
         in contrib
         listens never
         keys@139 project user_agent endpoint insecure timeout subscription encoding compression ignore_encoding_error client_id
        receiver googlecloudpubsubpush
         is logs:development
        receiver haproxy
         is metrics:beta
         in contrib
         listens never
         keys@139 +http_client collection_interval initial_delay metrics resource_attributes
        receiver host_metrics = hostmetrics@151
         is metrics:beta logs:development
         in core contrib k8s
         keys@139 +scraper root_path metadata_collection_interval scrapers
        receiver http_check = httpcheck@150
         is metrics:alpha
         in contrib k8s
         listens never
         keys@139 +scraper metrics targets
        receiver huaweicloudcesreceiver
         is metrics:alpha
        receiver icmpcheckreceiver
         is metrics:development
         in contrib:158..
        receiver iis
         is metrics:beta
         in contrib
         keys@139 +scraper metrics resource_attributes
        receiver influxdb
         is metrics:beta
         in contrib
         listens 8086/TCP
         keys@139 +http_server
        receiver jaeger
         is traces:beta
         in core contrib k8s
         listens grpc:14250/TCP/grpc thrift_http:14268/TCP/http thrift_compact:6831/UDP thrift_binary:6832/UDP
         keys@139 protocols remote_sampling
        receiver jmx
         is metrics:deprecated
         in contrib:..153
         listens never
         keys@139 jar_path endpoint target_system target_source jmx_configs collection_interval otlp username password keystore_path keystore_password
          keystore_type truststore_path truststore_password truststore_type remote_profile realm additional_jars resource_attributes log_level
        receiver journald
         is logs:alpha
         in contrib k8s
         keys@139 operators storage retry_on_failure attributes resource id type output directory files start_at units priority matches identifiers grep
          dmesg all namespace convert_message_bytes merge
        """
}
