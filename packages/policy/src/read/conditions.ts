/** conditions: who a rule speaks of. A map = all of; a list of maps = any of; `use` = and. The result is boxes. */
import { anyToken, type Box, box, type Condition, impossible, meet } from '../box.ts'
import { didYouMean } from '../nearest.ts'
import { memberIn } from '../schema/list-claims.ts'
import type { ClaimSchema } from '../schema/schema.ts'
import { readMatcher } from './matcher.ts'
import { isList, readMembers } from './members.ts'
import { fields, oneOrMore, textOf } from './shape.ts'
import type { Entry, MapTree, Tree } from './tree.ts'
import { type Meaning, mayUse, type Vocabulary } from './vocabulary.ts'

const MOST_BOXES = 1000
/** Names that use names. */
const MOST_NESTED = 50

/** The boxes of a rule; `undefined` when there was a fault. */
export function readConditions(tree: Tree, vocabulary: Vocabulary): readonly Box[] | undefined {
  const { faults } = vocabulary
  const items = oneOrMore(tree)
  if (items.length === 0) faults.error('P022', tree.place, 'no conditions: this would match nothing')
  const parts = items.map((item) => {
    if (item.is === 'map') return allOf(item, vocabulary)
    faults.error('P022', item.place, 'conditions are a map, or a list of maps')
    return undefined
  })
  const good = parts.filter((part) => part !== undefined)
  return good.length === parts.length && good.length > 0 ? good.flat() : undefined
}

function allOf(map: MapTree, vocabulary: Vocabulary): readonly Box[] | undefined {
  const { faults } = vocabulary
  if (map.entries.length === 0) {
    faults.error('P022', map.place, 'no conditions: this would match every token')
    return undefined
  }
  let own: Box | undefined = anyToken
  const members: (readonly Box[] | undefined)[] = []
  for (const entry of map.entries) {
    if (entry.key === 'use') continue
    if (isList(entry.key, vocabulary)) {
      members.push(readMembers(entry, vocabulary))
      continue
    }
    const read = readKey(entry, vocabulary)
    if (read === undefined || own === undefined) {
      own = undefined
      continue
    }
    const before: Condition | undefined = impossible(own)
    own = meet(own, read)
    const clash = impossible(own)
    if (clash !== undefined && before === undefined) {
      const message = `this can never match: \`${clash.claim}\` would have to be ${clash.needed}`
      faults.error('P007', entry.place, message)
      own = undefined
    }
  }
  const use = map.entries.find(({ key }) => key === 'use')
  const used = use === undefined ? [anyToken] : readUse(use, vocabulary)
  if (own === undefined || used === undefined) return undefined
  return members.reduce<readonly Box[] | undefined>(
    (boxes, several) => boxes && several && product(boxes, several, map, vocabulary),
    product(used, [own], map, vocabulary),
  )
}

/** Every combination that is not contradictory. */
function product(
  a: readonly Box[],
  b: readonly Box[],
  at: Tree,
  vocabulary: Vocabulary,
): readonly Box[] | undefined {
  const { faults } = vocabulary
  if (a.length * b.length > MOST_BOXES) {
    faults.error('P038', at.place, `more than ${MOST_BOXES} combinations of alternatives`, 'split the rule')
    return undefined
  }
  const all = a.flatMap((left) => b.map((right) => meet(left, right)))
  const possible = all.filter((each) => impossible(each) === undefined)
  if (possible.length > 0) return possible
  const clash = all[0] && impossible(all[0])
  faults.error(
    'P007',
    at.place,
    `this can never match: \`${clash?.claim}\` would have to be ${clash?.needed}`,
  )
  return undefined
}

function readUse(use: Entry, vocabulary: Vocabulary): readonly Box[] | undefined {
  const parts = oneOrMore(use.value).map((tree) => {
    const name = textOf(tree, '`use`', vocabulary.faults)
    return name === undefined ? undefined : named(name, tree, vocabulary)
  })
  let boxes: readonly Box[] | undefined = [anyToken]
  for (const part of parts) {
    boxes = boxes && part && product(boxes, part, use.value, vocabulary)
  }
  return boxes
}

/** What an entry of `who` means. Faults inside it are reported once. */
export function named(name: string, at: Tree, vocabulary: Vocabulary): readonly Box[] | undefined {
  const { who, read, reading, faults } = vocabulary
  if (reading.has(name)) {
    faults.error('P001', at.place, `\`${name}\` uses itself`)
    return undefined
  }
  const tree = who.get(name)
  if (tree !== undefined && !mayUse(name, at.place, tree.place, vocabulary)) return undefined
  if (read.has(name)) return read.get(name)
  if (tree === undefined) {
    faults.error('P001', at.place, `unknown \`who\`: \`${name}\``, didYouMean(name, who.keys()))
    return undefined
  }
  if (reading.size >= MOST_NESTED) {
    faults.error(
      'P038',
      at.place,
      `\`use\` is nested more than ${MOST_NESTED} deep`,
      'bring the names closer together',
    )
    return undefined
  }
  reading.add(name)
  const boxes = readConditions(tree, vocabulary)
  reading.delete(name)
  read.set(name, boxes)
  return boxes
}

