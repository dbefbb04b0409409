/** rules: grants, the only thing that allows, and deny rules, which always win. */
import { type Box, box, meet } from '../box.ts'
import { literals } from '../lang.ts'
import { didYouMean } from '../nearest.ts'
import type { Gift, PolicyDeny, PolicyGrant, PolicyTarget } from '../policy.ts'
import { readConditions } from './conditions.ts'
import type { Faults } from './faults.ts'
import { anyOf } from './matcher.ts'
import { durationOf, fields, mapOf, type Names, oneOrMore, textOf } from './shape.ts'
import type { Entry, MapTree, Tree } from './tree.ts'
import { type Vocabularies, type Vocabulary, vocabularyOf } from './vocabulary.ts'

/** `undefined`: the target is declared, but has a fault of its own. */
export type Targets = ReadonlyMap<string, PolicyTarget | undefined>

export function readGrant(
  tree: Tree,
  targets: Targets,
  names: Names,
  vocabularies: Vocabularies,
  faults: Faults,
): PolicyGrant | undefined {
  const map = mapOf(tree, 'a grant', faults)
  if (map === undefined) return undefined
  const keys = fields(map, ['name', 'issuer', 'who', 'get', 'for'], faults)
  const vocabulary = vocabularyOf(map, keys.get('issuer'), vocabularies, faults)
  if (vocabulary === undefined) return undefined
  const name = readName(map, keys.get('name'), names, faults)
  const boxes = readWho(map, keys.get('who'), vocabulary)
  const gifts = readGifts(map, keys.get('get'), targets, vocabulary)
  const seconds = readFor(map, keys.get('for'), gifts ?? [], vocabulary)
  if (name === undefined || boxes === undefined || gifts === undefined || seconds === undefined)
    return undefined
  const place = keys.get('name')?.value.place ?? map.place
  return {
    name,
    issuer: vocabulary.issuer.name,
    boxes: boxes.map((each) => withDefaults(each, vocabulary)),
    gifts,
    seconds,
    place,
  }
}

export function readDeny(
  tree: Tree,
  targets: Targets,
  names: Names,
  vocabularies: Vocabularies,
  faults: Faults,
): PolicyDeny | undefined {
  const map = mapOf(tree, 'a deny rule', faults)
  if (map === undefined) return undefined
  const keys = fields(map, ['name', 'issuer', 'who', 'get'], faults)
  const vocabulary = vocabularyOf(map, keys.get('issuer'), vocabularies, faults)
  if (vocabulary === undefined) return undefined
  const name = readName(map, keys.get('name'), names, faults)
  const boxes = readWho(map, keys.get('who'), vocabulary)
  const get = keys.get('get')
  const found = get && readTargets(get, targets, vocabulary)
  if (name === undefined || boxes === undefined || (get !== undefined && found === undefined))
    return undefined
  const place = keys.get('name')?.value.place ?? map.place
  const only = found && { targets: found.map((target) => target.name) }
  return { name, issuer: vocabulary.issuer.name, boxes, place, ...only }
}

/** Section 4.4 of the design: nobody outside the owners, and only events that outsiders do not trigger. */
function withDefaults(own: Box, { issuer }: Vocabulary): Box {
  const { tenant, event } = issuer.schema.parts
  const { tenants } = issuer
  const inside = tenant ? meet(own, standard(tenant.claim, [...tenants.values()], [...tenants.keys()])) : own
  if (event === undefined || own.has(event.claim)) return inside
  return meet(inside, standard(event.claim, event.standard, event.standard))
}

function standard(claim: string, values: readonly string[], shown: readonly string[]): Box {
  const place = { path: '', line: 1, column: 1 }
  const needed = `${anyOf(shown)} (default)`
  return box({
    claim,
    lang: literals(values),
    needed,
    names: [],
    sayings: [{ operator: 'default', values, place }],
  })
}

export function readName(
  map: MapTree,
  entry: Entry | undefined,
  names: Names,
  faults: Faults,
): string | undefined {
  if (entry === undefined) {
    faults.error('P022', map.place, 'every rule has a name', 'add name: ...')
    return undefined
  }
  const name = textOf(entry.value, '`name`', faults)
  return name !== undefined && names.take(name, entry.value.place, faults) ? name : undefined
}

