import { diffPolicies, isEmptyDiff, noPolicy } from '@mayfly/policy/diff'
import type { Policy } from '@mayfly/policy/policy'
import { type Command, type Given, UsageFault } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { diffMarkdown, diffText } from '../diff-report.ts'
import { readPolicyRevision } from '../git-folder.ts'
import { formatPolicies, loadSources, type ReadPolicies, readPolicySources } from '../policies.ts'
import { json } from '../table.ts'
import type { Terminal } from '../terminal.ts'

export const command: Command = {
  usage: '[options] OLD NEW | --git REVISION [FOLDER]',
  about: `Says what a changed policy changes for tokens: who gains, who loses, whose access lasts longer or shorter. OLD
and NEW are folders; with --git the folder (default: policies) is compared with itself at a revision.`,
  options: {
    git: { type: 'string', value: 'REVISION', summary: 'Compare with this revision, origin/main' },
    markdown: { type: 'boolean', summary: 'Answer as Markdown, for a comment on a pull request' },
    json: jsonOption,
  },
  words: { least: 0, most: 2 },
  examples: ['mayfly policy diff --git origin/main policies/', 'mayfly policy diff old/ new/'],
  exits: {
    0: 'nobody gains anything of tier production',
    1: 'a policy has faults',
    3: 'something of tier production is gained, lasts longer or means something else, or not all could be told',
  },
  run: async (given, terminal) => {
    const [before, after] = await bothOf(given)
    const [old, next] = [loaded('old', before, terminal), loaded('new', after, terminal)]
    if (old === undefined || next === undefined) return 1
    const diff = diffPolicies(old, next)
    if (given.flag('json')) await terminal.write(json({ changed: !isEmptyDiff(diff), ...diff }))
    else await terminal.write(given.flag('markdown') ? diffMarkdown(diff) : diffText(diff))
    return diff.productionGained ? 3 : 0
  },
}

/** `nothing`: the revision has no policy there, so whatever the new one gives is gained. */
type Side = ReadPolicies | 'nothing'

async function bothOf(given: Given): Promise<readonly [Side, ReadPolicies]> {
  const revision = given.text('git')
  const [first, second] = given.words
  if (revision !== undefined) {
    if (second !== undefined) throw new UsageFault('with --git there is one FOLDER')
    const folder = first ?? 'policies'
    const after = loadSources(await readPolicySources(folder), folder)
    const old = await readPolicyRevision(folder, revision)
    return [old.files.length === 0 ? 'nothing' : loadSources(old, folder), after]
  }
  if (first === undefined || second === undefined) throw new UsageFault('name two folders, or --git REVISION')
  return [
    loadSources(await readPolicySources(first), first),
    loadSources(await readPolicySources(second), second),
  ]
}

function loaded(which: 'old' | 'new', read: Side, terminal: Terminal): Policy | undefined {
  if (read === 'nothing') {
    terminal.tell('the revision has no policy in this folder: all of it is new')
    return noPolicy
  }
  if (read.loaded.ok) return read.loaded.policy
  terminal.tell(`the ${which} policy has faults`)
  for (const problem of formatPolicies(read)) terminal.tell(problem)
  return undefined
}
