/** What a command is: data that help is made of, and one function. */
import type { Terminal } from './terminal.ts'

/** 0: done. 1: refused or failed. 2: wrong usage or configuration. 3: only where a command says what it means. */
export type ExitCode = 0 | 1 | 2 | 3

export interface Option {
  readonly type: 'string' | 'boolean'
  /** What stands for the value in help, `FILE`. */
  readonly value?: string
  readonly summary: string
}

export interface Command {
  /** What follows the command's name, `[options] FILE`. */
  readonly usage: string
  /** A few lines below the summary. */
  readonly about?: string
  readonly options: Readonly<Record<string, Option>>
  /** How many words may follow; too few or too many is wrong usage. */
  readonly words: { readonly least: number; readonly most: number }
  /** Whole command lines. */
  readonly examples: readonly string[]
  /** Only where the code means something of its own. */
  readonly exits?: Partial<Readonly<Record<ExitCode, string>>>
  /** `exec` alone answers with more than these: with the exit code of what it ran. */
  readonly run: (given: Given, terminal: Terminal) => Promise<number>
}

/** What a user typed, checked against the command's options. */
export interface Given {
  readonly words: readonly string[]
  readonly text: (option: string) => string | undefined
  readonly flag: (option: string) => boolean
}

/** One line of the table: everything that help needs without loading the command. */
export interface Listed {
  /** `leases list` */
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<{ readonly command: Command }>
}

/** The command line cannot be understood or cannot be carried out as written; exit code 2. */
export class UsageFault extends Error {
  override readonly name = 'UsageFault'
}

/** A file that the user wrote is wrong; the message has a line for each fault. Exit code 2. */
export class ConfigurationFault extends Error {
  override readonly name = 'ConfigurationFault'
}
