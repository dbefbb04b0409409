import type { Claims } from '../../domain.ts'
import { form, type Preset } from './preset.ts'

const minutes = 60
const hours = 3600

/** Claims of GitHub Actions are text, ids and booleans included. */
const githubText = [
  'actor',
  'actor_id',
  'base_ref',
  'check_run_id',
  'enterprise',
  'enterprise_id',
  'environment',
  'environment_node_id',
  'head_ref',
  'job_workflow_ref',
  'job_workflow_sha',
  'ref',
  'ref_protected',
  'ref_type',
  'repository_visibility',
  'run_number',
  'runner_environment',
  'sha',
  'workflow',
  'workflow_ref',
  'workflow_sha',
] as const

/** GitHub names the run and its attempt apart, and the job itself since November 2025. */
function githubJob(claims: Claims): { id?: string; run?: string } {
  const { check_run_id: id, run_id: run, run_attempt: attempt } = claims
  return {
    ...(typeof id === 'string' && id !== '' ? { id } : {}),
    ...(typeof run === 'string' && typeof attempt === 'string' ? { run: `${run}/${attempt}` } : {}),
  }
}

export const githubPreset: Preset = {
  form: form('(token.actions.(githubusercontent|[a-z0-9-]+.ghe).com(/[A-Za-z0-9_-]+)?|HOST/_services/token)'),
  algorithms: ['RS256'],
  required: [
    'jti',
    'repository',
    'repository_id',
    'repository_owner',
    'repository_owner_id',
    'event_name',
    'run_id',
    'run_attempt',
  ],
  text: githubText,
  jti: 'required',
  maxAge: 10 * minutes,
  maxLifetime: 6 * hours,
  repository: 'repository',
  actor: 'actor',
  job: githubJob,
  check: (claims) => {
    for (const name in claims)
      if (name.startsWith('repo_property_') && typeof claims[name] !== 'string') return `${name} is not text`
    return undefined
  },
}
