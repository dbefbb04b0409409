import { canonicalJson } from '../../../base/canonical-json.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Grant } from '../../../domain.ts'
import type { Given } from './judge.ts'

/**
 * Tokens that a job was given a moment ago. A matrix step that asks five times costs the tenant one token; no job ever
 * gets what was asked for another.
 */
export interface KeptTokens {
  /** The kept token for the same wish of the same job, or the one that `ask` gets now. */
  of(grant: Grant, ask: () => Promise<Given>): Promise<Given>
}

/** Seconds. */
const longest = 60
const most = 1000

export function openKeptTokens(tools: Pick<Tools, 'now' | 'after'>): KeptTokens {
  const kept = new Map<string, { readonly given: Promise<Given>; until: number }>()
  return {
    of(grant, ask) {
      const key = keyOf(grant)
      if (key === undefined) return ask()
      const known = kept.get(key)
      if (known !== undefined && tools.now() < known.until) return known.given
      const entry = { given: ask(), until: Number.POSITIVE_INFINITY }
      const forget = () => void (kept.get(key) === entry && kept.delete(key))
      kept.delete(key)
      const [oldest] = kept.keys()
      if (oldest !== undefined && kept.size >= most) kept.delete(oldest)
      kept.set(key, entry)
      entry.given.then(({ endsAt }) => {
        const left = endsAt - tools.now() / 1000
        const ms = Math.max(0, Math.min(longest, left / 10)) * 1000
        entry.until = tools.now() + ms
        tools.after(ms, forget)
      }, forget)
      return entry.given
    },
  }
}

/**
 * Exactly this job, by the issuer's word for it: a run has many jobs, and a platform that names no job gets no cache.
 * The settings as they are, so that a changed policy asks anew.
 */
function keyOf({ principal, target, settings, scopes }: Grant): string | undefined {
  const { job, iss, issuer, subject } = principal
  if (job?.id === undefined) return undefined
  const owner = [iss, issuer, subject, job.issuer, job.id, job.run ?? null]
  return canonicalJson([...owner, target, settings, scopes.toSorted()])
}
