/** scan/rules-outsiders: ways by which somebody outside of the repository gets code or files into a job, or starts it. */

import { member, type Node, type TextNode, textOf, textsBelow, textsOf } from '@mayfly/policy/document-tree'
import { credentialUses } from './credentials.ts'
import { expressionsOf } from './expression.ts'
import { type Family, type Finding, finding, type Rule } from './finding.ts'
import { asksWho, outsiders } from './triggers.ts'
import { actionOf, type Job, jobPermissions, type Step, type Workflow } from './workflow.ts'

const proposedCode: Rule = {
  id: 'MS020',
  name: 'proposed-code-with-secrets',
  severity: 'high',
  title: 'Proposed code runs beside secrets',
  why: 'The trigger gives the job the repository’s secrets and a token that writes; the code is whatever was proposed.',
  instead:
    'Build proposals on `pull_request`, which has no secrets; do the rest in a job that runs none of their code.',
}
const anybody: Rule = {
  id: 'MS021',
  name: 'anybody-starts-it',
  severity: 'medium',
  title: 'Anybody starts a job that has power',
  why: 'Comments, reviews and issues can be written by anybody, and the job does not ask who wrote them.',
  instead:
    'Ask in `if:` for `author_association`, or start it by `workflow_dispatch`; a policy leaves these events out.',
}
const proposedFiles: Rule = {
  id: 'MS022',
  name: 'proposed-files',
  severity: 'medium',
  title: 'Files of another run are taken as they are',
  why: 'The run that made them may have been a proposal’s: names, scripts and numbers in them are whoever’s.',
  instead:
    'Ask whether that run was of this repository (`github.event.workflow_run.head_repository`), and only read them.',
}
const ownMachine: Rule = {
  id: 'MS024',
  name: 'own-machine-for-proposals',
  severity: 'high',
  title: 'Proposed code runs on a machine of yours',
  why: 'What a proposal leaves on a self-hosted runner meets the next job, which may be a deployment.',
  instead: 'Run proposals on the platform’s own runners; a policy says `runner_environment: github-hosted`.',
}

export const outsiderRules: Family = {
  rules: [proposedCode, anybody, proposedFiles, ownMachine],
  find: (workflow) => {
    const checked = checkedJobs(workflow)
    return workflow.jobs.flatMap((job) => (checked.has(job) ? [] : ofJob(workflow, job)))
  },
}

/** The jobs that asked who did it, or that wait for one that did: found in as many rounds as they wait for each other. */
function checkedJobs({ jobs }: Workflow): ReadonlySet<Job> {
  const checked = new Set(jobs.filter(({ condition }) => asksWho(condition)))
  const waiting = jobs.filter((job) => job.needs.length > 0 && !referencesAlways(job))
  for (let before = -1; before < checked.size; ) {
    before = checked.size
    const names = new Set([...checked].map(({ name }) => name))
    for (const job of waiting) if (job.needs.some((name) => names.has(name))) checked.add(job)
  }
  return checked
}

function referencesAlways({ condition }: Job): boolean {
  return /"name":"(?:always|failure|cancelled)"/.test(JSON.stringify(condition))
}

function ofJob(workflow: Workflow, job: Job): readonly Finding[] {
  const events = [...job.triggers].filter((event) => outsiders.has(event))
  const steps = job.steps.filter(({ condition }) => !asksWho(condition))
  return [
    ...(events.length === 0 ? [] : steps.flatMap((step) => checkouts(workflow, job, step))),
    ...(job.triggers.has('workflow_run') ? steps.flatMap((step) => downloads(workflow, step)) : []),
    ...started(workflow, job),
    ...machines(workflow, job),
  ]
}

const head =
  /^github\.(?:head_ref$|event\.pull_request\.(?:head\.|number$|merge_commit_sha$)|event\.workflow_run\.(?:head_|pull_requests)|event\.(?:issue\.)?number$|event\.issue\.pull_request)/

