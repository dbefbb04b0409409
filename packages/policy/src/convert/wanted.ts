/** wanted: what a document asks of a claim in the words of a policy: the most that is inside it, or nothing. */
import { compileGlob, globFault } from '../glob.ts'
import {
  contains,
  diff,
  empty,
  everything,
  has,
  inter,
  type Lang,
  listed,
  literals,
  nothing,
  onlyMissing,
  union,
  withMissing,
} from '../lang.ts'
import { github } from '../schema/github.ts'
import { parseWorkflowReference } from '../schema/github-workflow.ts'
import { type Bound, both, oneOf, present } from './bound.ts'

/** A matcher of a grant. */
export type Want =
  | {
      readonly is: 'exact' | 'like' | 'not'
      readonly values: readonly string[]
      readonly orAbsent?: true
      /** Of a ref, which has two keys: like these, and none of those. */
      readonly but?: readonly string[]
    }
  | { readonly is: 'absent' | 'any' }

/** Not a condition: what an owner is called whose id is asked for. */
export const ownerName = 'owner name'

/** A condition of a grant: a key of the policy language, and its matcher. */
export type Wanted = ReadonlyMap<string, Want>

const lockKeys: ReadonlyMap<string, string> = new Map([
  ['repository', 'repo'],
  ['repository_owner', 'owner'],
  ['actor', 'actor'],
])

/** Alternatives that are together inside the bound; none: the language cannot say anything of it. */
export function wantedOf(claim: string, bound: Bound): readonly Wanted[] {
  if (claim === 'job_workflow_ref') return workflowWanted(bound)
  const domain = domainOf(claim)
  if (domain === undefined) return []
  const lang = inter(domain, bound.lang)
  if (contains(lang, domain)) return [new Map()]
  const key = lockKeys.get(claim)
  const values = listed(lang)
  if (key !== undefined) {
    if (values !== undefined && values.size > 0)
      return [new Map([[key, { is: 'exact', values: [...values] }]])]
    if (claim !== 'repository') return notWanted(key, lang, bound, domain)
  }
  const want = wantOf(claim, lang, bound, domain)
  return want === undefined ? [] : [new Map([[claim, want]])]
}

/** Values that the claim may have, missing among them where it may be. */
function domainOf(claim: string): Lang | undefined {
  if (claim === 'repository_owner' || claim === 'actor') return withMissing(everything, false)
  const known =
    github.claims.get(claim) ??
    (/^repo_property_[a-z0-9_]+$/.test(claim) ? github.properties?.claim(claim.slice(14)) : undefined)
  return known && withMissing(known.domain, known.optional)
}

function wantOf(claim: string, lang: Lang, bound: Bound, domain: Lang): Want | undefined {
  const text = withMissing(lang, false)
  if (empty(text)) return contains(lang, onlyMissing) ? { is: 'absent' } : undefined
  const orAbsent = contains(lang, onlyMissing) ? ({ orAbsent: true } as const) : {}
  const values = listed(text)
  if (values !== undefined) return { is: 'exact', values: [...values], ...orAbsent }
  if (claim === 'event_name') return eventsIn(text)
  const whole = withMissing(domain, false)
  if (contains(text, whole)) return { is: 'any' }
  if (github.claims.get(claim)?.form === 'id') return undefined
  const likes = patternsIn(text, bound.likes, whole)
  if (likes.length > 0) return { is: 'like', values: likes, ...orAbsent }
  const nots = [...new Set(bound.nots)].filter((value) => !empty(inter(whole, meant(value))))
  const but = nots.filter((value) => !value.includes('*'))
  if (claim === 'ref' && but.length > 0) {
    const around = patternsIn(union(text, literals(but)), bound.likes, whole)
    if (around.length > 0) return { is: 'like', values: around, but }
  }
  if (
    nots.length === 0 ||
    !contains(
      text,
      nots.reduce((left, value) => diff(left, meant(value)), whole),
    )
  )
    return undefined
  return { is: 'not', values: nots, ...orAbsent }
}

function notWanted(key: string, lang: Lang, bound: Bound, domain: Lang): readonly Wanted[] {
  const nots = bound.nots.filter((value) => !value.includes('*'))
  if (nots.length === 0 || !contains(lang, diff(domain, literals(nots)))) return []
  return [new Map([[key, { is: 'not', values: nots }]])]
}

/** A grant lists its events: platforms add new ones. */
function eventsIn(lang: Lang): Want | undefined {
  const { event } = github.parts
  const known = [...(event?.standard ?? []), ...(event?.proposal ?? []), ...(event?.outsider ?? [])]
  const values = [...new Set(known)].filter((value) => has(lang, value))
  return values.length === 0 ? undefined : { is: 'exact', values }
}

