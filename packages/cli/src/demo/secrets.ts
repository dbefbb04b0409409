/** Everything secret that the demo meets: shown as fingerprints, and remembered so that step 7 can look for it. */
import { createHash } from 'node:crypto'

export interface KnownSecrets {
  /** Remembers a value and answers with what may be shown of it. */
  show(value: string): string
  /** Every value that was shown so. */
  readonly all: ReadonlySet<string>
}

export function openSecrets(): KnownSecrets {
  const all = new Set<string>()
  return {
    show: (value) => {
      all.add(value)
      return described(value)
    },
    all,
  }
}

/** As `Secret.fingerprint()` of the broker: 12 hex digits of SHA-256. A token also says what is in it. */
function described(value: string): string {
  const fingerprint = `sha256:${createHash('sha256').update(value).digest('hex').slice(0, 12)}`
  const claims = claimsOf(value)
  if (claims === undefined) return fingerprint
  const { aud, sub, exp, iat } = claims
  const said = [`for ${String(aud)}`]
  if (typeof sub === 'string') said.push(`of ${sub}`)
  if (typeof exp === 'number' && typeof iat === 'number') said.push(`${exp - iat} s`)
  return `${fingerprint} (${said.join(', ')})`
}

/** Claims of a compact token, read and not verified; `undefined` for anything else. */
export function claimsOf(value: string): Readonly<Record<string, unknown>> | undefined {
  const [, payload] = /^eyJ[\w-]*\.([\w-]+)\.[\w-]+$/.exec(value) ?? []
  if (payload === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    return typeof claims === 'object' && claims !== null ? { ...claims } : undefined
  } catch {
    return undefined
  }
}
