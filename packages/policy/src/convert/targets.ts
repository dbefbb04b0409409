/** targets: which targets of a policy an export writes, and what holds for all platforms whose sessions are not ours. */
import type { Json, Policy, PolicyIssuer, PolicyTarget } from '../policy.ts'
import { Cannot } from './cannot.ts'

export interface ExportChoice {
  /** Absent: every target of the platform's kind. */
  readonly targets?: readonly string[]
  /** A lifetime of the platform's own that is longer than the policy's is accepted. */
  readonly longer: boolean
}

const HOUR = 3600

/** The policy's issuer of kind `github`; throws `Cannot` when there is none, or more than one. */
export function githubOf(policy: Policy): PolicyIssuer {
  const [only, second] = [...policy.issuers.values()].filter(({ schema }) => schema.kind === 'github')
  if (only === undefined || second !== undefined)
    throw new Cannot(`the policy has ${only === undefined ? 'no' : 'more than one'} issuer of kind github`)
  return only
}

/** Throws `Cannot` for names that are not targets of the kind; `undefined` = every kind. */
export function chosen(
  policy: Policy,
  kind: string | undefined,
  { targets }: ExportChoice,
): readonly PolicyTarget[] {
  const all = [...policy.targets.values()].filter((target) => kind === undefined || target.kind === kind)
  const wrong = targets?.find((name) => !all.some((target) => target.name === name))
  if (wrong !== undefined)
    throw new Cannot(`\`${wrong}\` is not a target${kind === undefined ? '' : ` of kind ${kind}`}`)
  const found = all.filter(({ name }) => targets?.includes(name) ?? true)
  if (found.length === 0)
    throw new Cannot(`the policy has no target${kind === undefined ? '' : ` of kind ${kind}`}`)
  return found
}

/** Sessions of clouds last an hour whatever a grant says. Throws `Cannot` unless that was accepted. */
export function lifetime(
  policy: Policy,
  target: PolicyTarget,
  platform: string,
  { longer }: ExportChoice,
): string | undefined {
  const seconds = policy.grants
    .filter(({ gifts }) => gifts.some((gift) => gift.target.name === target.name))
    .map((grant) => Math.min(grant.seconds, target.maxSeconds))
  const least = Math.min(...seconds, HOUR)
  if (least === HOUR) return undefined
  const what = `target \`${target.name}\`: ${platform} gives sessions of an hour, the policy says ${least} seconds`
  if (!longer) throw new Cannot(`${what}; accept it with --longer`)
  return what
}

/** The text of a setting, without templates: a platform fills nothing in. */
export function settingOf(target: PolicyTarget, key: string): string {
  const { settings } = target
  const map = settings as { readonly [key: string]: Json } | string
  const text = typeof map === 'string' ? map : map[key]
  if (typeof text !== 'string') throw new Cannot(`target \`${target.name}\` has no \`${key}\``)
  if (text.includes('{'))
    throw new Cannot(`target \`${target.name}\`: \`${text}\` differs by job; name each role on its own`)
  return text
}

/** Does it once for each; what none of them can say is told together. */
export function forEach<From, To>(items: readonly From[], make: (item: From) => To): readonly To[] {
  const faults: string[] = []
  const made = items.flatMap((item) => {
    try {
      return [make(item)]
    } catch (thrown) {
      if (!(thrown instanceof Cannot)) throw thrown
      faults.push(thrown.message)
      return []
    }
  })
  if (faults.length > 0) throw new Cannot([...new Set(faults)].join('\n'))
  return made
}
