/** scan/workflow: a workflow or a composite action as the rules look at it. */

import {
  type Entry,
  entriesOf,
  entryOf,
  member,
  type Node,
  type Place,
  readTree,
  type TextNode,
  textOf,
  textsOf,
  Unreadable,
} from '@mayfly/policy/document-tree'
import { conditionOf, expressionsOf, type Tree } from './expression.ts'
import { narrowedTriggers } from './triggers.ts'

export interface Step {
  readonly node: Node
  readonly name: string
  readonly uses: TextNode | undefined
  readonly run: TextNode | undefined
  readonly with: Node | undefined
  readonly env: Node | undefined
  readonly condition: Tree | undefined
}

export interface Job {
  readonly name: string
  readonly place: Place
  readonly node: Node
  readonly needs: readonly string[]
  /** A reusable workflow instead of steps. */
  readonly uses: TextNode | undefined
  readonly steps: readonly Step[]
  readonly condition: Tree | undefined
  /** The workflow's triggers without those that its `if` rules out. */
  readonly triggers: ReadonlySet<string>
}

export interface Workflow {
  readonly path: string
  readonly text: string
  readonly is: 'workflow' | 'action'
  readonly node: Node
  readonly triggers: ReadonlyMap<string, Entry | Node>
  readonly jobs: readonly Job[]
}

/** Reads one file. Throws `Unreadable` with the place of the fault. */
export function readWorkflow(path: string, text: string): Workflow {
  const node = readTree(text)
  if (node.is !== 'map') throw new Unreadable('a workflow or an action is a map')
  if (/(?:^|\/)action\.ya?ml$/.test(path)) return readAction(path, text, node)
  const on = member(node, 'on')
  const jobs = member(node, 'jobs')
  if (on === undefined) throw new Unreadable('a workflow says `on:` what it runs', node.place)
  if (jobs?.is !== 'map') throw new Unreadable('a workflow has a map of `jobs:`', jobs?.place ?? node.place)
  const triggers = triggersOf(on)
  const names = new Set(triggers.keys())
  return {
    path,
    text,
    is: 'workflow',
    node,
    triggers,
    jobs: jobs.entries.map((entry) => jobOf(entry, names)),
  }
}

/** A composite action is one job that runs wherever it is used; other actions have no steps to look at. */
function readAction(path: string, text: string, node: Node): Workflow {
  const runs = entryOf(node, 'runs')
  const composite = textOf(member(runs?.value, 'using')) === 'composite'
  const jobs = runs !== undefined && composite ? [jobOf({ ...runs, key: 'runs' }, new Set())] : []
  return { path, text, is: 'action', node, triggers: new Map(), jobs }
}

function triggersOf(on: Node): ReadonlyMap<string, Entry | Node> {
  if (on.is === 'map') return new Map(on.entries.map((entry) => [entry.key, entry]))
  const items = on.is === 'list' ? on.items : [on]
  return new Map(items.flatMap((item) => textsOf(item).map((text) => [text, item] as const)))
}

function jobOf({ key, place, value }: Entry, triggers: ReadonlySet<string>): Job {
  if (value.is !== 'map') throw new Unreadable(`the job \`${key}\` is not a map`, place)
  const steps = entryOf(value, 'steps')
  if (steps !== undefined && steps.value.is !== 'list')
    throw new Unreadable(`the steps of \`${key}\` are not a list`, steps.place)
  const condition = readCondition(member(value, 'if'))
  return {
    name: key,
    place,
    node: value,
    needs: textsOf(member(value, 'needs')),
    uses: scalar(member(value, 'uses')),
    steps: steps?.value.is === 'list' ? steps.value.items.map(stepOf) : [],
    condition,
    triggers: narrowedTriggers(triggers, condition),
  }
}

function stepOf(node: Node, at: number): Step {
  if (node.is !== 'map') throw new Unreadable('a step is not a map', node.place)
  const uses = scalar(member(node, 'uses'))
  const name = textOf(member(node, 'name')) ?? textOf(member(node, 'id')) ?? uses?.text ?? `step ${at + 1}`
  return {
    node,
    name,
    uses,
    run: scalar(member(node, 'run')),
    with: member(node, 'with'),
    env: member(node, 'env'),
    condition: readCondition(member(node, 'if')),
  }
}

function readCondition(node: Node | undefined): Tree | undefined {
  const text = textOf(node)
  if (text === undefined || text === '') return undefined
  const whole = conditionOf(text)
  if (whole !== undefined) return whole
  const parts = expressionsOf(text).flatMap(({ tree }) => (tree === undefined ? [] : [tree]))
  return parts.length === 0 ? undefined : { is: 'call', name: 'format', of: parts }
}

function scalar(node: Node | undefined): TextNode | undefined {
  return node?.is === 'text' ? node : undefined
}

/** `permissions:` as each name's access; `undefined` = it is not said. */
export function permissionsOf(node: Node | undefined): ReadonlyMap<string, string> | undefined {
  const said = member(node, 'permissions')
  if (said === undefined) return undefined
  if (said.is === 'text') return new Map(said.text === '' ? [] : [['*', said.text.replace(/-all$/, '')]])
  return new Map(entriesOf(said).map(({ key, value }) => [key, textOf(value) ?? '']))
}

/** What a job's own token may do: what the job says, or else the workflow. */
export function jobPermissions(workflow: Workflow, job: Job): ReadonlyMap<string, string> | undefined {
  return permissionsOf(job.node) ?? permissionsOf(workflow.node)
}

/** The name of an action without its version: `actions/checkout`. */
export function actionOf({ uses }: { readonly uses: TextNode | undefined }): string {
  return (uses?.text.split('@')[0] ?? '').toLowerCase()
}
