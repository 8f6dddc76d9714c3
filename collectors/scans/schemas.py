"""The facts that scanners show, with every field's meaning."""

from __future__ import annotations

from compliance.facts import FactSchema, Field

RUN = FactSchema(
    "scan_run",
    "A run of a scanner or a CI check, from SARIF or OCSF. The resource is FILE#RUN, or FILE.",
    (
        Field("file", "string", "File that reports it, in the folder"),
        Field("tool", "string", "Name of the tool"),
        Field("tool_version", "string", "Its version", optional=True),
        Field("finished", "time", "When it ended: stated, else that of its latest finding", optional=True),
        Field("successful", "bool", "Whether the tool says that it ran to its end"),
        Field("findings", "int", "What it reports, passes included"),
        Field("failed", "int", "Of these, failures that are not suppressed"),
        Field("worst", "string", "Severity of the worst of those", optional=True),
        Field("repository", "string", "Repository that was scanned (SARIF)", optional=True),
        Field("revision", "string", "Commit that was scanned (SARIF)", optional=True),
    ),
)
FINDING = FactSchema(
    "scan_finding",
    "What a scanner found, from SARIF or OCSF. The resource is the finding's own id.",
    (
        Field("tool", "string", "Name of the tool"),
        Field("rule", "string", "Rule or check that speaks"),
        Field("title", "string", "Title of the rule or finding"),
        Field("severity", "string", "critical, high, medium, low, informational or unknown"),
        Field("status", "string", "pass, fail, manual, open, resolved or suppressed"),
        Field(
            "category",
            "string",
            "secret, vulnerability, code, configuration, malware or detection",
            optional=True,
        ),
        Field("cve", "string", "CVE id, where it is about one", optional=True),
        Field("fix_available", "bool", "Whether a version with a fix is known", optional=True),
        Field(
            "last_seen",
            "time",
            "When it was last found: the finding's own time, else that of its run or file",
        ),
        Field("first_seen", "time", "When it was first found", optional=True),
        Field("resolved_at", "time", "When it was resolved", optional=True),
        Field("target", "string", "Resource, file or image that it is about"),
        Field("target_type", "string", "Type of that resource", optional=True),
        Field("account", "string", "Cloud account", optional=True),
        Field("region", "string", "Cloud region", optional=True),
        Field("line", "int", "Line in the file", optional=True),
        Field("requirements", "strings", "Requirements that the scanner names, sorted"),
    ),
)
