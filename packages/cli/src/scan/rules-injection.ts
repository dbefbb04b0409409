/** scan/rules-injection: text that somebody else writes, pasted into a script. */
import { entriesOf, member, type TextNode, textOf } from '@mayfly/policy/document-tree'
import { expressionsOf } from './expression.ts'
import { type Family, type Finding, finding, type Rule } from './finding.ts'
import { actionOf, type Job, type Step, type Workflow } from './workflow.ts'

const injection: Rule = {
  id: 'MS023',
  name: 'text-becomes-script',
  severity: 'high',
  title: 'Text of somebody else becomes a script',
  why: 'The expression is pasted in before the script is read: a title or a branch name with `$(...)` is a command.',
  instead: 'Give it to the step in `env:` and write `"$NAME"`.',
}

export const injectionRules: Family = {
  rules: [injection],
  find: (workflow) => workflow.jobs.flatMap((job) => injections(workflow, job)),
}

/** What others write: names of branches and people's words; numbers, ids and fixed words are not in it. */
const written = [
  /^github\.head_ref$/,
  /^github\.event\.(?:issue|pull_request|discussion|comment|review|review_comment)\.(?:title|body)$/,
  /^github\.event\.pull_request\.head\.(?:ref|label|repo\.default_branch|repo\.description|repo\.homepage)$/,
  /^github\.event\.(?:head_commit|commits\..+|merge_group\.head_commit)\.(?:message|author\.(?:email|name)|committer\.(?:email|name))$/,
  /^github\.event\.workflow_run\.(?:head_branch|display_title|head_commit\.(?:message|author\.(?:email|name)))$/,
  /^github\.event\.pages\..+\.page_name$/,
  /^github\.event\.discussion\.(?:title|body)$/,
  /^github\.event(?:\.(?:issue|pull_request|comment|head_commit|review|discussion))?$/,
]

function injections(workflow: Workflow, job: Job): readonly Finding[] {
  return job.steps.flatMap((step) => {
    const bad = writtenVariables(workflow, job, step)
    return scriptsOf(step).flatMap((node) => ofScript(workflow, step, node, bad))
  })
}

function scriptsOf(step: Step): readonly TextNode[] {
  const script = actionOf(step) === 'actions/github-script' ? member(step.with, 'script') : undefined
  return [step.run, script].filter((node) => node?.is === 'text')
}

/** Inputs that a caller fills with what somebody else writes, as text of a script. */
export function inputInjections(workflow: Workflow, inputs: ReadonlyMap<string, string>): readonly Finding[] {
  const steps = workflow.jobs.flatMap((job) => job.steps)
  return steps.flatMap((step) =>
    scriptsOf(step).flatMap((node) =>
      expressionsOf(node.text).flatMap(({ source, number, references }) => {
        const found = references.find(
          ({ path, tested }) => !tested && path[0] === 'inputs' && inputs.has(path[1] ?? ''),
        )
        if (found === undefined) return []
        const [, name = ''] = found.path
        const message = `\`inputs.${name}\` becomes text of the script of \`${step.name}\`; others write it at ${inputs.get(name)}`
        return [finding(injection, workflow, node.find(source, number), message)]
      }),
    ),
  )
}

/** Variables whose value somebody else writes: `$NAME` is safe, `${{ env.NAME }}` is not. */
function writtenVariables(workflow: Workflow, job: Job, step: Step): ReadonlySet<string> {
  const maps = [member(workflow.node, 'env'), member(job.node, 'env'), step.env]
  const entries = maps.flatMap((map) => entriesOf(map))
  return new Set(
    entries.filter(({ value }) => isWritten(textOf(value) ?? '')).map(({ key }) => key.toLowerCase()),
  )
}

/** True when what somebody else writes flows into the text. */
export function isWritten(text: string): boolean {
  return expressionsOf(text).some(({ references }) =>
    references.some(({ path, tested }) => !tested && written.some((each) => each.test(path.join('.')))),
  )
}

function ofScript(
  workflow: Workflow,
  step: Step,
  node: TextNode,
  variables: ReadonlySet<string>,
): readonly Finding[] {
  return expressionsOf(node.text).flatMap(({ source, number, references }) => {
    const found = references.find(
      ({ path, tested }) =>
        !tested &&
        (written.some((each) => each.test(path.join('.'))) ||
          (path[0] === 'env' && variables.has(path[1] ?? ''))),
    )
    if (found === undefined) return []
    const message = `\`${found.path.join('.')}\` becomes text of the script of \`${step.name}\``
    return [finding(injection, workflow, node.find(source, number), message)]
  })
}
