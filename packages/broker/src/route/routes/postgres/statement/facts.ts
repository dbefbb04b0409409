/** Which column may belong to which table: whatever is not certainly another's. */
import type { RelationUse, StatementFacts } from '@mayfly/policy/statements'
import type { Collected, Reference, Relation } from './collected.ts'

/** Rows as they were, as they will be, and as they would have been: of whatever table is written. */
const rowNames: ReadonlySet<string> = new Set(['old', 'new', 'excluded'])

export function factsOf(collected: Collected): StatementFacts {
  const known = new Set([...collected.others, ...collected.relations.flatMap(({ names }) => [...names])])
  const { calls, channels, spoken, wantsToWrite, kept } = collected
  return {
    relations: collected.relations.flatMap((relation) => usesOf(relation, collected.references, known)),
    ...{ calls, channels, spoken, wantsToWrite },
    ...(kept === undefined ? {} : { kept }),
  }
}

function usesOf(
  relation: Relation,
  everywhere: readonly Reference[],
  known: ReadonlySet<string>,
): readonly RelationUse[] {
  const { verb, name, schema, columns, limitedBy } = relation
  const place = schema === undefined ? { name } : { schema, name }
  const belongs = (reference: Reference) => mayBelong(reference, relation, known)
  const read = readUse(relation, (relation.within ?? everywhere).filter(belongs), place)
  if (verb === 'SELECT') return [read]
  const limits =
    limitedBy !== undefined && limitedBy !== 'nothing' && limitedBy.some((each) => limiting(each, relation))
  const written: RelationUse = {
    ...{ verb, ...place, columns, shown: new Map(), hidden: new Set<string>() },
    everyRow: limitedBy !== undefined && !limits,
  }
  const reads = read.columns === 'all' || read.columns.size > 0
  return reads ? [written, read] : [written]
}

function readUse(
  relation: Relation,
  references: readonly Reference[],
  place: { readonly schema?: string; readonly name: string },
): RelationUse {
  const all =
    relation.renamed ||
    relation.readAll ||
    references.some((reference) => reference.star || isWhole(reference, relation))
  const shown = new Map<string, number[]>()
  const hidden = new Set<string>()
  for (const { name, shown: at } of references) {
    if (at === undefined) hidden.add(name)
    else shown.set(name, [...(shown.get(name) ?? []), at])
  }
  return {
    ...{ verb: 'SELECT', ...place, everyRow: false, shown, hidden },
    columns: all ? 'all' : new Set([...shown.keys(), ...hidden]),
  }
}

function mayBelong({ qualifier, name }: Reference, { names }: Relation, known: ReadonlySet<string>): boolean {
  if (qualifier === undefined || names.has(qualifier) || names.has(name)) return true
  return rowNames.has(qualifier) || !known.has(qualifier)
}

/** The name of a table is also that of a whole row of it. */
function isWhole({ name, star }: Reference, { names }: Relation): boolean {
  return star || names.has(name)
}

/** In a query within, a name that stands alone is that query's own more often than not. */
function limiting({ qualifier, star, nested }: Reference, { names }: Relation): boolean {
  if (star) return false
  return qualifier === undefined ? !nested : names.has(qualifier)
}
