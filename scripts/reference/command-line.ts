import { commands } from '../../packages/cli/src/commands.ts'
import { commandHelp, overview } from '../../packages/cli/src/help.ts'
import { page } from './page.ts'

/** What `--help` prints, for every command. */
export async function commandLinePage(): Promise<string> {
  const helps: string[] = []
  for (const listed of commands) {
    const { command } = await listed.load()
    helps.push('', `## \`mayfly ${listed.name}\``, ...fenced(commandHelp(listed, command)))
  }
  return page('Command line', [
    'What `mayfly --help` and `mayfly COMMAND --help` print. In a clone, `npm run --silent mayfly -- COMMAND` is the',
    'same command.',
    ...fenced(overview(commands)),
    ...helps,
  ])
}

function fenced(text: string): string[] {
  return ['', '```text', text.trimEnd(), '```']
}
