/** matcher: what one claim must be. `x`, `[x, y]`, `{like}`, `{not}`, `{absent}`, `{any}`; nothing else matches. */
import { TooLarge } from '../automaton.ts'
import type { Condition, Saying } from '../box.ts'
import { diff, type Lang, literals, nothing, onlyMissing, union, withMissing } from '../lang.ts'
import type { ClaimSchema } from '../schema/schema.ts'
import { fields, oneOrMore } from './shape.ts'
import type { Entry, MapTree, Tree } from './tree.ts'
import { readExact, readPattern } from './values.ts'
import type { Meaning, Vocabulary } from './vocabulary.ts'

export function readMatcher(tree: Tree, meaning: Meaning, vocabulary: Vocabulary): Condition | undefined {
  if (tree.is !== 'map') return exactly(tree, meaning, vocabulary)
  const keys = fields(tree, ['like', 'not', 'absent', 'any', 'or_absent'], vocabulary.faults)
  const operators = [...keys.values()].filter((entry) => entry.key !== 'or_absent')
  const [operator, second] = operators
  if (operator === undefined || second !== undefined) {
    const place = second?.place ?? tree.place
    vocabulary.faults.error('P022', place, 'a matcher has exactly one of like, not, absent, any')
    return undefined
  }
  const found = operate(operator, meaning, vocabulary)
  if (found === undefined) return undefined
  return orAbsent(found, operator, keys.get('or_absent'), tree, vocabulary)
}

function operate(operator: Entry, meaning: Meaning, vocabulary: Vocabulary): Condition | undefined {
  const { key, value } = operator
  if (key === 'like') return like(value, meaning, vocabulary)
  if (key === 'not') return not(value, meaning, vocabulary)
  if (value.is !== 'boolean' || value.text !== 'true') {
    vocabulary.faults.error('P022', value.place, `\`${key}\` can only be true`)
    return undefined
  }
  if (key === 'absent' && !meaning.claim.optional) {
    vocabulary.faults.error(
      'P007',
      operator.place,
      `this can never match: \`${meaning.claim.name}\` is never missing`,
    )
    return undefined
  }
  const lang = key === 'any' ? meaning.claim.domain : onlyMissing
  const needed = key === 'any' ? 'any value' : 'no value'
  return condition(meaning.claim, lang, needed, {
    operator: key === 'any' ? 'any' : 'absent',
    values: [],
    place: operator.place,
  })
}

function exactly(tree: Tree, meaning: Meaning, vocabulary: Vocabulary): Condition | undefined {
  const found = readExact(tree, meaning, vocabulary)
  if (found === undefined) return undefined
  const values = found.map(({ value }) => value)
  const names = found.map(({ name }) => name)
  const saying: Saying = { operator: 'exact', values, place: tree.place }
  const shown = meaning.section === undefined ? names : found.map(({ name, value }) => `${name} (${value})`)
  return condition(
    meaning.claim,
    literals(values),
    anyOf(shown),
    saying,
    meaning.section === undefined ? [] : names,
  )
}

function like(tree: Tree, meaning: Meaning, vocabulary: Vocabulary): Condition | undefined {
  const items = oneOrMore(tree)
  if (items.length === 0)
    vocabulary.faults.error('P022', tree.place, 'the list is empty; it would match nothing')
  const patterns = items.map((item) => readPattern(item, meaning, vocabulary))
  const good = patterns.filter((pattern) => pattern !== undefined)
  if (good.length === 0 || good.length < patterns.length) return undefined
  const lang = unionOf(good, tree, vocabulary)
  if (lang === undefined) return undefined
  const values = good.map(({ text }) => text)
  return condition(meaning.patternClaim ?? meaning.claim, lang, `like ${anyOf(values)}`, {
    operator: 'like',
    values,
    place: tree.place,
  })
}

/** `undefined` after a fault: the patterns together are more than any decision could wait for. */
function unionOf(
  patterns: readonly { readonly lang: Lang }[],
  tree: Tree,
  { faults }: Vocabulary,
): Lang | undefined {
  try {
    return patterns.reduce((all, pattern) => union(all, pattern.lang), nothing)
  } catch (thrown) {
    if (!(thrown instanceof TooLarge)) throw thrown
    faults.error(
      'P038',
      tree.place,
      'these patterns together are too large',
      'split the rule, or use fewer `*`',
    )
    return undefined
  }
}

function not(tree: Tree, meaning: Meaning, vocabulary: Vocabulary): Condition | undefined {
  if (tree.is === 'map' && tree.entries.some(({ key }) => key !== 'like')) {
    vocabulary.faults.error('P022', tree.place, '`not` takes values or { like: pattern }')
    return undefined
  }
  const inner = readMatcher(tree, meaning, vocabulary)
  const [saying] = inner?.sayings ?? []
  if (inner === undefined || saying === undefined) return undefined
  const claim = inner.claim === meaning.claim.name ? meaning.claim : (meaning.patternClaim ?? meaning.claim)
  return condition(claim, diff(claim.domain, inner.lang), `not ${inner.needed}`, {
    ...saying,
    operator: 'not',
  })
}

/** A missing claim matches only where the policy says so. */
function orAbsent(
  found: Condition,
  operator: Entry,
  said: Entry | undefined,
  tree: MapTree,
  vocabulary: Vocabulary,
): Condition | undefined {
  const { faults, issuer } = vocabulary
  const optional = issuer.schema.claims.get(found.claim)?.optional ?? true
  if (said === undefined) {
    if (operator.key === 'not' && optional) {
      const hint = 'add or_absent: true or or_absent: false'
      faults.error(
        'P017',
        tree.place,
        `\`not\` on \`${found.claim}\` must say whether a missing claim counts`,
        hint,
      )
      return undefined
    }
    return found
  }
  if (said.value.is !== 'boolean' || operator.key === 'absent') {
    faults.error('P022', said.value.place, '`or_absent` is true or false, beside like, not or any')
    return undefined
  }
  if (!optional) {
    faults.error('P017', said.place, `\`${found.claim}\` is never missing`, 'leave or_absent out')
    return undefined
  }
  const missing = said.value.text === 'true'
  return {
    ...found,
    lang: withMissing(found.lang, missing),
    needed: found.needed + (missing ? ' or missing' : ''),
  }
}

function condition(
  claim: ClaimSchema,
  lang: Lang,
  needed: string,
  saying: Saying,
  names: readonly string[] = [],
): Condition {
  return { claim: claim.name, lang, needed, names, sayings: [saying] }
}

/** `a`, or `one of a, b`. */
export function anyOf(values: readonly string[]): string {
  return values.length === 1 ? (values[0] ?? '') : `one of ${values.join(', ')}`
}
