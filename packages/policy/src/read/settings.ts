/** settings: the value of a target's kind as plain JSON, its texts checked. */
import type { Json } from '../policy.ts'
import type { Faults } from './faults.ts'
import type { TargetKind } from './kinds.ts'
import { cleanText, fields } from './shape.ts'
import type { Entry, Tree } from './tree.ts'

/** Names that a repository's administrators cannot change, or that the grant itself asked for. */
const templates = ['{repo.id}', '{environment}']

export function readSettings(entry: Entry, kind: TargetKind, faults: Faults): Json | undefined {
  const { key, value, place } = entry
  if (value.is === 'text' && kind.text) return json(value, faults)
  if (value.is !== 'map' || kind.required === undefined) {
    faults.error(
      'P022',
      value.place,
      `\`${key}\` takes ${kind.required === undefined ? 'a text' : 'a map of keys'}`,
    )
    return undefined
  }
  const known = [...kind.required, ...(kind.optional ?? [])]
  const found = fields(value, known, faults)
  const lacking = kind.required.filter((name) => !found.has(name))
  for (const name of lacking) faults.error('P026', place, `\`${key}\` has no \`${name}\``)
  if (lacking.length > 0) return undefined
  const audience = found.get('audience')?.value
  if (kind.audience && audience?.is !== 'text' && (audience !== undefined || kind.audience === 'always')) {
    faults.error('P035', audience?.place ?? place, `\`${key}\` names exactly one audience`)
    return undefined
  }
  return json({ ...value, entries: [...found.values()] }, faults)
}

function json(tree: Tree, faults: Faults): Json | undefined {
  if (tree.is === 'map') {
    const members = tree.entries.map(({ key, value }) => [key, json(value, faults)] as const)
    const good = members.filter((pair): pair is readonly [string, Json] => pair[1] !== undefined)
    return good.length === members.length ? Object.fromEntries(good) : undefined
  }
  if (tree.is === 'list') {
    const items = tree.items.map((item) => json(item, faults))
    const good = items.filter((item) => item !== undefined)
    return good.length === items.length ? good : undefined
  }
  if (tree.is === 'number') return Number(tree.text)
  if (tree.is === 'boolean') return tree.text === 'true'
  if (tree.is === 'null') return null
  if (!cleanText(tree, faults)) return undefined
  const foreign = tree.text.match(/\{[^{}]*\}?/g)?.find((part) => !templates.includes(part))
  if (foreign === undefined) return tree.text
  const message = `template \`${foreign}\` is refused: its value can be changed by whoever runs the job`
  faults.error('P023', tree.place, message, `use ${templates.join(' or ')}`)
  return undefined
}