function checkouts(workflow: Workflow, job: Job, step: Step): readonly Finding[] {
  const isCheckout = actionOf(step) === 'actions/checkout'
  const nodes = isCheckout ? [member(step.with, 'ref'), member(step.with, 'repository')] : [step.run]
  const script = /\b(?:gh pr checkout|git (?:fetch|checkout|pull|switch|merge|clone)\b)/
  const first = nodes
    .flatMap((node) => [...textsBelow(node)])
    .find((node) => {
      if (!isCheckout && !script.test(node.text)) return false
      const variables = isCheckout ? [] : [...textsBelow(step.env)]
      return (
        [node, ...variables].some(readsHead) ||
        (!isCheckout && /gh pr checkout|pull\/\S{1,100}?\/(?:head|merge)/.test(node.text))
      )
    })
  if (first === undefined) return []
  const events = [...job.triggers].filter((event) => outsiders.has(event)).join(', ')
  const place = isCheckout ? first.place : first.find(script.exec(first.text)?.[0] ?? '', 0)
  return [
    finding(proposedCode, workflow, place, `job \`${job.name}\` checks proposed code out, on ${events}`),
  ]
}

function readsHead({ text }: TextNode): boolean {
  return expressionsOf(text).some(({ references }) =>
    references.some(({ path, tested }) => !tested && head.test(path.join('.'))),
  )
}

function downloads(workflow: Workflow, step: Step): readonly Finding[] {
  const other =
    actionOf(step) === 'dawidd6/action-download-artifact' ||
    (actionOf(step) === 'actions/download-artifact' && member(step.with, 'run-id') !== undefined)
  if (step.uses !== undefined && other)
    return [
      finding(proposedFiles, workflow, step.uses.place, 'files of the run that started this one come in'),
    ]
  const script = [step.run, member(step.with, 'script')].find((node) => node?.is === 'text')
  const words = /gh run download|downloadArtifact/
  if (script?.is !== 'text' || !words.test(script.text)) return []
  const place = script.find(words.exec(script.text)?.[0] ?? '', 0)
  return [finding(proposedFiles, workflow, place, 'files of the run that started this one come in')]
}

const spoken: ReadonlySet<string> = new Set([
  'issue_comment',
  'issues',
  'discussion',
  'discussion_comment',
  'pull_request_review',
  'pull_request_review_comment',
  'fork',
  'watch',
])

function started(workflow: Workflow, job: Job): readonly Finding[] {
  const events = [...job.triggers].filter((event) => spoken.has(event))
  if (events.length === 0) return []
  const secrets = credentialUses(workflow).filter((use) => use.job === job || use.where === 'workflow env')
  const inherits = textOf(member(job.node, 'secrets')) === 'inherit'
  const strong = /^(?:\*|contents|packages|actions|deployments|id-token|pages|pull-requests|workflows)$/
  const writes = [...(jobPermissions(workflow, job) ?? [])].filter(
    ([name, access]) => access === 'write' && strong.test(name),
  )
  const powers = [
    ...new Set(secrets.map(({ name }) => `\`${name}\``)),
    ...(inherits ? ['every secret'] : []),
    ...writes.map(([name]) => (name === '*' ? 'every permission' : `\`${name}: write\``)),
  ]
  if (powers.length === 0) return []
  const message = `\`${events.join(', ')}\` of anybody starts job \`${job.name}\`, which has ${powers.join(', ')}`
  return [finding(anybody, workflow, job.place, message)]
}

function machines(workflow: Workflow, job: Job): readonly Finding[] {
  const proposals = [...job.triggers].filter((event) => event === 'pull_request' || outsiders.has(event))
  const node = member(job.node, 'runs-on')
  if (node === undefined || proposals.length === 0 || !isOwn(job, node)) return []
  const message = `\`${proposals.join(', ')}\` runs job \`${job.name}\` on a self-hosted runner`
  return [finding(ownMachine, workflow, node.place, message)]
}

/** By its labels, in whatever way they are written: a list, an expression, a row of the matrix. */
function isOwn(job: Job, node: Node): boolean {
  const labels = node.is === 'map' ? textsOf(member(node, 'labels')) : textsOf(node)
  if (
    labels.some((label) => label === 'self-hosted' || (label.includes('${') && label.includes('self-hosted')))
  )
    return true
  const ofMatrix = labels.some((label) =>
    expressionsOf(label).some(({ references }) => references.some(({ path }) => path[0] === 'matrix')),
  )
  const rows = [...textsBelow(member(member(job.node, 'strategy'), 'matrix'))]
  return ofMatrix && rows.some(({ text }) => /\bself-hosted\b/.test(text))
}
