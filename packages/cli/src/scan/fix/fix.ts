/** fix/fix: a checkout's files to the files that are proposed, and what a person must still do. */

import { Unreadable } from '@mayfly/policy/document-tree'
import { loadPolicy } from '@mayfly/policy/load'
import { lockOf, lockText } from '@mayfly/policy/lock-text'
import { lockedNames } from '@mayfly/policy/locked-names'
import { permissionsOf, readWorkflow, type Workflow } from '../workflow.ts'
import { CannotEdit } from './edit.ts'
import { type PatchSetting, patched } from './patch.ts'
import { type JobFix, planOf } from './plan.ts'
import { type PolicySetting, policyOf } from './policy.ts'

export interface Proposed {
  /** `before` is absent for a new file. */
  readonly files: readonly { readonly path: string; readonly before?: string; readonly after: string }[]
  readonly notes: readonly string[]
}

export type FixSetting = PatchSetting & PolicySetting

/** More than anybody reviews at once. */
const mostJobs = 300

/** Proposes the policy and the patched workflows. */
export function propose(
  files: readonly { readonly path: string; readonly text: string }[],
  setting: FixSetting,
): Proposed {
  const made = files.flatMap(({ path, text }) => {
    const workflow = read(path, text)
    if (typeof workflow === 'string')
      return [{ path, before: text, after: text, fixes: [], notes: [workflow] }]
    return [{ path, before: text, ...ofWorkflow(text, workflow, setting) }]
  })
  const notes = made.flatMap((each) => each.notes)
  const fixes = made.flatMap((each) => each.fixes)
  const changed = made.filter(({ before, after }) => before !== after)
  if (fixes.length === 0) return { files: changed, notes }
  if (fixes.length > mostJobs)
    return {
      files: [],
      notes: [`more than ${mostJobs} jobs: nothing is proposed; begin with a part of them`],
    }
  const policy = policyOf(fixes, setting)
  const faults = faultsOf(policy.text)
  if (faults.length > 0)
    return { files: [], notes: [...notes, 'nothing is proposed: its policy would not load', ...faults] }
  const [, repository = ''] = setting.repository.split('/')
  const path = `policies/${repository.toLowerCase()}.policy.yaml`
  return { files: [...changed, { path, after: policy.text }], notes: [...notes, ...policy.notes] }
}

/** Loads it as the server would, with ids that are made up: proofs and its own tests too. */
function faultsOf(text: string): readonly string[] {
  const files = [{ path: 'proposed.policy.yaml', text }]
  const names = lockedNames(files).names.map(({ section, name }, at) => ({
    section,
    name,
    id: `${9000 + at}`,
  }))
  const loaded = loadPolicy(files, { path: 'policy.lock.yaml', text: lockText(lockOf(names)) })
  return loaded.ok ? [] : loaded.problems.map(({ code, message }) => `${code}: ${message}`)
}

/** What a terminal would obey, or that shows a text in another order than it is. */
const unprintable = /[^\P{Cc}\n\r\t]|\p{Bidi_Control}/u

/** A workflow, or why there is none. */
function read(path: string, text: string): Workflow | string {
  if (unprintable.test(text) || /[^ -~]|["\\]/.test(path))
    return `${path}: left as it is: it holds what cannot be shown`
  try {
    return readWorkflow(path, text)
  } catch (thrown) {
    if (!(thrown instanceof Unreadable)) throw thrown
    return `${path}:${thrown.place.line}: left as it is: ${thrown.message}`
  }
}

function ofWorkflow(text: string, workflow: Workflow, setting: FixSetting) {
  const plan = planOf(workflow)
  const notes = [...plan.notes]
  const whole = attempt(text, workflow, plan.jobs, setting)
  if (whole.is === 'patched')
    return { after: whole.text, fixes: plan.jobs, notes: [...notes, ...permissionNotes(plan.jobs, whole)] }
  // What all jobs share stays for all when one of them cannot go.
  const fixes = plan.jobs.slice(0, mostJobs).flatMap((fix) => {
    const alone = attempt(text, workflow, [fix], setting)
    if (alone.is === 'patched') return withoutShared(fix)
    notes.push(`${workflow.path}:${fix.job.place.line}: job \`${fix.job.name}\`: left as it is: ${alone.why}`)
    return []
  })
  const rest = attempt(text, workflow, fixes, setting)
  if (rest.is === 'patched')
    return { after: rest.text, fixes, notes: [...notes, ...permissionNotes(fixes, rest)] }
  return { after: text, fixes: [], notes: [...notes, `${workflow.path}: left as it is: ${rest.why}`] }
}

/** Where nothing was said, a job had what the organisation's default is: what its own token did may need more. */
function permissionNotes(fixes: readonly JobFix[], { before, made }: Patched): readonly string[] {
  const above = permissionsOf(before.node)
  const jobs = fixes.filter(
    ({ job }) => permissionsOf(job.node) === undefined && (above === undefined || above.get('*') === 'read'),
  )
  const all = above === undefined && permissionsOf(made.node) !== undefined
  return [
    ...jobs.map(
      ({ job }) =>
        `${before.path}:${job.place.line}: job \`${job.name}\` now may read contents and ask for an identity token: add what else its own token does`,
    ),
    ...(all
      ? [`${before.path}: jobs without permissions now may read contents: add what else their token does`]
      : []),
  ]
}

function withoutShared(fix: JobFix): readonly JobFix[] {
  const replaced = fix.replaced.filter(({ use }) => use.where !== 'workflow env')
  return replaced.length === 0 ? [] : [{ ...fix, replaced }]
}

interface Patched {
  readonly is: 'patched'
  readonly text: string
  readonly before: Workflow
  readonly made: Workflow
}

type Attempt = Patched | { readonly is: 'not'; readonly why: string }

/** A patch counts only when what it makes is read as a workflow again. */
function attempt(text: string, workflow: Workflow, fixes: readonly JobFix[], setting: FixSetting): Attempt {
  try {
    const made = patched(text, workflow, fixes, setting)
    return { is: 'patched', text: made, before: workflow, made: readWorkflow(workflow.path, made) }
  } catch (thrown) {
    if (thrown instanceof CannotEdit) return { is: 'not', why: thrown.message }
    if (!(thrown instanceof Unreadable)) throw thrown
    return { is: 'not', why: 'it would be no workflow any more' }
  }
}
