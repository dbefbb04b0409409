/** fix/sources: the branches and tags that start a job, in the words of a policy. */
import { entryOf, member, type Node, textsOf } from '@mayfly/policy/document-tree'
import type { Job, Workflow } from '../workflow.ts'

/** Where a job's code comes from, as a policy says it. */
export interface Source {
  readonly word: 'branch' | 'tag'
  /** One `*` at most, at its end. */
  readonly pattern: string
}

interface Started {
  readonly source: Source
  readonly event: string
}

/** Every branch and every tag that the job's triggers name; a trigger that names none means the main branch. */
export function sourcesOf(workflow: Workflow, job: Job, branch: string): readonly Started[] {
  return [...job.triggers].flatMap((event) => {
    const node = triggerOf(workflow, event)
    const named = event === 'push' ? [...namedIn(node, 'branch'), ...namedIn(node, 'tag')] : []
    const tagged = event === 'release' || (event === 'push' && onlyTags(node))
    const otherwise: Source = tagged ? { word: 'tag', pattern: 'v*' } : { word: 'branch', pattern: branch }
    return (named.length > 0 ? named : [otherwise]).map((source) => ({ source, event }))
  })
}

/** What a policy says in other words than the workflow, or not at all: for a person to look at. */
export function sourceNotes(workflow: Workflow): readonly string[] {
  const node = triggerOf(workflow, 'push')
  return (['branch', 'tag'] as const).flatMap((word) => {
    const kept = namedIn(node, word).map(({ pattern }) => pattern)
    return filters(node, word).flatMap((filter) => {
      if (kept.includes(filter)) return []
      const pattern = patternOf(filter)
      const what = pattern !== undefined && kept.includes(pattern) ? `\`${pattern}\`` : 'not'
      return [`${workflow.path}: the ${word} filter \`${filter}\` is ${what} in the policy`]
    })
  })
}

function triggerOf(workflow: Workflow, event: string): Node | undefined {
  const trigger = workflow.triggers.get(event)
  return trigger !== undefined && 'key' in trigger ? trigger.value : undefined
}

function onlyTags(node: Node | undefined): boolean {
  return entryOf(node, 'tags') !== undefined && entryOf(node, 'branches') === undefined
}

function filters(node: Node | undefined, word: Source['word']): readonly string[] {
  return textsOf(member(node, word === 'branch' ? 'branches' : 'tags'))
}

/** Beside an exclusion a pattern would say more than the workflow does: then only whole names are kept. */
function namedIn(node: Node | undefined, word: Source['word']): readonly Source[] {
  const all = filters(node, word)
  const excluded = all.filter((filter) => filter.startsWith('!')).map((filter) => filter.slice(1))
  return all
    .map(patternOf)
    .filter((pattern) => pattern !== undefined)
    .filter((pattern) => excluded.length === 0 || (!pattern.endsWith('*') && !excluded.includes(pattern)))
    .map((pattern) => ({ word, pattern }))
}

/** The nearest pattern that a policy can say; none for exclusions, and for what would match everything. */
function patternOf(filter: string): string | undefined {
  if (filter.startsWith('!')) return undefined
  const pattern = filter
    .replace(/^([\w./-]*)(?:\*\*|\*)(?:[^/]*)$/, '$1*')
    .replace(/^([\w./-]+?)[[+?].*$/, '$1*')
  return /^[\w./-]+\*?$/.test(pattern) ? pattern : undefined
}
