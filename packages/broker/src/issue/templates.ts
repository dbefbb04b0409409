import type { Json } from '../base/canonical-json.ts'
import { Failure } from '../base/failure.ts'
import type { Principal } from '../domain.ts'

/** Nothing that could end a name, a path or a quoted text wherever the value is put. */
const safe = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

const claims: Readonly<Record<string, string>> = {
  '{repo.id}': 'repository_id',
  '{environment}': 'environment',
}

/**
 * The settings of a target with its templates filled in from the verified token: `{repo.id}`, `{environment}`. Throws
 * `target_refused` when the token has no such claim, or one that is more than letters, digits and `._-`. The same
 * object comes back when there is nothing to fill in.
 */
export function filledIn(settings: Json, principal: Pick<Principal, 'claims'>): Json {
  if (typeof settings === 'string') return fill(settings, principal)
  if (typeof settings !== 'object' || settings === null) return settings
  if (Array.isArray(settings)) {
    const items = settings.map((item: Json) => filledIn(item, principal))
    return items.every((item, at) => item === settings[at]) ? settings : items
  }
  const members = Object.entries(settings).map(
    ([key, value]) => [key, filledIn(value ?? null, principal)] as const,
  )
  const same = members.every(([key, value]) => value === (settings as { [key: string]: Json })[key])
  return same ? settings : Object.fromEntries(members)
}

function fill(text: string, principal: Pick<Principal, 'claims'>): string {
  if (!text.includes('{')) return text
  return text.replaceAll(/\{[^{}]*\}/g, (template) => {
    const claim = claims[template]
    if (claim === undefined) return template
    const value = principal.claims[claim]
    if (typeof value === 'string' && safe.test(value)) return value
    throw new Failure('target_refused', {
      reason: `${template} cannot be filled in: the token's ${claim} is missing or is more than letters, digits and ._-`,
    })
  })
}
