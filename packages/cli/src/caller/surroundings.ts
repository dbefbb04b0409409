/** The caller's surroundings as this machine has them. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import type { PlatformTokens, Surroundings } from '@mayfly/client/platform'
import { platformTokens } from '@mayfly/client/platform'
import { type Given, type Option, UsageFault } from '../command.ts'
import { readText } from '../input.ts'
import type { Terminal } from '../terminal.ts'

/** Options of every command that asks a broker. */
export const callerOptions: Readonly<Record<string, Option>> = {
  url: { type: 'string', value: 'URL', summary: 'The broker; default: the variable MAYFLY_URL' },
  'token-file': { type: 'string', value: 'FILE', summary: 'Holds the identity token; - is standard input' },
  'token-env': { type: 'string', value: 'NAME', summary: 'The variable that holds the identity token' },
}

/** The broker's URL. Throws `UsageFault`. */
export function brokerOf(given: Given, terminal: Terminal): string {
  const url = given.text('url') ?? terminal.env['MAYFLY_URL']
  if (!url) throw new UsageFault('--url is missing: the URL of the broker')
  const named = given.text('url') === undefined ? 'the variable MAYFLY_URL' : '--url'
  if (!URL.canParse(url)) throw new UsageFault(`${named} is no URL; write it like https://mayfly.example.com`)
  return url
}

/** The job's identity tokens: those that the options name, or else the platform's. Throws `UsageFault`. */
export async function tokensOf(given: Given, terminal: Terminal, url: string): Promise<PlatformTokens> {
  const [path, name] = ['token-file', 'token-env'].map((option) => given.text(option))
  if (path !== undefined && name !== undefined) throw new UsageFault('give --token-file or --token-env')
  if (path === undefined && name === undefined) return platformTokens(surroundingsOf(terminal), url)
  const token = path === undefined ? (terminal.env[name ?? ''] ?? '').trim() : await readText(path, terminal)
  if (token === '')
    throw new UsageFault(`${path === undefined ? `the variable \`${name}\`` : 'the file'} is empty`)
  const variables = name === undefined ? [] : [name]
  return { platform: 'what was given', fresh: false, variables, token: async () => token }
}

const programMs = 20_000

function surroundingsOf({ env }: Terminal): Surroundings {
  return {
    env,
    readFile: (path) => readFile(path, 'utf8').catch(() => undefined),
    run: (program, args) =>
      new Promise((resolve) => {
        execFile(program, [...args], { timeout: programMs }, (fault, stdout) =>
          resolve(fault === null ? stdout : undefined),
        )
      }),
  }
}
