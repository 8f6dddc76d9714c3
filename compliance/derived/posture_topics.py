"""Which rules of the posture scanner speak about which topic.

The ids are those of Prowler's checks for AWS (https://hub.prowler.com). A scanner writes nothing for a
rule that found no resource, so a topic names *anchors*: rules that report at least once for every account
that was scanned. Where an anchor is silent the topic was not scanned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """The rules of a topic: those that must report, and all whose failure counts."""

    anchors: frozenset[str]
    rules: frozenset[str]


def _topic(anchors: str, rules: str = "") -> Topic:
    always = frozenset(anchors.split())
    return Topic(always, always | frozenset(rules.split()))


TOPICS: Mapping[str, Topic] = {
    "network-ingress": _topic(
        "ec2_securitygroup_default_restrict_traffic ec2_networkacl_allow_ingress_any_port",
        "ec2_securitygroup_allow_ingress_from_internet_to_all_ports "
        "ec2_securitygroup_allow_ingress_from_internet_to_any_port "
        "ec2_securitygroup_allow_ingress_from_internet_to_high_risk_tcp_ports "
        "ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_22 "
        "ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_3389 ec2_securitygroup_allow_wide_open_public_ipv4 "
        "ec2_networkacl_allow_ingress_tcp_port_22 ec2_networkacl_allow_ingress_tcp_port_3389 "
        "ec2_transitgateway_auto_accept_vpc_attachments",
    ),
    "network-segmentation": _topic(
        "vpc_subnet_no_public_ip_by_default vpc_subnet_separate_private_public",
        "vpc_peering_routing_tables_with_least_privilege vpc_endpoint_connections_trust_boundaries "
        "vpc_endpoint_services_allowed_principals_trust_boundaries eks_cluster_private_nodes_enabled "
        "eks_cluster_network_policy_enabled sagemaker_models_vpc_settings_configured bedrock_vpc_endpoints_configured "
        "sagemaker_training_jobs_vpc_settings_configured awslambda_function_inside_vpc rds_instance_inside_vpc",
    ),
    "network-exposure": _topic(
        "s3_account_level_public_access_blocks ec2_ebs_snapshot_account_block_public_access",
        "rds_instance_no_public_access rds_snapshots_public_access redshift_cluster_public_access s3_bucket_public_access "
        "opensearch_service_domains_not_publicly_accessible efs_not_publicly_accessible eks_cluster_not_publicly_accessible "
        "sagemaker_notebook_instance_without_direct_internet_access_configured kafka_cluster_is_public "
        "elasticache_cluster_uses_public_subnet neptune_cluster_uses_public_subnet documentdb_cluster_public_snapshot "
        "emr_cluster_publicly_accesible glue_data_catalogs_not_publicly_accessible ecr_repositories_not_publicly_accessible "
        "ec2_ebs_public_snapshot ec2_ami_public awslambda_function_not_publicly_accessible sqs_queues_not_publicly_accessible "
        "sns_topics_not_publicly_accessible dms_instance_no_public_access secretsmanager_not_publicly_accessible",
    ),
    "network-egress": _topic(
        "networkfirewall_in_all_vpc vpc_flow_logs_enabled",
        "networkfirewall_logging_enabled networkfirewall_policy_default_action_full_packets "
        "networkfirewall_policy_default_action_fragmented_packets networkfirewall_policy_rule_group_associated "
        "sagemaker_models_network_isolation_enabled sagemaker_training_jobs_network_isolation_enabled",
    ),
    "network-detection": _topic(
        "guardduty_is_enabled vpc_flow_logs_enabled",
        "guardduty_no_high_severity_findings guardduty_centrally_managed networkfirewall_logging_enabled "
        "ec2_client_vpn_endpoint_connection_logging_enabled route53_public_hosted_zones_cloudwatch_logging_enabled",
    ),
    "compute-isolation": _topic(
        "ec2_instance_account_imdsv2_enabled",
        "ec2_instance_imdsv2_enabled ec2_instance_public_ip ec2_launch_template_no_public_ip ec2_launch_template_imdsv2_required "
        "ecs_task_definitions_no_privileged_containers ecs_task_definitions_host_namespace_not_shared "
        "ecs_task_definitions_host_networking_mode_users ecs_task_definitions_containers_readonly_access "
        "sagemaker_notebook_instance_root_access_disabled sagemaker_training_jobs_network_isolation_enabled "
        "sagemaker_models_network_isolation_enabled emr_cluster_master_nodes_no_public_ip efs_access_point_enforce_user_identity",
    ),
    "storage-encryption": _topic(
        "ec2_ebs_default_encryption",
        "ec2_ebs_volume_encryption ec2_ebs_snapshots_encrypted s3_bucket_default_encryption rds_instance_storage_encrypted "
        "rds_snapshots_encrypted efs_encryption_at_rest_enabled dynamodb_tables_kms_cmk_encryption_enabled "
        "opensearch_service_domains_encryption_at_rest_enabled redshift_cluster_encrypted_at_rest "
        "kinesis_stream_encrypted_at_rest sqs_queues_server_side_encryption_enabled neptune_cluster_storage_encrypted "
        "sagemaker_notebook_instance_encryption_enabled bedrock_knowledge_base_encrypted_with_cmk "
        "sagemaker_training_jobs_volume_and_output_encryption_enabled backup_vaults_encrypted backup_recovery_point_encrypted "
        "elasticache_redis_cluster_rest_encryption_enabled glue_etl_jobs_amazon_s3_encryption_enabled "
        "cloudwatch_log_group_kms_encryption_enabled athena_workgroup_encryption",
    ),
    "scratch-storage": _topic(
        "ec2_ebs_default_encryption",
        "ec2_ebs_volume_encryption sagemaker_notebook_instance_encryption_enabled athena_workgroup_encryption "
        "sagemaker_training_jobs_volume_and_output_encryption_enabled glue_etl_jobs_job_bookmark_encryption_enabled "
        "glue_development_endpoints_s3_encryption_enabled workspaces_volume_encryption_enabled",
    ),
    "transport-encryption": _topic(
        "s3_bucket_secure_transport_policy",
        "elb_ssl_listeners elb_insecure_ssl_ciphers elbv2_ssl_listeners elbv2_insecure_ssl_ciphers "
        "cloudfront_distributions_https_enabled cloudfront_distributions_using_deprecated_ssl_protocols "
        "cloudfront_distributions_origin_traffic_encrypted rds_instance_transport_encrypted dms_endpoint_ssl_enabled "
        "redshift_cluster_in_transit_encryption_enabled opensearch_service_domains_https_communications_enforced "
        "opensearch_service_domains_node_to_node_encryption_enabled kafka_cluster_in_transit_encryption_enabled "
        "elasticache_redis_cluster_in_transit_encryption_enabled glue_database_connections_ssl_enabled "
        "sagemaker_training_jobs_intercontainer_encryption_enabled transfer_server_in_transit_encryption_enabled "
        "acm_certificates_expiration_check acm_certificates_with_secure_key_algorithms rds_instance_certificate_expiration",
    ),
    "audit-logging": _topic(
        "cloudtrail_multi_region_enabled cloudtrail_multi_region_enabled_logging_management_events",
        "cloudtrail_s3_dataevents_read_enabled cloudtrail_s3_dataevents_write_enabled eks_control_plane_logging_all_types_enabled "
        "rds_instance_integration_cloudwatch_logs rds_cluster_integration_cloudwatch_logs redshift_cluster_audit_logging "
        "opensearch_service_domains_audit_logging_enabled s3_bucket_server_access_logging_enabled elbv2_logging_enabled "
        "apigateway_restapi_logging_enabled bedrock_model_invocation_logging_enabled glue_etl_jobs_logging_enabled "
        "ecs_task_definitions_logging_enabled stepfunctions_statemachine_logging_enabled cloudtrail_bedrock_logging_enabled",
    ),
    "log-alarms": _topic(
        "cloudwatch_log_metric_filter_unauthorized_api_calls cloudwatch_log_metric_filter_sign_in_without_mfa "
        "cloudwatch_log_metric_filter_root_usage cloudwatch_log_metric_filter_policy_changes "
        "cloudwatch_log_metric_filter_authentication_failures cloudwatch_log_metric_filter_security_group_changes "
        "cloudwatch_log_metric_filter_disable_or_scheduled_deletion_of_kms_cmk "
        "cloudwatch_log_metric_filter_for_s3_bucket_policy_changes cloudwatch_changes_to_vpcs_alarm_configured "
        "cloudwatch_log_metric_filter_and_alarm_for_cloudtrail_configuration_changes_enabled "
        "cloudwatch_log_metric_filter_and_alarm_for_aws_config_configuration_changes_enabled "
        "cloudwatch_changes_to_network_acls_alarm_configured cloudwatch_changes_to_network_gateways_alarm_configured "
        "cloudwatch_changes_to_network_route_tables_alarm_configured",
    ),
    "log-protection": _topic(
        "cloudtrail_logs_s3_bucket_is_not_publicly_accessible cloudtrail_log_file_validation_enabled",
        "cloudtrail_kms_encryption_enabled cloudtrail_logs_s3_bucket_access_logging_enabled "
        "cloudwatch_log_group_not_publicly_accessible cloudwatch_log_group_retention_policy_specific_days_enabled "
        "iam_policy_no_full_access_to_cloudtrail iam_inline_policy_no_full_access_to_cloudtrail cloudtrail_bucket_requires_mfa_delete",
    ),
    "threat-detection": _topic(
        "guardduty_is_enabled securityhub_enabled",
        "guardduty_no_high_severity_findings guardduty_s3_protection_enabled guardduty_rds_protection_enabled "
        "guardduty_eks_audit_log_enabled guardduty_lambda_protection_enabled cloudtrail_insights_exist "
        "cloudtrail_threat_detection_privilege_escalation cloudtrail_threat_detection_enumeration "
        "cloudtrail_threat_detection_llm_jacking",
    ),
    "malware-protection": _topic(
        "guardduty_is_enabled guardduty_ec2_malware_protection_enabled", "guardduty_eks_runtime_monitoring_enabled"
    ),
    "vulnerability-scanning": _topic(
        "inspector2_is_enabled ecr_registry_scan_images_on_push_enabled",
        "ecr_repositories_scan_images_on_push_enabled ecr_repositories_scan_vulnerabilities_in_latest_image",
    ),
    "patching": _topic(
        "ssm_managed_compliant_patching",
        "ec2_instance_managed_by_ssm ec2_instance_with_outdated_ami rds_instance_minor_version_upgrade_enabled "
        "rds_instance_deprecated_engine_version rds_instance_extended_support awslambda_function_using_supported_runtimes "
        "eks_cluster_uses_a_supported_version redshift_cluster_automatic_upgrades "
        "opensearch_service_domains_updated_to_the_latest_service_software_version kafka_cluster_uses_latest_version",
    ),
    "hardening": _topic(
        "config_recorder_all_regions_enabled ec2_securitygroup_default_restrict_traffic",
        "ec2_instance_imdsv2_enabled ec2_instance_uses_single_eni rds_instance_default_admin rds_cluster_default_admin "
        "redshift_cluster_non_default_username redshift_cluster_non_default_database_name elbv2_desync_mitigation_mode "
        "elb_desync_mitigation_mode elbv2_alb_drop_invalid_header_fields_enabled s3_bucket_acl_prohibited "
        "ssm_documents_set_as_public ec2_instance_paravirtual_type athena_workgroup_enforce_configuration "
        "ec2_securitygroup_from_launch_wizard ecs_service_fargate_latest_platform_version "
        "config_recorder_using_aws_service_role opensearch_service_domains_internal_user_database_enabled",
    ),
    "exposed-secrets": _topic(
        "cloudwatch_log_group_no_secrets_in_logs",
        "ec2_instance_secrets_user_data ec2_launch_template_no_secrets awslambda_function_no_secrets_in_code "
        "awslambda_function_no_secrets_in_variables ecs_task_definitions_no_environment_secrets "
        "codebuild_project_no_secrets_in_variables ecr_repository_image_no_secrets sagemaker_notebook_instance_no_secrets "
        "glue_etl_jobs_no_secrets_in_arguments stepfunctions_statemachine_no_secrets_in_definition ssm_document_secrets "
        "apigateway_restapi_no_secrets_in_stage_variables autoscaling_find_secrets_ec2_launch_configuration "
        "awslambda_layer_no_secrets_in_content glue_catalog_connection_no_secrets",
    ),
    "backups": _topic(
        "backup_vaults_exist backup_plans_exist",
        "backup_reportplans_exist rds_instance_backup_enabled rds_instance_protected_by_backup_plan dynamodb_tables_pitr_enabled "
        "dynamodb_table_protected_by_backup_plan efs_have_backup_enabled ec2_ebs_volume_protected_by_backup_plan "
        "s3_bucket_object_versioning redshift_cluster_automated_snapshot documentdb_cluster_backup_enabled "
        "neptune_cluster_backup_enabled elasticache_redis_cluster_backup_enabled",
    ),
    "redundancy": _topic(
        "vpc_subnet_different_az",
        "rds_instance_multi_az rds_cluster_multi_az elbv2_is_in_multiple_az elb_is_in_multiple_az autoscaling_group_multiple_az "
        "autoscaling_group_elb_health_check_enabled awslambda_function_vpc_multi_az networkfirewall_multi_az "
        "elasticache_redis_cluster_automatic_failover_enabled efs_multi_az_enabled vpc_endpoint_multi_az_enabled "
        "opensearch_service_domains_fault_tolerant_data_nodes redshift_cluster_multi_az_enabled vpc_vpn_connection_tunnels_up "
        "sagemaker_endpoint_config_prod_variant_instances dynamodb_table_autoscaling_enabled rds_instance_deletion_protection",
    ),
    "web-protection": _topic(
        "wafv2_webacl_with_rules",
        "elbv2_waf_acl_attached apigateway_restapi_waf_acl_attached cloudfront_distributions_using_waf "
        "wafv2_webacl_logging_enabled shield_advanced_protection_in_internet_facing_load_balancers "
        "shield_advanced_protection_in_cloudfront_distributions apigateway_restapi_authorizers_enabled",
    ),
    "llm-guardrails": _topic(
        "bedrock_guardrails_configured",
        "bedrock_guardrail_prompt_attack_filter_enabled bedrock_guardrail_sensitive_information_filter_enabled "
        "bedrock_agent_guardrail_enabled bedrock_guardrail_contextual_grounding_filter_enabled",
    ),
    "llm-access": _topic(
        "bedrock_api_key_no_long_term_credentials bedrock_full_access_policy_attached",
        "bedrock_api_key_no_administrative_privileges bedrock_agent_role_least_privilege "
        "bedrock_agent_role_not_shared_across_agents bedrock_vpc_endpoints_configured",
    ),
    "password-policy": _topic(
        "iam_password_policy_lowercase iam_password_policy_uppercase iam_password_policy_number iam_password_policy_symbol"
    ),
    "region-limits": _topic("organizations_scp_check_deny_regions", "kms_cmk_not_multi_region"),
    "monitoring": _topic(
        "cloudwatch_alarm_actions_enabled",
        "ec2_instance_detailed_monitoring_enabled rds_instance_enhanced_monitoring_enabled ecs_cluster_container_insights_enabled "
        "kafka_cluster_enhanced_monitoring_enabled sagemaker_models_monitor_enabled cloudwatch_alarm_actions_alarm_state_configured",
    ),
}  # fmt: skip
"""Every topic by its name."""