function readKey(entry: Entry, vocabulary: Vocabulary): Box | undefined {
  const { key, value } = entry
  if (vocabulary.issuer.schema.shorthands.get(key)?.to === 'workflow') return readWorkflow(value, vocabulary)
  const meaning = meaningOf(entry, vocabulary)
  const condition = meaning === undefined ? undefined : readMatcher(value, meaning, vocabulary)
  return condition === undefined ? undefined : box(condition)
}

/** What a key stands for; tests use the same words. */
export function meaningOf(entry: Entry, vocabulary: Vocabulary): Meaning | undefined {
  const { key } = entry
  const { schema } = vocabulary.issuer
  const shorthand = schema.shorthands.get(key)
  if (shorthand !== undefined && shorthand.to !== 'workflow') {
    const claim = schema.claims.get(shorthand.claim)
    if (claim === undefined) return undefined
    const patternClaim = schema.claims.get(shorthand.patternClaim ?? '')
    if (shorthand.to === 'claim')
      return { key, claim, prefix: shorthand.prefix, ...patternsOf(claim, patternClaim) }
    return { key, claim, prefix: '', section: shorthand.section, ...(patternClaim && { patternClaim }) }
  }
  const claim = schema.claims.get(key) ?? property(entry, vocabulary)
  if (claim === undefined) return undefined
  return { key, claim, prefix: '', ...patternsOf(claim) }
}

/** Ids are compared whole: a pattern of one means nothing. */
function patternsOf(claim: ClaimSchema, instead?: ClaimSchema): Pick<Meaning, 'patternClaim'> {
  if (instead !== undefined) return { patternClaim: instead }
  return claim.form === 'id' ? {} : { patternClaim: claim }
}

function property(entry: Entry, vocabulary: Vocabulary): ClaimSchema | undefined {
  const { key, place } = entry
  const { issuer, faults } = vocabulary
  const { schema, properties } = issuer
  const refused = schema.refused.get(key)
  if (refused !== undefined) {
    faults.error(refused.code, place, refused.message, refused.hint)
    return undefined
  }
  const member = memberIn(key)
  if (member !== undefined && properties.includes(key)) {
    faults.error('P022', place, `\`${key}\` is written \`${member.list}: ${member.value}\``)
    return undefined
  }
  if (schema.properties !== undefined && key.startsWith(schema.properties.prefix)) {
    const name = key.slice(schema.properties.prefix.length)
    if (properties.includes(name)) return schema.properties.claim(name)
    const { key: list } = schema.properties
    const what = list === 'claims' ? 'claim' : 'property'
    const who =
      list === 'claims' ? 'the issuer alone says what it is' : 'only organisation administrators can edit it'
    const hint = `add it to issuers.${issuer.name}.${list} if ${who}`
    faults.error('P032', place, `${what} \`${name}\` is not declared`, didYouMean(name, properties) ?? hint)
    return undefined
  }
  const known = [...schema.claims.keys(), ...schema.shorthands.keys(), 'use']
  const hint = didYouMean(key, known) ?? (/workflow/.test(key) ? 'did you mean `workflow`?' : undefined)
  faults.error('P002', place, `unknown claim \`${key}\` for issuer ${issuer.name}`, hint)
  return undefined
}

const workflowParts = ['repo', 'file', 'ref'] as const

/** `o/r/.github/workflows/f.yml@ref`, or a map of matchers for its parts. */
function readWorkflow(tree: Tree, vocabulary: Vocabulary): Box | undefined {
  if (tree.is === 'map') {
    const found = [...fields(tree, workflowParts, vocabulary.faults).values()].map((entry) =>
      readKey({ ...entry, key: `workflow.${entry.key}` }, vocabulary),
    )
    const good = found.filter((part) => part !== undefined)
    if (found.length === 0) vocabulary.faults.error('P022', tree.place, 'a workflow has repo, file and ref')
    return good.length === found.length && good.length > 0 ? good.reduce(meet) : undefined
  }
  const text = textOf(tree, '`workflow`', vocabulary.faults)
  const parsed = text === undefined ? undefined : vocabulary.issuer.schema.workflow?.(text)
  if (parsed === undefined) {
    const hint = 'write OWNER/REPO/.github/workflows/FILE.yml@refs/heads/BRANCH, or { repo, file, ref }'
    if (text !== undefined) {
      vocabulary.faults.error(
        'P031',
        tree.place,
        `\`${text}\` is a display name, which the caller chooses`,
        hint,
      )
    }
    return undefined
  }
  const parts = workflowParts.map((part) => {
    const value: Tree = { is: 'text', place: tree.place, text: parsed[part] }
    return readKey({ key: `workflow.${part}`, place: tree.place, value }, vocabulary)
  })
  const good = parts.filter((part) => part !== undefined)
  return good.length === parts.length ? good.reduce(meet) : undefined
}
