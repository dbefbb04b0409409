import { createHash } from 'node:crypto'
import type { TargetDefinition } from '@mayfly/policy/policy'
import { canonicalJson, type Json } from '../base/canonical-json.ts'
import type { Terms } from '../domain.ts'
import type { PolicyInForce } from './policies.ts'

/** Enough that nobody finds another that looks the same by chance; who may write policies need not look for one. */
const digestSize = 16

const known = new WeakMap<TargetDefinition, string>()

/** By what a lease of this target is given. */
export function termsOf({ digest }: PolicyInForce, target: TargetDefinition): Terms {
  return { policy: policyTerm(digest), settings: settingsTerm(target) }
}

/** The policy's digest as leases keep it. */
export function policyTerm(digest: string): string {
  return digest.slice(0, digestSize)
}

/** A target's kind and settings as leases keep them, templates not filled in. */
export function settingsTerm(target: TargetDefinition): string {
  const found = known.get(target)
  if (found !== undefined) return found
  const text = canonicalJson([target.kind, target.settings as Json])
  const made = createHash('sha256').update(text).digest('hex').slice(0, digestSize)
  known.set(target, made)
  return made
}
