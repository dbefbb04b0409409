/** A message for a person: what matters of it, with secrets as fingerprints. */
import type { KnownSecrets } from './secrets.ts'
import type { Message } from './wire.ts'

/** Headers that say who asks and for whom; the others are every HTTP message's own. */
const headerNames = [
  'authorization',
  'x-github-event',
  'x-hub-signature-256',
  'x-mayfly-subject',
  'x-mayfly-lease',
  'x-mayfly-scope',
  'www-authenticate',
]

/** Members whose value opens a door. */
const secretMembers = new Set(['subject_token', 'access_token', 'token', 'assertion', 'value'])

/** Members that matter in a long body. */
const interesting = new Set([
  'action',
  'workflow_job.name',
  'workflow_job.conclusion',
  'workflow_job.run_id',
  'workflow_job.check_run_url',
  'repository.full_name',
])

/** The lines of one message. */
export function showMessage(message: Message, secrets: KnownSecrets): readonly string[] {
  const { from, to, method, path, status } = message
  const [name = '', query] = path.split('?')
  const target = query === undefined ? name : `${shortened(name)}?${decodeURIComponent(query)}`
  return [
    `${from} -> ${to}: ${method} ${target}`,
    ...indented([...headers(message.headers, secrets), ...body(message.headers, message.body, secrets)]),
    `  <- ${status}`,
    ...indented([
      ...headers(message.answerHeaders, secrets),
      ...body(message.answerHeaders, message.answer, secrets),
    ]),
  ]
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `     ${line}`)
}

function shortened(path: string): string {
  return path.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, (id) => `${id.slice(0, 8)}...`)
}

function headers(all: Readonly<Record<string, string>>, secrets: KnownSecrets): readonly string[] {
  return headerNames.flatMap((name) => {
    const value = all[name]
    if (value === undefined) return []
    const token = name === 'authorization' ? /^Bearer (.+)$/.exec(value)?.[1] : undefined
    return [`${name}: ${token === undefined ? withoutHex(value) : `Bearer ${secrets.show(token)}`}`]
  })
}

/** What nobody reads to its end: a MAC of 64 digits. */
function withoutHex(value: string): string {
  return value.replaceAll(/[0-9a-f]{64}/g, (digits) => `${digits.slice(0, 12)}...`)
}

function body(all: Readonly<Record<string, string>>, text: string, secrets: KnownSecrets): readonly string[] {
  if (text === '') return []
  const type = all['content-type'] ?? ''
  if (type.startsWith('application/x-www-form-urlencoded')) {
    return [...new URLSearchParams(text)].map(([name, value]) => member(name, value, secrets))
  }
  const parsed = type.includes('json') ? parse(text) : undefined
  if (parsed === undefined) return [`${text.length} characters of ${type || 'no type'}`]
  // What an explanation says in words is enough to read.
  const members = flatten(parsed).filter(([name]) => !name.startsWith('explanation.grants'))
  const secret = members.some(([name, value]) => isSecret(name, value))
  if (text.length <= 240 && !secret) return [text.trim()]
  const chosen = members.some(([name]) => interesting.has(name))
    ? members.filter(([name]) => interesting.has(name))
    : members
  return chosen.slice(0, 14).map(([name, value]) => member(name, value, secrets))
}

function member(name: string, value: string, secrets: KnownSecrets): string {
  if (isSecret(name, value)) return `${name}: ${secrets.show(value)}`
  return `${name}: ${value.length > 160 ? `${value.slice(0, 160)}...` : value}`
}

function isSecret(name: string, value: string): boolean {
  return secretMembers.has(name.slice(name.lastIndexOf('.') + 1)) || /^eyJ[\w-]+\./.test(value)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `{ a: { b: 1 } }` as `[['a.b', '1']]`. */
function flatten(value: unknown, prefix = ''): readonly [string, string][] {
  if (typeof value !== 'object' || value === null) return [[prefix, String(value)]]
  return Object.entries(value).flatMap(([name, each]) =>
    flatten(each, prefix === '' ? name : `${prefix}.${name}`),
  )
}
