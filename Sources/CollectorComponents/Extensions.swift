// Extensions of the collector: one component a paragraph.
// ComponentRegistry parses it once, on first use; ComponentTable says what the lines mean.
// It never holds code: facts of the collector's repositories only, which a newer release adds to.

extension ComponentTable {
    static let extensions = """
        extension ack
         is alpha
         in contrib k8s:112..
         keys@139 storage max_number_of_partition max_number_of_pending_acks_per_partition
        extension asapclient
         is beta
         in contrib
         keys@139 key_id ttl issuer audience private_key
        extension avro_log_encoding
         is development
        extension aws_logs_encoding = awslogs_encoding@144-156
         is alpha
         in contrib:130..
         keys@139 format vpcflow vpc_flow_log
        extension awscloudwatchmetricstreams_encoding
         is alpha
         in contrib:123..
         keys@139 format
        extension awsproxy
         is beta
         in contrib
         at endpoint:2000/TCP
         keys@139 endpoint dialer proxy_address tls region role_arn aws_endpoint local_mode service_name
        extension azure_auth = azureauth@148
         is beta
         in contrib:125..
         keys@139 managed_identity workload_identity service_principal use_default scopes
        extension azure_encoding
         is alpha
         in contrib:148..
        extension basicauth
         is beta
         in contrib k8s
         keys@139 htpasswd client_auth
        extension bearertokenauth
         is beta
         in contrib k8s
         keys@139 header scheme token tokens filename
        extension cfgarden_observer
         is alpha
        extension cgroup_runtime = cgroupruntime@144-156
         is alpha
         in contrib:133.. k8s:133..
         keys@139 gomaxprocs gomemlimit
        extension datadog
         is alpha
         in contrib:129..
         keys@139 +http_client api hostname http
        extension db_storage
         is alpha
         in contrib
         keys@139 driver datasource
        extension docker_observer
         is beta
         in contrib
         keys@139 endpoint timeout excluded_images api_version use_hostname_if_present use_host_bindings ignore_non_host_bindings cache_sync_interval
        extension ecs_observer
         is beta
         in contrib
         keys@139 cluster_name cluster_region refresh_interval result_file job_label_name services task_definitions docker_labels
        extension ecs_task_observer
         is unmaintained
         in contrib:..138
        extension file_storage
         is beta
         in contrib k8s
         keys@139 directory timeout compaction fsync create_directory directory_permissions recreate
        extension google_cloud_logentry_encoding = googlecloudlogentry_encoding@148
         is alpha
         in contrib:129..
         keys@139 handle_json_payload_as handle_proto_payload_as
        extension googleclientauth
         is beta
         in contrib:103..
        extension headers_setter
         is alpha
         in contrib k8s
         keys@139 headers
        extension health_check
         is alpha
         in core contrib k8s profiler:141..
         listens 13133/TCP
         keys@139 +http_server path response_body check_collector_pipeline
        extension healthcheckv2
         is development
         at http.endpoint:13133/TCP
        extension host_observer
         is beta
         in contrib k8s
         keys@139 refresh_interval
        extension http_forwarder
         is beta
         in contrib k8s:112..
         at ingress.endpoint:6060/TCP
         keys@139 ingress egress
        extension jaeger_encoding
         is alpha
         in contrib
         keys@139 protocol
        extension jaeger_query
         is development
         listens http:16686/TCP
        extension jaegerremotesampling
         is alpha
         in contrib
         at http.endpoint/TCP grpc.endpoint/TCP
         keys@139 http grpc source
        extension json_log_encoding
         is alpha
         in contrib:103..
         keys@139 mode array_mode
        extension k8s_leader_elector
         is alpha
         in contrib:126.. k8s:126..
         access always:coordination.k8s.io/leases=get,list,watch,create,update,patch,delete
         keys@139 auth_type context lease_name lease_namespace lease_duration renew_deadline retry_period
        extension k8s_observer
         is alpha
         in contrib k8s
         access observe_pods:core/pods=list,watch
         access observe_services:core/services=list,watch
         access observe_nodes:core/nodes=list,watch
         access observe_ingresses:networking.k8s.io/ingresses=list,watch
         keys@139 auth_type context node observe_pods observe_nodes observe_services observe_ingresses namespaces
        extension kafkatopics_observer
         is deprecated
         in contrib:123..158
         keys@139 brokers resolve_canonical_bootstrap_servers_only protocol_version client_id auth tls metadata rack_id use_leader_epoch topic_regex
          topics_sync_interval
        extension mcp
         is development
        extension memory_ballast
         is deprecated
         in core:..107 contrib:..107
        extension memory_limiter
         is beta
         keys@158 check_interval limit_mib limit_percentage max_gc_interval_when_hard_limited max_gc_interval_when_soft_limited
          min_gc_interval_when_hard_limited min_gc_interval_when_soft_limited spike_limit_mib spike_limit_percentage
        extension oauth2client
         is beta
         in contrib k8s
         keys@139 client_id client_id_file client_secret client_secret_file endpoint_params token_url scopes tls timeout expiry_buffer
        extension oidc
         is beta
         in contrib k8s
         keys@139 attribute issuer_url audience ignore_audience issuer_ca_path username_claim groups_claim providers
        extension opamp
         is alpha
         in contrib k8s:112.. profiler:140..
         keys@139 server instance_uid capabilities agent_description ppid ppid_poll_interval
        extension otlp_encoding
         is beta
         in contrib
         keys@139 protocol
        extension pebble_tail_storage
         is alpha
         in contrib:155..
        extension pprof
         is beta
         in core contrib k8s profiler:141..
         at endpoint:1777/TCP
         keys@139 endpoint dialer block_profile_fraction mutex_profile_fraction save_to_file
        extension redis_storage
         is alpha
         in contrib:116..
         keys@139 endpoint password db expiration prefix tls
        extension remotetap
         is development
        extension sigv4auth
         is beta
         in contrib
         keys@139 region service assume_role
        extension skywalking_encoding
         is alpha
         in contrib:132..
        extension solarwindsapmsettings
         is development
        extension sumologic
         is alpha
         in contrib:105..
         keys@139 +http_client installation_token collector_name collector_environment collector_description collector_category collector_fields
          discover_collector_tags api_base_url heartbeat_interval collector_credentials_directory clobber force_registration ephemeral time_zone backoff
          sticky_session_enabled
        extension text_encoding
         is beta
         in contrib:131..
         keys@139 encoding marshaling_separator unmarshaling_separator
        extension zipkin_encoding
         is alpha
         in contrib
         keys@139 protocol version
        extension zpages
         is beta
         in core contrib k8s
         at endpoint:55679/TCP
         keys@158 +http_server expvar
        """
}
