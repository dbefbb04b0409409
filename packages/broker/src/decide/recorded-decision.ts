import type { RecordedDecision } from '@mayfly/policy/recorded'

type Members = Readonly<Record<string, unknown>>

/** What an entry tells of who asked, enough to decide again. */
export type RecordedAsker = Pick<RecordedDecision, 'issuer' | 'claims' | 'dropped' | 'act'>

/** The asker that an entry names; `undefined` when the entry has none. */
export function recordedAsker(entry: unknown): RecordedAsker | undefined {
  if (!isMembers(entry)) return undefined
  const { act, ...rest } = entry
  const asker = partyIn(rest)
  if (asker === undefined || act === undefined) return asker
  const actor = isMembers(act) ? partyIn(act) : undefined
  return actor && { ...asker, act: actor }
}

function partyIn(entry: Members): Omit<RecordedAsker, 'act'> | undefined {
  const { issuer, claims } = entry
  if (typeof issuer !== 'string' || !isMembers(claims)) return undefined
  return { issuer, claims, dropped: droppedOf(entry, claims) }
}

/** The decision that an entry holds; `undefined` for every other entry, and for refusals that no policy made. */
export function recordedDecision(entry: unknown): RecordedDecision | undefined {
  const asker = recordedAsker(entry)
  if (asker === undefined || !isMembers(entry)) return undefined
  const { id, type, target, asked } = entry
  if (typeof id !== 'string' || typeof target !== 'string') return undefined
  const outcome = outcomeOf(entry, type)
  return outcome === undefined ? undefined : { id, target, ...asker, ...wishOf(asked), outcome }
}

function outcomeOf(entry: Members, type: unknown): RecordedDecision['outcome'] | undefined {
  if (type === 'credential.issued') {
    const { grants, scopes, seconds } = entry
    if (!isTexts(grants) || !isTexts(scopes) || typeof seconds !== 'number') return undefined
    return { allowed: true, grants, scopes, seconds }
  }
  const code = type === 'credential.refused' ? entry['decision'] : undefined
  return typeof code === 'string' ? { allowed: false, code } : undefined
}

/** What the entry says that it left out; that it was cut at all says nothing of which. */
function droppedOf(entry: Members, claims: Members): readonly string[] | undefined {
  const { dropped } = entry
  if (isTexts(dropped)) return dropped
  return Object.hasOwn(claims, '[cut]') || Object.hasOwn(entry, 'cut') ? undefined : []
}

function wishOf(asked: unknown): Pick<RecordedDecision, 'scopes' | 'seconds'> {
  if (!isMembers(asked)) return {}
  const { scopes, seconds } = asked
  return { ...(isTexts(scopes) ? { scopes } : {}), ...(typeof seconds === 'number' ? { seconds } : {}) }
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