function readWho(map: MapTree, entry: Entry | undefined, vocabulary: Vocabulary): readonly Box[] | undefined {
  if (entry !== undefined) return readConditions(entry.value, vocabulary)
  vocabulary.faults.error('P022', map.place, 'the rule does not say for whom', 'add who: { ... }')
  return undefined
}

function readTargets(
  entry: Entry,
  targets: Targets,
  vocabulary: Vocabulary,
): readonly PolicyTarget[] | undefined {
  const found = oneOrMore(entry.value).map((tree) => readTargetName(tree, targets, vocabulary.faults))
  if (found.length === 0) vocabulary.faults.error('P022', entry.place, 'the list of targets is empty')
  const good = found.filter((target) => target !== undefined)
  return good.length === found.length && good.length > 0 ? good : undefined
}

export function readTargetName(tree: Tree, targets: Targets, faults: Faults): PolicyTarget | undefined {
  const name = textOf(tree, 'a target', faults)
  if (name === undefined) return undefined
  const target = targets.get(name)
  if (!targets.has(name))
    faults.error('P026', tree.place, `unknown target \`${name}\``, didYouMean(name, targets.keys()))
  return target
}

function readGifts(
  map: MapTree,
  entry: Entry | undefined,
  targets: Targets,
  vocabulary: Vocabulary,
): readonly Gift[] | undefined {
  if (entry === undefined) {
    vocabulary.faults.error('P022', map.place, 'the grant gives nothing', 'add get: TARGET')
    return undefined
  }
  const found = oneOrMore(entry.value).map((tree) => readGift(tree, targets, vocabulary))
  if (found.length === 0) vocabulary.faults.error('P022', entry.place, 'the list of targets is empty')
  const good = found.filter((gift) => gift !== undefined)
  return good.length === found.length && good.length > 0 ? good : undefined
}

/** A target's name (all its scopes), or `{ target, scopes }`. */
function readGift(tree: Tree, targets: Targets, vocabulary: Vocabulary): Gift | undefined {
  const { faults } = vocabulary
  if (tree.is !== 'map') {
    const target = readTargetName(tree, targets, vocabulary.faults)
    return target && { target, scopes: [...target.scopes.keys()], place: tree.place }
  }
  const keys = fields(tree, ['target', 'scopes'], faults)
  const named = keys.get('target')
  const asked = keys.get('scopes')
  if (named === undefined || asked === undefined) {
    faults.error('P022', tree.place, 'write a target name, or { target: NAME, scopes: [...] }')
    return undefined
  }
  const target = readTargetName(named.value, targets, faults)
  if (target === undefined) return undefined
  const scopes = oneOrMore(asked.value).map((item) => {
    const scope = textOf(item, 'a scope', faults)
    if (scope === undefined || target.scopes.has(scope)) return scope
    const hint = didYouMean(scope, target.scopes.keys())
    faults.error('P026', item.place, `target \`${target.name}\` has no scope \`${scope}\``, hint)
    return undefined
  })
  if (scopes.length === 0) faults.error('P022', asked.place, 'the list of scopes is empty')
  const good = scopes.filter((scope) => scope !== undefined)
  return good.length === scopes.length && good.length > 0
    ? { target, scopes: good, place: tree.place }
    : undefined
}

function readFor(
  map: MapTree,
  entry: Entry | undefined,
  gifts: readonly Gift[],
  { faults }: Vocabulary,
): number | undefined {
  if (entry === undefined) {
    faults.error('P018', map.place, 'the grant does not say for how long', 'add for: 15m')
    return undefined
  }
  const seconds = durationOf(entry.value, faults)
  if (seconds === undefined) return undefined
  const short = gifts.find(({ target }) => seconds > target.maxSeconds)
  if (short === undefined) return seconds
  const said = 'text' in entry.value ? entry.value.text : ''
  const message = `\`${said}\` is longer than the maximum of target \`${short.target.name}\` (${short.target.maxSeconds}s)`
  faults.error('P018', entry.value.place, message)
  return undefined
}
