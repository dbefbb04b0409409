/** From words on a command line to an exit code. */
import { parseArgs } from 'node:util'
import { didYouMean } from '@mayfly/policy/nearest'
import {
  type Command,
  ConfigurationFault,
  type ExitCode,
  type Given,
  type Listed,
  UsageFault,
} from './command.ts'
import { commandHelp, overview } from './help.ts'
import { printable } from './table.ts'
import type { Terminal } from './terminal.ts'

/** Finds the command, checks what was typed, runs it, and says what went wrong. Never throws. */
export async function run(
  typed: readonly string[],
  commands: readonly Listed[],
  terminal: Terminal,
): Promise<number> {
  const listed = find(typed, commands)
  try {
    if (listed === undefined) return await withoutCommand(typed, commands, terminal)
    const { command } = await listed.load()
    const rest = typed.slice(listed.name.split(' ').length)
    if (asksForHelp(rest)) {
      await terminal.write(commandHelp(listed, command))
      return 0
    }
    return await command.run(read(rest, command), terminal)
  } catch (thrown) {
    return fail(thrown, listed, terminal)
  }
}

function find(typed: readonly string[], commands: readonly Listed[]): Listed | undefined {
  return commands.find(({ name }) => name.split(' ').every((word, position) => typed[position] === word))
}

/** `--help`, `--version`, the first word of a group alone, or something that we do not know. */
async function withoutCommand(typed: readonly string[], commands: readonly Listed[], terminal: Terminal) {
  const [first = '--help', second = '--help'] = typed
  if (first === '--help' || first === '-h' || first === 'help') {
    await terminal.write(overview(commands))
    return typed.length === 0 ? 2 : 0
  }
  if (first === '--version') {
    await terminal.write(`${(await import('./version.ts')).version}\n`)
    return 0
  }
  const group = commands.filter(({ name }) => name.startsWith(`${first} `))
  if (group.length > 0 && asksForHelp([second])) {
    await terminal.write(overview(group))
    return typed.length === 1 ? 2 : 0
  }
  throw new UsageFault(unknown(group.length > 0 ? `${first} ${second}` : first, commands))
}

function unknown(name: string, commands: readonly Listed[]): string {
  const names = new Set(commands.flatMap((each) => [each.name, each.name.split(' ')[0] ?? '']))
  const hint = didYouMean(name, names)
  return `there is no command \`${name}\`${hint === undefined ? '' : `; ${hint}`}`
}

function asksForHelp(typed: readonly string[]): boolean {
  const end = typed.indexOf('--')
  return (end < 0 ? typed : typed.slice(0, end)).some((word) => word === '--help' || word === '-h')
}

function read(typed: readonly string[], command: Command): Given {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { type }]) => [name, { type }]),
  )
  const known = Object.keys(options)
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(typed, options)
  } catch (thrown) {
    const wrong = /Unknown option '--([^']+)'/.exec(thrown instanceof Error ? thrown.message : '')?.[1]
    if (wrong === undefined) throw new UsageFault(thrown instanceof Error ? thrown.message : 'wrong options')
    const hint = didYouMean(wrong, known)?.replaceAll(/`([^`]+)`/g, '`--$1`')
    throw new UsageFault(`there is no option \`--${wrong}\`${hint === undefined ? '' : `; ${hint}`}`)
  }
  const { least, most } = command.words
  if (parsed.positionals.length < least) throw new UsageFault('something is missing')
  if (parsed.positionals.length > most) {
    throw new UsageFault(`\`${parsed.positionals[most]}\` is one word too many`)
  }
  const values: Readonly<Record<string, unknown>> = parsed.values
  const text = (name: string) => (typeof values[name] === 'string' ? values[name] : undefined)
  return { words: parsed.positionals, text, flag: (name) => values[name] === true }
}

function parse(typed: readonly string[], options: Record<string, { type: 'string' | 'boolean' }>) {
  return parseArgs({ args: [...typed], options, allowPositionals: true, strict: true })
}

function fail(thrown: unknown, listed: Listed | undefined, terminal: Terminal): ExitCode {
  const name = listed === undefined ? 'mayfly' : `mayfly ${listed.name}`
  const message = thrown instanceof Error ? thrown.message : 'something unexpected was thrown'
  if (thrown instanceof UsageFault) {
    terminal.tell(`${name}: ${lines(message)}\nUsage: \`${name} --help\``)
    return 2
  }
  // Whoever reads a list of faults wants nothing before the file's name, so that an editor can jump there.
  if (thrown instanceof ConfigurationFault) {
    terminal.tell(lines(message))
    return 2
  }
  // `mayfly leases list | head`: nobody reads any more, which is no fault of ours.
  if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EPIPE') return 0
  terminal.tell(`${name}: ${lines(message)}`)
  return 1
}

function lines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}
