/** An exchange as the log holds it: what was asked, by whom, what was said. */

export interface ExchangeEntry {
  readonly entry: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** Absent where the token could not be verified: then no policy decided. */
  readonly issuer?: string
  readonly subject?: string
  /** A target's name, or what was asked for. */
  readonly target: string
  readonly asked: { readonly scopes?: readonly string[]; readonly seconds?: number }
  readonly claims: Readonly<Record<string, unknown>>
  /** Names of claims that the token had and the log does not keep. */
  readonly dropped: readonly string[]
  /** Digest of the policy that decided. */
  readonly policy?: string
  readonly given?: {
    readonly grants: readonly string[]
    readonly scopes: readonly string[]
    readonly seconds: number
  }
  readonly refused?: { readonly code: string; readonly decision?: string; readonly reason: string }
  /** Something that the decision needs was too long for the log. */
  readonly cut: boolean
}

const types = ['credential.issued', 'credential.pending', 'credential.refused']

/** Reads an entry. `undefined` when it is not about an exchange. */
export function exchangeEntry(text: string): ExchangeEntry | undefined {
  const entry = object(JSON.parse(text))
  const type = String(entry['type'])
  if (!types.includes(type)) return undefined
  const claims = object(entry['claims'])
  const asked = object(entry['asked'])
  return {
    entry: String(entry['id']),
    at: Number(entry['at']),
    ...optional('issuer', textOf(entry['issuer'])),
    ...optional('subject', textOf(entry['subject'])),
    target: textOf(entry['target']) ?? '',
    asked: {
      ...('scopes' in asked ? { scopes: texts(asked['scopes']) } : {}),
      ...(typeof asked['seconds'] === 'number' ? { seconds: asked['seconds'] } : {}),
    },
    claims,
    dropped: texts(entry['dropped']),
    ...optional('policy', textOf(entry['policy'])),
    ...(type === 'credential.refused' ? { refused: refusal(entry) } : { given: gift(entry) }),
    cut: entry['cut'] === true || Object.values(claims).some(isCut) || texts(asked['scopes']).some(isCut),
  }
}

function refusal(entry: Readonly<Record<string, unknown>>) {
  const decision = textOf(entry['decision'])
  const code = textOf(entry['code']) ?? ''
  return { code, reason: textOf(entry['reason']) ?? '', ...optional('decision', decision) }
}

function gift(entry: Readonly<Record<string, unknown>>) {
  const seconds = Number(entry['seconds'] ?? Number.NaN)
  return { grants: texts(entry['grants']), scopes: texts(entry['scopes']), seconds }
}

/** The marks that the log leaves where it cut. */
function isCut(value: unknown): boolean {
  return typeof value === 'string' && /\[cut(: \d+ characters|: not a text|: too deep)?\]$/.test(value)
}

function optional<Name extends string>(name: Name, value: string | undefined) {
  return (value === undefined ? {} : { [name]: value }) as { readonly [Each in Name]?: string }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
