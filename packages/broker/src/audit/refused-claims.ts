import type { Json } from '../base/canonical-json.ts'
import { withoutTokens } from '../base/scrub.ts'
import type { AuditEvent } from '../domain.ts'

/** The claims that name the job, and those that policies look at most. */
const telling = [
  ...['iss', 'sub', 'aud', 'jti', 'repository', 'repository_id', 'repository_owner', 'repository_owner_id'],
  ...['ref', 'ref_type', 'ref_protected', 'event_name', 'environment', 'actor', 'actor_id', 'sha'],
  ...['run_id', 'run_attempt', 'check_run_id', 'workflow_ref', 'job_workflow_ref', 'runner_environment'],
  ...['project_id', 'project_path', 'namespace_id', 'pipeline_id', 'job_id', 'pipeline_source'],
] as const

/** Texts of a refused token that are kept whole, and bytes of all its claims together, about. */
const limits = { text: 256, all: 1_400 } as const

/**
 * The event as it is recorded: of a refusal only the claims that tell who asked, short. Refusing costs the asker
 * nothing, and one token may be sent again and again; a credential that was issued keeps all of its claims.
 */
export function withoutIdleClaims(event: AuditEvent): AuditEvent {
  if (event.type !== 'credential.refused' || event.claims === undefined) return event
  const claims: Record<string, Json> = {}
  const total = Object.keys(event.claims).length
  let [kept, size] = [0, 0]
  for (const name of telling) {
    if (!Object.hasOwn(event.claims, name)) continue
    const value = shortened(event.claims[name])
    const more = Buffer.byteLength(JSON.stringify(value)) + name.length
    if (size + more > limits.all) continue
    size += more
    claims[name] = value
    kept += 1
  }
  if (kept < total) claims['[cut]'] = `${total} members`
  return { ...event, claims }
}

function shortened(value: Json | undefined): Json {
  if (typeof value === 'string') {
    // Before it is cut: half a token would not look like one any more.
    const text = withoutTokens(value)
    return text.length > limits.text ? `${text.slice(0, limits.text)}[cut: ${text.length} characters]` : text
  }
  if (typeof value === 'object' && value !== null) return '[cut: not a text]'
  return value ?? null
}
