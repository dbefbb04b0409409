import type { Json } from '../base/canonical-json.ts'
import { withoutTokens } from '../base/scrub.ts'
import type { AuditEvent, Claims } from '../domain.ts'

/** The claims of an issuer's token that the policy reads: they are kept before all others. */
export type ClaimsRead = (issuer: string, claims: Claims) => Claims

/** The claims that name the job, whatever the policy reads. */
const telling = [
  ...['iss', 'sub', 'aud', 'jti', 'repository', 'repository_id', 'repository_owner', 'repository_owner_id'],
  ...['ref', 'ref_type', 'ref_protected', 'event_name', 'environment', 'actor', 'actor_id', 'sha'],
  ...['run_id', 'run_attempt', 'check_run_id', 'workflow_ref', 'job_workflow_ref', 'runner_environment'],
  ...['project_id', 'project_path', 'namespace_id', 'pipeline_id', 'job_id', 'pipeline_source'],
] as const

/** Texts that are kept whole, and bytes of all of these claims together, about; names of the others. */
const limits = {
  telling: { text: 256, all: 1_400 },
  read: { text: 600, all: 2_800 },
  dropped: { names: 48, text: 512 },
} as const

/**
 * The event as it is recorded: of a refusal only the claims that the policy reads and those that tell who asked,
 * short. Refusing costs the asker nothing, and one token may be sent again and again; a credential that was issued
 * keeps all of its claims.
 */
export function withoutIdleClaims(event: AuditEvent, reads: ClaimsRead): AuditEvent {
  if ('act' in event && event.act !== undefined) {
    const { act, ...rest } = event
    const kept = { ...act, ...idleLeftOut(act.claims, reads(act.issuer, act.claims)) }
    return { ...(withoutIdleClaims(rest, reads) as typeof event), act: kept }
  }
  if (event.type !== 'credential.refused' || event.claims === undefined) return event
  return { ...event, ...idleLeftOut(event.claims, reads(event.issuer ?? '', event.claims)) }
}

function idleLeftOut(
  all: Claims,
  read: Claims,
): { readonly claims: Claims; readonly dropped?: readonly string[] } {
  const claims = keptClaims(all, read)
  const dropped = Object.keys(all).filter((name) => !Object.hasOwn(claims, name))
  // All or none: whoever decides again must know of every claim whether the token had it.
  const tellable = dropped.length <= limits.dropped.names && dropped.join('').length <= limits.dropped.text
  return { claims, ...(tellable && dropped.length > 0 ? { dropped: dropped.toSorted() } : {}) }
}

/** The claims that were read and those that tell who asked, each within its limits; says when there were more. */
export function keptClaims(claims: Claims, read: Claims): Claims {
  const kept = new Map<string, Json>()
  keep(kept, read, Object.keys(read), limits.read)
  keep(kept, claims, telling, limits.telling)
  const total = Object.keys(claims).length
  if (kept.size < total) kept.set('[cut]', `${total} members`)
  return Object.fromEntries(kept)
}

/** The same claims, those that were read first: what is too much is cut at the end. */
export function readFirst(claims: Claims, read: Claims): Claims {
  const others = Object.entries(claims).filter(([name]) => !Object.hasOwn(read, name))
  return Object.fromEntries([...Object.entries(read), ...others])
}

function keep(
  kept: Map<string, Json>,
  claims: Claims,
  names: readonly string[],
  most: { readonly text: number; readonly all: number },
): void {
  let size = 0
  for (const name of names) {
    if (!Object.hasOwn(claims, name) || kept.has(name)) continue
    const value = shortened(claims[name], most.text)
    const more = Buffer.byteLength(JSON.stringify(value)) + name.length
    if (size + more > most.all) continue
    size += more
    kept.set(name, value)
  }
}

function shortened(value: Json | undefined, most: number): Json {
  if (typeof value === 'string') {
    // Before it is cut: half a token would not look like one any more.
    const text = withoutTokens(value)
    return text.length > most ? `${text.slice(0, most)}[cut: ${text.length} characters]` : text
  }
  if (isTexts(value)) return shortenedList(value, most)
  if (typeof value === 'object' && value !== null) return '[cut: not a text]'
  return value ?? null
}

/** As many items as fit, from the first on. */
function shortenedList(items: readonly string[], most: number): Json {
  const kept: string[] = []
  let size = 0
  for (const item of items) {
    size += item.length + 3
    if (size > most) return [...kept, `[cut: ${items.length} items]`]
    kept.push(withoutTokens(item))
  }
  return kept
}

/** Groups and roles, which a policy may read. */
function isTexts(value: Json | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
