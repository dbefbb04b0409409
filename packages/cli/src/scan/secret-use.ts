/** scan/secret-use: every place where a secret of the platform's flows into something. */

import {
  entriesOf,
  member,
  type Node,
  type Place,
  type TextNode,
  textOf,
  textsBelow,
} from '@mayfly/policy/document-tree'
import { expressionsOf } from './expression.ts'
import { actionOf, type Job, type Step, type Workflow } from './workflow.ts'

export interface SecretUse {
  /** `NPM_TOKEN`; `*` = all of them, `?` = which one is only known when it runs. */
  readonly name: string
  readonly place: Place
  /** `${{ ... }}` as it is written. */
  readonly source: string
  readonly where:
    | 'workflow env'
    | 'job env'
    | 'step env'
    | 'with'
    | 'run'
    | 'called workflow'
    | 'container'
    | 'elsewhere'
  /** The key that it is the value of, where it is one's. */
  readonly key: string
  readonly node: TextNode
  readonly job?: Job
  readonly step?: Step
}

type Spot = Pick<SecretUse, 'where' | 'job' | 'step'>

/** In the order of the file, the token that the platform makes for each job left out. */
export function secretUses(workflow: Workflow): readonly SecretUse[] {
  const known = found.get(workflow)
  if (known !== undefined) return known
  const uses = [
    ...below(member(workflow.node, 'env'), { where: 'workflow env' }, new Set()),
    // An alias in a second job gives the secret to that job too.
    ...workflow.jobs.flatMap((job) => ofJob(job, new Set())),
  ]
  const sorted = uses.toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
  found.set(workflow, sorted)
  return sorted
}

/** Several rules ask for each job. */
const found = new WeakMap<Workflow, readonly SecretUse[]>()

function ofJob(job: Job, seen: Set<Node>): readonly SecretUse[] {
  const called = [member(job.node, 'with'), member(job.node, 'secrets')]
  const containers = [member(job.node, 'container'), member(job.node, 'services')]
  return [
    ...below(member(job.node, 'env'), { where: 'job env', job }, seen),
    ...called.flatMap((node) => below(node, { where: 'called workflow', job }, seen)),
    ...containers.flatMap((node) => below(node, { where: 'container', job }, seen)),
    ...job.steps.flatMap((step) => [
      ...below(step.env, { where: 'step env', job, step }, seen),
      ...below(step.with, { where: 'with', job, step }, seen),
      ...below(step.run, { where: 'run', job, step }, seen),
    ]),
    ...below(job.node, { where: 'elsewhere', job }, seen),
  ]
}

/** `seen` keeps the catch-all at the end, and an anchor's aliases, from telling the same place twice of one job. */
function below(node: Node | undefined, spot: Spot, seen: Set<Node>): readonly SecretUse[] {
  const keys = new Map(entriesOf(node).map(({ key, value }) => [value, key]))
  return [...textsBelow(node, seen)].flatMap((text) => usesIn(text, keys.get(text) ?? '', spot))
}

function usesIn(node: TextNode, key: string, spot: Spot): readonly SecretUse[] {
  return expressionsOf(node.text).flatMap(({ source, number, references }) => {
    const names = references
      .filter(({ path, tested }) => path[0] === 'secrets' && !tested)
      .map(({ path }) => path[1] ?? '*')
      .filter((name) => name !== 'github_token')
    const place = node.find(source, number)
    return [...new Set(names)].map((name) => ({
      name: name.toUpperCase(),
      place,
      source,
      key,
      node,
      ...spot,
    }))
  })
}

/** Where a step reads a credential that the Mayfly action gave as an output: short or not, it is one while the job runs. */
export function outputUses(job: Job, step: Step): readonly Pick<SecretUse, 'name' | 'place' | 'where'>[] {
  const ids = job.steps
    .filter((each) => /(?:^|\/)mayfly$/.test(actionOf(each)))
    .map(({ node }) => textOf(member(node, 'id'))?.toLowerCase() ?? '')
  const spots = [
    ['step env', step.env],
    ['with', step.with],
    ['run', step.run],
  ] as const
  return spots.flatMap(([where, node]) =>
    [...textsBelow(node)].flatMap((text) =>
      expressionsOf(text.text).flatMap(({ source, number, references }) =>
        references
          .filter(({ path: [context, id = '', , output = ''], tested }) => {
            return context === 'steps' && !tested && ids.includes(id) && /^token(?:-|$)/.test(output)
          })
          .map(({ path }) => ({ name: path.join('.'), place: text.find(source, number), where })),
      ),
    ),
  )
}
