"""The facts that a code forge shows, with every field's meaning."""

from __future__ import annotations

from compliance.facts import FactSchema, Field

REPOSITORY = FactSchema(
    "repository",
    "A repository on GitHub or GitLab, with the protection of its default branch. The resource is OWNER/NAME.",
    (
        Field("name", "string", "OWNER/NAME"),
        Field("platform", "string", "github or gitlab"),
        Field("visibility", "string", "public, internal or private"),
        Field("private", "bool", "Whether only those invited may read it"),
        Field("archived", "bool", "Whether it is archived"),
        Field("created", "time", "When it was created"),
        Field("default_branch", "string", "Its default branch"),
        Field("protected", "bool", "Whether the default branch is protected"),
        Field("required_approvals", "int", "Approvals that a merge needs; 0 if none"),
        Field("dismiss_stale", "bool", "Whether new commits take approvals away"),
        Field("code_owner_review", "bool", "Whether owners of the code must approve"),
        Field("author_may_approve", "bool", "Whether the author's own approval counts"),
        Field("required_checks", "strings", "Checks that must pass before a merge, sorted"),
        Field("checks_required", "bool", "Whether a merge needs passing checks at all"),
        Field("admins_exempt", "bool", "Whether administrators may go past it"),
        Field("force_push_allowed", "bool", "Whether history of the default branch may be rewritten"),
        Field("direct_push_allowed", "bool", "Whether somebody may push to it without a merge request"),
        Field("signed_commits_required", "bool", "Whether commits must be signed"),
        Field(
            "secret_scanning",
            "bool",
            "Whether secrets are looked for; absent where the platform does not say",
            optional=True,
        ),
    ),
)
CHANGE = FactSchema(
    "change",
    "A change merged to the default branch in the last 90 days. The resource is OWNER/NAME#NUMBER.",
    (
        Field("repository", "string", "OWNER/NAME"),
        Field("platform", "string", "github or gitlab"),
        Field("number", "int", "Number of the pull or merge request"),
        Field("author", "string", "Login of the author"),
        Field("author_is_bot", "bool", "Whether the author is a program"),
        Field("created", "time", "When it was proposed"),
        Field("merged", "time", "When it was merged"),
        Field("merged_by", "string", "Login of who merged it", optional=True),
        Field("title", "string", "Title"),
        Field("target_branch", "string", "Branch that it was merged to: the default branch"),
        Field("source_branch", "string", "Branch that it came from"),
        Field("commit", "string", "Last commit of the proposal"),
        Field("merge_commit", "string", "Commit on the default branch", optional=True),
        Field("approvers", "strings", "Logins whose last review approved it, sorted"),
        Field("approved_head", "strings", "Of these, those whose approval was of the last commit, sorted"),
        Field("approved_at", "time", "When the last of those approvals was given", optional=True),
        Field("checks_passed", "strings", "Checks that passed on the last commit, sorted"),
        Field("checks_failed", "strings", "Checks that failed, were cancelled or timed out, sorted"),
        Field("checks_pending", "strings", "Checks that had not ended, sorted"),
        Field("tickets", "strings", "Tickets that title or branch name, such as PAY-12, sorted"),
        Field("labels", "strings", "Its labels, sorted"),
    ),
)
