/** selector: which targets, and which of their scopes, a guardrail speaks of. */
import { didYouMean } from '../nearest.ts'
import type { PolicyTarget, Selection } from '../policy.ts'
import { overlap } from '../requests.ts'
import { statementsOverlap } from '../statements.ts'
import type { Faults } from './faults.ts'
import { accessNames, targetKinds } from './kinds.ts'
import { readRequestList } from './requests.ts'
import { readTargetName, type Targets } from './rules.ts'
import { fields, oneOrMore, textOf } from './shape.ts'
import { readStatementList } from './statements.ts'
import type { Entry, MapTree, Tree } from './tree.ts'

type Part = 'target' | 'tier' | 'access' | 'kind' | 'scope' | 'request' | 'statement'

const parts: readonly Part[] = ['target', 'tier', 'access', 'kind', 'scope', 'request', 'statement']

/** One thing that can be given: a target without scopes, or one scope of a target. */
interface Gift {
  readonly target: PolicyTarget
  readonly scope: string | undefined
}

/** A target's name, `{ tier, access, kind, scope }`, or a list of these. `undefined` after a fault. */
export function readSelection(tree: Tree, targets: Targets, faults: Faults): Selection | undefined {
  const items = oneOrMore(tree)
  if (items.length === 0) faults.error('P027', tree.place, 'the list is empty; it would select nothing')
  const tests = items.map((item) => readItem(item, targets, faults))
  const good = tests.filter((test) => test !== undefined)
  if (good.length < tests.length || good.length === 0) return undefined
  const selection = select(everyGift(targets), (gift) => good.some((test) => test(gift)))
  if (selection.size > 0) return selection
  if (incomplete(targets)) return undefined
  faults.error('P027', tree.place, 'this selects no target, so it would hold for nothing')
  return undefined
}

type Test = (gift: Gift) => boolean

function readItem(tree: Tree, targets: Targets, faults: Faults): Test | undefined {
  if (tree.is === 'map') return readParts(tree, targets, faults)
  const target = readTargetName(tree, targets, faults)
  return target && ((gift) => gift.target === target)
}

function readParts(map: MapTree, targets: Targets, faults: Faults): Test | undefined {
  const keys = fields(map, parts, faults)
  if (keys.size === 0) {
    faults.error('P027', map.place, 'this says nothing about targets', `one of ${parts.join(', ')}`)
    return undefined
  }
  const tests = parts.flatMap((part) => {
    const entry = keys.get(part)
    if (entry === undefined) return []
    if (part === 'request') return [readRequest(entry, targets, faults)]
    if (part === 'statement') return [readStatement(entry, targets, faults)]
    return [readPart(part, entry, targets, faults)]
  })
  const good = tests.filter((test) => test !== undefined)
  if (good.length < tests.length || map.entries.length > keys.size) return undefined
  return (gift) => good.every((test) => test(gift))
}

/** Whatever could let one of these requests through: a target that does not say what its scopes mean could. */
function readRequest(entry: Entry, targets: Targets, faults: Faults): Test | undefined {
  const wanted = readRequestList(entry.value, faults)
  if (wanted === undefined) return undefined
  const limited = wanted.find(({ query, body }) => query !== undefined || body !== undefined)
  if (limited !== undefined) {
    faults.error('P041', entry.place, 'a guardrail names requests by method and path alone')
    return undefined
  }
  if (incomplete(targets)) return undefined
  return ({ target, scope }) => {
    if (targetKinds.get(target.kind)?.lists !== 'requests') return false
    const rules = target.requests?.get(scope ?? '')
    return rules === undefined || rules.some((rule) => wanted.some((each) => overlap(rule, each)))
  }
}

/** The same of statements. */
function readStatement(entry: Entry, targets: Targets, faults: Faults): Test | undefined {
  const wanted = readStatementList(entry.value, faults)
  if (wanted === undefined || incomplete(targets)) return undefined
  return ({ target, scope }) => {
    if (targetKinds.get(target.kind)?.lists !== 'statements') return false
    const rules = target.statements?.get(scope ?? '')
    return rules === undefined || rules.some((rule) => wanted.some((each) => statementsOverlap(rule, each)))
  }
}

function readPart(
  part: Exclude<Part, 'request' | 'statement'>,
  entry: Entry,
  targets: Targets,
  faults: Faults,
): Test | undefined {
  const all = everyGift(targets)
  const known = new Set(all.map((gift) => partOf(gift, part)).filter((value) => value !== undefined))
  const allowed: Iterable<string> =
    part === 'access' ? accessNames : part === 'kind' ? targetKinds.keys() : known
  const wanted = new Set<string>()
  for (const item of oneOrMore(entry.value)) {
    const text = textOf(item, `\`${part}\``, faults)
    if (text === undefined) return undefined
    if (![...allowed].includes(text)) {
      if (incomplete(targets)) return undefined
      const code = part === 'target' ? 'P026' : 'P027'
      faults.error(code, item.place, `no target has ${part} \`${text}\``, didYouMean(text, allowed))
      return undefined
    }
    wanted.add(text)
  }
  return (gift) => {
    const value = partOf(gift, part)
    return value !== undefined && wanted.has(value)
  }
}

/** A target has a fault of its own: what it would have been selected by is not known. */
function incomplete(targets: Targets): boolean {
  return [...targets.values()].includes(undefined)
}

function partOf({ target, scope }: Gift, part: Exclude<Part, 'request' | 'statement'>): string | undefined {
  if (part === 'scope') return scope
  if (part === 'target') return target.name
  // A scope has its own access: "pull requests never write" speaks of it.
  return part === 'access' ? ((scope && target.scopes.get(scope)) ?? target.access) : target[part]
}

function everyGift(targets: Targets): readonly Gift[] {
  return [...targets.values()].flatMap((target): readonly Gift[] => {
    if (target === undefined) return []
    if (target.scopes.size === 0) return [{ target, scope: undefined }]
    return [...target.scopes.keys()].map((scope) => ({ target, scope }))
  })
}

/** What of all gifts passes the test. */
function select(gifts: readonly Gift[], test: Test): Selection {
  const selection = new Map<string, Set<string> | undefined>()
  for (const gift of gifts) {
    if (!test(gift)) continue
    const { name } = gift.target
    if (gift.scope === undefined) selection.set(name, undefined)
    else selection.set(name, (selection.get(name) ?? new Set()).add(gift.scope))
  }
  return selection
}

/** The selection of a rule that nobody wrote. */
export function selectWhere(targets: Targets, wanted: (tier: string, access: string) => boolean): Selection {
  return select(everyGift(targets), (gift) => wanted(gift.target.tier, partOf(gift, 'access') ?? ''))
}
