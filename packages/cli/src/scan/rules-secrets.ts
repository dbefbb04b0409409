/** scan/rules-secrets: which static secrets there are, and where they flow. */

import { entryOf, textOf } from '@mayfly/policy/document-tree'
import { credentialOf, isIdentifier } from './credentials.ts'
import { type Family, type Finding, finding, type Rule } from './finding.ts'
import { outputUses, type SecretUse, secretUses } from './secret-use.ts'
import { actionOf, type Workflow } from './workflow.ts'

const longLivedKey: Rule = {
  id: 'MS001',
  name: 'long-lived-key',
  severity: 'high',
  title: 'A key that outlives the job',
  why: 'Whoever once reads it can use it from anywhere until somebody replaces it: it says nothing about the job.',
  instead: 'A target that makes a credential for this job.',
}
const staticSecret: Rule = {
  id: 'MS002',
  name: 'static-secret',
  severity: 'medium',
  title: 'A static secret',
  why: 'Every job of every branch that may read the secret gets it, and nothing says which one did.',
  instead: 'A target of kind `secret`, and a better kind when there is one.',
}
const inherited: Rule = {
  id: 'MS003',
  name: 'inherited-secrets',
  severity: 'medium',
  title: 'All secrets are handed to another workflow',
  why: 'The called workflow gets every secret of this one, those that it does not need and those that come later.',
  instead:
    'Name the secrets that it needs; better, let its job ask the broker itself (docs/guide/reusable-workflows.md).',
}
const allSecrets: Rule = {
  id: 'MS004',
  name: 'all-secrets',
  severity: 'high',
  title: 'All secrets at once, or one that only the run decides',
  why: 'The platform masks and reviews secrets by name; a step that gets all of them can give all of them away.',
  instead: 'Name the one secret that the step needs, or let the job ask the broker for one target.',
}
const inScript: Rule = {
  id: 'MS005',
  name: 'secret-in-script',
  severity: 'medium',
  title: 'A secret is pasted into a script',
  why: 'It stands in the script file and often in a list of processes, and a quote in it changes the script.',
  instead: 'Give it to the step in `env:` and write `"$NAME"`; the Mayfly action sets variables by itself.',
}
const tooWide: Rule = {
  id: 'MS006',
  name: 'secret-for-every-step',
  severity: 'medium',
  title: 'A secret in the environment of all steps',
  why: 'Every action and every build script of the job reads it, not only the step that needs it.',
  instead: 'Move it to the `env:` of the one step that needs it.',
}
const literal: Rule = {
  id: 'MS007',
  name: 'credential-in-file',
  severity: 'high',
  title: 'A credential stands in the file',
  why: 'Whoever reads the repository has it, and its history keeps it.',
  instead: 'Replace it where it was made, then let the job ask the broker for one.',
}

const keptName: Rule = {
  id: 'MS008',
  name: 'name-among-secrets',
  severity: 'low',
  title: 'A name is kept as a secret',
  why: 'An ARN or an id opens nothing; among the secrets it hides from review which one a job uses.',
  instead: 'A variable of the repository or of the environment: `vars.NAME`.',
}

/** Forms that nothing but a credential has. */
const forms: readonly (readonly [RegExp, string])[] = [
  [/\bAKIA[0-9A-Z]{16}\b/g, 'an access key of AWS'],
  [/-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/g, 'a private key'],
  [/\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})/g, 'a token of GitHub'],
  [/\bnpm_[A-Za-z0-9]{36}\b/g, 'a token of npm'],
  [/\bxox[abps]-[A-Za-z0-9-]{20,}/g, 'a token of Slack'],
]

export const secretRules: Family = {
  rules: [longLivedKey, staticSecret, inherited, allSecrets, inScript, tooWide, literal, keptName],
  find: (workflow) => {
    const all = secretUses(workflow)
    const uses = all.filter((use) => !isIdentifier(use))
    return [
      ...all.filter(isIdentifier).map((use) => {
        return finding(
          keptName,
          workflow,
          use.place,
          `\`${use.name}\` names something, and goes to ${whereTo(use)}`,
        )
      }),
      ...uses.map((use) => ofUse(workflow, use)),
      ...uses.filter(isScript).map((use) => pasted(workflow, use)),
      ...workflow.jobs.flatMap((job) =>
        job.steps.flatMap((step) =>
          outputUses(job, step)
            .filter(({ where }) => where === 'run')
            .map(({ name, place }) => pasted(workflow, { name, place, where: 'run', job, step })),
        ),
      ),
      ...uses.filter(reachesMore).map((use) => shared(workflow, use)),
      ...workflow.jobs.flatMap(({ node, name, uses }) => {
        const entry = entryOf(node, 'secrets')
        if (entry === undefined || textOf(entry.value) !== 'inherit') return []
        const message = `job \`${name}\` hands every secret to \`${uses?.text ?? '?'}\``
        return [finding(inherited, workflow, entry.place, message)]
      }),
      ...literals(workflow),
    ]
  },
}

function ofUse(workflow: Workflow, use: SecretUse): Finding {
  if (use.name === '*' || use.name === '?') {
    const what = use.name === '*' ? 'every secret' : 'a secret whose name only the run knows'
    return finding(allSecrets, workflow, use.place, `${what} goes to ${whereTo(use)}`)
  }
  const { what, longLived, instead } = credentialOf(use)
  const message = `\`${use.name}\`, ${what}, goes to ${whereTo(use)}`
  return finding(longLived ? longLivedKey : staticSecret, workflow, use.place, message, instead)
}

type Spot = Pick<SecretUse, 'where' | 'job' | 'step'>

function pasted(workflow: Workflow, use: Spot & Pick<SecretUse, 'name' | 'place'>): Finding {
  return finding(
    inScript,
    workflow,
    use.place,
    `\`${use.name}\` becomes text of the script of ${whereTo(use)}`,
  )
}

function shared(workflow: Workflow, use: SecretUse): Finding {
  const message = `\`${use.name}\` is in the environment of ${whereTo(use)}, of all its steps`
  return finding(tooWide, workflow, use.place, message)
}

/** The text of a shell, or of the action that runs a script. */
function isScript({ where, key, step }: SecretUse): boolean {
  if (where === 'run') return true
  return key === 'script' && step !== undefined && actionOf(step) === 'actions/github-script'
}

/** A job of one step shares with nobody. */
function reachesMore({ where, job }: SecretUse): boolean {
  return where === 'workflow env' || (where === 'job env' && (job?.steps.length ?? 0) > 1)
}

/** For messages: who gets it. */
function whereTo({ where, job, step }: Spot): string {
  if (where === 'workflow env') return 'every job of the workflow'
  if (where === 'called workflow') return `the called workflow \`${job?.uses?.text ?? '?'}\``
  const at = `job \`${job?.name ?? '?'}\``
  if (where === 'container') return `a container of ${at}`
  return step === undefined ? at : `\`${step.name}\` of ${at}`
}

/** Of the whole text: comments are read by whoever reads the repository too. */
function literals(workflow: Workflow): readonly Finding[] {
  return workflow.text
    .split(/\r\n?|\n/)
    .flatMap((text, at) =>
      forms.flatMap(([form, what]) =>
        [...text.matchAll(form)].map(({ index }) =>
          finding(literal, workflow, { line: at + 1, column: index + 1 }, `${what} stands here`),
        ),
      ),
    )
}
