/** members: conditions on a claim that is a list. `x` or `[x, y]`: it has one of them; `{ all: [x, y] }`: it has each. */
import { type Box, box, type Condition } from '../box.ts'
import { someText } from '../glob.ts'
import { literals } from '../lang.ts'
import { didYouMean } from '../nearest.ts'
import { claim } from '../schema/declare.ts'
import { memberName, valuesOfList } from '../schema/list-claims.ts'
import type { Entry, Tree } from './tree.ts'
import { readExact } from './values.ts'
import type { Vocabulary } from './vocabulary.ts'

/** Boxes of which one has to fit; `undefined` after a fault. */
export function readMembers({ key, value }: Entry, vocabulary: Vocabulary): readonly Box[] | undefined {
  const { faults } = vocabulary
  if (value.is !== 'map') return membersIn(key, value, vocabulary)?.map((one) => box(one))
  const [all, ...more] = value.entries
  if (all?.key !== 'all' || more.length > 0) {
    const hint =
      'write a value, [several] of which it has one, or { all: [...] }; what it must not have is a deny rule'
    faults.error('P022', value.place, `\`${key}\` is a list, which is compared by its values`, hint)
    return undefined
  }
  const members = membersIn(key, all.value, vocabulary)
  return members && [box(...members)]
}

/** Names of the members' claims, for the token of a test; `undefined` after a fault. */
export function memberNames(list: string, tree: Tree, vocabulary: Vocabulary): readonly string[] | undefined {
  if (tree.is === 'list' && tree.items.length === 0) return []
  return membersIn(list, tree, vocabulary)?.map((condition) => condition.claim)
}

/** Whether an issuer's policy declares this claim as a list. */
export function isList(key: string, { issuer }: Vocabulary): boolean {
  return valuesOfList(issuer.properties, key) !== undefined
}

function membersIn(list: string, tree: Tree, vocabulary: Vocabulary): readonly Condition[] | undefined {
  const { faults, issuer } = vocabulary
  const known = valuesOfList(issuer.properties, list) ?? []
  const any = { key: list, claim: claim(list, someText)[1], prefix: '' }
  const values = readExact(tree, any, vocabulary)?.map(({ value }) => value)
  const stranger = values?.find((value) => !known.includes(value))
  if (values === undefined) return undefined
  if (stranger !== undefined) {
    const hint = didYouMean(stranger, known) ?? `add it to issuers.${issuer.name}.claims`
    faults.error('P032', tree.place, `\`${stranger}\` is not declared as a value of \`${list}\``, hint)
    return undefined
  }
  return [...new Set(values)].map((value) => ({
    claim: memberName({ list, value }),
    lang: literals(['true']),
    needed: `[${value}, ...]`,
    names: [],
    sayings: [{ operator: 'exact', values: ['true'], place: tree.place }],
  }))
}
