/** fix/patch: a workflow in which the planned jobs ask the broker. */
import { entriesOf, entryOf, member, type Node, textOf, textsBelow } from '@mayfly/policy/document-tree'
import { type Job, permissionsOf, type Step, type Workflow } from '../workflow.ts'
import { CannotEdit, Draft } from './edit.ts'
import type { JobFix, Replaced } from './plan.ts'

export interface PatchSetting {
  /** Of the broker. */
  readonly url: string
  /** `mayfly-dev/mayfly@v1` */
  readonly action: string
}

/** The patched text. Throws `CannotEdit` when a form of YAML stands in the way. */
export function patched(
  text: string,
  workflow: Workflow,
  fixes: readonly JobFix[],
  setting: PatchSetting,
): string {
  const draft = new Draft(text)
  for (const fix of fixes) patchJob(draft, fix, setting)
  const uses = fixes.flatMap(({ replaced }) => replaced)
  removeKeys(draft, workflow.node, keysAt(uses, 'workflow env'))
  permitOthers(draft, workflow, fixes)
  return draft.result
}

function patchJob(draft: Draft, { job, workflow, replaced }: JobFix, setting: PatchSetting): void {
  const aws = replaced.filter(({ target }) => target.kind === 'aws_role')
  const secrets = replaced.filter(({ target }) => target.kind === 'secret')
  const id = idOf(job)
  removeKeys(draft, job.node, keysAt(replaced, 'job env'))
  const needing = { aws: new Set<Step>(), secrets: new Set<Step>() }
  const wide = secrets.filter(({ use }) => isWide(use.where))
  const receivers = new Map(wide.map(({ use }) => [use.key, receiversOf(job, use.key)]))
  for (const step of job.steps) {
    const own = aws.filter(({ use }) => use.step === step)
    for (const key of ['env', 'with'])
      removeKeys(
        draft,
        step.node,
        new Set(own.filter(({ use }) => placeOf(use.where) === key).map(({ use }) => use.key)),
        key,
      )
    const given = wide.filter(
      ({ use }) => receivers.get(use.key)?.has(step) === true && !hides(step, use.key),
    )
    giveEnv(draft, step, given, own, id)
    if (own.length > 0 || aws.some(({ use }) => isWide(use.where))) needing.aws.add(step)
    if (given.length > 0 || secrets.some(({ use }) => use.step === step)) needing.secrets.add(step)
  }
  const narrow = secrets.filter(({ use }) => !isWide(use.where))
  // One expression may read several secrets; it is written anew once.
  for (const same of Map.groupBy(narrow, ({ use }) => `${use.place.line}:${use.place.column}`).values()) {
    const { use } = same[0] ?? {}
    if (use !== undefined) draft.replace(use.place, use.source, expression(use.source, same, id))
  }
  // Each before the first step that needs it: keys in the environment reach every step after that.
  insertAction(draft, job, needing.aws, aws, (all) => actionStep(setting, all, []))
  insertAction(draft, job, needing.secrets, secrets, (all) => actionStep(setting, all, [`id: ${id}`]))
  permit(draft, workflow, job)
}

function insertAction(
  draft: Draft,
  job: Job,
  needing: ReadonlySet<Step>,
  replaced: readonly Replaced[],
  lines: (replaced: readonly Replaced[]) => readonly string[],
): void {
  if (replaced.length === 0) return
  const first = job.steps.find((step) => needing.has(step))
  if (first === undefined) throw new CannotEdit('no step can use what the job would ask for')
  draft.insertItem(first.node, lines(replaced))
}

const isWide = (where: string) => where === 'workflow env' || where === 'job env'
const placeOf = (where: string) => (where === 'with' ? 'with' : 'env')

function keysAt(replaced: readonly Replaced[], where: string): ReadonlySet<string> {
  return new Set(replaced.filter(({ use }) => use.where === where).map(({ use }) => use.key))
}

function removeKeys(draft: Draft, parent: Node, keys: ReadonlySet<string>, under = 'env'): void {
  const entry = entryOf(parent, under)
  if (keys.size === 0 || entry?.value.is !== 'map') return
  for (const key of keys) draft.removeEntry(entry.place, entry.value, key, keys)
}

/** The scripts that name the variable; when none does, every script may run something that reads it. */
function receiversOf(job: Job, key: string): ReadonlySet<Step> {
  const word = new RegExp(`\\b${key}\\b`)
  const scripts = job.steps.filter(({ run }) => run !== undefined)
  const naming = scripts.filter(({ node }) => [...textsBelow(node)].some(({ text }) => word.test(text)))
  return new Set(naming.length === 0 ? scripts : naming)
}

