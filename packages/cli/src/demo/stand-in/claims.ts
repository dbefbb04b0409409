/** What GitHub says about a job. Every custom claim is a string, ids included. */

/** Claims of one token; `undefined` leaves one out. */
export type JobClaims = Readonly<Record<string, unknown>>

const commit = '8c0e2d1f4b6a79385d2c1e0f9a8b7c6d5e4f3a2b'

/** Ids that no other job of this stand-in has. */
export interface JobIds {
  readonly runId: string
  readonly checkRunId: string
}

/**
 * All claims of a job of `acme/shop`, a push to main unless `given` says otherwise. What hangs together stays
 * together: `sub` follows environment, event and ref as GitHub's default does, the workflow's reference follows ref.
 */
export function claimsOfJob(ids: JobIds, given: JobClaims): Record<string, unknown> {
  const repository = String(given['repository'] ?? 'acme/shop')
  const ref = String(given['ref'] ?? 'refs/heads/main')
  const workflow = `${repository}/.github/workflows/deploy.yml@${ref}`
  const claims: JobClaims = {
    actor: 'robin-example',
    actor_id: '70411',
    base_ref: '',
    check_run_id: ids.checkRunId,
    event_name: 'push',
    head_ref: '',
    job_workflow_ref: workflow,
    job_workflow_sha: commit,
    ref,
    ref_protected: ref === 'refs/heads/main' ? 'true' : 'false',
    ref_type: ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    repository,
    repository_id: '40211',
    repository_owner: repository.split('/')[0] ?? '',
    repository_owner_id: '9919',
    repository_visibility: 'private',
    run_attempt: '1',
    run_id: ids.runId,
    run_number: '118',
    runner_environment: 'github-hosted',
    sha: commit,
    workflow: 'Deploy',
    workflow_ref: workflow,
    workflow_sha: commit,
    ...given,
  }
  const sub = 'sub' in given ? given['sub'] : defaultSubject(claims)
  return present({ ...claims, sub })
}

/** A push to main; with `environment: production` or another in the workflow. */
export function pushJob(environment?: string, given: JobClaims = {}): JobClaims {
  return environment === undefined ? given : { environment, environment_node_id: 'EN_demo', ...given }
}

/** A pull request from a branch of the same repository, whose workflow names an environment all the same. */
export function pullRequestJob(environment?: string, given: JobClaims = {}): JobClaims {
  return pushJob(environment, {
    event_name: 'pull_request',
    ref: 'refs/pull/7/merge',
    head_ref: 'cheaper-checkout',
    base_ref: 'main',
    ...given,
  })
}

/** Environment first, then pull request, then ref; a colon inside of a value becomes `%3A`. */
function defaultSubject(claims: JobClaims): string {
  const { repository, environment, event_name: event, ref } = claims as Readonly<Record<string, string>>
  const context = environment
    ? `environment:${environment.replaceAll(':', '%3A')}`
    : event === 'pull_request'
      ? 'pull_request'
      : `ref:${ref}`
  return `repo:${repository}:${context}`
}

/** Without the members that were left out on purpose. */
export function present(claims: JobClaims): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(claims)) if (value !== undefined) kept[name] = value
  return kept
}
