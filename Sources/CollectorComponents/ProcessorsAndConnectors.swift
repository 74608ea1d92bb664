// Processors and connectors of the collector: one component a paragraph.
// ComponentRegistry parses it once, on first use; ComponentTable says what the lines mean.
// It never holds code: facts of the collector's repositories only, which a newer release adds to.

extension ComponentTable {
    static let processorsAndConnectors = """
        processor attributes
         is traces:beta metrics:beta logs:beta
         in core contrib k8s
         keys@139 include exclude actions
        processor awsecsattributes
         is traces:development metrics:development logs:development profiles:development
        processor batch
         is traces:beta metrics:beta logs:beta
         in core contrib k8s profiler:125..
         keys@158 metadata_cardinality_limit metadata_keys send_batch_max_size send_batch_size timeout
        processor cardinality_guardian
         is metrics:alpha
         in contrib:157..
        processor coralogix
         is traces:alpha
         in contrib:130..
         keys@139 transactions
        processor cumulative_to_delta = cumulativetodelta@157
         is metrics:beta
         in contrib k8s
         keys@139 max_staleness initial_value include exclude
        processor deltatocumulative
         is metrics:alpha
         in contrib:108.. k8s:112..
         keys@139 max_stale max_streams
        processor deltatorate
         is metrics:alpha
         in contrib k8s
         keys@139 metrics
        processor drain
         is logs:alpha
         in contrib:152.. k8s:152..
        processor filter
         is traces:alpha metrics:alpha logs:alpha profiles:development
         in core contrib k8s
         keys@139 error_mode metrics logs spans traces profiles
        processor gen_ai_normalizer
         is traces:alpha
         in contrib:154..
        processor geoip
         is traces:alpha metrics:alpha logs:alpha
         in contrib:108..
         keys@139 context attributes providers
        processor groupbyattrs
         is traces:beta metrics:beta logs:beta
         in contrib k8s
         keys@139 keys
        processor groupbytrace
         is traces:beta
         in contrib k8s
         keys@139 num_traces num_workers wait_duration discard_orphans store_on_disk
        processor interval
         is metrics:alpha
         in contrib:119.. k8s:119..
         keys@139 interval pass_through
        processor isolationforest
         is traces:alpha metrics:alpha logs:alpha
         in contrib:133..
         keys@139 forest_size subsample_size contamination_rate mode threshold training_window update_frequency min_samples score_attribute
          classification_attribute features models performance adaptive_window
        processor k8s_attributes = k8sattributes@146
         is traces:beta metrics:beta logs:beta profiles:development
         in contrib k8s profiler:125..
         access always:core/pods,namespaces=get,watch,list
         access replicasets:apps/replicasets=get,watch,list
         access nodes:core/nodes=get,watch,list
         access jobs:batch/jobs=get,watch,list
         access deployments:apps/deployments=get,watch,list
         access statefulsets:apps/statefulsets=get,watch,list
         access daemonsets:apps/daemonsets=get,watch,list
         keys@139 auth_type context passthrough extract filter pod_association exclude wait_for_metadata wait_for_metadata_timeout
        processor log_dedup = logdedup@151-152
         is logs:alpha
         in contrib:107.. k8s:107..
         keys@139 log_count_attribute interval timezone exclude_fields include_fields conditions
        processor logstransform
         is logs:development
        processor lookup
         is traces:development metrics:development logs:development
        processor memory_limiter
         is traces:beta metrics:beta logs:beta profiles:alpha
         in core contrib k8s profiler:125..
         keys@158 check_interval limit_mib limit_percentage max_gc_interval_when_hard_limited max_gc_interval_when_soft_limited
          min_gc_interval_when_hard_limited min_gc_interval_when_soft_limited spike_limit_mib spike_limit_percentage
        processor metric_start_time = metricstarttime@144-156
         is metrics:beta
         in contrib:127..
         keys@139 strategy gc_interval start_time_metric_regex
        processor metrics_transform = metricstransform@152
         is metrics:beta
         in contrib k8s
         keys@139 transforms
        processor metricsgeneration
         is metrics:alpha
         in contrib k8s:148..
         keys@139 rules
        processor probabilistic_sampler
         is traces:beta logs:alpha
         in core contrib k8s
         keys@139 sampling_percentage hash_seed mode fail_closed sampling_precision attribute_source from_attribute sampling_priority
        processor redaction
         is traces:beta metrics:alpha logs:alpha
         in contrib k8s
         keys@139 allow_all_keys allowed_keys blocked_key_patterns hash_function ignored_keys redact_all_types blocked_values allowed_values db_sanitizer
          summary url_sanitizer
        processor remotetap
         is traces:alpha metrics:alpha logs:alpha
         in contrib k8s
         at endpoint:12001/TCP
         keys@139 +http_server limit
        processor resource
         is traces:beta metrics:beta logs:beta profiles:development
         in core contrib k8s profiler:125..
         keys@139 attributes
        processor resource_detection = resourcedetection@153
         is traces:beta metrics:beta logs:beta profiles:development
         in contrib k8s profiler:125..
         access k8snode:core/nodes=get,list
         access openshift:config.openshift.io/infrastructures,infrastructures/status=get,watch,list
         access kubeadm:core/configmaps=get
         access kubeadm-cluster:core/namespaces=get
         keys@139 +http_client detectors override ec2 ecs eks elasticbeanstalk lambda azure aks consul digitalocean docker gcp heroku hetzner system
          openshift nova oraclecloud k8snode kubeadm akamai scaleway upcloud vultr attributes
        processor routing
         is traces:deprecated metrics:deprecated logs:deprecated
         in contrib:..119
        processor schema
         is traces:alpha metrics:alpha logs:alpha
         in contrib:123..
         keys@139 +http_client prefetch targets
        processor span
         is traces:alpha
         in core contrib
         keys@139 include exclude name status
        processor spanpruning
         is traces:alpha
        processor sumologic
         is traces:beta metrics:beta logs:beta
         in contrib
         keys@139 add_cloud_namespace translate_attributes translate_telegraf_attributes nest_attributes aggregate_attributes field_attributes
          translate_docker_metrics
        processor tail_sampling
         is traces:beta
         in contrib k8s
         keys@139 decision_wait num_traces block_on_overflow expected_new_traces_per_sec policies decision_cache sample_on_first_match
        processor transform
         is traces:beta metrics:beta logs:beta profiles:development
         in contrib k8s profiler:140..
         keys@139 error_mode trace_statements metric_statements log_statements profile_statements flatten_data
        processor unroll
         is logs:alpha
         in contrib:138..
         keys@139 recursive
        connector count
         is traces>metrics:alpha metrics>metrics:alpha logs>metrics:alpha profiles>metrics:alpha
         in contrib k8s
         keys@139 spans spanevents metrics datapoints logs profiles
        connector datadog
         is traces>traces:beta traces>metrics:beta
         in contrib
         keys@139 traces
        connector exceptions
         is traces>metrics:alpha traces>logs:alpha
         in contrib k8s:112..
         keys@139 dimensions exemplars
        connector failover
         is traces>traces:alpha metrics>metrics:alpha logs>logs:alpha
         in contrib:116.. k8s:112..
         keys@139 sending_queue priority_levels retry_interval retry_gap max_retries
        connector forward
         is traces>traces:beta metrics>metrics:beta logs>logs:beta profiles>profiles:alpha
         in core contrib k8s
        connector grafanacloud
         is traces>metrics:alpha
         in contrib
         keys@139 host_identifiers metrics_flush_interval
        connector metrics_as_logs = metricsaslogs@151-152
         is metrics>logs:development
        connector otlp_json = otlpjson@144-156
         is logs>traces:alpha logs>metrics:alpha logs>logs:alpha
         in contrib:106.. k8s:112..
        connector round_robin = roundrobin@144-156
         is traces>traces:beta metrics>metrics:beta logs>logs:beta
         in contrib k8s:112..
        connector routing
         is traces>traces:alpha metrics>metrics:alpha logs>logs:alpha
         in contrib k8s
         keys@139 error_mode default_pipelines table
        connector service_graph = servicegraph@144-156
         is traces>metrics:alpha
         in contrib k8s
         keys@139 metrics_exporter latency_histogram_buckets exponential_histogram_max_size dimensions store cache_loop store_expiration_loop
          virtual_node_peer_attributes virtual_node_extra_label metrics_flush_interval database_name_attributes metrics_timestamp_offset
        connector signal_to_metrics = signaltometrics@144-156
         is traces>metrics:alpha metrics>metrics:alpha logs>metrics:alpha profiles>metrics:alpha
         in contrib:119..
        connector slow_sql
         is traces>logs:development
        connector span_metrics = spanmetrics@151
         is traces>metrics:alpha
         in contrib k8s
         keys@139 dimensions calls_dimensions exclude_dimensions dimensions_cache_size resource_metrics_cache_size resource_metrics_key_attributes
          aggregation_temporality histogram metrics_flush_interval metrics_expiration metric_timestamp_cache_size namespace exemplars events
          include_instrumentation_scope aggregation_cardinality_limit add_resource_attributes
        connector sum
         is traces>metrics:alpha metrics>metrics:alpha logs>metrics:alpha
         in contrib:117..
         keys@139 spans spanevents metrics datapoints logs
        """
}
