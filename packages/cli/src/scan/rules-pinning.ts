/** scan/rules-pinning: other people's code that sees secrets, by a name that they can move. */

import { entriesOf, member, textOf, textsBelow } from '@mayfly/policy/document-tree'
import { credentialUses } from './credentials.ts'
import { expressionsOf } from './expression.ts'
import { type Family, type Finding, finding, type Rule } from './finding.ts'
import { outputUses, type SecretUse } from './secret-use.ts'
import { actionOf, type Job, type Step, type Workflow } from './workflow.ts'

const unpinned: Rule = {
  id: 'MS030',
  name: 'unpinned-action-sees-secrets',
  severity: 'high',
  title: 'An action sees secrets and is not pinned',
  why: 'Tags and branches move: whoever can move this one gets the secrets at the next run.',
  instead: 'Pin it to the full commit (40 digits) and let a bot propose newer ones; images by `@sha256:`.',
}

export const pinningRules: Family = {
  rules: [unpinned],
  find: (workflow) => {
    const uses = credentialUses(workflow)
    return workflow.jobs.flatMap((job) => [...called(workflow, job, uses), ...ofSteps(workflow, job, uses)])
  },
}

function ofSteps(workflow: Workflow, job: Job, uses: readonly SecretUse[]): readonly Finding[] {
  const shared = uses.filter(
    (use) => use.where === 'workflow env' || (use.where === 'job env' && use.job === job),
  )
  const own = Map.groupBy(
    uses.filter((use) => use.job === job),
    ({ step }) => step,
  )
  return job.steps.flatMap((step) => ofStep(workflow, job, step, [...(own.get(step) ?? []), ...shared]))
}

function ofStep(workflow: Workflow, job: Job, step: Step, uses: readonly SecretUse[]): readonly Finding[] {
  if (step.uses === undefined || isPinned(step.uses.text)) return []
  // The platform's own actions are as trusted as the machine that runs them.
  const seen = uses.map(({ name }) => name)
  seen.push(...outputUses(job, step).map(({ name }) => name))
  if (workflow.is === 'action') seen.push(...secretInputs(step))
  if (seen.length === 0 || /^(?:actions|github)\//.test(actionOf(step))) return []
  const message = `\`${step.uses.text}\` sees ${listed(seen)}`
  return [finding(unpinned, workflow, step.uses.place, message)]
}

function called(workflow: Workflow, job: Job, uses: readonly SecretUse[]): readonly Finding[] {
  if (job.uses === undefined || isPinned(job.uses.text)) return []
  const inherits = textOf(member(job.node, 'secrets')) === 'inherit'
  const seen = uses.filter((use) => use.job === job).map(({ name }) => name)
  if (!inherits && seen.length === 0) return []
  const message = `\`${job.uses.text}\` gets ${inherits ? 'every secret' : listed(seen)}`
  return [finding(unpinned, workflow, job.uses.place, message)]
}

function listed(names: readonly string[]): string {
  return [...new Set(names)]
    .map((name) => (name === '*' ? 'every secret' : name === '?' ? 'secrets' : `\`${name}\``))
    .join(', ')
}

/** Code of this repository, a whole commit, or an image by its digest. */
function isPinned(uses: string): boolean {
  if (uses.startsWith('./') || uses.startsWith('$') || uses === '') return true
  return uses.startsWith('docker://') ? /@sha256:[0-9a-f]{64}$/.test(uses) : /@[0-9a-f]{40}$/.test(uses)
}

/** Inputs of a composite action that its callers will give secrets to, by their names. */
function secretInputs(step: Step): readonly string[] {
  const values = [step.with, step.env].flatMap((node) => entriesOf(node).map(({ value }) => value))
  return values.flatMap((value) =>
    [...textsBelow(value)].flatMap(({ text }) =>
      expressionsOf(text).flatMap(({ references }) =>
        references
          .filter(({ path, tested }) => path[0] === 'inputs' && !tested && path[1] !== undefined)
          .map(({ path }) => path[1] ?? '')
          .filter((name) => /(?:token|password|secret|credentials?|[-_]key)$/.test(name)),
      ),
    ),
  )
}
