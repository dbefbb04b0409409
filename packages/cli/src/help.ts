/** Help texts, made of what commands say about themselves. */
import type { Command, ExitCode, Listed, Option } from './command.ts'

const exits: Partial<Readonly<Record<ExitCode, string>>> = {
  0: 'done',
  1: 'refused or failed',
  2: 'wrong usage or configuration',
}

/** `mayfly --help`. */
export function overview(commands: readonly Listed[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  return [
    'mayfly: credentials that live for one job',
    '',
    'Usage: mayfly COMMAND [options]',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    '`mayfly COMMAND --help` says more, with an example. `mayfly --version` says which version this is.',
    `Exit codes: ${exitLine(exits)}.`,
    '',
  ].join('\n')
}

/** `mayfly COMMAND --help`. */
export function commandHelp({ name, summary }: Listed, command: Command): string {
  const options: [string, Option][] = [
    ...Object.entries(command.options),
    ['help', { type: 'boolean', summary: 'This text' }],
  ]
  const spelled = options.map(([option, { value }]) => `--${option}${value === undefined ? '' : ` ${value}`}`)
  const width = Math.max(...spelled.map((text) => text.length))
  return [
    `mayfly ${name}: ${summary}`,
    ...(command.about === undefined ? [] : ['', command.about]),
    '',
    `Usage: mayfly ${name} ${command.usage}`.trimEnd(),
    '',
    ...options.map(
      ([, option], position) => `  ${(spelled[position] ?? '').padEnd(width)}  ${option.summary}`,
    ),
    '',
    command.examples.length === 1 ? 'Example:' : 'Examples:',
    ...command.examples.map((example) => `  ${example}`),
    '',
    `Exit codes: ${exitLine({ ...exits, ...command.exits })}.`,
    '',
  ].join('\n')
}

function exitLine(meanings: Partial<Readonly<Record<ExitCode, string>>>): string {
  return Object.entries(meanings)
    .map(([code, meaning]) => `${code} ${meaning}`)
    .join('; ')
}
