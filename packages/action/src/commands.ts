/** The runner's commands on standard output: https://docs.github.com/actions, "Workflow commands". */
import { printable } from './printable.ts'
import type { Runner } from './runner.ts'

type Output = Pick<Runner, 'write'>

/** From here on the runner shows `***` instead. It compares line by line, so each line is a mask. */
export function mask(runner: Output, secret: string): void {
  for (const line of secret.split(/[\r\n]+/)) {
    if (line.trim() !== '') runner.write(`::add-mask::${escaped(line)}\n`)
  }
}

/** A plain line of the step's log. */
export function say(runner: Output, text: string): void {
  runner.write(`${printable(text)}\n`)
}

/** An annotation; lines of the text stay lines. */
export function warn(runner: Output, title: string, text: string): void {
  annotate(runner, 'warning', title, text)
}

export function fault(runner: Output, title: string, text: string): void {
  annotate(runner, 'error', title, text)
}

function annotate(runner: Output, command: 'warning' | 'error', title: string, text: string): void {
  const lines = text.split('\n').map(printable).join('\n')
  const property = escaped(printable(title)).replaceAll(':', '%3A').replaceAll(',', '%2C')
  runner.write(`::${command} title=${property}::${escaped(lines)}\n`)
}

function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}
