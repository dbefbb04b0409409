import { join } from 'node:path'
import { lockChanges, lockOf, lockText, parseLock, sameThings } from '@mayfly/policy/lock-text'
import { type LockedName, lockedNames } from '@mayfly/policy/locked-names'
import type { SourceFile } from '@mayfly/policy/problem'
import { formatProblem, type Problem } from '@mayfly/policy/problem'
import type { Lock } from '@mayfly/policy/read/lock'
import { type Command, ConfigurationFault, type ExitCode, type Given, UsageFault } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { GithubFault, githubApi } from '../lock/github-api.ts'
import { replaceFile } from '../lock/replace-file.ts'
import {
  changeTable,
  type Outcome,
  renamedOnGithub,
  replacedProblem,
  sameThingProblem,
} from '../lock/report.ts'
import { type Found, resolveNames } from '../lock/resolve.ts'
import { readPolicySources } from '../policies.ts'
import { printable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

const TIMEOUT_MILLISECONDS = 10_000

export const command: Command = {
  usage: '[options] [FOLDER]',
  about: `Asks GitHub for the id of every owner, repository and user that the policy in FOLDER names (default: policies),
names that are locked already included, and writes policy.lock.yaml. GITHUB_TOKEN or GH_TOKEN is needed for private
repositories only; reading metadata is enough. An id that is locked is never replaced by another without --accept:
a name that was given up can be registered by anybody.`,
  options: {
    check: { type: 'boolean', summary: 'Write nothing; is the lock up to date? For CI' },
    accept: {
      type: 'string',
      value: 'NAMES',
      summary: 'Names, separated by commas, whose new id is meant',
    },
    api: {
      type: 'string',
      value: 'URL',
      summary: 'GitHub’s REST API, for an own server https://HOST/api/v3; default: https://api.github.com',
    },
    json: jsonOption,
  },
  words: { least: 0, most: 1 },
  examples: ['mayfly policy lock policies/', 'mayfly policy lock policies/ --check'],
  exits: {
    0: 'the lock is up to date',
    1: 'a name is unknown or another thing than before, GitHub does not answer, or with --check: it is not up to date',
    2: 'wrong usage, or a policy with faults',
  },
  run: async (given, terminal) => {
    const folder = given.words[0] ?? 'policies'
    const accepted = acceptedNames(given)
    const api = githubApi({
      url: given.text('api') ?? 'https://api.github.com',
      token: terminal.env['GITHUB_TOKEN']?.trim() || terminal.env['GH_TOKEN']?.trim() || undefined,
      timeoutMilliseconds: TIMEOUT_MILLISECONDS,
    })
    const sources = await readPolicySources(folder)
    const old = readOldLock(sources.lock)
    const names = namesOf(sources.files, old.lock)
    terminal.progress(`asking GitHub for ${names.length} names`)
    const answers = await resolveNames(names, { api, lock: old.lock, accepted }).catch((thrown: unknown) => {
      if (thrown instanceof GithubFault) throw new GithubFault(`${thrown.message}; nothing was written`)
      throw thrown
    })
    const compared = compare(old, answers, accepted)
    const upToDate = compared.upToDate && sources.lock !== undefined
    const write = !upToDate && compared.problems.length === 0 && !given.flag('check')
    if (write) await replaceFile(join(folder, 'policy.lock.yaml'), lockText(lockOf(answers.found)))
    const outcome = { ...compared, upToDate: upToDate || write, written: write }
    const texts = new Map(sources.files.map(({ path, text }) => [path, text]))
    return tell(outcome, answers.found, given, terminal, texts)
  },
}

function acceptedNames(given: Given): ReadonlySet<string> {
  const said = given.text('accept')
  if (said !== undefined && given.flag('check')) throw new UsageFault('give --check or --accept')
  return new Set((said ?? '').split(',').map((name) => name.trim().toLowerCase()))
}

interface OldLock {
  readonly lock: Lock
  /** An id that is none, or two names of one id: what the command is there to mend. */
  readonly mendable: boolean
}

function readOldLock(file: SourceFile | undefined): OldLock {
  const { lock, problems } = parseLock(file)
  const broken = problems.filter(({ code }) => code !== 'P013')
  if (broken.length > 0) {
    const shown = broken.map((problem) => formatProblem(problem, file?.text))
    const hint = 'Mend the lock, or take its last good version: ids that cannot be read cannot be compared.'
    throw new ConfigurationFault([...shown, hint].join('\n'))
  }
  return { lock, mendable: problems.length > 0 }
}

function namesOf(files: readonly SourceFile[], lock: Lock): readonly LockedName[] {
  const { names, problems } = lockedNames(files, lock)
  if (problems.length === 0) return names
  const texts = new Map(files.map(({ path, text }) => [path, text]))
  const shown = problems.map((problem) => formatProblem(problem, texts.get(problem.path)))
  throw new ConfigurationFault(
    [...shown, 'The policy has faults: not every name can be seen, so nothing is locked.'].join('\n'),
  )
}

function compare(
  { lock, mendable }: OldLock,
  answers: { readonly found: readonly Found[]; readonly problems: readonly Problem[] },
  accepted: ReadonlySet<string>,
): Omit<Outcome, 'written'> {
  const { found } = answers
  // A name without an answer stays as it is, or it would be shown as gone.
  const unanswered = answers.problems.length > 0
  const changes = lockChanges(lock, found).filter(({ is }) => !unanswered || is !== 'gone')
  const replaced = changes.flatMap((change) => {
    const now = found.find(({ section, name }) => section === change.section && name === change.name)
    const refused = change.is === 'replaced' && !accepted.has(change.name)
    return refused && now !== undefined ? [replacedProblem(change, now)] : []
  })
  const same = sameThings(found).map((names) => sameThingProblem(names, found))
  const problems = [...answers.problems, ...replaced, ...same]
  const upToDate = changes.length === 0 && problems.length === 0 && !mendable
  return { upToDate, changes, renamed: renamedOnGithub(found), problems }
}

async function tell(
  outcome: Outcome,
  found: readonly Found[],
  given: Given,
  terminal: Terminal,
  texts: ReadonlyMap<string, string>,
): Promise<ExitCode> {
  const { upToDate, written, changes, renamed, problems } = outcome
  const code = upToDate ? 0 : 1
  if (given.flag('json')) {
    await terminal.write(`${JSON.stringify({ ok: upToDate, ...outcome })}\n`)
    return code
  }
  if (changes.length > 0) await terminal.write(changeTable(changes, found))
  for (const { name, now } of renamed)
    terminal.tell(
      printable(`\`${name}\` is called ${now} on GitHub now; the id is the same. Write the new name.`),
    )
  for (const problem of problems) terminal.tell(formatProblem(problem, texts.get(problem.path)))
  if (written) await terminal.write(`policy.lock.yaml written: ${found.length} names\n`)
  else if (upToDate) await terminal.write(`policy.lock.yaml is up to date: ${found.length} names\n`)
  else if (problems.length > 0) terminal.tell('Nothing was written.')
  else terminal.tell('policy.lock.yaml is not up to date; run `mayfly policy lock`. Nothing was written.')
  return code
}
