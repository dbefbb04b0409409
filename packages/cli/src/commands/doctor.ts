import { brokerUrl } from '@mayfly/client/endpoint'
import { jsonObject } from '@mayfly/client/json'
import type { PlatformTokens } from '@mayfly/client/platform'
import { MayflyRefused } from '@mayfly/client/refusal'
import { brokenTokenFaults } from '@mayfly/client/token-faults'
import { giveBack, obtain } from '../caller/held.ts'
import { brokerOf, callerOptions, tokensOf } from '../caller/surroundings.ts'
import type { Command, Given } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { conditionLines, json, printable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

export const command: Command = {
  usage: '[options]',
  about: `Says what stands between this job and a credential: the broker's URL and clock, the platform's token, its audience
and its times, and, with --target, the policy. What it gets it gives back at once.`,
  options: {
    ...callerOptions,
    target: { type: 'string', value: 'NAME', summary: 'Try this target as well' },
    json: jsonOption,
  },
  words: { least: 0, most: 0 },
  examples: ['mayfly doctor --url https://mayfly.example.com --target orders-api'],
  exits: { 1: 'something is wrong' },
  run: async (given, terminal) => {
    const url = brokerOf(given, terminal)
    const findings = await examine(url, given, terminal)
    const wrong = findings.some(({ is }) => is === 'wrong')
    if (given.flag('json')) await terminal.write(json({ ok: !wrong, findings }))
    else
      for (const { is, what } of findings)
        await terminal.write(`${is.padEnd(5)}  ${what.split('\n').map(printable).join('\n       ')}\n`)
    return wrong ? 1 : 0
  },
}

interface Finding {
  readonly is: 'ok' | 'wrong'
  readonly what: string
}

const ok = (what: string): Finding => ({ is: 'ok', what })
const wrong = (what: string): Finding => ({ is: 'wrong', what })

/** One after the other: what follows from something wrong is not looked at. */
async function examine(url: string, given: Given, terminal: Terminal): Promise<readonly Finding[]> {
  const broker = await lookAtBroker(url)
  if (broker.at(-1)?.is === 'wrong') return broker
  const tokens = await tokensOf(given, terminal, url)
  const target = given.text('target')
  if (target !== undefined) return [...broker, ...(await tryTarget(url, tokens, target, terminal))]
  try {
    const faults = brokenTokenFaults(await tokens.token(), brokerUrl(url), Date.now() / 1000)
    if (faults.length > 0) return [...broker, ...faults.map(wrong)]
    return [...broker, ok(`${tokens.platform} gives a token for this broker`)]
  } catch (thrown) {
    return [...broker, wrong(`${tokens.platform}: ${messageOf(thrown)}`)]
  }
}

/** Its metadata says its own name: another one would be refused by every token that it makes (RFC 8414 3.3). */
async function lookAtBroker(url: string): Promise<readonly Finding[]> {
  let plain: string
  try {
    plain = brokerUrl(url)
  } catch (thrown) {
    return [wrong(messageOf(thrown))]
  }
  try {
    const answer = await fetch(`${plain}/.well-known/openid-configuration`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(10_000),
    })
    const issuer = answer.status === 200 ? jsonObject(await answer.text())?.['issuer'] : undefined
    if (issuer === undefined)
      return [wrong(`${plain} answers with ${answer.status}, and not as a Mayfly broker; is the URL right?`)]
    if (issuer !== plain) return [wrong(`The broker calls itself ${String(issuer)}; use exactly that URL`)]
    return [ok(`${plain} is a Mayfly broker`), clockFinding(answer.headers.get('date'))]
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : messageOf(cause)
    return [wrong(`${plain} cannot be reached (${code})${hintFor(code)}`)]
  }
}

function clockFinding(date: string | null): Finding {
  const seconds = Math.round(Date.now() / 1000 - Date.parse(date ?? '') / 1000)
  if (Number.isNaN(seconds) || Math.abs(seconds) <= 60)
    return ok('its clock and the one of this machine agree')
  const way = seconds > 0 ? 'ahead of' : 'behind'
  return wrong(
    `The clock of this machine is ${Math.abs(seconds)} s ${way} the broker's: one of them is wrong`,
  )
}

function hintFor(code: string): string {
  if (/CERT|SELF_SIGNED|UNABLE_TO/.test(code))
    return ': its certificate is not trusted here; name its CA in NODE_EXTRA_CA_CERTS'
  if (code === 'ENOTFOUND') return ': its name is not known here'
  if (code === 'ECONNREFUSED') return ': nothing listens there'
  return ''
}

async function tryTarget(
  url: string,
  tokens: PlatformTokens,
  target: string,
  terminal: Terminal,
): Promise<readonly Finding[]> {
  try {
    const credential = await obtain({ url, tokens, scope: undefined }, target)
    await giveBack(url, credential, terminal)
    const by = credential.grants === undefined ? '' : `, by ${credential.grants.join(', ')}`
    return [
      ok(`${tokens.platform} gives a token for this broker`),
      ok(`\`${target}\` is granted for ${credential.expiresIn} s${by}`),
    ]
  } catch (thrown) {
    if (!(thrown instanceof MayflyRefused)) return [wrong(`${tokens.platform}: ${messageOf(thrown)}`)]
    const { message, explanation, advice } = thrown
    const lines = [
      message,
      explanation?.summary ?? '',
      ...advice,
      ...conditionLines(explanation?.grants ?? []),
    ]
    return [wrong(lines.filter((line) => line !== '').join('\n'))]
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : 'something unexpected was thrown'
}
