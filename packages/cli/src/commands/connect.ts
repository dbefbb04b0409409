import { brokerUrl } from '@mayfly/client/endpoint'
import type { PlatformTokens } from '@mayfly/client/platform'
import { brokerRetry } from '@mayfly/client/retry'
import { tellRefusal } from '../caller/held.ts'
import { holdSignals } from '../caller/held-signals.ts'
import { brokerOf, callerOptions, tokensOf } from '../caller/surroundings.ts'
import { type Command, type Given, UsageFault } from '../command.ts'
import { stayConnected } from '../connect/connector.ts'
import { DialRefused } from '../connect/dial.ts'
import { readPlaces } from '../connect/places.ts'
import { openTokens } from '../connect/tokens.ts'
import { printable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

export const command: Command = {
  usage: '--target NAME --name NAME --route ROUTES [options]',
  about: `Serves routes of a private network: it dials the broker, and the broker reaches through that connection the places
that are named here, and no others. Nothing has to let connections in. It has an identity like every job: its platform's
token is exchanged for one of the target, with the scope \`serve:NAME\`. It dials again when the connection breaks, renews
its token in time, and runs until SIGINT or SIGTERM. A file with the identity token is read anew each time.`,
  options: {
    ...callerOptions,
    target: { type: 'string', value: 'NAME', summary: 'The target of connectors in the policy' },
    name: { type: 'string', value: 'NAME', summary: 'The connector in the broker’s configuration' },
    route: {
      type: 'string',
      value: 'ROUTES',
      summary: 'What may be reached, several by comma: NAME=HOST:PORT, or HOST:PORT alone',
    },
    dial: {
      type: 'string',
      value: 'URLS',
      summary: 'Where the broker is dialled, several replicas by comma; default: its URL',
    },
  },
  words: { least: 0, most: 0 },
  examples: [
    'mayfly connect --target connectors --name office --route orders=10.0.0.7:3000',
    'mayfly connect --target connectors --name office --route orders=10.0.0.7:3000,wiki.internal:443 --token-file /run/identity/token',
  ],
  exits: { 1: 'the broker refused at the start, or the credential ended and cannot be renewed' },
  run: async (given, terminal) => {
    const url = brokerOf(given, terminal)
    const target = needed(given, 'target')
    const name = needed(given, 'name')
    const places = readPlaces(listed(needed(given, 'route')))
    const dialled = listed(given.text('dial') ?? url).map(brokerUrl)
    const wanted = { url, tokens: await identity(given, terminal, url), scope: `serve:${name}` }
    const over = new AbortController()
    const stopped = terminal.untilStopped(over.signal).then(() => over.abort(new Error('stopped')))
    const rest = {
      ...{ name, places, stop: over.signal, wait: brokerRetry.wait, random: brokerRetry.random },
      tell: (line: string) => terminal.tell(printable(line)),
      now: () => Date.now(),
    }
    let close: (signal: AbortSignal) => Promise<void> = async () => {}
    try {
      const tokens = await openTokens(wanted, target, terminal, over.signal)
      close = tokens.close
      await Promise.all(dialled.map((each) => stayConnected({ ...rest, tokens, url: each })))
      return 0
    } catch (thrown) {
      if (over.signal.aborted) return 0
      if (thrown instanceof DialRefused) terminal.tell(printable(thrown.message))
      else if (!tellRefusal(thrown, terminal)) throw thrown
      return 1
    } finally {
      over.abort(new Error('stopped'))
      await stopped
      const giving = holdSignals()
      await close(giving.impatient)
      giving.letGo()
    }
  },
}

/** A file is written anew by whoever gives this machine its identity: it is read each time. */
async function identity(given: Given, terminal: Terminal, url: string): Promise<PlatformTokens> {
  const tokens = await tokensOf(given, terminal, url)
  const path = given.text('token-file')
  if (path === undefined || path === '-') return tokens
  return { ...tokens, fresh: true, token: async () => (await tokensOf(given, terminal, url)).token() }
}

function needed(given: Given, option: string): string {
  const text = given.text(option)
  if (text === undefined || text === '') throw new UsageFault(`--${option} is missing`)
  return text
}

function listed(text: string): readonly string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
}
