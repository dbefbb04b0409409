import { Secret } from './secret.ts'

/** Names whose values are secrets wherever they stand: `authorization`, `subject_token`, `clientSecret`, `dbPassword`. */
const secretName =
  /(authorization|cookie|assertion|jwt|credentials?|dsn|privatekey|apikey|token|secret|password|passphrase)$/

/** Texts that are secrets by their look: three base64url parts, `user:password@` of a URL, an armoured key. */
const looks: readonly [RegExp, string][] = [
  [/\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{2,}(\.[A-Za-z0-9_-]*)?/g, '[token]'],
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1[credentials]@'],
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]{0,40}-----|$)/g, '[private key]'],
  [/\b(bearer|basic) +[A-Za-z0-9._~+/-]{8,}=*/gi, '$1 [credentials]'],
  [/\bmvs\.ls_[0-9a-z]{26}\.[A-Za-z0-9_-]{10,}/g, '[token]'],
  [/\b(ghs|ghp|gho|ghu|ghr|github_pat)_[A-Za-z0-9_]{10,}/g, '[token]'],
]

/** The start of a JSON object in base64url, and what follows it in a token. */
const token = /eyJ[A-Za-z0-9_-]{5,}(\.[A-Za-z0-9_-]*)+/g

/** A text in which callers may have put a token where none belongs, without it. */
export function withoutTokens(text: string): string {
  return mayHoldToken(text) ? text.replace(token, '[token]') : text
}

/** A text of a caller without what is a secret by its look. */
export function withoutSecrets(text: string): string {
  return looks.reduce((rest, [look, instead]) => rest.replace(look, instead), text)
}

/** Whether what stands under this name is a secret wherever it stands. */
export function isSecretName(name: string): boolean {
  return secretName.test(name.replaceAll(/[_-]/g, '').toLowerCase())
}

/** Cheap; true for some texts that hold none. */
export function mayHoldToken(text: string): boolean {
  // Hardly any text that is searched holds the rare letter, and one letter is found many times faster than three.
  return text.includes('J') && text.includes('eyJ')
}

const limits = { depth: 5, members: 50, text: 2000 } as const

export interface ScrubOptions {
  /** Keep the stacks of errors. */
  readonly stacks: boolean
}

/** Fields for a log: secrets become fingerprints or `[redacted]`, errors their names, messages and causes. */
export function scrub(
  fields: Readonly<Record<string, unknown>>,
  options: ScrubOptions,
): Record<string, unknown> {
  return scrubMembers(fields, options, 0)
}

function scrubMembers(value: object, options: ScrubOptions, depth: number): Record<string, unknown> {
  const members: [string, unknown][] = []
  for (const [name, member] of Object.entries(value).slice(0, limits.members)) {
    members.push([name, isHidden(name, member) ? '[redacted]' : scrubValue(member, options, depth + 1)])
  }
  return Object.fromEntries(members)
}

function isHidden(name: string, member: unknown): boolean {
  const mayBe = typeof member === 'string' || (typeof member === 'object' && !(member instanceof Secret))
  return mayBe && isSecretName(name)
}

function scrubValue(value: unknown, options: ScrubOptions, depth: number): unknown {
  if (typeof value === 'string') return scrubText(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Secret) return value.toString()
  if (depth > limits.depth) return '[too deep]'
  if (value instanceof Error) return scrubError(value, options, depth)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '[date]' : value.toISOString()
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) {
    return value.slice(0, limits.members).map((item: unknown) => scrubValue(item, options, depth + 1))
  }
  return scrubMembers(value, options, depth)
}

/** Own members of an error stay out: drivers put queries, addresses and whole requests there. */
function scrubError(error: Error, options: ScrubOptions, depth: number): Record<string, unknown> {
  const code: unknown = 'code' in error ? error.code : undefined
  return {
    name: error.name,
    message: scrubText(error.message),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(error.cause === undefined ? {} : { cause: scrubValue(error.cause, options, depth + 1) }),
    ...(options.stacks && error.stack !== undefined ? { stack: scrubText(error.stack) } : {}),
  }
}

function scrubText(text: string): string {
  const cut =
    text.length > limits.text ? `${text.slice(0, limits.text)}[cut: ${text.length} characters]` : text
  return withoutSecrets(cut)
}