function meant(value: string): Lang {
  return value.includes('*')
    ? globFault(value) === undefined
      ? compileGlob(value)
      : nothing
    : literals([value])
}

/** Of what was written, and of what it may have meant at its end, what stays inside; each only once. */
function patternsIn(lang: Lang, likes: readonly string[], domain: Lang): readonly string[] {
  const tried = likes.flatMap((like) => [
    ...(like.endsWith('/*') ? [`${like}*`] : []),
    like,
    ...(/[^/*]\*$/.test(like) ? [`${like}/**`] : []),
  ])
  const taken: string[] = []
  let sum: Lang = nothing
  for (const glob of new Set(tried)) {
    if (globFault(glob) !== undefined) continue
    const own = inter(domain, meant(glob))
    if (empty(own) || !contains(lang, own) || contains(sum, own)) continue
    taken.push(glob)
    sum = union(sum, own)
  }
  return taken
}

/** `OWNER/REPO/.github/workflows/FILE@REF`: what is before the `@` says whose file it is. */
function workflowWanted(bound: Bound): readonly Wanted[] {
  const values = listed(bound.lang)
  if (values !== undefined) {
    return [...values].flatMap((value) => {
      const parsed = parseWorkflowReference(value)
      return parsed === undefined ? [] : [workflowOf(parsed.repo, parsed.file, parsed.ref)]
    })
  }
  if (empty(withMissing(bound.lang, false)))
    return contains(bound.lang, onlyMissing) ? [new Map([['workflow.repo', { is: 'absent' } as const]])] : []
  return bound.likes.flatMap((like) => {
    const [, repo, file, ref] = /^([^/@:*]+\/[^/@:]+)\/(\.github\/workflows\/[^/@:]+)@(.+)$/.exec(like) ?? []
    if (repo === undefined || file === undefined || ref === undefined) return []
    const open = ref === '*'
    // What is written with `*` for a wildcard is inside it when nothing is taken away again.
    if (bound.nots.length > 0 && (open || !contains(bound.lang, meant(like)))) return []
    if (bound.nots.length === 0 && globFault(like) === undefined && !contains(bound.lang, meant(like)))
      return []
    if (!open && globFault(like) !== undefined) return []
    return [workflowOf(repo, file, open ? undefined : ref)]
  })
}

function workflowOf(repo: string, file: string, ref: string | undefined): Wanted {
  const want = (value: string): Want => ({ is: value.includes('*') ? 'like' : 'exact', values: [value] })
  return new Map([
    ['workflow.repo', want(repo)],
    ['workflow.file', want(file)],
    ...(ref === undefined ? [] : [['workflow.ref', want(ref.endsWith('/*') ? `${ref}*` : ref)] as const]),
  ])
}

/** Conditions at once; `undefined`: the language has no words for both, or nothing fits them. */
export function meetWanted(a: Wanted, b: Wanted): Wanted | undefined {
  const met = new Map(a)
  for (const [key, want] of b) {
    const other = met.get(key)
    const own = other === undefined ? want : narrower(key, other, want)
    if (own === undefined) return undefined
    met.set(key, own)
  }
  return met
}

function narrower(key: string, a: Want, b: Want): Want | undefined {
  if (JSON.stringify(a) === JSON.stringify(b)) return a
  if (key === ownerName) return a
  if (key === 'repo' || key === 'owner' || key === 'actor') {
    if (a.is !== 'exact' || b.is !== 'exact') return undefined
    const shared = a.values.filter((value) => b.values.includes(value))
    return shared.length === 0 ? undefined : { is: 'exact', values: shared }
  }
  const domain = domainOf(key) ?? everything
  const bound = both(boundOf(key, a), boundOf(key, b))
  return wantOf(key, inter(domain, bound.lang), bound, domain)
}

function boundOf(key: string, want: Want): Bound {
  if (!('values' in want)) return want.is === 'any' ? present : { lang: onlyMissing, likes: [], nots: [] }
  const lang = want.values.reduce<Lang>((sum, value) => union(sum, meant(value)), nothing)
  const missing = want.orAbsent === true
  if (want.is === 'exact') {
    const bound = oneOf(key, want.values)
    return { ...bound, lang: withMissing(bound.lang, missing) }
  }
  if (want.is === 'like') {
    const but = want.but ?? []
    return { lang: withMissing(diff(lang, literals(but)), missing), likes: want.values, nots: but }
  }
  return { lang: diff(withMissing(everything, missing), lang), likes: [], nots: want.values }
}