/** A step's own value stands before the job's. */
function hides(step: Step, key: string): boolean {
  return entryOf(step.env, key) !== undefined
}

function giveEnv(
  draft: Draft,
  step: Step,
  given: readonly Replaced[],
  removed: readonly Replaced[],
  id: string,
): void {
  if (given.length === 0) return
  const values = given.map((each) => [each.use.key, expression(each.use.source, [each], id)] as const)
  const lines = values.map(([key, value]) => `${key}: ${value}`)
  const pairs = values.map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
  const gone = keysAt(removed, 'step env')
  const left = entriesOf(step.env).find(({ key }) => !gone.has(key))
  if (left !== undefined && step.env !== undefined) {
    if (draft.isFlow(step.env)) draft.insertInFlow(step.env, pairs.join(', '))
    else draft.insertBefore(step.env, left.key, lines)
  } else draft.insertBefore(step.node, 'run', ['env:', ...lines.map((line) => `  ${line}`)])
}

/** The expression with the outputs in the secrets' places: what stood around them stays. */
function expression(source: string, replaced: readonly Replaced[], id: string): string {
  return replaced.reduce((made, { use, target }) => {
    const name = new RegExp(`\\bsecrets\\.${use.name}(?![\\w-])`, 'gi')
    return made.replaceAll(name, `steps.${id}.outputs.token-${target.name}`)
  }, source)
}

function actionStep(
  { url, action }: PatchSetting,
  replaced: readonly Replaced[],
  id: readonly string[],
): readonly string[] {
  const targets = [...new Set(replaced.map(({ target }) => target.name))]
  return [
    ...id,
    `uses: ${action}`,
    'with:',
    `  url: ${url}`,
    `  target: ${targets.join(',')}`,
    ...(id.length === 0 ? [] : ['  export: output']),
  ]
}

/** A step's id that the job does not have yet; ids ignore case. */
function idOf(job: Job): string {
  const taken = new Set(job.steps.map(({ node }) => textOf(member(node, 'id'))?.toLowerCase()))
  for (let at = 1; ; at++) {
    const id = at === 1 ? 'mayfly' : `mayfly-${at}`
    if (!taken.has(id)) return id
  }
}

const identity = 'id-token: write'

/** What the job may do already, and ask for an identity token. */
function permit(draft: Draft, workflow: Workflow, job: Job): void {
  const own = entryOf(job.node, 'permissions')
  const said = permissionsOf(job.node)
  if (said?.get('id-token') === 'write' || said?.get('*') === 'write') return
  if (own?.value.is === 'map') {
    const [first] = own.value.entries
    if (first === undefined || draft.isFlow(own.value)) draft.insertInFlow(own.value, identity)
    else draft.insertBefore(own.value, first.key, [identity])
    return
  }
  if (own !== undefined) {
    draft.replace(own.value.place, textOf(own.value) ?? '', `{ contents: read, ${identity} }`)
    return
  }
  const above = permissionsOf(workflow.node)
  if (above?.get('id-token') === 'write' || above?.get('*') === 'write') return
  const kept = [...(above ?? [['contents', 'read']])].filter(([name]) => name !== '*' && name !== 'id-token')
  const all = above?.has('*') === true ? [['contents', 'read']] : kept
  const lines = [...all.map(([name, access]) => `  ${name}: ${access}`), `  ${identity}`]
  draft.insertBefore(job.node, 'steps', ['permissions:', ...lines])
}

/** Jobs that say nothing get the right to read, unless they use the token of the platform: for what, only they know. */
function permitOthers(draft: Draft, workflow: Workflow, fixes: readonly JobFix[]): void {
  // A workflow that is only called has the permissions of its caller.
  if (workflow.is === 'action' || [...workflow.triggers.keys()].join() === 'workflow_call') return
  const others = workflow.jobs.filter(
    (job) => permissionsOf(job.node) === undefined && !fixes.some((fix) => fix.job === job),
  )
  if (permissionsOf(workflow.node) !== undefined || others.length === 0) return
  const token = /\bgithub\.token\b|\bsecrets\.GITHUB_TOKEN\b|\binherit\b/i
  if (others.some(({ node }) => [...textsBelow(node)].some(({ text }) => token.test(text)))) return
  draft.insertBefore(workflow.node, 'jobs', ['permissions:', '  contents: read'])
}
