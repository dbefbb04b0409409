import { diffPolicies, isEmptyDiff } from '@mayfly/policy/diff'
import { type Command, ConfigurationFault, type Given, UsageFault } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { diffMarkdown, diffText } from '../diff-report.ts'
import { readPolicyRevision } from '../git-folder.ts'
import { formatPolicies, loadSources, type ReadPolicies, readPolicySources } from '../policies.ts'
import { json } from '../table.ts'

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
    2: 'wrong usage, or a policy with faults',
    3: 'something of tier production is gained, lasts longer or means something else, or not all could be told',
  },
  run: async (given, terminal) => {
    const [before, after] = await bothOf(given)
    const diff = diffPolicies(loaded('old', before), loaded('new', after))
    if (given.flag('json')) await terminal.write(json({ changed: !isEmptyDiff(diff), ...diff }))
    else await terminal.write(given.flag('markdown') ? diffMarkdown(diff) : diffText(diff))
    return diff.productionGained ? 3 : 0
  },
}

async function bothOf(given: Given): Promise<readonly [ReadPolicies, ReadPolicies]> {
  const revision = given.text('git')
  const [first, second] = given.words
  if (revision !== undefined) {
    if (second !== undefined) throw new UsageFault('with --git there is one FOLDER')
    const folder = first ?? 'policies'
    const old = await readPolicyRevision(folder, revision)
    return [loadSources(old, folder), loadSources(await readPolicySources(folder), folder)]
  }
  if (first === undefined || second === undefined) throw new UsageFault('name two folders, or --git REVISION')
  return [
    loadSources(await readPolicySources(first), first),
    loadSources(await readPolicySources(second), second),
  ]
}

function loaded(which: 'old' | 'new', read: ReadPolicies) {
  if (read.loaded.ok) return read.loaded.policy
  throw new ConfigurationFault(`the ${which} policy has faults\n${formatPolicies(read).join('\n')}`)
}
